package store

import (
	"math"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

func TestOptimaAreKeptOnce(t *testing.T) {
	s := fresh(t)
	if _, ok, err := s.Optimum(t.Context(), "k"); ok || err != nil {
		t.Fatalf("an optimum nobody kept: %v, %v", ok, err)
	}
	want := runner.Optimum{Key: "k", Value: 0.1 + 0.2, Violation: 1e-13, Problem: "linear"}
	if err := s.PutOptimum(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	other := want
	other.Value = 7
	if err := s.PutOptimum(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := s.Optimum(t.Context(), "k"); got != want || !ok || err != nil {
		t.Errorf("got %+v, %v, %v, want %+v", got, ok, err, want)
	}
}

// What a plugin tells of itself does not keep the results of the others from being stored.
func TestCoefficientsThatAreNoNumbersAreLeftOut(t *testing.T) {
	s := fresh(t)
	trials := grid(2)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	runs := begin(t, r, trials)
	record(t, r, runner.Update{Ends: []runner.End{
		{Run: runs[0], Status: runner.StatusFinished, Coefficients: map[string]float64{"l1": math.NaN(), "l2": 3}},
		{Run: runs[1], Status: runner.StatusFinished, Coefficients: map[string]float64{"l1": math.Inf(1)}},
	}})
	flush(t, r)
	got, err := s.Coefficients(t.Context(), int64(runs[0]))
	if err != nil || len(got) != 1 || got["l2"] != 3 {
		t.Errorf("got %v, %v", got, err)
	}
	got, err = s.Coefficients(t.Context(), int64(runs[1]))
	if err != nil || len(got) != 1 || !math.IsInf(got["l1"], 1) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCoefficientsAreKept(t *testing.T) {
	s := fresh(t)
	trials := grid(1)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	run := begin(t, r, trials)[0]
	record(t, r, runner.Update{Ends: []runner.End{{Run: run, Status: runner.StatusFinished, Coefficients: map[string]float64{"l1": 0.25, "l2": 3}}}})
	flush(t, r)
	got, err := s.Coefficients(t.Context(), int64(run))
	if err != nil || len(got) != 2 || got["l1"] != 0.25 || got["l2"] != 3 {
		t.Errorf("got %v, %v", got, err)
	}
}
