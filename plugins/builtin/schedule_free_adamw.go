package builtin

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

var scheduleFreeAdamW = plugins.NewOptimizer(plugins.Spec{
	Name:    "schedule_free_adamw",
	Summary: "adamw whose iterates are averaged in place of momentum and schedule; evaluated at the average",
	Doc: `g is taken at y = (1 − β₁)·z + β₁·x. v ← β₂·v + (1 − β₂)·g², u = g/(√v̂ + ε), v̂ = v/(1 − β₂ᵗ),
z ← z − lr·u, x ← (1 − c)·x + c·z with c = w/Σw, w = tʳ·(max lr)^weight_lr_power. Training goes on at
y, metrics and what is kept are of x. Wants a warm-up and a learning rate 1 to 10 times that of adamw,
and no decay of the learning rate. A proximal map after the step acts on y.`,
	Citation: "Defazio et al. 2024 (NeurIPS), arXiv:2405.15682, algorithm 1",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.ChoiceSetting(plugins.SettingConvention, "whose schedule-free adamw", "paper", "keras"),
		plugins.RealSetting("beta1", 0.9, "β₁, the share of x in y").Above(0).Below(1),
		plugins.RealSetting("beta2", 0.999, "β₂, the decay of the second moment").AtLeast(0).Below(1),
		plugins.RealSetting("eps", 1e-8, "ε, added to the root of the second moment").AtLeast(0),
		plugins.RealSetting("weight_decay", 0, "of every parameter, biases too").AtLeast(0),
		averagingSettings()[0],
		averagingSettings()[1].Under("keras", plugins.Real(0)),
	},
	Conventions: []plugins.Convention{
		{Name: "paper", LR: 0.0025, Rule: "u gains weight_decay·y", Source: "the authors' package schedulefree 1.4.1; optax 0.2.8, optax.contrib.schedule_free_adamw, is the same"},
		{Name: "keras", LR: 0.0025, Rule: "y ← y·(1 − lr·weight_decay) before the step; every step weighs the same", Source: "Keras 3.15, keras.optimizers.ScheduleFreeAdamW"},
	},
	Features:    []string{plugins.FeatureEval},
	StateFloats: 2,
}, newScheduleFreeAdamW[float32], newScheduleFreeAdamW[float64])

type scheduleFreeAdamWState[F plugins.Float] struct {
	averaging[F]
	beta2, eps     float64
	joined, before F // weight decay: in u, or of y before the step
	v              []F
}

func newScheduleFreeAdamW[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := &scheduleFreeAdamWState[F]{
		averaging: newAveraging[F](in, "beta1"),
		beta2:     in.Settings.Real("beta2"),
		eps:       in.Settings.Real("eps"),
		v:         make([]F, in.Layout.Dim()),
	}
	decay := F(in.Settings.Real("weight_decay"))
	if in.Settings.Choice(plugins.SettingConvention) == "keras" {
		s.before = decay
	} else {
		s.joined = decay
	}
	return s, nil
}

func (s *scheduleFreeAdamWState[F]) Step(params, grad []F, lr F) error {
	share := s.begin(params, lr)
	c, along := F(share), F(float64(lr)*(float64(s.beta*(1-share))-1))
	root := F(math.Sqrt(1 - elementary.Pow(s.beta2, float64(s.steps))))
	beta2, rest2, eps := F(s.beta2), F(1-s.beta2), F(s.eps)
	shrink := 1 - F(lr*s.before)
	z, v := s.z[:len(grad)], s.v[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		y := F(params[i] * shrink)
		v[i] = F(beta2*v[i]) + F(rest2*F(g*g))
		u := F(s.joined * y)
		if g != 0 {
			u += g / (F(math.Sqrt(float64(v[i])))/root + eps)
		}
		params[i] = y + F(c*(z[i]-y)) + F(along*u)
		z[i] -= F(lr * u)
	}
	return nil
}

func (s *scheduleFreeAdamWState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.z, s.v}, Counters: s.counters()}
}
