package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var adafactor = plugins.NewOptimizer(plugins.Spec{
	Name:    "adafactor",
	Summary: "RMS-clipped steps relative to the size of the parameters; second moments of matrices as rows and columns",
	Doc: `β₂ₜ = 1 − t^beta2_decay. A vector keeps v ← β₂ₜ·v + (1 − β₂ₜ)·g². A matrix keeps the same
averages of the means over its rows, r, and over its columns, c, and v = r·cᵀ/mean(r); a tensor of
more dimensions is a stack of matrices, the last two of its dimensions.
u = g/√v, û = u/max(1, RMS(u)/clip), θ ← θ − ρ·max(eps2, RMS(θ))·û for each tensor. The conventions
say what ρ is and where eps1 and weight_decay stand.`,
	Citation: "Shazeer, Stern 2018 (ICML), arXiv:1804.04235, algorithms 4 to 6",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.ChoiceSetting(plugins.SettingConvention, "whose adafactor", "torch", "keras", "optax"),
		plugins.RealSetting("beta2_decay", -0.8, "exponent of t in β₂ₜ").Within(-1, 0),
		plugins.RealSetting("eps1", 0, "ε₁, keeps v from 0; torch raises it to the machine epsilon of the element type").AtLeast(0).
			Under("keras", plugins.Real(1e-30)).Under("optax", plugins.Real(1e-30)),
		plugins.RealSetting("eps2", 1e-3, "least size of a tensor's parameters that steps are relative to").AtLeast(0),
		plugins.RealSetting("clip", 1, "largest RMS of u").Above(0),
		plugins.IntegerSetting("factor_from", 1, "matrices with fewer rows or columns keep v whole").AtLeast(1).
			Under("optax", plugins.Integer(128)),
		plugins.RealSetting("weight_decay", 0, "shrinks every parameter, biases too").AtLeast(0),
	},
	Conventions: []plugins.Convention{
		{Name: "torch", LR: 0.01, Source: "PyTorch 2.15, torch.optim.Adafactor",
			Rule: "ρ = min(lr, 1/√t); v ≥ ε₁² and mean(r) ≥ ε₁; RMS(θ) is taken before θ ← θ·(1 − lr·weight_decay)"},
		{Name: "keras", LR: 1e-3, Source: "Keras 3.15, keras.optimizers.Adafactor",
			Rule: "ρ = min(lr, 1/√t); ε₁ is added to g²; θ ← θ·(1 − lr·weight_decay) before RMS(θ) is taken"},
		{Name: "optax", Source: "optax 0.2.8, optax.adafactor with a learning rate",
			Rule: "ρ = lr; ε₁ is added to g²; weight_decay·θ joins the step, not multiplied by lr"},
	},
	StateFloats: 1,
}, newAdafactor[float32], newAdafactor[float64])

type adafactorState[F plugins.Float] struct {
	convention                        string
	exponent, eps1, eps2, clip, decay float64
	blocks                            []secondMoments
	v, rows, cols                     []F // of whole tensors; of factored ones
	update                            []F // scratch, as large as the largest tensor
	steps                             int64
}

// secondMoments is the place of a tensor's averages in the state.
type secondMoments struct {
	span        plugins.Span
	factored    bool
	rows, cols  int // of one matrix of the stack
	v, row, col int // offsets
}

func newAdafactor[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := &adafactorState[F]{
		convention: in.Settings.Choice(plugins.SettingConvention),
		exponent:   in.Settings.Real("beta2_decay"),
		eps1:       in.Settings.Real("eps1"),
		eps2:       in.Settings.Real("eps2"),
		clip:       in.Settings.Real("clip"),
		decay:      in.Settings.Real("weight_decay"),
	}
	if s.convention == "torch" {
		s.eps1 = max(s.eps1, machineEpsilon[F]())
	}
	least := int(in.Settings.Integer("factor_from"))
	var whole, rows, cols, largest int
	for _, t := range in.Layout {
		n, dims := t.Size(), len(t.Shape)
		b := secondMoments{span: plugins.Span{From: t.Offset, To: t.Offset + n}, v: whole, row: rows, col: cols}
		if dims >= 2 && n > 0 && min(t.Shape[dims-2], t.Shape[dims-1]) >= least {
			b.factored, b.rows, b.cols = true, t.Shape[dims-2], t.Shape[dims-1]
			rows += n / b.cols
			cols += n / b.rows
		} else {
			whole += n
		}
		largest = max(largest, n)
		s.blocks = append(s.blocks, b)
	}
	s.v, s.rows, s.cols, s.update = make([]F, whole), make([]F, rows), make([]F, cols), make([]F, largest)
	return s, nil
}

