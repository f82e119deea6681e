package builtin

import "github.com/xrun-dev/xrun/plugins"

const adamwRule = `θ ← θ·(1 − lr·weight_decay), see decay_coupling
then the step of adam under the same convention, without a decay of its own`

var adamwConventions = []plugins.Convention{
	{Name: torch, LR: 1e-3, Source: "PyTorch 2.15 torch/optim/adamw.py", Rule: adamwRule},
	{Name: keras, LR: 1e-3, Source: "Keras 3.15 optimizers/adamw.py", Rule: adamwRule},
	{Name: optax, Source: "Optax 0.2.8 alias.adamw", Rule: adamwRule},
}

// The factors by which the decay of a step can be multiplied.
const (
	coupledToLR       = "lr"
	coupledToSchedule = "schedule"
	coupledToNothing  = "none"
)

var adamw = plugins.NewOptimizer(plugins.Spec{
	Name:    "adamw",
	Summary: "adam with weight decay outside the moments",
	Doc: `Shrinks θ at each step and then steps as adam does, so that the decay is not scaled by the
gradient's moments. The frameworks multiply the decay by the learning rate: a sweep over lr also
sweeps the decay lr·weight_decay. The paper multiplies it by the schedule's factor only: with
decay_coupling = "schedule" θ shrinks by (lr/base lr)·weight_decay, with "none" by weight_decay.
The decay is not a penalty: it does not appear in J.`,
	Citation:    "Loshchilov, Hutter 2019 (ICLR), arXiv:1711.05101, algorithm 2",
	Revision:    1,
	Conventions: adamwConventions,
	Settings: append(adamSettings(), following(adamwConventions), epsRoot,
		plugins.RealSetting("weight_decay", 0.01, "shrinks every parameter, biases too; see decay_coupling").AtLeast(0).
			Under(keras, plugins.Real(0.004)).Under(optax, plugins.Real(1e-4)),
		plugins.ChoiceSetting("decay_coupling", "what weight_decay is multiplied by: the learning rate, the schedule's factor lr/base lr, or nothing",
			coupledToLR, coupledToSchedule, coupledToNothing)),
	StateFloats: 2,
}, newAdamW[float32], newAdamW[float64])

type adamwState[F plugins.Float] struct {
	*adamState[F]
	amount   float64 // weight_decay, or that over the base learning rate
	constant bool    // θ shrinks by amount whatever the learning rate
}

func newAdamW[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	inner, err := newAdamUnder[F](in, map[string]coupling{torch: decoupled, keras: decoupled, optax: decoupled})
	if err != nil {
		return nil, err
	}
	s := &adamwState[F]{adamState: inner, amount: in.Settings.Real("weight_decay")}
	switch in.Settings.Choice("decay_coupling") {
	case coupledToSchedule:
		if !(in.LR > 0) {
			return nil, &plugins.SettingError{Setting: "decay_coupling", Problem: `is "schedule", which wants a base learning rate > 0: choose "none" or set lr`}
		}
		s.amount /= in.LR
	case coupledToNothing:
		s.constant = true
	}
	return s, nil
}

func (s *adamwState[F]) Step(params, grad []F, lr F) error {
	k := s.advance(lr)
	if s.constant {
		k.shrink = 1 - F(s.amount)
	} else {
		k.shrink = 1 - F(lr*F(s.amount))
	}
	s.step(params, grad, k)
	return nil
}
