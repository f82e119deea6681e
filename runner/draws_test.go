//go:build unix

package runner_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
)

// What is said that a seed decides is what it decides: seeds that are said to give equal runs do, to the bit, and others do not.
func TestSeedsDecideWhatIsSaid(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	b.WriteString("patient,day,x,z,y\n")
	for i := range 60 {
		x, z := random.NormFloat64(), random.NormFloat64()
		fmt.Fprintf(&b, "p%d,%d,%.3f,%.3f,%.3f\n", i%13, i, x, z, x-2*z+random.NormFloat64())
	}
	path := writeFile(t, filepath.Join(t.TempDir(), "visits.csv"), []byte(b.String()))
	seeds := []int64{0, 1, 2, 3, 4}
	var trials []runner.Trial
	for _, by := range []data.Schema{{Drop: []string{"patient", "day"}}, {Group: "patient", Drop: []string{"day"}}, {Order: "day", Drop: []string{"patient"}}} {
		for _, model := range []string{"linear", "mlp"} {
			for _, change := range []func(*runner.Task){
				func(t *runner.Task) { t.Batch, t.Sampling = 0, "" },
				func(t *runner.Task) { t.Batch, t.Sampling = 8, "shuffle" },
				func(t *runner.Task) { t.Batch, t.Sampling = 8, "sequential" },
				func(t *runner.Task) { t.Batch, t.Sampling, t.Validation, t.Folds = 0, "", 0, 3 },
			} {
				task := taskFrom(t, model, path, data.Options{Target: "y", Kind: data.Regression, Schema: by})
				task.Validation, task.Epochs, task.Schema = 0.25, 3, by
				if model == "mlp" {
					task.Hidden, task.Activation = []int{4}, "tanh"
				}
				change(&task)
				for _, seed := range seeds {
					trials = append(trials, runner.Trial{Task: task, LR: 0.01, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), Seed: seed})
				}
			}
		}
	}
	got := execute(t, runner.Options{Workers: 2}, trials)
	for of := range slices.Chunk(trials, len(seeds)) {
		draws := of[0].Task.Draws()
		var different []int64
		seen := map[string]bool{}
		for _, trial := range of {
			points := got.points[trial.Key()]
			if points == "" {
				t.Fatalf("seed %d has no points: %v", trial.Seed, got.ends[trial.Key()])
			}
			if !seen[points] {
				seen[points] = true
				different = append(different, trial.Seed)
			}
		}
		if said := draws.Different(seeds); !slices.Equal(said, different) {
			t.Errorf("%s with batch %d %s, %d folds, group %q, order %q: seeds %v differ, %v are said to", of[0].Task.Model, of[0].Task.Batch, of[0].Task.Sampling, of[0].Task.Folds,
				of[0].Task.Schema.Group, of[0].Task.Schema.Order, different, said)
		}
		if alone := execute(t, runner.Options{}, of[3:4]); alone.points[of[3].Key()] != got.points[of[3].Key()] {
			t.Errorf("seed %d gives other bits alone", of[3].Seed)
		}
	}
}

func TestDrawsAreJoined(t *testing.T) {
	some, none := runner.Draws{Known: true, Data: true, Start: true, Order: "day"}, runner.Draws{Known: true, Data: true, Order: "day"}
	if joined := some.With(none); !joined.Start || joined.Order != "day" || !joined.Chance() || none.With(none).Chance() {
		t.Errorf("joined are %+v", joined)
	}
	if joined := some.With(runner.Draws{}); joined != (runner.Draws{}) || !joined.Chance() {
		t.Errorf("with something unknown: %+v", joined)
	}
	if got := runner.Overlap(5, ""); got != 0.25 {
		t.Errorf("5 folds overlap by %v", got)
	}
	if got, want := runner.Overlap(2, "day"), 0.75; got != want { // 1 of 1 and 1 of 2
		t.Errorf("2 folds of an order overlap by %v, want %v", got, want)
	}
}
