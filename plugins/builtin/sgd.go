package builtin

import "github.com/xrun-dev/xrun/plugins"

var sgdConventions = []plugins.Convention{
	{Name: torch, LR: 1e-3, Source: "PyTorch 2.15 torch/optim/sgd.py", Rule: `g ← g + weight_decay·θ
b ← g at the first step, then b ← μ·b + (1 − dampening)·g
θ ← θ − lr·b, nesterov: θ ← θ − lr·(g + μ·b)
A new lr rescales the whole velocity.`},
	{Name: keras, LR: 0.01, Source: "Keras 3.15 optimizers/sgd.py", Rule: `θ ← θ·(1 − lr·weight_decay)
b ← μ·b + lr·g
θ ← θ − b, nesterov: θ ← θ − (μ·b + lr·g)
What was learnt at an old lr stays in the velocity at that lr.`},
	{Name: optax, Source: "Optax 0.2.8 alias.sgd, trace", Rule: `b ← μ·b + g from b = 0
θ ← θ − lr·b, nesterov: θ ← θ − lr·(g + μ·b)
No dampening and no weight_decay.`},
}

var sgd = plugins.NewOptimizer(plugins.Spec{
	Name:    "sgd",
	Summary: "gradient descent, with momentum on request",
	Doc: `θ ← θ − lr·g, or with momentum μ > 0 along a velocity b that sums past gradients, each weighted
μ times less than the next; nesterov looks ahead along it. The conventions agree as long as lr and
weight_decay are constant and dampening is 0: they differ in whether lr stands inside the velocity.
With batch = "full" this is gradient descent.`,
	Citation:    "Polyak 1964, doi:10.1016/0041-5553(64)90137-5; Sutskever et al. 2013 (ICML), eq. 3 and 4",
	Revision:    1,
	Conventions: sgdConventions,
	Settings: []plugins.Setting{
		following(sgdConventions),
		plugins.RealSetting("momentum", 0, "μ, the share of the velocity kept at each step").AtLeast(0).Below(1),
		plugins.RealSetting("dampening", 0, "share of the gradient kept out of the velocity, from the second step on; torch only").Within(0, 1),
		plugins.FlagSetting("nesterov", false, "step along g + μ·b instead of b; wants momentum > 0 and dampening 0"),
		decaySetting(),
	},
	Features:    []string{plugins.FeatureGain},
	StateFloats: 1,
}, newSGD[float32], newSGD[float64])

// weightDecay is the coupled decay that several optimizers share: g ← g + weight_decay·θ.
func weightDecay(def float64) plugins.Setting {
	return plugins.RealSetting("weight_decay", def, "adds weight_decay·θ to the gradient of every parameter, biases too").AtLeast(0)
}

type sgdState[F plugins.Float] struct {
	decay[F]
	momentum, dampening F
	nesterov            bool
	rateInside          bool // the velocity holds lr·g, not g
	velocity            []F
	steps               int64
}

func newSGD[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	decay, err := newDecay[F](in, map[string]coupling{torch: coupled, keras: decoupled})
	if err != nil {
		return nil, err
	}
	if err := onlyUnder(in, "dampening", plugins.Real(0), torch); err != nil {
		return nil, err
	}
	s := &sgdState[F]{
		decay:      decay,
		momentum:   F(in.Settings.Real("momentum")),
		dampening:  F(in.Settings.Real("dampening")),
		nesterov:   in.Settings.Flag("nesterov"),
		rateInside: chosen(in) == keras,
	}
	if s.nesterov && (s.momentum == 0 || s.dampening != 0) {
		return nil, &plugins.SettingError{Setting: "nesterov", Problem: "wants momentum > 0 and dampening 0"}
	}
	if s.momentum > 0 {
		s.velocity = make([]F, in.Layout.Dim())
	}
	return s, nil
}

func (s *sgdState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	params = params[:len(grad)]
	if s.decoupled != 0 {
		shrink := s.shrink(lr)
		for i := range params {
			params[i] = F(params[i] * shrink)
		}
	}
	if s.velocity == nil {
		for i, g := range grad {
			g += F(s.coupled * params[i])
			params[i] -= F(lr * g)
		}
		return nil
	}
	keep, take := s.momentum, 1-s.dampening
	if s.steps == 1 {
		keep, take = 0, 1
	}
	inside, outside := F(1), lr
	if s.rateInside {
		inside, outside = lr, 1
	}
	velocity := s.velocity[:len(grad)]
	if s.coupled == 0 && inside == 1 && take == 1 && !s.nesterov { // the same, but for what is multiplied by 0 and 1
		for i, g := range grad {
			v := F(keep*velocity[i]) + g
			velocity[i] = v
			params[i] -= F(outside * v)
		}
		return nil
	}
	for i, g := range grad {
		g = F(inside * (g + F(s.coupled*params[i])))
		v := F(keep*velocity[i]) + F(take*g)
		velocity[i] = v
		if s.nesterov {
			v = g + F(s.momentum*v)
		}
		params[i] -= F(outside * v)
	}
	return nil
}

// Gain is the gain of a settled velocity: b = μ·b + (1 − dampening)·g. The look-ahead of
// nesterov has the same.
func (s *sgdState[F]) Gain() float64 {
	if s.velocity == nil || s.dampening == 1 { // which keeps every gradient but the first out: nothing settles
		return 1
	}
	return float64(1-s.dampening) / float64(1-s.momentum)
}

func (s *sgdState[F]) State() plugins.State[F] {
	if s.velocity == nil {
		return plugins.State[F]{Counters: []*int64{&s.steps}}
	}
	return plugins.State[F]{Vectors: [][]F{s.velocity}, Counters: []*int64{&s.steps}}
}
