package builtin

import "github.com/xrun-dev/xrun/plugins"

var lbfgs = plugins.NewOptimizer(plugins.Spec{
	Name:    "lbfgs",
	Summary: "quasi-Newton steps from the last pairs of steps and gradients, with a strong Wolfe line search",
	Doc: `One step is one iteration: a direction d by the two-loop recursion over the last memory pairs
(s, y), a search along it for f(θ + α·d) ≤ f + decrease·α·gᵀd and |∇f(θ + α·d)ᵀd| ≤ curvature·|gᵀd|,
all on one mini-batch. The first trial is α = lr, and lr·min(1, 1/‖g‖₁) while there is no pair and
d = −g. After evaluations trials, or when the bracket has no room left, the best point that lowers the
loss is taken; if there is none, θ stays and the pairs are forgotten. A loss that is NaN or infinite
shortens the step. s is the step taken, y the difference of the gradients at its two ends, of the same
mini-batch; a pair with sᵀy ≤ 1e-10·‖y‖² is left out. Where the loss is not finite to begin with there
is nothing to compare: the first trial is taken as it is. A gradient that is not finite passes into θ.`,
	Citation: "Liu, Nocedal 1989 (Math. Programming 45); Nocedal, Wright 2006, Numerical Optimization, algorithms 7.4, 7.5, 3.5 and 3.6",
	Revision: 1,
	Settings: []plugins.Setting{
		plugins.IntegerSetting("memory", 10, "pairs kept").Within(1, 1000),
		plugins.RealSetting("decrease", 1e-4, "share of the first-order decrease that a step must bring").Above(0).Below(0.5),
		plugins.RealSetting("curvature", 0.9, "share of the slope that may be left; more than decrease").Above(0).Below(1),
		plugins.IntegerSetting("evaluations", 20, "most trials of one step").AtLeast(1),
	},
	Features:    []string{plugins.FeatureReverse, plugins.FeatureLoss, plugins.FeatureFullBatch},
	StateFloats: 20,
}, newLBFGS[float32], newLBFGS[float64])

// leastCurvature is the least sᵀy/‖y‖² of a pair that is kept: below, the inverse of the curvature
// along s is lost in rounding, or not positive.
const leastCurvature = 1e-10

type lbfgsState[F plugins.Float] struct {
	dim, memory int
	s, y        []F   // the pairs, number i at place i mod memory
	pairs       int64 // ever kept since the memory was last cleared
	loss        float64

	// What follows lives within one step.
	search     wolfe
	searching  int64 // 1 between the calls of one step; restoring a state forgets an unfinished step
	home, from []F   // θ and the gradient at the start of the step
	direction  []F
	best       trial
	bestGrad   []F
	recursion  []float64
	alpha      []float64
}

func newLBFGS[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	dim, memory := in.Layout.Dim(), int(in.Settings.Integer("memory"))
	s := &lbfgsState[F]{
		dim: dim, memory: memory,
		s: make([]F, dim*memory), y: make([]F, dim*memory),
		home: make([]F, dim), from: make([]F, dim), direction: make([]F, dim), bestGrad: make([]F, dim),
		recursion: make([]float64, dim), alpha: make([]float64, memory),
		search: wolfe{
			decrease:  in.Settings.Real("decrease"),
			curvature: in.Settings.Real("curvature"),
			limit:     int(in.Settings.Integer("evaluations")),
		},
	}
	if s.search.curvature <= s.search.decrease {
		return nil, &plugins.SettingError{Setting: "curvature", Problem: "wants to be more than decrease"}
	}
	return s, nil
}

func (s *lbfgsState[F]) SetLoss(loss float64) { s.loss = loss }

