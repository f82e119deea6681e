package store

import (
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

func TestSummariesAreOfTrainedEpochs(t *testing.T) {
	s := newSeries(1, "loss")
	s.observe(0, 1)
	if s.Min != 1 || s.MinStep != 0 || s.Max != 1 {
		t.Errorf("before training: %+v", s.Summary)
	}
	for epoch, v := range []float64{5, 3, 4} {
		s.observe(epoch+1, v)
	}
	want := runner.Summary{First: 1, Last: 4, Min: 3, MinStep: 2, Max: 5, MaxStep: 1, Count: 4}
	if s.Summary != want || s.mean() != 3.25 {
		t.Errorf("after training: %+v with mean %v, want %+v with mean 3.25", s.Summary, s.mean(), want)
	}
}
