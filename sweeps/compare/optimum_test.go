package compare_test

import (
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// An unknown optimum is a note with the number of runs; without one there is none.
func TestUnknownOptimaAreNotes(t *testing.T) {
	results := []runner.Result{{Trial: "t", Point: "p", Optimizer: "sgd", LR: 0.1, RunID: 1, Status: runner.StatusFinished}}
	const why = "suboptimality is not known: the reference solver leaves intercepts free, and penalize_bias does not"
	for _, runs := range []int{0, 2} {
		q := compare.Question{Sweep: "s", Metric: "val_loss", Goal: "min"}
		if runs > 0 {
			q.NoOptimum = map[string]int{why: runs}
		}
		found := 0
		for _, n := range compare.Build(q, results, nil).Notes() {
			if strings.Contains(n.Text, why+": NaN in 2 runs") {
				found++
			}
		}
		if found != min(runs, 1) {
			t.Errorf("%d notes for %d runs", found, runs)
		}
	}
}