// machineEpsilon is the distance from 1 to the next F.
func machineEpsilon[F plugins.Float]() float64 {
	if plugins.DTypeOf[F]() == plugins.Float32 {
		return 0x1p-23
	}
	return 0x1p-52
}

func (s *adafactorState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	t := float64(s.steps)
	rest := elementary.Pow(t, s.exponent)
	rho := float64(lr)
	if s.convention != "optax" {
		rho = min(rho, 1/math.Sqrt(t))
	}
	for _, b := range s.blocks {
		p, g := params[b.span.From:b.span.To], grad[b.span.From:b.span.To]
		size := rms(p)
		shrink := F(1 - float64(float64(lr)*s.decay))
		switch s.convention {
		case "keras":
			size = float64(size * float64(shrink))
		case "optax":
			shrink = F(1 - s.decay)
		}
		u := s.update[:len(p)]
		if b.factored {
			s.scaleFactored(b, u, g, rest)
		} else {
			s.scaleWhole(b, u, g, rest)
		}
		step := F(rho * max(s.eps2, size) / max(1, rms(u)/s.clip))
		for i, d := range u {
			p[i] = F(shrink*p[i]) - F(step*d)
		}
	}
	return nil
}

// scaleWhole writes g/√v to u.
func (s *adafactorState[F]) scaleWhole(b secondMoments, u, g []F, rest float64) {
	v := s.v[b.v:][:len(g)]
	for i, x := range g {
		v[i] = F(float64((1-rest)*float64(v[i])) + float64(rest*s.squared(float64(x))))
		u[i] = s.over(x, float64(v[i]))
	}
}

// scaleFactored does the same with v = r·cᵀ/mean(r), matrix by matrix.
func (s *adafactorState[F]) scaleFactored(b secondMoments, u, g []F, rest float64) {
	for m := range len(g) / (b.rows * b.cols) {
		g, u := g[m*b.rows*b.cols:][:b.rows*b.cols], u[m*b.rows*b.cols:][:b.rows*b.cols]
		rows, cols := s.rows[b.row+m*b.rows:][:b.rows], s.cols[b.col+m*b.cols:][:b.cols]
		for j := range cols {
			sum := 0.0
			for i := range rows {
				sum += s.squared(float64(g[i*b.cols+j]))
			}
			cols[j] = F(float64((1-rest)*float64(cols[j])) + float64(rest*(sum/float64(b.rows))))
		}
		mean := 0.0
		for i := range rows {
			sum := 0.0
			for _, x := range g[i*b.cols:][:b.cols] {
				sum += s.squared(float64(x))
			}
			rows[i] = F(float64((1-rest)*float64(rows[i])) + float64(rest*(sum/float64(b.cols))))
			mean += float64(rows[i])
		}
		mean /= float64(b.rows)
		if s.convention == "torch" {
			mean = max(mean, s.eps1)
		}
		for i, r := range rows {
			for j, c := range cols {
				u[i*b.cols+j] = s.over(g[i*b.cols+j], float64(float64(r)/mean*float64(c)))
			}
		}
	}
}

// squared is g², with ε₁ where the convention adds it there.
func (s *adafactorState[F]) squared(g float64) float64 {
	if s.convention == "torch" {
		return float64(g * g)
	}
	return float64(g*g) + s.eps1
}

// over is g/√v. It is 0 for g = 0 even if v is.
func (s *adafactorState[F]) over(g F, v float64) F {
	if g == 0 {
		return 0
	}
	if s.convention == "torch" {
		v = max(v, float64(s.eps1*s.eps1))
	}
	return F(float64(g) / math.Sqrt(v))
}

func (s *adafactorState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.v, s.rows, s.cols}, Counters: []*int64{&s.steps}}
}
