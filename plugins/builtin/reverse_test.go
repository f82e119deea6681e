package builtin

import (
	"errors"
	"math"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// A problem is a loss that writes its gradient.
type problem func(theta, grad []float64) float64

// illConditioned is ½Σ cᵢθᵢ² with curvatures from 1 to worst.
func illConditioned(n int, worst float64) problem {
	return func(theta, grad []float64) float64 {
		loss := 0.0
		for i, x := range theta {
			c := math.Pow(worst, float64(i)/float64(n-1))
			grad[i] = c * x
			loss += 0.5 * c * x * x
		}
		return loss
	}
}

func rosenbrock(theta, grad []float64) float64 {
	x, y := theta[0], theta[1]
	a, b := 1-x, y-x*x
	grad[0], grad[1] = -2*a-400*x*b, 200*b
	return a*a + 100*b*b
}

// pastTheEdge is θ − log θ, minimal at 1 and without a value for θ ≤ 0.
func pastTheEdge(theta, grad []float64) float64 {
	grad[0] = 1 - 1/theta[0]
	if theta[0] <= 0 {
		grad[0] = math.NaN()
	}
	return theta[0] - math.Log(theta[0])
}

// oneStep answers Again until the step is done, as the host does, and counts the evaluations.
func oneStep[F plugins.Float](t testing.TB, opt plugins.Optimizer[F], f func(theta, grad []F) float64, theta, grad []F, lr F) (evaluations int) {
	t.Helper()
	for {
		loss := f(theta, grad)
		if taker, ok := opt.(plugins.LossTaker); ok {
			taker.SetLoss(loss)
		}
		evaluations++
		err := opt.Step(theta, grad, lr)
		if err == nil {
			return evaluations
		}
		if !errors.Is(err, plugins.ErrAgain) {
			t.Fatal(err)
		}
		if evaluations > 100 {
			t.Fatal("asked again 100 times")
		}
	}
}

func TestLineSearchesConverge(t *testing.T) {
	start := func(n int) []float64 {
		theta := make([]float64, n)
		for i := range theta {
			theta[i] = 1 + 0.1*float64(i)
		}
		return theta
	}
	for _, c := range []struct {
		name, optimizer string
		f               problem
		theta           []float64
		lr              float64
		steps           int
		want            float64 // largest gradient element at the end
	}{
		{"quadratic", "lbfgs", illConditioned(20, 1e3), start(20), 1, 300, 1e-6},
		{"quadratic, short first trials", "lbfgs", illConditioned(20, 1e3), start(20), 1e-3, 300, 1e-6},
		{"rosenbrock", "lbfgs", rosenbrock, []float64{-1.2, 1}, 1, 60, 1e-6},
		{"edge of the domain", "lbfgs", pastTheEdge, []float64{0.01}, 1, 30, 1e-6},
		{"edge, far trials", "lbfgs", pastTheEdge, []float64{3}, 1e4, 30, 1e-5},
		{"quadratic", "armijo", illConditioned(5, 100), start(5), 1, 1500, 1e-6},
		{"rosenbrock", "armijo", rosenbrock, []float64{-1.2, 1}, 1, 30000, 1e-4},
		{"edge of the domain", "armijo", pastTheEdge, []float64{3}, 100, 200, 1e-6},
	} {
		t.Run(c.optimizer+" "+c.name, func(t *testing.T) {
			opt := opened[float64](t, c.optimizer, nil, vector(len(c.theta)))
			theta, grad := c.theta, make([]float64, len(c.theta))
			before, from, at := make([]float64, len(theta)), make([]float64, len(theta)), make([]float64, len(theta))
			for range c.steps {
				copy(before, theta)
				loss := c.f(theta, from)
				if largest(from) < c.want {
					break
				}
				oneStep(t, opt, c.f, theta, grad, c.lr)
				reached := c.f(theta, at)
				conditions(t, c.optimizer, before, theta, from, at, loss, reached)
			}
			c.f(theta, grad)
			if g := largest(grad); !(g < c.want) {
				t.Errorf("gradient of size %v after %d steps, want below %v", g, c.steps, c.want)
			}
		})
	}
}

func largest(v []float64) float64 {
	most := 0.0
	for _, x := range v {
		most = max(most, math.Abs(x))
	}
	return most
}

// conditions checks what each search promises of the points before and after a step. Losses are
// compared up to their rounding.
func conditions(t *testing.T, optimizer string, before, after, from, at []float64, loss, reached float64) {
	t.Helper()
	slope, left := 0.0, 0.0
	for i := range before {
		slope += from[i] * (after[i] - before[i])
		left += at[i] * (after[i] - before[i])
	}
	if slack := 1e-14 * math.Abs(loss); !(slope < 0) || !(reached <= loss+1e-4*slope+slack) {
		t.Fatalf("loss %v to %v with slope %v: not the decrease of Armijo", loss, reached, slope)
	}
	if optimizer == "lbfgs" && math.Abs(left) > -0.9*slope {
		t.Fatalf("slope %v became %v: more is left than the strong Wolfe conditions allow", slope, left)
	}
}

// On a quadratic of n dimensions with an all but exact search L-BFGS with n pairs ends after about
// n steps, gradient descent does not: the pairs are what makes it fast.
func TestPairsMakeLBFGSFast(t *testing.T) {
	f := illConditioned(8, 1e4)
	run := func(memory int64) int {
		opt := opened[float64](t, "lbfgs", plugins.Settings{"memory": plugins.Integer(memory), "curvature": plugins.Real(1e-3)}, vector(8))
		theta, grad := []float64{1, 1, 1, 1, 1, 1, 1, 1}, make([]float64, 8)
		for step := range 300 {
			f(theta, grad)
			if largest(grad) < 1e-5 {
				return step
			}
			oneStep(t, opt, f, theta, grad, 1)
		}
		return 300
	}
	few, many := run(1), run(8)
	if many > 25 || many >= few {
		t.Errorf("%d steps with 8 pairs, %d with 1", many, few)
	}
}

// Nothing lowers this loss: the gradient points the wrong way.
func TestSearchesGiveUpAtHome(t *testing.T) {
	uphill := func(theta, grad []float64) float64 {
		grad[0], grad[1] = -1, -0.1
		return theta[0] + theta[1]
	}
	for _, name := range []string{"lbfgs", "armijo"} {
		opt := opened[float64](t, name, plugins.Settings{"evaluations": plugins.Integer(7)}, vector(2))
		theta := []float64{0.1, 1.0 / 3}
		evaluations := oneStep(t, opt, uphill, theta, make([]float64, 2), 1)
		if theta[0] != 0.1 || theta[1] != 1.0/3 || evaluations > 8 {
			t.Errorf("%s: at %v after %d evaluations, want the start after at most 8", name, theta, evaluations)
		}
	}
}

// A kink lets no point fulfil the curvature condition; the best point must be taken, and the pair
// that is kept be that of the gradient there, whichever trial came last.
func TestSearchTakesTheBestPointItSaw(t *testing.T) {
	slope := func(x float64) float64 {
		if x < 0.3 {
			return -1
		}
		return 1
	}
	kept := 0
	for lr := 0.5; lr < 1; lr += 0.03 {
		seen := math.Inf(1)
		kink := func(theta, grad []float64) float64 {
			loss := math.Abs(theta[0] - 0.3)
			grad[0], seen = slope(theta[0]), min(seen, loss)
			return loss
		}
		opt := opened[float64](t, "lbfgs", nil, vector(1)).(*lbfgsState[float64])
		theta := []float64{1}
		oneStep(t, opt, kink, theta, make([]float64, 1), lr)
		if loss := math.Abs(theta[0] - 0.3); loss != seen || loss >= 0.7 {
			t.Errorf("lr %v: loss %v after the step, the best seen was %v", lr, loss, seen)
		}
		want := slope(theta[0]) - 1
		if opt.pairs == 1 && opt.y[0] != want || (opt.pairs == 1) != (want != 0) {
			t.Errorf("lr %v: %d pairs with y = %v, want y = %v", lr, opt.pairs, opt.y[0], want)
		}
		kept += int(opt.pairs)
	}
	if kept == 0 {
		t.Error("no best point lay beyond the kink: nothing was tested")
	}
}

// Where the loss curves down, sᵀy < 0: such a pair would turn the next direction uphill.
func TestPairsOfNegativeCurvatureAreLeftOut(t *testing.T) {
	dome := func(theta, grad []float64) float64 {
		grad[0] = -theta[0]
		return -theta[0] * theta[0] / 2
	}
	opt := opened[float64](t, "lbfgs", plugins.Settings{"evaluations": plugins.Integer(1)}, vector(1)).(*lbfgsState[float64])
	theta := []float64{1}
	for range 3 {
		before := theta[0]
		oneStep(t, opt, dome, theta, make([]float64, 1), 0.1)
		if opt.pairs != 0 || theta[0] <= before {
			t.Fatalf("%d pairs, θ from %v to %v; want none, and a step downhill", opt.pairs, before, theta[0])
		}
	}
}

// After a search that found nothing better, the same pairs would ask for the same search again.
func TestAFailedSearchForgetsThePairs(t *testing.T) {
	opt := opened[float64](t, "lbfgs", nil, vector(2)).(*lbfgsState[float64])
	theta, grad := []float64{-1.2, 1}, make([]float64, 2)
	for range 5 {
		oneStep(t, opt, rosenbrock, theta, grad, 1)
	}
	if opt.pairs == 0 {
		t.Fatal("no pairs after five steps")
	}
	flat := func(_, grad []float64) float64 { grad[0], grad[1] = 1, 1; return 7 }
	before := append([]float64(nil), theta...)
	oneStep(t, opt, flat, theta, grad, 1)
	if opt.pairs != 0 || theta[0] != before[0] || theta[1] != before[1] {
		t.Errorf("%d pairs and θ from %v to %v, want none and no step", opt.pairs, before, theta)
	}
}

func TestSAMByHand(t *testing.T) {
	quadratic := func(theta, grad []float64) float64 {
		grad[0], grad[1] = 10*theta[0], theta[1]
		return 5*theta[0]*theta[0] + theta[1]*theta[1]/2
	}
	for _, adaptive := range []bool{false, true} {
		opt := opened[float64](t, "sam", plugins.Settings{"rho": plugins.Real(0.2), "adaptive": plugins.Flag(adaptive)}, vector(2))
		theta, grad := []float64{1, -2}, make([]float64, 2)
		for step := range 5 {
			home := append([]float64(nil), theta...)
			g := []float64{10 * home[0], home[1]}
			scale := []float64{1, 1}
			if adaptive {
				scale = []float64{math.Abs(home[0]) + 0.01, math.Abs(home[1]) + 0.01}
			}
			norm := math.Hypot(scale[0]*g[0], scale[1]*g[1])
			want := make([]float64, 2)
			for i, curvature := range []float64{10, 1} {
				up := home[i] + 0.2*scale[i]*scale[i]*g[i]/norm
				want[i] = home[i] - 0.05*curvature*up
			}
			if n := oneStep(t, opt, quadratic, theta, grad, 0.05); n != 2 {
				t.Fatalf("%d evaluations a step, want 2", n)
			}
			if theta[0] != home[0] || theta[1] != home[1] {
				t.Fatalf("step %d: %v before the base steps, want %v to the bit", step, theta, home)
			}
			for i := range theta { // the base: gradient descent
				theta[i] -= 0.05 * grad[i]
				if math.Abs(theta[i]-want[i]) > 1e-14 {
					t.Fatalf("step %d, adaptive %v: θ = %v, by hand %v", step, adaptive, theta, want)
				}
			}
		}
	}
}

// SPS: the step is the gap over ‖g‖², and never longer than lr.
func TestPolyakSteps(t *testing.T) {
	for _, c := range []struct{ loss, lr, want float64 }{
		{3, 1, (3 - 1) / 25.0}, {3, 0.01, 0.01}, {0.5, 1, 0},
	} {
		opt := opened[float64](t, "polyak", plugins.Settings{"f_star": plugins.Real(1)}, vector(2))
		opt.(plugins.LossTaker).SetLoss(c.loss)
		theta := []float64{0, 0}
		if err := opt.Step(theta, []float64{3, -4}, c.lr); err != nil {
			t.Fatal(err)
		}
		if math.Abs(theta[0]+3*c.want) > 1e-15 || math.Abs(theta[1]-4*c.want) > 1e-15 {
			t.Errorf("loss %v, lr %v: to %v, want a step of %v", c.loss, c.lr, theta, c.want)
		}
	}
}

// The state of a line search is restored between steps, and forgets a step that was cut short.
func TestRestoredSearchGoesOn(t *testing.T) {
	for _, name := range []string{"lbfgs", "armijo", "sam", "polyak"} {
		open := func() plugins.Optimizer[float64] {
			return opened[float64](t, name, nil, vector(2))
		}
		walk := func(opt plugins.Optimizer[float64], theta []float64, steps int) {
			grad := make([]float64, 2)
			for range steps {
				oneStep(t, opt, rosenbrock, theta, grad, 0.001)
				if name == "sam" {
					theta[0] -= 0.001 * grad[0]
					theta[1] -= 0.001 * grad[1]
				}
			}
		}
		whole, theta := open(), []float64{-1.2, 1}
		walk(whole, theta, 14)
		resumed := append([]float64(nil), theta...)
		other := open()
		walk(other, []float64{2, 2}, 3)
		grad := make([]float64, 2)
		if taker, ok := other.(plugins.LossTaker); ok {
			taker.SetLoss(rosenbrock([]float64{2, 2}, grad))
		}
		err := other.Step([]float64{2, 2}, []float64{1, 1}, 0.1)
		if name != "polyak" && !errors.Is(err, plugins.ErrAgain) {
			t.Fatalf("%s: %v, want a step that is not done", name, err)
		}
		copyState(whole, other)
		walk(whole, theta, 14)
		walk(other, resumed, 14)
		if theta[0] != resumed[0] || theta[1] != resumed[1] {
			t.Errorf("%s: restored to %v, uninterrupted %v", name, resumed, theta)
		}
		if theta[0] == -1.2 {
			t.Errorf("%s did not move", name)
		}
	}
}

func copyState(from, to plugins.Optimizer[float64]) {
	source, ok := from.(plugins.Stateful[float64])
	if !ok {
		return
	}
	a, b := source.State(), to.(plugins.Stateful[float64]).State()
	for i, v := range a.Vectors {
		copy(b.Vectors[i], v)
	}
	for i, c := range a.Counters {
		*b.Counters[i] = *c
	}
}
