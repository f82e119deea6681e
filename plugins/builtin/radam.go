package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

const radamRule = `m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², m̂ = m/(1 − β₁ᵗ)
ρ∞ = 2/(1 − β₂) − 1, ρ = ρ∞ − 2·t·β₂ᵗ/(1 − β₂ᵗ)
r = √((ρ − 4)·(ρ − 2)·ρ∞ / ((ρ∞ − 4)·(ρ∞ − 2)·ρ))
`

var radamConventions = []plugins.Convention{
	{Name: torch, LR: 1e-3, Source: "PyTorch 2.15 torch/optim/radam.py",
		Rule: "g ← g + weight_decay·θ, or decoupled: θ ← θ·(1 − lr·weight_decay)\n" + radamRule + `ρ > 5: θ ← θ − lr·r·m̂·√(1 − β₂ᵗ) / (√v + ε)
else:  θ ← θ − lr·m̂`},
	{Name: optax, Source: "Optax 0.2.8 alias.radam, scale_by_radam", Rule: radamRule + `ρ ≥ 5: θ ← θ − lr·r·m̂ / (√(v/(1 − β₂ᵗ) + eps_root) + ε)
else:  θ ← θ − lr·m̂
No weight_decay.`},
}

var radam = plugins.NewOptimizer(plugins.Spec{
	Name:    "radam",
	Summary: "adam that waits until its second moment can be trusted",
	Doc: `Adam whose steps are multiplied by a factor r that grows to 1 as the second moment gathers
gradients: a warm-up without a schedule. Until that moment has a variance, for the first five steps
under β₂ = 0.999, it steps along the mean gradient without scaling it, lr·|g| long: with large
gradients those steps can be far too long. The conventions differ in where ε stands and at equality.`,
	Citation:    "Liu et al. 2020 (ICLR), arXiv:1908.03265, algorithm 2",
	Revision:    1,
	Conventions: radamConventions,
	Settings:    append(adamSettings(), following(radamConventions), epsRoot, decaySetting(), decoupledFlag),
	StateFloats: 2,
}, newRAdam[float32], newRAdam[float64])

type radamState[F plugins.Float] struct {
	*adamState[F]
	atFive bool // scales from ρ = 5 on, not above 5 only
}

func newRAdam[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	couplings, err := flagged(in, map[string]coupling{})
	if err != nil {
		return nil, err
	}
	inner, err := newAdamUnder[F](in, couplings)
	if err != nil {
		return nil, err
	}
	inner.epsHat = chosen(in) == torch
	return &radamState[F]{adamState: inner, atFive: chosen(in) == optax}, nil
}

// rectification is the factor r after t steps, and whether the second moment is used at all.
func rectification(beta2, t float64, atFive bool) (r float64, scaled bool) {
	power := elementary.Pow(beta2, t)
	limit := 2/(1-beta2) - 1
	rho := limit - 2*t*power/(1-power)
	if !(rho > 5 || atFive && rho == 5) {
		return 1, false
	}
	return math.Sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho)), true
}

func (s *radamState[F]) Step(params, grad []F, lr F) error {
	k := s.advance(lr)
	r, scaled := rectification(s.beta2, float64(s.steps), s.atFive)
	size := F(r * float64(k.size))
	coupled := s.coupled
	m, v := s.m[:len(grad)], s.v[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		p, _, mi, vi := k.begin(coupled, params[i], g, m[i], v[i])
		m[i], v[i] = mi, vi
		d := F(size * mi)
		if scaled {
			d /= F(math.Sqrt(float64(vi+k.inside)))/k.root + k.eps
		}
		params[i] = p - d
	}
	return nil
}
