package builtin

import (
	"math"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// x and z are kept apart here, as the definition has them, and y is made of them at every step.
func TestScheduleFreeIsEvaluatedAtTheAverage(t *testing.T) {
	const beta, power, r = 0.8, 2.0, 0.5
	opt := opened[float64](t, "schedule_free_sgd", plugins.Settings{"momentum": plugins.Real(beta), "r": plugins.Real(r)}, vector(2))
	theta := []float64{1, -2}
	x, z := []float64{1, -2}, []float64{1, -2}
	largest, sum := 0.0, 0.0
	for step := 1; step <= 30; step++ {
		lr := 0.05 * math.Min(1, float64(step)/5)
		y := []float64{(1-beta)*z[0] + beta*x[0], (1-beta)*z[1] + beta*x[1]}
		largest = max(largest, lr)
		weight := math.Pow(float64(step), r) * math.Pow(largest, power)
		sum += weight
		for i, curvature := range []float64{10, 1} {
			z[i] -= lr * curvature * y[i]
			x[i] = (1-weight/sum)*x[i] + weight/sum*z[i]
		}
		if err := opt.Step(theta, []float64{10 * theta[0], theta[1]}, lr); err != nil {
			t.Fatal(err)
		}
		judged := append([]float64(nil), theta...)
		opt.(plugins.Evaluator[float64]).Evaluate(judged)
		for i := range x {
			if math.Abs(judged[i]-x[i]) > 1e-13 {
				t.Fatalf("step %d: Evaluate gives x[%d] = %.17g, the definition %.17g", step, i, judged[i], x[i])
			}
			if y := (1-beta)*z[i] + beta*x[i]; math.Abs(theta[i]-y) > 1e-13 {
				t.Fatalf("step %d: trains at %.17g, want y = %.17g", step, theta[i], y)
			}
		}
		if math.Abs(judged[1]-theta[1]) < 1e-6 && step > 1 && step < 20 {
			t.Errorf("step %d: x and y are the same: nothing was tested", step)
		}
	}
}

func TestEvaluateChangesNothingElse(t *testing.T) {
	for _, name := range []string{"schedule_free_sgd", "schedule_free_adamw"} {
		run := func(evaluate bool) []float64 {
			opt := opened[float64](t, name, nil, vector(2))
			theta := []float64{1, -2}
			for range 20 {
				if evaluate {
					opt.(plugins.Evaluator[float64]).Evaluate(append([]float64(nil), theta...))
				}
				if err := opt.Step(theta, []float64{10 * theta[0], theta[1]}, 0.05); err != nil {
					t.Fatal(err)
				}
			}
			return theta
		}
		if quiet, asked := run(false), run(true); quiet[0] != asked[0] || quiet[1] != asked[1] {
			t.Errorf("%s: θ = %v when it is evaluated on the way, %v when not", name, asked, quiet)
		}
		before := []float64{3, 4}
		opened[float64](t, name, nil, vector(2)).(plugins.Evaluator[float64]).Evaluate(before)
		if before[0] != 3 || before[1] != 4 {
			t.Errorf("%s: before the first step Evaluate gives %v, want the parameters", name, before)
		}
	}
}
