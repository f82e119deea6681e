package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var muon = plugins.NewOptimizer(plugins.Spec{
	Name:    "muon",
	Summary: "momentum made orthogonal for weight matrices, adamw for everything else",
	Doc: `Each weight of two dimensions keeps a velocity b; its direction u, by convention, is made nearly
orthogonal: X = u/‖u‖, then ns_steps times X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ, (a, b, c) =
(3.4445, −4.7750, 2.0315), on the transpose if it has more rows than columns; the singular values end
between about 0.5 and 1.5. θ ← θ·(1 − lr·weight_decay) − lr·s·X. s is √max(1, rows/cols) for original,
√max(1, cols/rows) for transposed (weights stored as inputs × outputs), 0.2·√max(rows, cols) for
match_rms_adamw. Biases and tensors of other dimensions take a step of adamw with adam_lr_ratio·lr.
The iteration is done in float64, where PyTorch rounds to bfloat16.`,
	Citation: "Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks; match_rms_adamw: Liu et al. 2025, arXiv:2502.16982, eq. 4",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.ChoiceSetting(plugins.SettingConvention, "whose muon", "torch", "keras", "optax"),
		plugins.RealSetting("momentum", 0.95, "μ, the share of the velocity kept at each step").AtLeast(0).Below(1),
		plugins.FlagSetting("nesterov", true, "orthogonalise a look ahead along the velocity instead of the velocity"),
		plugins.IntegerSetting("ns_steps", 5, "iterations that orthogonalise").Within(1, 99),
		plugins.RealSetting("eps", 1e-7, "ε, keeps ‖u‖ from 0").Above(0).Under("optax", plugins.Real(1e-8)),
		plugins.ChoiceSetting("scale", "factor of the learning rate by the shape of a weight", "original", "match_rms_adamw", "transposed").
			Under("keras", plugins.Choice("match_rms_adamw")).Under("optax", plugins.Choice("transposed")),
		plugins.RealSetting("weight_decay", 0.1, "shrinks the orthogonalised weights by lr·weight_decay a step").AtLeast(0).
			Under("keras", plugins.Real(0.004)).Under("optax", plugins.Real(0)),
		plugins.RealSetting("adam_lr_ratio", 1, "learning rate of the other parameters, in terms of lr").AtLeast(0),
		plugins.RealSetting("adam_beta1", 0.9, "β₁ of the other parameters").AtLeast(0).Below(1),
		plugins.RealSetting("adam_beta2", 0.999, "β₂ of the other parameters").AtLeast(0).Below(1),
		plugins.RealSetting("adam_eps", 1e-8, "ε of the other parameters").Above(0).Under("keras", plugins.Real(1e-7)),
		plugins.RealSetting("adam_weight_decay", 0.01, "shrinks the other parameters by their learning rate times this a step").AtLeast(0).
			Under("keras", plugins.Real(0.004)).Under("optax", plugins.Real(0)),
	},
	Conventions: []plugins.Convention{
		{Name: "torch", LR: 1e-3, Source: "PyTorch 2.15, torch.optim.Muon, and torch.optim.AdamW for the rest",
			Rule: "b ← μ·b + (1 − μ)·g, u = (1 − μ)·g + μ·b, without nesterov u = b; ‖u‖ is at least ε"},
		{Name: "keras", LR: 1e-3, Source: "Keras 3.15, keras.optimizers.Muon",
			Rule: "b ← μ·b + g, u = g + μ·b, without nesterov u = b; ε is added to ‖u‖; adam's ε to the uncorrected root, and the other parameters decay by lr, not adam_lr_ratio·lr"},
		{Name: "optax", Source: "optax 0.2.8, optax.contrib.muon",
			Rule: "b ← μ·b + (1 − μ)·g, u = μ·b/(1 − μᵗ⁺¹) + (1 − μ)·g/(1 − μᵗ); ε is added to ‖u‖; without nesterov u = b/(1 − μᵗ); nesterov also holds for adam"},
	},
	StateFloats: 2,
}, newMuon[float32], newMuon[float64])

type muonState[F plugins.Float] struct {
	convention           string
	momentum, eps, decay float64
	nesterov             bool
	matrices             []muonMatrix
	others               innerAdam[F]
	velocity             []F // and the first moments of adam
	orthogonal           orthogonalizer
	steps                int64
}

type muonMatrix struct {
	span       plugins.Span
	rows, cols int
	scale      float64
}

func newMuon[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := &muonState[F]{
		convention: in.Settings.Choice(plugins.SettingConvention),
		momentum:   in.Settings.Real("momentum"),
		eps:        in.Settings.Real("eps"),
		decay:      in.Settings.Real("weight_decay"),
		nesterov:   in.Settings.Flag("nesterov"),
		velocity:   make([]F, in.Layout.Dim()),
	}
	s.others = newInnerAdam(in, s.velocity)
	var size, short int
	for _, t := range in.Layout {
		span := plugins.Span{From: t.Offset, To: t.Offset + t.Size()}
		if len(t.Shape) != 2 || t.Role == plugins.RoleBias || t.Size() == 0 {
			s.others.add(span)
			continue
		}
		rows, cols := t.Shape[0], t.Shape[1]
		s.matrices = append(s.matrices, muonMatrix{span, rows, cols, shapeScale(in.Settings.Choice("scale"), rows, cols)})
		size, short = max(size, t.Size()), max(short, min(rows, cols))
	}
	s.orthogonal = newOrthogonalizer(size, short, int(in.Settings.Integer("ns_steps")))
	return s, nil
}

// shapeScale is s of the rule.
func shapeScale(scale string, rows, cols int) float64 {
	r, c := float64(rows), float64(cols)
	switch scale {
	case "match_rms_adamw":
		return float64(0.2 * math.Sqrt(max(r, c)))
	case "transposed":
		r, c = c, r
	}
	return math.Sqrt(max(1, r/c))
}

func (s *muonState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	for _, m := range s.matrices {
		p, g := params[m.span.From:m.span.To], grad[m.span.From:m.span.To]
		u := s.orthogonal.input(m.rows, m.cols)
		s.direct(u, s.velocity[m.span.From:m.span.To], g)
		size := norm2(u)
		if s.convention == "torch" {
			size = max(size, s.eps)
		} else {
			size += s.eps
		}
		s.orthogonal.run(size)
		shrink, step := F(1-float64(float64(lr)*s.decay)), float64(float64(lr)*m.scale)
		for i := range p {
			p[i] = F(shrink*p[i]) - F(step*s.orthogonal.at(i))
		}
	}
	s.others.step(params, grad, lr, s.steps)
	return nil
}

// direct moves the velocity and writes the matrix to orthogonalise to u.
func (s *muonState[F]) direct(u []float64, velocity, g []F) {
	keep, take := s.momentum, 1-s.momentum
	if s.convention == "keras" {
		take = 1
	}
	ahead, now := keep, take // shares of velocity and gradient in u
	if !s.nesterov {
		ahead, now = 1, 0
	}
	if s.convention == "optax" {
		t := float64(s.steps)
		now /= 1 - elementary.Pow(keep, t)
		if s.nesterov {
			t++
		}
		ahead /= 1 - elementary.Pow(keep, t)
	}
	for i, x := range g {
		b := float64(keep*float64(velocity[i])) + float64(take*float64(x))
		velocity[i] = F(b)
		u[i] = float64(ahead * b)
		if s.nesterov {
			u[i] += float64(now * float64(x))
		}
	}
}

func (s *muonState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.velocity, s.others.v}, Counters: []*int64{&s.steps}}
}
