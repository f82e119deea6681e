package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var adamConventions = []plugins.Convention{
	{Name: torch, LR: 1e-3, Source: "PyTorch 2.15 torch/optim/adam.py", Rule: `g ← g + weight_decay·θ
m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²
m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)
θ ← θ − lr·m̂ / (√v̂ + ε)`},
	{Name: keras, LR: 1e-3, Source: "Keras 3.15 optimizers/adam.py", Rule: `θ ← θ·(1 − lr·weight_decay)
m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²
θ ← θ − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε)
ε stands beside the uncorrected root: the paper's ε̂, 1/√(1 − β₂ᵗ) times as large as torch's ε.`},
	{Name: optax, Source: "Optax 0.2.8 alias.adam, scale_by_adam", Rule: `m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²
m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ)
θ ← θ − lr·m̂ / (√(v̂ + eps_root) + ε)
No weight_decay: see adamw.`},
}

var adam = plugins.NewOptimizer(plugins.Spec{
	Name:    "adam",
	Summary: "steps scaled by running moments of the gradient",
	Doc: `A running mean of the gradient over the root of one of its square, both corrected for starting at
0, so that the first step is lr long in each coordinate. The conventions differ in where ε stands,
which matters where gradients are not much larger than ε, and in how weight_decay is coupled: under
torch it enters the moments, under keras it does not. See adamw.`,
	Citation:    "Kingma, Ba 2015 (ICLR), arXiv:1412.6980, algorithm 1; ε̂: section 2",
	Revision:    1,
	Conventions: adamConventions,
	Settings:    append(adamSettings(), following(adamConventions), epsRoot, decaySetting()),
	StateFloats: 2,
}, newAdam[float32], newAdam[float64])

func adamSettings() []plugins.Setting {
	return []plugins.Setting{
		plugins.RealSetting("beta1", 0.9, "β₁, the decay of the first moment").AtLeast(0).Below(1),
		plugins.RealSetting("beta2", 0.999, "β₂, the decay of the second moment").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-8, "ε, added to the root of the second moment").AtLeast(0).Under(keras, plugins.Real(1e-7)),
	}
}

// epsRoot is what Optax adds to the second moment, so that derivatives through a step exist at 0.
var epsRoot = plugins.RealSetting("eps_root", 0, "added to the corrected second moment inside the root; optax only").AtLeast(0)

type adamState[F plugins.Float] struct {
	decay[F]
	beta1, beta2, eps float64
	epsRoot           float64
	epsHat            bool // ε is added to the uncorrected root
	m, v              []F
	steps             int64
}

func newAdam[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return newAdamUnder[F](in, map[string]coupling{torch: coupled, keras: decoupled})
}

// newAdamUnder is an adam that follows the instance's convention.
func newAdamUnder[F plugins.Float](in plugins.Instance, couplings map[string]coupling) (*adamState[F], error) {
	decay, err := newDecay[F](in, couplings)
	if err != nil {
		return nil, err
	}
	if err := onlyUnder(in, "eps_root", plugins.Real(0), optax); err != nil {
		return nil, err
	}
	s := newMoments[F](in)
	s.decay = decay
	s.epsRoot = in.Settings.Real("eps_root")
	s.epsHat = chosen(in) == keras
	return s, nil
}

// newMoments is an adam with the settings of adamSettings, under PyTorch's convention.
func newMoments[F plugins.Float](in plugins.Instance) *adamState[F] {
	dim := in.Layout.Dim()
	return &adamState[F]{
		beta1: in.Settings.Real("beta1"),
		beta2: in.Settings.Real("beta2"),
		eps:   in.Settings.Real("eps"),
		m:     make([]F, dim),
		v:     make([]F, dim),
	}
}

// adamFactors are the numbers of one step, rounded to F: θ ← θ·shrink − size·m / (√(v + inside)/root + eps).
type adamFactors[F plugins.Float] struct {
	beta1, rest1, beta2, rest2      F
	size, root, inside, eps, shrink F
}

// advance counts a step and returns its numbers.
func (s *adamState[F]) advance(lr F) adamFactors[F] {
	s.steps++
	t := float64(s.steps)
	correction := 1 - elementary.Pow(s.beta2, t)
	root, eps := math.Sqrt(correction), s.eps
	if s.epsHat {
		eps /= root
	}
	return adamFactors[F]{
		beta1: F(s.beta1), rest1: F(1 - s.beta1),
		beta2: F(s.beta2), rest2: F(1 - s.beta2),
		size:   F(float64(lr) / (1 - elementary.Pow(s.beta1, t))),
		root:   F(root),
		inside: F(s.epsRoot * correction),
		eps:    F(eps),
		shrink: s.shrink(lr),
	}
}

// begin is the beginning of a step for one parameter: p and its gradient g after the decay, and the
// new moments m and v.
func (k *adamFactors[F]) begin(coupled, p, g, m, v F) (_, _, _, _ F) {
	p = F(p * k.shrink)
	g += F(coupled * p)
	return p, g, F(k.beta1*m) + F(k.rest1*g), F(k.beta2*v) + F(k.rest2*F(g*g))
}

func (s *adamState[F]) Step(params, grad []F, lr F) error {
	s.step(params, grad, s.advance(lr))
	return nil
}

func (s *adamState[F]) step(params, grad []F, k adamFactors[F]) {
	beta1, rest1, beta2, rest2 := k.beta1, k.rest1, k.beta2, k.rest2
	size, root, inside, eps, shrink := k.size, k.root, k.inside, k.eps, k.shrink
	coupled := s.coupled
	m, v := s.m[:len(grad)], s.v[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		p := F(params[i] * shrink)
		g += F(coupled * p)
		mi := F(beta1*m[i]) + F(rest1*g)
		vi := F(beta2*v[i]) + F(rest2*F(g*g))
		m[i], v[i] = mi, vi
		params[i] = p - F(size*mi)/(F(math.Sqrt(float64(vi+inside)))/root+eps)
	}
}

func (s *adamState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.m, s.v}, Counters: []*int64{&s.steps}}
}
