package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

var dadaptAdam = plugins.NewOptimizer(plugins.Spec{
	Name:    "dadapt_adam",
	Summary: "adam with D-adaptation: estimates its own learning rate; lr = 1 leaves it to it",
	Doc: `d is the estimate of the distance to a solution, at first d0; δ = d·lr·b with
b = √(1 − β₂ᵗ)/(1 − β₁ᵗ) under bias_correction, else 1; β₃ = √β₂.
r ← β₃·r + (1 − β₃)·δ·⟨g, s/(√v + ε)⟩ with the v before this step, m ← β₁·m + (1 − β₁)·δ·g,
v ← β₂·v + (1 − β₂)·g², s ← β₃·s + (1 − β₃)·δ·g, d ← max(d, r/((1 − β₃)·‖s‖₁)),
θ ← θ − δ·weight_decay·θ − m/(√v + ε). Products and norms are over all parameters. Until a gradient
differs from 0 no step is counted.`,
	Citation: "Defazio, Mishchenko 2023 (ICML), arXiv:2301.07733, algorithm 5",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.ChoiceSetting(plugins.SettingConvention, "whose D-adapted adam", "paper", "optax"),
		plugins.RealSetting("beta1", 0.9, "β₁, the decay of the first moment").AtLeast(0).Below(1),
		plugins.RealSetting("beta2", 0.999, "β₂, the decay of the second moment").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-8, "ε, added to the root of the second moment").Above(0),
		plugins.RealSetting("d0", 1e-6, "first estimate of d").Above(0),
		plugins.FlagSetting("bias_correction", false, "scale steps by √(1 − β₂ᵗ)/(1 − β₁ᵗ)").Under("optax", plugins.Flag(true)),
		plugins.RealSetting("weight_decay", 0, "shrinks every parameter, biases too, by δ·weight_decay a step").AtLeast(0),
	},
	Conventions: []plugins.Convention{
		{Name: "paper", LR: 1, Rule: "no bias correction unless asked for", Source: "algorithm 5; pytorch_optimizer 4.1, DAdaptAdam with decoupled decay"},
		{Name: "optax", LR: 1, Rule: "always corrects the bias", Source: "optax 0.2.8, optax.contrib.dadapt_adamw"},
	},
	StateFloats: 3,
}, newDAdaptAdam[float32], newDAdaptAdam[float64])

type dadaptState[F plugins.Float] struct {
	beta1, beta2, eps, decay float64
	correct                  bool
	m, v, s                  []F
	d, r                     scalar
	steps                    int64
}

func newDAdaptAdam[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	dim := in.Layout.Dim()
	s := &dadaptState[F]{
		beta1:   in.Settings.Real("beta1"),
		beta2:   in.Settings.Real("beta2"),
		eps:     in.Settings.Real("eps"),
		decay:   in.Settings.Real("weight_decay"),
		correct: in.Settings.Flag("bias_correction"),
		m:       make([]F, dim),
		v:       make([]F, dim),
		s:       make([]F, dim),
	}
	s.d.set(in.Settings.Real("d0"))
	return s, nil
}

func (s *dadaptState[F]) Step(params, grad []F, lr F) error {
	delta := float64(s.d.get() * float64(lr))
	if s.correct {
		delta = float64(delta * biasCorrection(s.beta1, s.beta2, float64(s.steps+1)))
	}
	beta3 := math.Sqrt(s.beta2)
	beta1, rest1 := F(s.beta1), F((1-s.beta1)*delta)
	beta2, rest2 := F(s.beta2), F(1-s.beta2)
	keep, take := F(beta3), F((1-beta3)*delta)
	m, v, sum := s.m[:len(grad)], s.v[:len(grad)], s.s[:len(grad)]
	params = params[:len(grad)]
	along, total := 0.0, 0.0
	for i, g := range grad {
		along += float64(float64(g) * float64(sum[i]) / (math.Sqrt(float64(v[i])) + s.eps))
		m[i] = F(beta1*m[i]) + F(rest1*g)
		v[i] = F(beta2*v[i]) + F(rest2*F(g*g))
		sum[i] = F(keep*sum[i]) + F(take*g)
		total += math.Abs(float64(sum[i]))
	}
	if total == 0 {
		return nil
	}
	s.steps++
	s.r.set(float64(beta3*s.r.get()) + float64((1-beta3)*delta*along))
	s.d.set(max(s.d.get(), s.r.get()/((1-beta3)*total)))
	shrink, eps := 1-F(delta*s.decay), F(s.eps)
	for i, p := range params {
		params[i] = F(p*shrink) - m[i]/(F(math.Sqrt(float64(v[i])))+eps)
	}
	return nil
}

func (s *dadaptState[F]) State() plugins.State[F] {
	return plugins.State[F]{
		Vectors:  [][]F{s.m, s.v, s.s},
		Counters: []*int64{&s.steps, s.d.counter(), s.r.counter()},
	}
}
