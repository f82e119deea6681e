package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var lamb = plugins.NewOptimizer(plugins.Spec{
	Name:    "lamb",
	Summary: "the direction of adam, scaled tensor by tensor to the size of the parameters",
	Doc: `u = m̂/(√v̂ + ε) with the corrected moments of adam, θ ← θ − lr·(‖θ‖/‖u‖)·u for each tensor of
the layout. The ratio is 1 where a norm is 0, so that biases that start at 0 can leave it. The
conventions say where weight_decay stands.`,
	Citation: "You et al. 2020 (ICLR), arXiv:1904.00962, algorithm 2 with φ(z) = z",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.ChoiceSetting(plugins.SettingConvention, "whose lamb", "paper", "keras"),
		plugins.RealSetting("beta1", 0.9, "β₁, the decay of the first moment").AtLeast(0).Below(1),
		plugins.RealSetting("beta2", 0.999, "β₂, the decay of the second moment").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-6, "ε, added to the root of the corrected second moment").AtLeast(0).
			Under("keras", plugins.Real(1e-7)),
		plugins.RealSetting("weight_decay", 0, "of every parameter, biases too").AtLeast(0),
	},
	Conventions: []plugins.Convention{
		{Name: "paper", Source: "algorithm 2; optax 0.2.8, optax.lamb, is the same",
			Rule: "u gains weight_decay·θ before its norm is taken"},
		{Name: "keras", LR: 1e-3, Source: "Keras 3.15, keras.optimizers.Lamb",
			Rule: "θ ← θ·(1 − lr·weight_decay) before the step, outside the ratio"},
	},
	StateFloats: 2,
}, newLAMB[float32], newLAMB[float64])

type lambState[F plugins.Float] struct {
	beta1, beta2, eps float64
	inside, outside   F // weight decay: in u, or before the step
	spans             []plugins.Span
	m, v              []F
	update            []F // scratch
	steps             int64
}

func newLAMB[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := &lambState[F]{
		beta1: in.Settings.Real("beta1"),
		beta2: in.Settings.Real("beta2"),
		eps:   in.Settings.Real("eps"),
		m:     make([]F, in.Layout.Dim()),
		v:     make([]F, in.Layout.Dim()),
	}
	decay := F(in.Settings.Real("weight_decay"))
	if in.Settings.Choice(plugins.SettingConvention) == "keras" {
		s.outside = decay
	} else {
		s.inside = decay
	}
	var largest int
	s.spans, largest = tensorSpans(in.Layout)
	s.update = make([]F, largest)
	return s, nil
}

func (s *lambState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	t := float64(s.steps)
	correct1 := F(1 - elementary.Pow(s.beta1, t))
	correct2 := F(math.Sqrt(1 - elementary.Pow(s.beta2, t)))
	beta1, rest1 := F(s.beta1), F(1-s.beta1)
	beta2, rest2 := F(s.beta2), F(1-s.beta2)
	eps, shrink := F(s.eps), 1-F(lr*s.outside)
	for _, span := range s.spans {
		p, g := params[span.From:span.To], grad[span.From:span.To]
		m, v := s.m[span.From:span.To], s.v[span.From:span.To]
		u := s.update[:len(p)]
		for i, x := range g {
			p[i] = F(p[i] * shrink)
			m[i] = F(beta1*m[i]) + F(rest1*x)
			v[i] = F(beta2*v[i]) + F(rest2*F(x*x))
			u[i] = m[i]/correct1/(F(math.Sqrt(float64(v[i])))/correct2+eps) + F(s.inside*p[i])
		}
		size := F(float64(lr) * trust(norm2(p), norm2(u)))
		for i, d := range u {
			p[i] -= F(size * d)
		}
	}
	return nil
}

func (s *lambState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m, s.v}, Counters: []*int64{&s.steps}}
}
