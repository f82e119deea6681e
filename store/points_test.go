package store

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// What is read epoch by epoch is what was recorded, however many metrics there are.
func TestPointsAreReadToTheBit(t *testing.T) {
	s, trials := fresh(t), grid(2)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	runs := begin(t, r, trials)
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	values := []float64{1, math.NaN(), math.Copysign(0, -1), math.Inf(1), 0.1, 6, 7, 8, 9, math.Float64frombits(0x7ff8000000000123)}
	for _, run := range runs {
		record(t, r, runner.Update{Points: []runner.Points{{Run: run, Epoch: 0, Metrics: names, Values: values}, {Run: run, Epoch: 3, Metrics: names[:1], Values: values[1:2]}}})
	}
	record(t, r, end(runs[0], runner.StatusFinished))
	flush(t, r)
	reader, err := s.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var steps []int
	var gotNames []string
	var got []float64
	tally, err := reader.Points(t.Context(), int64(runs[0]), func(step int, metrics []string, v []float64) error {
		steps = append(steps, step)
		gotNames, got = append(gotNames, metrics...), append(got, v...)
		return nil
	})
	if err != nil || !tally.Ended || tally.Points != 11 || tally.Token == "" {
		t.Fatalf("%+v, %v", tally, err)
	}
	if !slices.Equal(steps, []int{0, 0, 3}) || !slices.Equal(gotNames, append(slices.Clone(names), "a")) {
		t.Errorf("steps %v of %v", steps, gotNames)
	}
	for i, v := range append(slices.Clone(values), values[1]) {
		if math.Float64bits(got[i]) != math.Float64bits(v) {
			t.Errorf("value %d is %v, want %v", i, got[i], v)
		}
	}
	nothing := func(int, []string, []float64) error { return nil }
	if tally, err := reader.Points(t.Context(), int64(runs[1]), nothing); err != nil || tally.Ended {
		t.Errorf("a run that goes on: %+v, %v", tally, err)
	}
	if _, err := reader.Points(t.Context(), 99, nothing); !errors.Is(err, ErrNotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
}

// The attempt that counts is the result, whichever sweep has come to it, under the labels of the one that asks.
func TestRunsOfTheTrialsOfASweep(t *testing.T) {
	s, trials := fresh(t), grid(2)
	first := put(t, s, trials)
	r := s.Recorder(first, Environment{}, nil)
	failed := begin(t, r, trials)
	record(t, r, end(failed[0], runner.StatusFailed))
	record(t, r, end(failed[1], runner.StatusFinished))
	flush(t, r)
	again := begin(t, r, trials[:1])
	record(t, r, end(again[0], runner.StatusFinished))
	flush(t, r)
	trials[0].Optimizer.Label = "theirs"
	second, err := s.PutSweep(t.Context(), Sweep{Name: "second", Digest: "s2", Metric: "loss", Goal: "min", At: "best"}, trials[:1])
	if err != nil {
		t.Fatal(err)
	}
	ids := func(q RunQuery) (all []int64) {
		runs, err := s.Runs(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			all = append(all, run.ID)
		}
		return all
	}
	if got, want := ids(RunQuery{Trials: first, Best: true}), []int64{int64(failed[1]), int64(again[0])}; !slices.Equal(got, want) {
		t.Errorf("of the first sweep count %v, want %v", got, want)
	}
	if got := ids(RunQuery{Sweep: second}); len(got) != 0 {
		t.Errorf("the second sweep has run %v", got)
	}
	if got := ids(RunQuery{Trials: second}); len(got) != 2 {
		t.Errorf("its trial was run as %v", got)
	}
	if run, err := s.Runs(t.Context(), RunQuery{Trials: second, Best: true}); err != nil || len(run) != 1 || run[0].Optimizer != "theirs" {
		t.Errorf("%+v, %v", run, err)
	}
}
