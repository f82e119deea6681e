//go:build unix

package runner_test

import (
	"fmt"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// square is n trials of sgd for each seed.
func square(t *testing.T, n int, seeds ...int64) []runner.Trial {
	var trials []runner.Trial
	for i := range n {
		for _, seed := range seeds {
			trials = append(trials, runner.Trial{Task: taskOf(t, "iris", "softmax"), LR: float64(i + 1), Seed: seed,
				Optimizer: component(t, plugins.KindOptimizer, "sgd", nil)})
		}
	}
	return trials
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		trials, workers int
		seeds           []int64
		sizes           []int
	}{
		{0, 4, []int64{0}, nil},
		{1, 4, []int64{0}, []int{1}},
		{10, 1, []int64{0}, []int{10}},
		{10, 4, []int64{0}, []int{2, 3, 2, 3}},       // no worker without work
		{3, 8, []int64{0}, []int{1, 1, 1}},           // and no cohort without trials
		{10, 4, []int64{0, 1}, []int{5, 5, 5, 5}},    // evenly over the seeds
		{10, 2, []int64{0, 1, 2}, []int{10, 10, 10}}, // enough for all
		{64, 1, []int64{0}, []int{64}},
		{65, 1, []int64{0}, []int{32, 33}},
		{200, 1, []int64{0}, []int{50, 50, 50, 50}},
		{200, 3, []int64{7}, []int{50, 50, 50, 50}},
	} {
		trials := square(t, c.trials, c.seeds...)
		cohorts := runner.Plan(trials, c.workers)
		var sizes []int
		seen := map[runner.Key]bool{}
		for _, cohort := range cohorts {
			sizes = append(sizes, len(cohort))
			for _, trial := range cohort {
				seen[trial.Key()] = true
				if trial.Seed != cohort[0].Seed {
					t.Errorf("%+v: a cohort mixes the seeds %d and %d", c, trial.Seed, cohort[0].Seed)
				}
			}
		}
		if fmt.Sprint(sizes) != fmt.Sprint(c.sizes) {
			t.Errorf("%d trials × seeds %v for %d workers: cohorts of %v, want %v", c.trials, c.seeds, c.workers, sizes, c.sizes)
		}
		if len(seen) != len(trials) {
			t.Errorf("%+v: %d of %d trials are planned", c, len(seen), len(trials))
		}
	}
}

// The first map of a grid is there early: seeds one after the other, in the order they appear in.
func TestPlanTakesSeedsInOrder(t *testing.T) {
	var trials []runner.Trial
	for _, name := range []string{"sgd", "adam"} {
		for _, trial := range square(t, 3, 9, 2, 5) {
			trial.Optimizer = component(t, plugins.KindOptimizer, name, nil)
			trials = append(trials, trial)
		}
	}
	var got []string
	for _, cohort := range runner.Plan(trials, 1) {
		got = append(got, fmt.Sprint(cohort[0].Seed, " ", cohort[0].Optimizer.Component, " ", len(cohort)))
	}
	want := "[9 sgd 3 9 adam 3 2 sgd 3 2 adam 3 5 sgd 3 5 adam 3]"
	if fmt.Sprint(got) != want {
		t.Errorf("cohorts are %v, want %s", got, want)
	}
}

// What is only a number shares a cohort; what needs other code, data or memory does not.
func TestPlanKeepsApart(t *testing.T) {
	base := square(t, 1, 0)[0]
	l1, l2 := component(t, plugins.KindRegularizer, "l1", nil), component(t, plugins.KindRegularizer, "l2", nil)
	foreign := l2
	foreign.Plugin, foreign.Identity = "./foreign", "0123"
	for name, c := range map[string]struct {
		change func(*runner.Trial)
		want   int
	}{
		"λ":                   {func(t *runner.Trial) { t.Regularizer, t.Lambda = &l2, 3 }, 1},
		"built-in penalty":    {func(t *runner.Trial) { t.Regularizer, t.Lambda = &l1, 3 }, 1},
		"foreign penalty":     {func(t *runner.Trial) { t.Regularizer, t.Lambda = &foreign, 3 }, 2},
		"settings":            {func(t *runner.Trial) { t.Optimizer.Settings = plugins.Settings{"momentum": plugins.Real(0.9)} }, 1},
		"early stopping":      {func(t *runner.Trial) { t.Stop.Monitor = "val_loss" }, 1},
		"optimizer":           {func(t *runner.Trial) { t.Optimizer.Component = "adam" }, 2},
		"plugin":              {func(t *runner.Trial) { t.Optimizer.Plugin = "./" + host.Prefix + "sgd" }, 2},
		"seed":                {func(t *runner.Trial) { t.Seed++ }, 2},
		"batch":               {func(t *runner.Trial) { t.Task.Batch++ }, 2},
		"epochs":              {func(t *runner.Trial) { t.Task.Epochs++ }, 2},
		"precision":           {func(t *runner.Trial) { t.Task.DType = plugins.Float32 }, 2},
		"data":                {func(t *runner.Trial) { t.Task.Digest = "other" }, 2},
		"share of validation": {func(t *runner.Trial) { t.Task.Validation = 0.3 }, 2},
	} {
		other := base
		other.LR = 7
		c.change(&other)
		if got := len(runner.Plan([]runner.Trial{base, other}, 1)); got != c.want {
			t.Errorf("trials that differ in their %s make %d cohorts, want %d", name, got, c.want)
		}
	}
}
