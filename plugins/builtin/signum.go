package builtin

import "github.com/xrun-dev/xrun/plugins"

var signum = plugins.NewOptimizer(plugins.Spec{
	Name:    "signum",
	Summary: "steps of the same size in every coordinate, by the sign of the gradient or of its running mean",
	Doc: `m ← μ·m + (1 − μ)·g, θ ← θ·(1 − lr·weight_decay) − lr·sign(m), sign 0 = 0. With momentum 0 this
is signSGD. optax 0.2.8 has the two as optax.sign_sgd and optax.signum.`,
	Citation: "Bernstein et al. 2018 (ICML), arXiv:1802.04434, algorithms 1 and 2",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("momentum", 0.9, "μ, the share of the mean kept at each step; 0 for signSGD").AtLeast(0).Below(1),
		plugins.RealSetting("weight_decay", 0, "shrinks every parameter, biases too, by lr·weight_decay a step").AtLeast(0),
	},
	StateFloats: 1,
}, newSignum[float32], newSignum[float64])

type signumState[F plugins.Float] struct {
	keep, take, decay F
	m                 []F
}

func newSignum[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	momentum := in.Settings.Real("momentum")
	return &signumState[F]{
		keep:  F(momentum),
		take:  F(1 - momentum),
		decay: F(in.Settings.Real("weight_decay")),
		m:     make([]F, in.Layout.Dim()),
	}, nil
}

func (s *signumState[F]) Step(params, grad []F, lr F) error {
	shrink := 1 - F(lr*s.decay)
	m := s.m[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		m[i] = F(s.keep*m[i]) + F(s.take*g)
		params[i] = F(params[i]*shrink) - F(lr*direction(m[i]))
	}
	return nil
}

// direction is the sign of x, and NaN for NaN, so that a wrong gradient is seen.
func direction[F plugins.Float](x F) F {
	if x != x {
		return x
	}
	return sign(x)
}

func (s *signumState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m}}
}
