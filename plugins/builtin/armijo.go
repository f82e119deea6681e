package builtin

import "github.com/xrun-dev/xrun/plugins"

var armijo = plugins.NewOptimizer(plugins.Spec{
	Name:    "armijo",
	Summary: "gradient descent that shortens each step until the loss falls enough",
	Doc: `θ ← θ − α·g with the first of α = lr, shrink·lr, shrink²·lr, … for which
f(θ − α·g) ≤ f(θ) − decrease·α·‖g‖², all on one mini-batch. After evaluations trials the best point that
lowers the loss is taken; if there is none, θ stays. A loss that is NaN or infinite at a trial is not
enough. Where loss or gradient are not finite to begin with, the first trial is taken as it is.`,
	Citation: "Armijo 1966 (Pacific J. Math. 16); Nocedal, Wright 2006, Numerical Optimization, algorithm 3.1",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.RealSetting("decrease", 1e-4, "share of the first-order decrease that a step must bring").Above(0).Below(1),
		plugins.RealSetting("shrink", 0.5, "factor from one trial to the next").Above(0).Below(1),
		plugins.IntegerSetting("evaluations", 20, "most trials of one step").AtLeast(1),
	},
	Features:    []string{plugins.FeatureReverse, plugins.FeatureLoss},
	StateFloats: 2,
}, newArmijo[float32], newArmijo[float64])

type armijoState[F plugins.Float] struct {
	decrease, shrink float64
	limit            int
	loss             float64

	// What follows lives within one step.
	searching   int64 // 1 between the calls of one step; restoring a state forgets an unfinished step
	home, slope []F   // θ and the gradient there
	start       trial
	step        float64
	tries       int
	best        trial
}

func newArmijo[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	dim := in.Layout.Dim()
	return &armijoState[F]{
		decrease: in.Settings.Real("decrease"),
		shrink:   in.Settings.Real("shrink"),
		limit:    int(in.Settings.Integer("evaluations")),
		home:     make([]F, dim),
		slope:    make([]F, dim),
	}, nil
}

func (s *armijoState[F]) SetLoss(loss float64) { s.loss = loss }

func (s *armijoState[F]) Step(params, grad []F, lr F) error {
	if s.searching == 0 {
		copy(s.home, params)
		copy(s.slope, grad)
		s.start = trial{0, s.loss, -dot(grad, grad)}
		s.best, s.tries, s.step = s.start, 0, float64(lr)
		s.move(params, s.step)
		if s.start.slope == 0 || !finite(s.start.slope) || !finite(s.loss) {
			return nil
		}
		s.searching = 1
		return plugins.ErrAgain
	}
	s.tries++
	if finite(s.loss) && s.loss < s.best.loss {
		s.best = trial{step: s.step, loss: s.loss}
	}
	switch {
	case finite(s.loss) && s.loss <= s.start.loss+float64(s.decrease*s.step*s.start.slope):
	case s.tries < s.limit:
		s.step = float64(s.step * s.shrink)
		s.move(params, s.step)
		return plugins.ErrAgain
	default:
		s.move(params, s.best.step)
	}
	s.searching = 0
	return nil
}

// move writes θ − step·g, θ to the bit for step 0.
func (s *armijoState[F]) move(params []F, step float64) {
	copy(params, s.home)
	if step == 0 {
		return
	}
	params = params[:len(s.slope)]
	for i, g := range s.slope {
		params[i] -= F(F(step) * g)
	}
}

func (s *armijoState[F]) State() plugins.State[F] {
	return plugins.State[F]{Counters: []*int64{&s.searching}}
}
