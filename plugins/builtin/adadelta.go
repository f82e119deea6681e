package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// The conventions share the rule and differ in defaults and in how weight decay is coupled.
const adadeltaRule = `a ← ρ·a + (1 − ρ)·g²
u = √(d + ε) / √(a + ε) · g
d ← ρ·d + (1 − ρ)·u²
θ ← θ − lr·u`

var adadeltaConventions = []plugins.Convention{
	{Name: torch, LR: 1, Source: "PyTorch 2.15 torch/optim/adadelta.py", Rule: "g ← g + weight_decay·θ\n" + adadeltaRule},
	{Name: keras, LR: 1e-3, Source: "Keras 3.15 optimizers/adadelta.py", Rule: "θ ← θ·(1 − lr·weight_decay)\n" + adadeltaRule},
	{Name: optax, Source: "Optax 0.2.8 alias.adadelta, scale_by_adadelta", Rule: "g ← g + weight_decay·θ\n" + adadeltaRule},
}

var adadelta = plugins.NewOptimizer(plugins.Spec{
	Name:    "adadelta",
	Summary: "steps in the units of the parameters, scaled by running means of gradients and steps",
	Doc: `Divides the gradient by the root of a running mean of its square, as rmsprop does, and multiplies
by that of past steps, so that a step has the unit of θ. The paper has no learning rate: lr = 1 is
its method. Keras's default of 1e-3 makes it a thousand times slower. Steps start near √ε.`,
	Citation:    "Zeiler 2012, arXiv:1212.5701, algorithm 1",
	Revision:    1,
	Conventions: adadeltaConventions,
	Settings: []plugins.Setting{
		following(adadeltaConventions),
		plugins.RealSetting("rho", 0.9, "ρ, the decay of both running means").AtLeast(0).Below(1).Under(keras, plugins.Real(0.95)),
		plugins.RealSetting("eps", 1e-6, "ε, inside both roots: the square of the first steps' size").AtLeast(0).Under(keras, plugins.Real(1e-7)),
		decaySetting(),
	},
	StateFloats: 2,
}, newAdadelta[float32], newAdadelta[float64])

type adadeltaState[F plugins.Float] struct {
	decay[F]
	rho, rest, eps F
	squares, moves []F // running means of g² and u²
}

func newAdadelta[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	decay, err := newDecay[F](in, map[string]coupling{torch: coupled, keras: decoupled, optax: coupled})
	if err != nil {
		return nil, err
	}
	rho, dim := in.Settings.Real("rho"), in.Layout.Dim()
	return &adadeltaState[F]{
		decay:   decay,
		rho:     F(rho),
		rest:    F(1 - rho),
		eps:     F(in.Settings.Real("eps")),
		squares: make([]F, dim),
		moves:   make([]F, dim),
	}, nil
}

func (s *adadeltaState[F]) Step(params, grad []F, lr F) error {
	shrink, params := s.shrink(lr), params[:len(grad)]
	squares, moves := s.squares[:len(grad)], s.moves[:len(grad)]
	for i, g := range grad {
		p := F(params[i] * shrink)
		g += F(s.coupled * p)
		a := F(s.rho*squares[i]) + F(s.rest*F(g*g))
		d := moves[i]
		u := F(F(math.Sqrt(float64(d+s.eps))) / F(math.Sqrt(float64(a+s.eps))) * g)
		squares[i], moves[i] = a, F(s.rho*d)+F(s.rest*F(u*u))
		params[i] = p - F(lr*u)
	}
	return nil
}

func (s *adadeltaState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.squares, s.moves}}
}
