package builtin

import "github.com/xrun-dev/xrun/plugins"

var adamw = plugins.NewOptimizer(plugins.Spec{
	Name:    "adamw",
	Summary: "adam with weight decay outside the moments",
	Doc: `θ ← θ·(1 − lr·weight_decay), then the step of adam. The decay is multiplied by the learning
rate, as in PyTorch: a sweep over lr also sweeps the decay lr·weight_decay. It is not a penalty:
it does not appear in J.`,
	Citation: "Loshchilov, Hutter 2019 (ICLR), arXiv:1711.05101, algorithm 2",
	Revision: 1,
	Settings: append(adamSettings(),
		plugins.RealSetting("weight_decay", 0.01, "shrinks every parameter, biases too, by lr·weight_decay a step").AtLeast(0)),
	StateFloats: 2,
}, newAdamW[float32], newAdamW[float64])

func newAdamW[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	s := newMoments[F](in)
	s.decoupled = F(in.Settings.Real("weight_decay"))
	return s, nil
}
