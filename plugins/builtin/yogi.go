package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var yogi = plugins.NewOptimizer(plugins.Spec{
	Name:    "yogi",
	Summary: "adam whose second moment moves by additions, so that it cannot fall fast",
	Doc: `m ← β₁·m + (1 − β₁)·g, v ← v − (1 − β₂)·sign(v − g²)·g², θ ← θ − lr·m/(√v + ε), with the moments
that the convention corrects.`,
	Citation: "Zaheer et al. 2018 (NeurIPS), Adaptive Methods for Nonconvex Optimization, algorithm 2",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.ChoiceSetting(plugins.SettingConvention, "whose yogi", "paper", "optax"),
		plugins.RealSetting("beta1", 0.9, "β₁, the decay of the first moment").AtLeast(0).Below(1),
		plugins.RealSetting("beta2", 0.999, "β₂, of the second moment").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-3, "ε, added to the root of the second moment").Above(0),
		plugins.RealSetting("initial", 1e-6, "the second moment before the first step").AtLeast(0),
	},
	Conventions: []plugins.Convention{
		{Name: "paper", LR: 0.01, Rule: "m starts at 0; neither moment is corrected", Source: "algorithm 2"},
		{Name: "optax", Rule: "m starts at initial as v does; m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)",
			Source: "optax 0.2.8, optax.yogi; pytorch_optimizer 4.1, Yogi, is the same"},
	},
	StateFloats: 2,
}, newYogi[float32], newYogi[float64])

type yogiState[F plugins.Float] struct {
	beta1, beta2, eps float64
	correct           bool
	m, v              []F
	steps             int64
}

func newYogi[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := &yogiState[F]{
		beta1:   in.Settings.Real("beta1"),
		beta2:   in.Settings.Real("beta2"),
		eps:     in.Settings.Real("eps"),
		correct: in.Settings.Choice(plugins.SettingConvention) == "optax",
		m:       make([]F, in.Layout.Dim()),
		v:       make([]F, in.Layout.Dim()),
	}
	initial := F(in.Settings.Real("initial"))
	for i := range s.v {
		s.v[i] = initial
		if s.correct {
			s.m[i] = initial
		}
	}
	return s, nil
}

func (s *yogiState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	t := float64(s.steps)
	size, root := lr, F(1)
	if s.correct {
		size = F(float64(lr) / (1 - elementary.Pow(s.beta1, t)))
		root = F(math.Sqrt(1 - elementary.Pow(s.beta2, t)))
	}
	beta1, rest1 := F(s.beta1), F(1-s.beta1)
	rest2, eps := F(1-s.beta2), F(s.eps)
	m, v := s.m[:len(grad)], s.v[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		m[i] = F(beta1*m[i]) + F(rest1*g)
		squared := F(g * g)
		v[i] -= F(rest2 * F(sign(v[i]-squared)*squared))
		params[i] -= F(size*m[i]) / (F(math.Sqrt(float64(v[i])))/root + eps)
	}
	return nil
}

func (s *yogiState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m, s.v}, Counters: []*int64{&s.steps}}
}
