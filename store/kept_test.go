package store

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// version3 is a database that the last xrun of schema 3 has written, migrated: see testdata/v3.
func version3(t *testing.T) *Store {
	t.Helper()
	content, err := os.ReadFile("testdata/v3/xrun.db")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "xrun.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

// Runs of before say what they keep: the epoch of their parameters, whatever [metric] says, or of a program what
// the sweep says that asks. What diverged or has no result keeps nothing.
func TestRunsOfVersion3SayWhatTheyKeep(t *testing.T) {
	s := version3(t)
	if audit := verify(t, s); len(audit.Findings) > 0 || audit.Runs != 39 {
		t.Errorf("%d runs with %v", audit.Runs, audit.Findings)
	}
	for sweep, want := range map[string]string{ // by the sweep's metric: epochs in the order of trials
		"plain": "12 12 12 12 12 12 12 12", "stopped": "16 16 7 7 16 16 9 9", "stopped-loss": "16 16 7 7 16 16 9 9", "delta": "11 4 11 5",
		"pruned": "- - - 9 - - - 9", "diverged": "5 - 5 -", "program": "4 4 4 4", "program-last": "6 6 6 6", "plugin": "4 4", "interrupted": "-",
	} {
		info, err := s.FindSweep(t.Context(), sweep)
		if err != nil {
			t.Fatal(err)
		}
		metrics := []string{info.Metric, "val_loss", "val_accuracy"}
		for _, metric := range metrics {
			results, err := s.Results(t.Context(), info.ID, metric)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, r := range results {
				if !r.Keeps {
					got += " -"
					continue
				}
				got += fmt.Sprint(" ", r.Kept.Epoch)
				curve, err := s.Curve(t.Context(), r.RunID, metric)
				if err != nil {
					t.Fatal(err)
				}
				if v, ok := runner.ValueAt(curve, r.Kept.Epoch); v != r.Kept.Value && (ok || !math.IsNaN(r.Kept.Value)) {
					t.Errorf("%s: run %d has the %s %v, and its curve %v after epoch %d", sweep, r.RunID, metric, r.Kept.Value, v, r.Kept.Epoch)
				}
				run, err := s.Run(t.Context(), r.RunID)
				if err != nil {
					t.Fatal(err)
				}
				if run.Metric == metric && run.SweepID == info.ID && (!run.Keeps || run.Kept != r.Kept) {
					t.Errorf("%s: run %d says %+v, its sweep %+v", sweep, r.RunID, run.Kept, r.Kept)
				}
				if a, err := s.ArtifactOf(t.Context(), r.RunID); err == nil && a.Epoch != r.Kept.Epoch || err != nil && !errors.Is(err, ErrNotFound) {
					t.Errorf("%s: run %d keeps the parameters of epoch %d, and counts epoch %d: %v", sweep, r.RunID, a.Epoch, r.Kept.Epoch, err)
				}
			}
			if got != " "+want {
				t.Errorf("%s by %s: the epochs%s count, want %s", sweep, metric, got, want)
			}
		}
	}
	if got := query(t, s.Path(), `SELECT min(key_version) || max(key_version) FROM trial`); got != "11" {
		t.Errorf("the versions of the keys are %s", got)
	}
	if got := query(t, s.Path(), `SELECT count(*) FROM runs r JOIN curves c ON c.run_id = r.run_id AND c.metric = r.metric AND c.step = r.kept_epoch
		WHERE c.value = r.value`); got != "30" {
		t.Errorf("the view has the value of %s runs, want 30", got)
	}
}

// Programs keep their own parameters, so sweeps with other metrics may share their runs: each asks in its own way, and the run says
// what the sweep asked for that ran it.
func TestSweepsCountEpochsOfSharedProgramsByTheirMetrics(t *testing.T) {
	s := fresh(t)
	trials := grid(2)
	for i := range trials {
		trials[i].Task.Command = &runner.Command{Args: []string{"train"}}
		trials[i].Regularizer = nil
	}
	ids := map[string]int64{}
	for _, sweep := range []Sweep{{Name: "best", Metric: "loss", Goal: "min", At: "best"}, {Name: "last", Metric: "loss", Goal: "min", At: "last"},
		{Name: "other", Metric: "score", Goal: "max", At: "best"}, {Name: "epoch", Metric: "loss", Goal: "min", At: "epoch:4"}} {
		sweep.Digest = sweep.Name
		id, err := s.PutSweep(t.Context(), sweep, trials)
		if err != nil {
			t.Fatal(err)
		}
		ids[sweep.Name] = id
	}
	r := s.Recorder(ids["best"], Environment{}, nil)
	runs := begin(t, r, trials)
	losses, scores := []float64{9, 3, 1, 2}, []float64{0, 5, 6, 7}
	for i, run := range runs {
		for epoch := range 4 + i { // the second one has an epoch more
			record(t, r, runner.Update{Points: []runner.Points{{Run: run, Epoch: epoch, Metrics: []string{"loss", "score"},
				Values: []float64{losses[min(epoch, 3)], scores[min(epoch, 3)]}}}})
		}
		record(t, r, runner.Update{Ends: []runner.End{{Run: run, Status: runner.StatusFinished, Epochs: 3 + i, Kept: &runner.Kept{Epoch: 2, Value: 1}}}})
	}
	flush(t, r)
	for _, c := range []struct{ sweep, metric, want string }{
		{"best", "loss", "2: 1, 2: 1"}, {"best", "score", "2: 6, 2: 6"}, {"last", "loss", "3: 2, 4: 2"}, {"last", "score", "3: 7, 4: 7"},
		{"other", "score", "3: 7, 3: 7"}, {"other", "loss", "3: 2, 3: 2"}, {"epoch", "loss", "-, 4: 2"}, {"epoch", "score", "-, 4: 7"},
	} {
		results, err := s.Results(t.Context(), ids[c.sweep], c.metric)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for i, r := range results {
			if i > 0 {
				got += ", "
			}
			if !r.Keeps {
				got += "-"
			} else {
				got += fmt.Sprintf("%d: %v", r.Kept.Epoch, r.Kept.Value)
			}
		}
		if got != c.want {
			t.Errorf("%s asks for %s: %s, want %s", c.sweep, c.metric, got, c.want)
		}
	}
}

// The value of another metric is that of its curve, to the bit, whether its summary tells it or its points do.
func TestTheValueOfAnotherMetricIsItsCurves(t *testing.T) {
	s := fresh(t)
	trials := grid(6)
	sweep := put(t, s, trials)
	r := s.Recorder(sweep, Environment{}, nil)
	minusZero := math.Copysign(0, -1)
	curves := [][]float64{ // of the other metric; epoch 2 counts
		{9, 5, 1, 2}, {0, 5, 8, 2}, {9, 5, 3, 2}, {9, 5, minusZero, 2}, {9, 5, math.NaN(), 2}, {0, 1, 1, 2}}
	for i, run := range begin(t, r, trials) {
		for epoch, v := range curves[i] {
			record(t, r, runner.Update{Points: []runner.Points{{Run: run, Epoch: epoch, Metrics: []string{"val_loss", "other"}, Values: []float64{1, v}}}})
		}
		record(t, r, runner.Update{Points: []runner.Points{{Run: run, Epoch: 9, Metrics: []string{"once"}, Values: []float64{float64(i)}}}})
		record(t, r, runner.Update{Ends: []runner.End{{Run: run, Status: runner.StatusFinished, Epochs: 3, Kept: &runner.Kept{Epoch: 2, Value: 1}}}})
	}
	flush(t, r)
	// What a run has one value of counts, at whichever epoch it is.
	once, err := s.KeptValues(t.Context(), sweep, "once")
	if err != nil {
		t.Fatal(err)
	}
	scores, err := s.Results(t.Context(), sweep, "once")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range scores {
		if once[r.RunID] != float64(i) || r.Kept != (runner.Kept{Epoch: 2, Value: float64(i)}) {
			t.Errorf("trial %d has %v and %+v of what it has once", i, once[r.RunID], r.Kept)
		}
	}
	results, err := s.Results(t.Context(), sweep, "other")
	if err != nil {
		t.Fatal(err)
	}
	values, err := s.KeptValues(t.Context(), sweep, "other")
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		want := curves[i][2]
		same := func(v float64) bool { return math.Float64bits(v) == math.Float64bits(want) || v != v && want != want }
		if v, ok := values[r.RunID]; !same(r.Kept.Value) || !ok || !same(v) {
			t.Errorf("trial %d has %v in its result and %v (%t) among the values, want %v", i, r.Kept.Value, v, ok, want)
		}
	}
	never, err := s.KeptValues(t.Context(), sweep, "never")
	if err != nil || len(never) > 0 {
		t.Errorf("a metric that nobody has recorded: %v, %v", never, err)
	}
}
