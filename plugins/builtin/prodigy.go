package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var prodigy = plugins.NewOptimizer(plugins.Spec{
	Name:    "prodigy",
	Summary: "adam that estimates its own learning rate from the distance travelled; lr = 1 leaves it to it",
	Doc: `d is the estimate, at first d0; δ = d·lr·b with b = √(1 − β₂ᵗ)/(1 − β₁ᵗ) under bias_correction,
else 1; β₃ = √β₂; θ₀ are the parameters before the first step.
r ← β₃·r + (d/d0)·δ·⟨g, θ₀ − θ⟩, s ← β₃·s + (d/d0)·δ·g, m ← β₁·m + (1 − β₁)·d·g,
v ← β₂·v + (1 − β₂)·d²·g², d ← max(d, d_coef·r/‖s‖₁),
θ ← θ − δ·weight_decay·θ − δ·m/(√v + d·ε) with the new d beside ε only.
Products and norms are over all parameters. Until a gradient differs from 0 no step is counted.`,
	Citation: "Mishchenko, Defazio 2024 (ICML), arXiv:2306.06101, algorithm 4",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.ChoiceSetting(plugins.SettingConvention, "whose prodigy", "paper", "optax"),
		plugins.RealSetting("beta1", 0.9, "β₁, the decay of the first moment").AtLeast(0).Below(1),
		plugins.RealSetting("beta2", 0.999, "β₂, the decay of the second moment").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-8, "ε, times d added to the root of the second moment").AtLeast(0),
		plugins.RealSetting("d0", 1e-6, "first estimate of d").Above(0),
		plugins.RealSetting("d_coef", 1, "factor of the estimates").Above(0),
		plugins.FlagSetting("bias_correction", false, "scale steps by √(1 − β₂ᵗ)/(1 − β₁ᵗ)").Under("optax", plugins.Flag(true)),
		plugins.FlagSetting("safeguard_warmup", false, "keep lr out of s, for schedules that begin with small steps"),
		plugins.RealSetting("weight_decay", 0, "shrinks every parameter, biases too, by δ·weight_decay a step").AtLeast(0),
	},
	Conventions: []plugins.Convention{
		{Name: "paper", LR: 1, Rule: "no bias correction unless asked for", Source: "the authors' package prodigyopt 1.1.2, without its cap on the growth of d"},
		{Name: "optax", LR: 1, Rule: "always corrects the bias", Source: "optax 0.2.8, optax.contrib.prodigy"},
	},
	StateFloats: 4,
}, newProdigy[float32], newProdigy[float64])

type prodigyState[F plugins.Float] struct {
	beta1, beta2, eps, d0, coef, decay float64
	correct, safeguard                 bool
	start, m, v, s                     []F
	d, r                               scalar
	steps                              int64
}

func newProdigy[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	dim := in.Layout.Dim()
	s := &prodigyState[F]{
		beta1:     in.Settings.Real("beta1"),
		beta2:     in.Settings.Real("beta2"),
		eps:       in.Settings.Real("eps"),
		d0:        in.Settings.Real("d0"),
		coef:      in.Settings.Real("d_coef"),
		decay:     in.Settings.Real("weight_decay"),
		correct:   in.Settings.Flag("bias_correction"),
		safeguard: in.Settings.Flag("safeguard_warmup"),
		start:     make([]F, dim),
		m:         make([]F, dim),
		v:         make([]F, dim),
		s:         make([]F, dim),
	}
	s.d.set(s.d0)
	return s, nil
}

// biasCorrection is √(1 − β₂ᵗ)/(1 − β₁ᵗ), which takes both moments of adam to their corrected ones.
func biasCorrection(beta1, beta2, t float64) float64 {
	return math.Sqrt(1-elementary.Pow(beta2, t)) / (1 - elementary.Pow(beta1, t))
}

func (s *prodigyState[F]) Step(params, grad []F, lr F) error {
	if s.steps == 0 {
		copy(s.start, params)
	}
	d := s.d.get()
	delta := float64(d * float64(lr))
	if s.correct {
		delta = float64(delta * biasCorrection(s.beta1, s.beta2, float64(s.steps+1)))
	}
	beta3 := math.Sqrt(s.beta2)
	gain := float64(d / s.d0 * delta)
	taken := gain
	if s.safeguard {
		taken = float64(d / s.d0 * d)
	}
	beta1, rest1 := F(s.beta1), F((1-s.beta1)*d)
	beta2, rest2 := F(s.beta2), F((1-s.beta2)*d*d)
	keep, take := F(beta3), F(taken)
	m, v, sum, start := s.m[:len(grad)], s.v[:len(grad)], s.s[:len(grad)], s.start[:len(grad)]
	params = params[:len(grad)]
	travelled, total := 0.0, 0.0
	for i, g := range grad {
		travelled += float64(float64(g) * (float64(start[i]) - float64(params[i])))
		m[i] = F(beta1*m[i]) + F(rest1*g)
		v[i] = F(beta2*v[i]) + F(rest2*F(g*g))
		sum[i] = F(keep*sum[i]) + F(take*g)
		total += math.Abs(float64(sum[i]))
	}
	if total == 0 {
		return nil
	}
	s.steps++
	s.r.set(float64(beta3*s.r.get()) + float64(gain*travelled))
	d = max(d, s.coef*s.r.get()/total)
	s.d.set(d)
	size, shrink, eps := F(delta), 1-F(delta*s.decay), F(d*s.eps)
	for i, p := range params {
		params[i] = F(p*shrink) - F(size*m[i])/(F(math.Sqrt(float64(v[i])))+eps)
	}
	return nil
}

func (s *prodigyState[F]) State() plugins.State[F] {
	return plugins.State[F]{
		Vectors:  [][]F{s.start, s.m, s.v, s.s},
		Counters: []*int64{&s.steps, s.d.counter(), s.r.counter()},
	}
}
