package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var adabelief = plugins.NewOptimizer(plugins.Spec{
	Name:    "adabelief",
	Summary: "adam scaled by how far gradients stray from their running mean",
	Doc: `m ← β₁·m + (1 − β₁)·g, s ← β₂·s + (1 − β₂)·(g − m)² + eps_root with the new m,
θ ← θ·(1 − lr·weight_decay) − lr·m̂/(√ŝ + ε) with m̂ = m/(1 − β₁ᵗ) and ŝ = s/(1 − β₂ᵗ).
eps_root is added at every step and stays in s. The paper has 1e-8 for both ε; the defaults are those
of the authors' package and of optax 0.2.8.`,
	Citation: "Zhuang et al. 2020 (NeurIPS), arXiv:2010.07468, algorithm 2",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("beta1", 0.9, "β₁, the decay of the mean").AtLeast(0).Below(1),
		plugins.RealSetting("beta2", 0.999, "β₂, the decay of the squared distance from it").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-16, "ε, added to the root").AtLeast(0),
		plugins.RealSetting("eps_root", 1e-16, "added to s at each step").AtLeast(0),
		plugins.RealSetting("weight_decay", 0, "shrinks every parameter, biases too, by lr·weight_decay a step").AtLeast(0),
	},
	StateFloats: 2,
}, newAdaBelief[float32], newAdaBelief[float64])

type adabeliefState[F plugins.Float] struct {
	beta1, beta2, eps float64
	epsRoot, decay    F
	m, s              []F
	steps             int64
}

func newAdaBelief[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &adabeliefState[F]{
		beta1:   in.Settings.Real("beta1"),
		beta2:   in.Settings.Real("beta2"),
		eps:     in.Settings.Real("eps"),
		epsRoot: F(in.Settings.Real("eps_root")),
		decay:   F(in.Settings.Real("weight_decay")),
		m:       make([]F, in.Layout.Dim()),
		s:       make([]F, in.Layout.Dim()),
	}, nil
}

func (s *adabeliefState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	t := float64(s.steps)
	size := F(float64(lr) / (1 - elementary.Pow(s.beta1, t)))
	root := F(math.Sqrt(1 - elementary.Pow(s.beta2, t)))
	beta1, rest1 := F(s.beta1), F(1-s.beta1)
	beta2, rest2 := F(s.beta2), F(1-s.beta2)
	eps, shrink := F(s.eps), 1-F(lr*s.decay)
	mean, spread := s.m[:len(grad)], s.s[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		m := F(beta1*mean[i]) + F(rest1*g)
		away := g - m
		mean[i] = m
		spread[i] = F(beta2*spread[i]) + F(rest2*F(away*away)) + s.epsRoot
		p := F(params[i] * shrink)
		if m != 0 {
			p -= F(size*m) / (F(math.Sqrt(float64(spread[i])))/root + eps)
		}
		params[i] = p
	}
	return nil
}

func (s *adabeliefState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m, s.s}, Counters: []*int64{&s.steps}}
}
