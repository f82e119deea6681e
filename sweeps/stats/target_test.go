package stats

import (
	"math"
	"testing"
)

func TestTimesWithMisses(t *testing.T) {
	hit := func(at float64) Hit { return Hit{At: at, Hit: true, Spent: 1e9} }
	miss := Hit{Spent: 100}
	for _, c := range []struct {
		hits        []Hit
		ert, median float64
	}{
		{nil, nan, nan},
		{[]Hit{hit(30)}, 30, 30},
		{[]Hit{miss}, inf, inf},
		{[]Hit{hit(10), hit(20), miss}, 65, 20},
		{[]Hit{hit(10), miss}, 110, inf},
		{[]Hit{hit(10), hit(30), hit(20), miss}, 160.0 / 3, 25},
		{[]Hit{hit(0), hit(0)}, 0, 0},
		{[]Hit{hit(nan), hit(1)}, nan, nan},
		{[]Hit{{Spent: nan}, {Spent: 1}}, nan, inf},
	} {
		ert, median := ERT(c.hits), MedianTime(c.hits)
		if ert != c.ert && !(math.IsNaN(ert) && math.IsNaN(c.ert)) || median != c.median && !(math.IsNaN(median) && math.IsNaN(c.median)) {
			t.Errorf("%v: expected %v, median %v", c.hits, ert, median)
		}
	}
}

func TestBasinWidth(t *testing.T) {
	lrs := []float64{1e-4, 1e-3, 1e-2, 1e-1, 1}
	for name, c := range map[string]struct {
		values []float64
		slack  float64
		want   Basin
	}{
		"inside":      {[]float64{5, 1.05, 1, 1.1, 7}, 0.1, Basin{2, 2, 1, 3, false}},
		"one point":   {[]float64{5, 4, 1, 4, 7}, 0.1, Basin{0, 2, 2, 2, false}},
		"at the edge": {[]float64{1, 1.05, 3, 4, 7}, 0.1, Basin{1, 0, 0, 1, true}},
		"a gap":       {[]float64{1.05, 3, 1, 1.01, 7}, 0.1, Basin{1, 2, 2, 3, false}},
		"NaN ends it": {[]float64{1.05, nan, 1, 1.01, nan}, 0.1, Basin{1, 2, 2, 3, false}},
		"infinite":    {[]float64{inf, 1, 2, inf, inf}, inf, Basin{1, 1, 1, 2, false}},
		"no slack":    {[]float64{5, 1, 1, 4, 7}, 0, Basin{1, 1, 1, 2, false}},
	} {
		got := BasinWidth(lrs, c.values, c.slack)
		if !near(got.Decades, c.want.Decades, 1e-12) {
			t.Errorf("%s: %v decades", name, got.Decades)
		}
		if got.Decades = c.want.Decades; got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	for _, c := range []struct {
		values []float64
		slack  float64
	}{{[]float64{nan, nan, inf, inf, nan}, 1}, {[]float64{1, 2, 3, 4, 5}, nan}, {[]float64{1, 2, 3, 4, 5}, -1}} {
		if got := BasinWidth(lrs, c.values, c.slack); !math.IsNaN(got.Decades) || got.Best != -1 || got.Low != -1 || got.High != -1 || got.AtEdge {
			t.Errorf("%v: %+v", c.values, got)
		}
	}
}
