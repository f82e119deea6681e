//go:build unix

package runner_test

import (
	"math"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// Schedule-free descent trains at y and is judged at its average x: here is its definition (Defazio
// et al. 2024, arXiv:2405.15682, eq. 3–5) on J = ½(x₀² + x₁²/4).
func TestScheduleFreeIsEvaluatedAtItsAverage(t *testing.T) {
	const lr, beta, epochs = 0.4, 0.9, 12
	task := runner.Task{Model: "quadratic", Epochs: epochs, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{TestFunction: runner.TestFunction{Dimension: 2, Condition: 4}}}
	trial := runner.Trial{Task: task, LR: lr, Optimizer: component(t, plugins.KindOptimizer, "schedule_free_sgd", plugins.Settings{"momentum": plugins.Real(beta)})}
	got := execute(t, runner.Options{}, []runner.Trial{trial})

	eigenvalues := [2]float64{1, 0.25}
	start := startOf(t, task, trial.Seed)
	x, z := start, start
	value := func(p [2]float64) float64 {
		return (float64(eigenvalues[0]*p[0]*p[0]) + float64(eigenvalues[1]*p[1]*p[1])) / 2
	}
	curve := curve(t, got, trial.Key(), "train_loss")
	apart := false
	for step := 1; step <= epochs; step++ {
		var y [2]float64
		for i := range y {
			y[i] = (1-beta)*z[i] + beta*x[i]
		}
		for i := range z {
			z[i] -= lr * eigenvalues[i] * y[i]
			x[i] += (z[i] - x[i]) / float64(step)
		}
		if want := value(x); math.Abs(curve[step]-want) > 1e-12*want {
			t.Errorf("after epoch %d the loss is %.15g, and %.15g at x", step, curve[step], want)
		}
		for i := range y {
			y[i] = (1-beta)*z[i] + beta*x[i]
		}
		apart = apart || math.Abs(value(y)-value(x)) > 1e-3*value(x)
	}
	if !apart {
		t.Error("x and y are the same, so that this test says nothing")
	}
}

// startOf is where a quadratic of two dimensions starts: the loss of each coordinate alone tells it
// but for its sign, which does not matter here.
func startOf(t *testing.T, task runner.Task, seed int64) [2]float64 {
	t.Helper()
	// J₀ = ½(a² + b²/4), and one step of plain descent at rate 1 leaves (0, ¾b): J₁ = ½·(¾b)²/4.
	task.Epochs = 1
	trial := runner.Trial{Task: task, LR: 1, Seed: seed, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil)}
	got := execute(t, runner.Options{}, []runner.Trial{trial})
	j := curve(t, got, trial.Key(), "train_loss")
	b := math.Sqrt(8*j[1]) / 0.75
	return [2]float64{math.Sqrt(2*j[0] - b*b/4), b}
}
