package builtin

import "github.com/xrun-dev/xrun/plugins"

var polyak = plugins.NewOptimizer(plugins.Spec{
	Name:    "polyak",
	Summary: "gradient descent with steps from the gap between the loss and its known least value",
	Doc: `θ ← θ − min(max(f − f_star, 0)/(‖g‖² + ε), lr)·g: the learning rate is the longest step, and the norm
is over all parameters. f is the objective of the mini-batch, its penalty included. A loss below
f_star gives no step: choose f_star lower. 0 is right for models that can fit every example.`,
	Citation: "Polyak 1987, Introduction to Optimization, 5.3; Loizou et al. 2021 (AISTATS), arXiv:2002.10542, eq. 4 (SPS_max with c = 1)",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("f_star", 0, "f*, the least value of the loss"),
		plugins.RealSetting("eps", 0, "ε, added to ‖g‖²").AtLeast(0),
	},
	Features: []string{plugins.FeatureLoss},
}, newPolyak[float32], newPolyak[float64])

type polyakState[F plugins.Float] struct {
	least, eps, loss float64
}

func newPolyak[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &polyakState[F]{least: in.Settings.Real("f_star"), eps: in.Settings.Real("eps")}, nil
}

func (s *polyakState[F]) SetLoss(loss float64) { s.loss = loss }

func (s *polyakState[F]) Step(params, grad []F, lr F) error {
	slope := dot(grad, grad)
	if slope == 0 {
		return nil
	}
	step := F(min(max(s.loss-s.least, 0)/(slope+s.eps), float64(lr)))
	params = params[:len(grad)]
	for i, g := range grad {
		params[i] -= F(step * g)
	}
	return nil
}