func (s *lbfgsState[F]) Step(params, grad []F, lr F) error {
	if s.searching == 0 {
		return s.begin(params, grad, float64(lr))
	}
	if finite(s.loss) && s.loss < s.best.loss {
		s.best = trial{step: s.search.step, loss: s.loss}
		copy(s.bestGrad, grad)
	}
	switch s.search.next(s.loss, dot(grad, s.direction)) {
	case tryAgain:
		s.move(params, s.search.step)
		return plugins.ErrAgain
	case accepted:
		s.remember(params, grad)
	case exhausted:
		s.move(params, s.best.step)
		if s.best.step > 0 {
			s.remember(params, s.bestGrad)
		} else {
			s.pairs = 0
		}
	}
	s.searching = 0
	return nil
}

// begin chooses the direction and writes the first trial.
func (s *lbfgsState[F]) begin(params, grad []F, lr float64) error {
	copy(s.home, params)
	copy(s.from, grad)
	s.direct()
	slope := dot(s.from, s.direction)
	if !(slope < 0) && s.pairs > 0 {
		s.pairs = 0
		s.direct()
		slope = dot(s.from, s.direction)
	}
	step := lr
	if s.pairs == 0 {
		step = float64(step * min(1, 1/norm1(s.from)))
	}
	if !finite(slope) {
		step = lr // 1/‖g‖₁ would hide an infinite gradient
	}
	if slope == 0 || step == 0 {
		return nil
	}
	s.move(params, step)
	if !finite(slope) || !finite(s.loss) {
		return nil
	}
	s.best = trial{loss: s.loss}
	s.search.begin(s.loss, slope, step)
	s.searching = 1
	return plugins.ErrAgain
}

// move writes θ + step·d, θ to the bit for step 0.
func (s *lbfgsState[F]) move(params []F, step float64) {
	copy(params, s.home)
	if step == 0 {
		return
	}
	params = params[:len(s.direction)]
	for i, d := range s.direction {
		params[i] += F(F(step) * d)
	}
}

// direct writes d = −H·g by the two-loop recursion, with H₀ = sᵀy/‖y‖² of the last pair, or 1.
func (s *lbfgsState[F]) direct() {
	q := s.recursion
	for i, g := range s.from {
		q[i] = float64(g)
	}
	oldest := max(0, s.pairs-int64(s.memory))
	for n := s.pairs - 1; n >= oldest; n-- {
		step, change := s.pair(n)
		a := dot(step, q) / dot(step, change)
		s.alpha[n%int64(s.memory)] = a
		for i, y := range change {
			q[i] -= float64(a * float64(y))
		}
	}
	if s.pairs > 0 {
		step, change := s.pair(s.pairs - 1)
		scale := dot(step, change) / dot(change, change)
		for i := range q {
			q[i] = float64(q[i] * scale)
		}
	}
	for n := oldest; n < s.pairs; n++ {
		step, change := s.pair(n)
		a := s.alpha[n%int64(s.memory)] - dot(change, q)/dot(step, change)
		for i, x := range step {
			q[i] += float64(a * float64(x))
		}
	}
	for i, x := range q {
		s.direction[i] = F(-x)
	}
}

func (s *lbfgsState[F]) pair(n int64) (step, change []F) {
	at := int(n%int64(s.memory)) * s.dim
	return s.s[at:][:s.dim], s.y[at:][:s.dim]
}

// remember keeps the pair of the step to params, where the gradient is grad.
func (s *lbfgsState[F]) remember(params, grad []F) {
	along, squared := 0.0, 0.0
	for i, g := range grad {
		step, change := params[i]-s.home[i], g-s.from[i]
		along += float64(float64(step) * float64(change))
		squared += float64(float64(change) * float64(change))
	}
	if !(along > leastCurvature*squared) || !finite(squared) {
		return
	}
	step, change := s.pair(s.pairs)
	for i, g := range grad {
		step[i], change[i] = params[i]-s.home[i], g-s.from[i]
	}
	s.pairs++
}

func (s *lbfgsState[F]) State() plugins.State[F] {
	return plugins.State[F]{Vectors: [][]F{s.s, s.y}, Counters: []*int64{&s.pairs, &s.searching}}
}
