//go:build unix

package runner_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// A trial that does not fit into memory fails alone, before anything of its size is made, and a cohort that does not fit is
// trained in parts, to the same bits.
func TestATrialThatDoesNotFitFailsAlone(t *testing.T) {
	task := taskOf(t, "iris", "mlp")
	task.Hidden, task.Activation = []int{200}, "relu"
	trials := grid(t, task)[:4]
	huge := slices.Clone(trials[:2])
	for i := range huge {
		huge[i].Task.Hidden = []int{1 << 20, 1 << 20, 1 << 20}
	}
	want := execute(t, runner.Options{}, trials)
	one := trials[0].Needs(4, 3)
	for how, free := range map[string]float64{"one at a time": 1.5 * one, "all": 1e9} {
		got := execute(t, runner.Options{Workers: 2, Available: func() (float64, string) { return free, "there is little" }}, append(slices.Clone(huge), trials...))
		for _, trial := range trials {
			if got.text(trial.Key()) != want.text(trial.Key()) {
				t.Errorf("%s: a trial that fits gives\n%.300s", how, got.text(trial.Key()))
			}
		}
		for _, trial := range huge {
			e := got.ends[trial.Key()]
			if e.Status != runner.StatusFailed || !strings.Contains(e.Reason, "the trial needs at least 70 TB of memory, and there is little") {
				t.Errorf("%s: a trial that does not fit ends %s: %s", how, e.Status, e.Reason)
			}
		}
	}
	huge[0].Task.Hidden = slices.Repeat([]int{1 << 20}, 1000) // its size in bytes is no int
	if e := execute(t, runner.Options{}, huge[:1]).ends[huge[0].Key()]; e.Status != runner.StatusFailed || !strings.Contains(e.Reason, "needs at least 35 PB of memory") {
		t.Errorf("where the memory is unknown it ends %s: %s", e.Status, e.Reason)
	}
}
