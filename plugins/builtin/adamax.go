package builtin

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var adamaxConventions = []plugins.Convention{
	{Name: torch, LR: 2e-3, Source: "PyTorch 2.15 torch/optim/adamax.py", Rule: `g ← g + weight_decay·θ
m ← β₁·m + (1 − β₁)·g, u ← max(β₂·u, |g| + ε)
θ ← θ − lr/(1 − β₁ᵗ) · m/u`},
	{Name: keras, LR: 1e-3, Source: "Keras 3.15 optimizers/adamax.py", Rule: `θ ← θ·(1 − lr·weight_decay)
m ← β₁·m + (1 − β₁)·g, u ← max(β₂·u, |g|)
θ ← θ − lr/(1 − β₁ᵗ) · m/(u + ε)`},
	{Name: optax, Source: "Optax 0.2.8 alias.adamax and adamaxw, scale_by_adamax", Rule: `θ ← θ·(1 − lr·weight_decay), which makes it adamaxw
m ← β₁·m + (1 − β₁)·g, u ← max(β₂·u, |g| + ε)
θ ← θ − lr/(1 − β₁ᵗ) · m/u`},
}

var adamax = plugins.NewOptimizer(plugins.Spec{
	Name:    "adamax",
	Summary: "adam with the largest gradient instead of the root of the second moment",
	Doc: `Divides the running mean of the gradient by the largest |g| so far, which fades by β₂ a step: the
infinity norm where adam has the 2-norm. The maximum needs no bias correction. The conventions differ
in where ε stands and in how weight_decay is coupled.`,
	Citation:    "Kingma, Ba 2015 (ICLR), arXiv:1412.6980, algorithm 2",
	Revision:    1,
	Conventions: adamaxConventions,
	Settings: []plugins.Setting{
		following(adamaxConventions),
		plugins.RealSetting("beta1", 0.9, "β₁, the decay of the mean").AtLeast(0).Below(1),
		plugins.RealSetting("beta2", 0.999, "β₂, the decay of the maximum").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-8, "ε, added to |g|, under keras to the maximum").AtLeast(0).Under(keras, plugins.Real(1e-7)),
		decaySetting(),
	},
	StateFloats: 2,
}, newAdamax[float32], newAdamax[float64])

type adamaxState[F plugins.Float] struct {
	decay[F]
	eps          epsilon[F] // inside or outside of the maximum
	beta1, beta2 float64
	m, u         []F
	steps        int64
}

func newAdamax[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	decay, err := newDecay[F](in, map[string]coupling{torch: coupled, keras: decoupled, optax: decoupled})
	if err != nil {
		return nil, err
	}
	eps, dim := F(in.Settings.Real("eps")), in.Layout.Dim()
	s := &adamaxState[F]{
		decay: decay,
		eps:   epsilon[F]{inside: eps},
		beta1: in.Settings.Real("beta1"),
		beta2: in.Settings.Real("beta2"),
		m:     make([]F, dim),
		u:     make([]F, dim),
	}
	if chosen(in) == keras {
		s.eps = epsilon[F]{outside: eps}
	}
	return s, nil
}

func (s *adamaxState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	size := F(float64(lr) / (1 - elementary.Pow(s.beta1, float64(s.steps))))
	beta1, rest1, beta2 := F(s.beta1), F(1-s.beta1), F(s.beta2)
	shrink, eps := s.shrink(lr), s.eps
	m, u, params := s.m[:len(grad)], s.u[:len(grad)], params[:len(grad)]
	for i, g := range grad {
		p := F(params[i] * shrink)
		g += F(s.coupled * p)
		mi := F(beta1*m[i]) + F(rest1*g)
		ui := max(F(beta2*u[i]), max(g, -g)+eps.inside)
		m[i], u[i] = mi, ui
		params[i] = p - F(size*mi)/(ui+eps.outside)
	}
	return nil
}

func (s *adamaxState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m, s.u}, Counters: []*int64{&s.steps}}
}
