package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

var rmsprop = plugins.NewOptimizer(plugins.Spec{
	Name:    "rmsprop",
	Summary: "steps scaled by a running mean of the squared gradient",
	Doc: `v ← α·v + (1 − α)·g², θ ← θ − lr·g / (√v + ε). centered also keeps q ← α·q + (1 − α)·g and
divides by √(v − q²) + ε, with v − q² held at 0 where rounding makes it negative. With momentum μ
the quotient enters b ← μ·b + g/(√v + ε) and θ ← θ − lr·b: the learning rate outside, ε outside
the root and no bias correction, as in PyTorch.`,
	Citation: "Tieleman, Hinton 2012 (Coursera, lecture 6.5); centered: Graves 2013, arXiv:1308.0850, eq. 38–40",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("alpha", 0.99, "α, the decay of the running mean").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-8, "ε, added to the root").AtLeast(0),
		plugins.FlagSetting("centered", false, "divide by an estimate of the standard deviation"),
		plugins.RealSetting("momentum", 0, "μ, the share of the velocity kept at each step").AtLeast(0).Below(1),
		weightDecay(0),
	},
	StateFloats: 3,
}, newRMSprop[float32], newRMSprop[float64])

type rmspropState[F plugins.Float] struct {
	alpha, rest, eps, momentum, decay F
	v                                 []F
	mean                              []F // nil unless centered
	velocity                          []F // nil without momentum
}

func newRMSprop[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	alpha, dim := in.Settings.Real("alpha"), in.Layout.Dim()
	s := &rmspropState[F]{
		alpha:    F(alpha),
		rest:     F(1 - alpha),
		eps:      F(in.Settings.Real("eps")),
		momentum: F(in.Settings.Real("momentum")),
		decay:    F(in.Settings.Real("weight_decay")),
		v:        make([]F, dim),
	}
	if in.Settings.Flag("centered") {
		s.mean = make([]F, dim)
	}
	if s.momentum > 0 {
		s.velocity = make([]F, dim)
	}
	return s, nil
}

func (s *rmspropState[F]) Step(params, grad []F, lr F) error {
	v, params := s.v[:len(grad)], params[:len(grad)]
	for i, g := range grad {
		g += F(s.decay * params[i])
		vi := F(s.alpha*v[i]) + F(s.rest*F(g*g))
		v[i] = vi
		if s.mean != nil {
			q := F(s.alpha*s.mean[i]) + F(s.rest*g)
			s.mean[i] = q
			vi = max(vi-F(q*q), 0)
		}
		d := g / (F(math.Sqrt(float64(vi))) + s.eps)
		if s.velocity != nil {
			d += F(s.momentum * s.velocity[i])
			s.velocity[i] = d
		}
		params[i] -= F(lr * d)
	}
	return nil
}

func (s *rmspropState[F]) State() plugins.State[F] {
	state := plugins.State[F]{Vectors: [][]F{s.v}}
	for _, v := range [][]F{s.mean, s.velocity} {
		if v != nil {
			state.Vectors = append(state.Vectors, v)
		}
	}
	return state
}
