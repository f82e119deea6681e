package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

// nadamRule is the rule of torch and keras, which name two settings differently.
const nadamRule = `m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²
μₜ = β₁·(1 − ½·0.96^(t·ψ)), P = μ₁·μ₂·…·μₜ
m̂ = μₜ₊₁·m/(1 − P·μₜ₊₁) + (1 − μₜ)·g/(1 − P), v̂ = v/(1 − β₂ᵗ)
θ ← θ − lr·m̂ / (√v̂ + ε)`

var nadamConventions = []plugins.Convention{
	{Name: torch, LR: 2e-3, Source: "PyTorch 2.15 torch/optim/nadam.py",
		Rule: "g ← g + weight_decay·θ, or decoupled: θ ← θ·(1 − lr·weight_decay)\n" + nadamRule},
	{Name: keras, LR: 1e-3, Source: "Keras 3.15 optimizers/nadam.py",
		Rule: "θ ← θ·(1 − lr·weight_decay)\n" + nadamRule + "\nψ is 1: μ is at its final β₁ after about a hundred steps."},
	{Name: optax, Source: "Optax 0.2.8 alias.nadam and nadamw, scale_by_adam with nesterov=True", Rule: `θ ← θ·(1 − lr·weight_decay), which makes it nadamw
m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²
m̂ = β₁·m/(1 − β₁ᵗ⁺¹) + (1 − β₁)·g/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)
θ ← θ − lr·m̂ / (√(v̂ + eps_root) + ε)
β₁ has no schedule.`},
}

var nadam = plugins.NewOptimizer(plugins.Spec{
	Name:    "nadam",
	Summary: "adam that looks ahead along its momentum",
	Doc: `Replaces adam's mean of gradients by what it will be after the next step, as nesterov does for
momentum. The conventions schedule the momentum differently: torch warms it up over tens of thousands
of steps, keras over a hundred, optax not at all. Even first steps differ: 1.06·lr against 1.47·lr.`,
	Citation:    "Dozat 2016 (ICLR workshop), openreview OM0jvwB8jIp57ZJjtNEZ, algorithm 2 and section 3",
	Revision:    1,
	Conventions: nadamConventions,
	Settings: append(adamSettings(), following(nadamConventions), epsRoot,
		plugins.RealSetting("momentum_decay", 0.004, "ψ, how fast the momentum is warmed up; torch only").AtLeast(0).
			Under(keras, plugins.Real(1)).Under(optax, plugins.Real(0)),
		decaySetting(), decoupledFlag),
	StateFloats: 2,
}, newNadam[float32], newNadam[float64])

// decoupledFlag is PyTorch's way to decouple the decay of nadam and radam.
var decoupledFlag = plugins.FlagSetting("decoupled_weight_decay", false, "shrink θ by lr·weight_decay instead of adding to the gradient; torch only")

// flagged returns the couplings of weight_decay: under PyTorch by decoupled_weight_decay, else as given.
func flagged(in plugins.Instance, couplings map[string]coupling) (map[string]coupling, error) {
	if err := onlyUnder(in, "decoupled_weight_decay", plugins.Flag(false), torch); err != nil {
		return nil, err
	}
	couplings[torch] = coupled
	if in.Settings.Flag("decoupled_weight_decay") {
		couplings[torch] = decoupled
	}
	return couplings, nil
}

type nadamState[F plugins.Float] struct {
	*adamState[F]
	psi       float64
	scheduled bool
	product   int64 // bits of P, a float64 whatever F is: state has counters for single numbers
}

func newNadam[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	couplings, err := flagged(in, map[string]coupling{keras: decoupled, optax: decoupled})
	if err != nil {
		return nil, err
	}
	fixed := 0.0 // what ψ is where it cannot be chosen
	if chosen(in) == keras {
		fixed = 1
	}
	if err := onlyUnder(in, "momentum_decay", plugins.Real(fixed), torch); err != nil {
		return nil, err
	}
	inner, err := newAdamUnder[F](in, couplings)
	if err != nil {
		return nil, err
	}
	inner.epsHat = false // Keras has ε̂ in adam, not in nadam
	return &nadamState[F]{
		adamState: inner,
		psi:       in.Settings.Real("momentum_decay"),
		scheduled: chosen(in) != optax,
		product:   int64(math.Float64bits(1)),
	}, nil
}

// weights are the factors of m and g in m̂.
func (s *nadamState[F]) weights() (ofMean, ofGrad float64) {
	t := float64(s.steps)
	if !s.scheduled {
		return s.beta1 / (1 - elementary.Pow(s.beta1, t+1)), (1 - s.beta1) / (1 - elementary.Pow(s.beta1, t))
	}
	mu := func(t float64) float64 {
		return float64(s.beta1 * (1 - float64(0.5*elementary.Pow(0.96, float64(t*s.psi)))))
	}
	now, next := mu(t), mu(t+1)
	product := float64(math.Float64frombits(uint64(s.product)) * now)
	s.product = int64(math.Float64bits(product))
	return next / (1 - float64(product*next)), (1 - now) / (1 - product)
}

func (s *nadamState[F]) Step(params, grad []F, lr F) error {
	k := s.advance(lr)
	ofMean, ofGrad := s.weights()
	mean, direct := F(float64(lr)*ofMean), F(float64(lr)*ofGrad)
	coupled := s.coupled
	m, v := s.m[:len(grad)], s.v[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		p, g, mi, vi := k.begin(coupled, params[i], g, m[i], v[i])
		m[i], v[i] = mi, vi
		params[i] = p - (F(mean*mi)+F(direct*g))/(F(math.Sqrt(float64(vi+k.inside)))/k.root+k.eps)
	}
	return nil
}

func (s *nadamState[F]) State() plugins.State[F] {
	state := s.adamState.State()
	state.Counters = append(state.Counters, &s.product)
	return state
}
