package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var amsgradConventions = []plugins.Convention{
	{Name: torch, LR: 1e-3, Source: "PyTorch 2.15 torch/optim/adam.py with amsgrad=True", Rule: `g ← g + weight_decay·θ
m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²
x ← max(x, v)
θ ← θ − lr·m/(1 − β₁ᵗ) / (√(x/(1 − β₂ᵗ)) + ε)`},
	{Name: keras, LR: 1e-3, Source: "Keras 3.15 optimizers/adam.py with amsgrad=True", Rule: `θ ← θ·(1 − lr·weight_decay)
m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²
x ← max(x, v)
θ ← θ − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√x + ε)`},
	{Name: optax, Source: "Optax 0.2.8 alias.amsgrad, scale_by_amsgrad", Rule: `m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²
x ← max(x, v/(1 − β₂ᵗ))
θ ← θ − lr·m/(1 − β₁ᵗ) / (√(x + eps_root) + ε)
No weight_decay.`},
	{Name: paper, Source: "Reddi, Kale, Kumar 2018, algorithm 2", Rule: `m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²
x ← max(x, v)
θ ← θ − lr·m / (√x + ε); the paper has ε = 0
No bias correction and no weight_decay.`},
}

var amsgrad = plugins.NewOptimizer(plugins.Spec{
	Name:    "amsgrad",
	Summary: "adam whose steps are scaled by the largest second moment so far",
	Doc: `Divides by the root of the largest second moment so far, so that a coordinate's rate never grows
again, which mends adam's proof of convergence. Whether the maximum is taken before the bias
correction (torch, keras) or after it (optax) makes a real difference: the first corrected moments
are far larger than what follows them where gradients shrink, and optax then never forgets them,
while the other two behave as adam does.`,
	Citation:    "Reddi, Kale, Kumar 2018 (ICLR), arXiv:1904.09237, algorithm 2",
	Revision:    1,
	Conventions: amsgradConventions,
	Settings:    append(adamSettings(), following(amsgradConventions), epsRoot, decaySetting()),
	StateFloats: 3,
}, newAMSGrad[float32], newAMSGrad[float64])

type amsgradState[F plugins.Float] struct {
	*adamState[F]
	correctFirst bool // takes the maximum of corrected moments
	uncorrected  bool
	largest      []F
}

func newAMSGrad[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	inner, err := newAdamUnder[F](in, map[string]coupling{torch: coupled, keras: decoupled})
	if err != nil {
		return nil, err
	}
	return &amsgradState[F]{
		adamState:    inner,
		correctFirst: chosen(in) == optax,
		uncorrected:  chosen(in) == paper,
		largest:      make([]F, in.Layout.Dim()),
	}, nil
}

func (s *amsgradState[F]) Step(params, grad []F, lr F) error {
	k, before := s.advance(lr), F(1)
	switch {
	case s.correctFirst:
		before, k.root, k.inside = F(1/(1-elementary.Pow(s.beta2, float64(s.steps)))), 1, F(s.epsRoot)
	case s.uncorrected:
		k.size, k.root = lr, 1
	}
	coupled := s.coupled
	m, v, largest := s.m[:len(grad)], s.v[:len(grad)], s.largest[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		p := F(params[i] * k.shrink)
		g += F(coupled * p)
		mi := F(k.beta1*m[i]) + F(k.rest1*g)
		vi := F(k.beta2*v[i]) + F(k.rest2*F(g*g))
		x := max(largest[i], F(before*vi))
		m[i], v[i], largest[i] = mi, vi, x
		params[i] = p - F(k.size*mi)/(F(math.Sqrt(float64(x+k.inside)))/k.root+k.eps)
	}
	return nil
}

func (s *amsgradState[F]) State() plugins.State[F] {
	state := s.adamState.State()
	state.Vectors = append(state.Vectors, s.largest)
	return state
}
