package compare

import (
	"math"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// The clip lies where a quarter of the complete points is worse, whichever way is better.
func TestTheClip(t *testing.T) {
	for _, c := range []struct {
		goal   stop.Goal
		values []float64
		end    float64
		beyond int
	}{
		{stop.Min, []float64{1, 2, 3, 4, 100}, 4, 1},
		{stop.Max, []float64{100, 4, 3, 2, 1}, 2, 1},
		{stop.Min, []float64{1, 2}, 1.75, 1},
		{stop.Min, []float64{7}, 7, 0},
		{stop.Min, []float64{3, 3, 3, 3}, 3, 0},
		{stop.Min, []float64{3, 3, 3, 3, 9}, 9, 0},                    // of values that are equal mostly, the others span what is left
		{stop.Min, []float64{1, 2, math.Inf(1), math.NaN()}, 1.75, 1}, // what is not finite has no place
	} {
		r := &Report{Question: Question{Goal: c.goal}}
		for _, v := range c.values {
			r.Points = append(r.Points, Point{Complete: true, Interval: stats.Interval{Value: v}})
		}
		r.Points = append(r.Points, Point{Interval: stats.Interval{Value: 1e9}, Seeds: []SeedResult{{Status: runner.StatusDiverged}}})
		if end, beyond, ok := r.Clip(); !ok || end != c.end || beyond != c.beyond {
			t.Errorf("of %v, %s, it is %v with %d beyond, want %v and %d", c.values, c.goal, end, beyond, c.end, c.beyond)
		}
	}
	if _, _, ok := (&Report{}).Clip(); ok {
		t.Error("nothing has a clip")
	}
}
