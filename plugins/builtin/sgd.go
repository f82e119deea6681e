package builtin

import "github.com/xrun-dev/xrun/plugins"

var sgd = plugins.NewOptimizer(plugins.Spec{
	Name:    "sgd",
	Summary: "gradient descent, with momentum on request",
	Doc: `θ ← θ − lr·d, where d is the gradient g, or with momentum μ > 0 the velocity b.
b is set to g at the first step, then b ← μ·b + (1 − dampening)·g; nesterov steps along g + μ·b.
The learning rate stands outside the velocity, as in PyTorch: when it changes, the whole
velocity is rescaled. With batch = "full" this is gradient descent.`,
	Citation: "Polyak 1964, doi:10.1016/0041-5553(64)90137-5; Sutskever et al. 2013 (ICML), eq. 3 and 4",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("momentum", 0, "μ, the share of the velocity kept at each step").AtLeast(0).Below(1),
		plugins.RealSetting("dampening", 0, "share of the gradient kept out of the velocity, from the second step on").Within(0, 1),
		plugins.FlagSetting("nesterov", false, "step along g + μ·b instead of b; wants momentum > 0 and dampening 0"),
		weightDecay(0),
	},
	Features:    []string{plugins.FeatureGain},
	StateFloats: 1,
}, newSGD[float32], newSGD[float64])

// weightDecay is the coupled decay that several optimizers share: g ← g + weight_decay·θ.
func weightDecay(def float64) plugins.Setting {
	return plugins.RealSetting("weight_decay", def, "adds weight_decay·θ to the gradient of every parameter, biases too").AtLeast(0)
}

type sgdState[F plugins.Float] struct {
	momentum, dampening, decay F
	nesterov                   bool
	velocity                   []F
	steps                      int64
}

func newSGD[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := &sgdState[F]{
		momentum:  F(in.Settings.Real("momentum")),
		dampening: F(in.Settings.Real("dampening")),
		decay:     F(in.Settings.Real("weight_decay")),
		nesterov:  in.Settings.Flag("nesterov"),
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
	if s.velocity == nil {
		for i, g := range grad {
			g += F(s.decay * params[i])
			params[i] -= F(lr * g)
		}
		return nil
	}
	keep, take := s.momentum, 1-s.dampening
	if s.steps == 1 {
		keep, take = 0, 1
	}
	velocity := s.velocity[:len(grad)]
	params = params[:len(grad)]
	for i, g := range grad {
		g += F(s.decay * params[i])
		v := F(keep*velocity[i]) + F(take*g)
		velocity[i] = v
		if s.nesterov {
			v = g + F(s.momentum*v)
		}
		params[i] -= F(lr * v)
	}
	return nil
}

// Gain is that of a velocity that has settled: b = μ·b + (1 − dampening)·g. The look-ahead of
// nesterov has the same.
func (s *sgdState[F]) Gain() float64 {
	if s.velocity == nil {
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
