package builtin

import "github.com/xrun-dev/xrun/plugins"

const lionRule = `c = β₁·m + (1 − β₁)·g
θ ← θ·(1 − lr·weight_decay) − lr·sign c, sign 0 = 0
m ← β₂·m + (1 − β₂)·g
`

var lionConventions = []plugins.Convention{
	{Name: keras, LR: 1e-3, Source: "Keras 3.15 optimizers/lion.py", Rule: lionRule + "weight_decay is 0 unless given."},
	{Name: optax, Source: "Optax 0.2.8 alias.lion, scale_by_lion", Rule: lionRule + "weight_decay is 0.001 unless given."},
}

var lion = plugins.NewOptimizer(plugins.Spec{
	Name:    "lion",
	Summary: "steps of one size in each coordinate, by the sign of a momentum",
	Doc: `Every coordinate moves by lr, up or down by the sign of a mixture of momentum and gradient; the
momentum itself is a slower mean. As steps are longer than adam's, its authors advise a learning rate
3 to 10 times smaller than adamw's and a weight_decay larger by as much. PyTorch has no lion; the
conventions agree but for the default of weight_decay, which is always multiplied by lr.`,
	Citation:    "Chen et al. 2023 (NeurIPS), arXiv:2302.06675, algorithm 2",
	Revision:    1,
	Conventions: lionConventions,
	Settings: []plugins.Setting{
		following(lionConventions),
		plugins.RealSetting("beta1", 0.9, "β₁, the momentum's share in the step").AtLeast(0).Below(1),
		plugins.RealSetting("beta2", 0.99, "β₂, the decay of the momentum").AtLeast(0).Below(1),
		plugins.RealSetting("weight_decay", 0, "shrinks every parameter, biases too, by lr·weight_decay a step").AtLeast(0).
			Under(optax, plugins.Real(1e-3)),
	},
	StateFloats: 1,
}, newLion[float32], newLion[float64])

type lionState[F plugins.Float] struct {
	decay[F]
	beta1, rest1, beta2, rest2 F
	m                          []F
}

func newLion[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	decay, err := newDecay[F](in, map[string]coupling{keras: decoupled, optax: decoupled})
	if err != nil {
		return nil, err
	}
	beta1, beta2 := in.Settings.Real("beta1"), in.Settings.Real("beta2")
	return &lionState[F]{
		decay: decay,
		beta1: F(beta1), rest1: F(1 - beta1),
		beta2: F(beta2), rest2: F(1 - beta2),
		m: make([]F, in.Layout.Dim()),
	}, nil
}

func (s *lionState[F]) Step(params, grad []F, lr F) error {
	shrink := s.shrink(lr)
	m, params := s.m[:len(grad)], params[:len(grad)]
	for i, g := range grad {
		c := F(s.beta1*m[i]) + F(s.rest1*g)
		m[i] = F(s.beta2*m[i]) + F(s.rest2*g)
		params[i] = F(params[i]*shrink) - F(lr*heading(c))
	}
	return nil
}

func (s *lionState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m}}
}

// heading is the sign of x, and NaN where x is: a sign of 0 there, which PyTorch has, would freeze
// a parameter and hide that the run has diverged.
func heading[F plugins.Float](x F) F {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}
