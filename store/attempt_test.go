package store

import (
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// A run that was imported is taken back if its source has another revision of it, and only then.
func TestAnotherRevisionIsRecordedAnew(t *testing.T) {
	ctx := t.Context()
	s := fresh(t)
	sweep := put(t, s, nil)
	trial := grid(1)[0]
	record := func(revision string, status runner.Status, values ...float64) (recorded bool) {
		t.Helper()
		r := s.Recorder(sweep, Environment{}, nil)
		found, err := r.BeginAttempt(ctx, Attempt{Token: "token", Trial: trial, Start: time.Unix(1, 0), Replicate: true, Revision: revision})
		if err != nil {
			t.Fatal(err)
		}
		if found.Standing != AttemptOpen {
			return false
		}
		u := runner.Update{Events: []runner.Event{{Run: found.Run, At: time.Unix(1, 0), Kind: EventImported, Detail: revision}},
			Ends: []runner.End{{Run: found.Run, At: time.Unix(2, 0), Status: status, Epochs: len(values), Kept: &runner.Kept{Epoch: 1, Value: values[0]}}}}
		for i, x := range values {
			u.Points = append(u.Points, runner.Points{Run: found.Run, Epoch: i + 1, Metrics: []string{"val_loss"}, Values: []float64{x}})
		}
		if err := r.Record(ctx, u); err != nil {
			t.Fatal(err)
		}
		if err := r.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		return true
	}
	for i, c := range []struct {
		revision string
		status   runner.Status
		values   []float64
		recorded bool
	}{
		{"1", runner.StatusFinished, []float64{3}, true},
		{"1", runner.StatusFinished, []float64{9}, false},
		{"", runner.StatusFinished, []float64{9}, false},
		{"2", runner.StatusFailed, []float64{3, 2}, true},
		{"2", runner.StatusFinished, []float64{9}, false},
		{"3", runner.StatusFinished, []float64{3, 2, 1}, true},
	} {
		if got := record(c.revision, c.status, c.values...); got != c.recorded {
			t.Fatalf("%d: recorded is %v, want %v", i, got, c.recorded)
		}
		if !c.recorded {
			continue
		}
		runs, err := s.Runs(ctx, RunQuery{})
		if err != nil || len(runs) != 1 {
			t.Fatalf("%d: there are %d runs: %v", i, len(runs), err)
		}
		curve, err := s.Curve(ctx, runs[0].ID, "val_loss")
		if err != nil || len(curve) != len(c.values) || curve[len(curve)-1].Value != c.values[len(c.values)-1] || runs[0].Status != c.status || runs[0].Seed != 1 {
			t.Errorf("%d: the run is %+v, with %v: %v", i, runs[0], curve, err)
		}
	}
	runs, err := s.Runs(ctx, RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteRuns(ctx, []int64{runs[0].ID}); err != nil {
		t.Fatal(err)
	}
	if record("4", runner.StatusFinished, 9) {
		t.Error("a deleted run is recorded anew")
	}
}
