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
		values              []float64
		slack               float64
		decades, from, till float64 // the ends as logarithms
		alone, edge         bool
	}{
		"on the points": {[]float64{5, 1.5, 1, 1.5, 5}, 0.5, 2, -3, -1, false, false},
		"between them":  {[]float64{5, 1, 0, 1, 5}, 2, 2.5, -3.25, -0.75, false, false},
		"one point":     {[]float64{5, 4, 1, 4, 7}, 0.3, 0.2, -2.1, -1.9, true, false},
		"at the edge":   {[]float64{1, 1, 3, 4, 7}, 1, 1.5, -4, -2.5, false, true},
		"a gap":         {[]float64{1.5, 3, 1, 1, 3}, 1, 2, -2.5, -0.5, false, false},
		"NaN ends it":   {[]float64{2, nan, 1, 1, nan}, 0.5, 1, -2, -1, false, false},
		"infinite":      {[]float64{inf, 1, 2, inf, inf}, inf, 1, -3, -2, false, false},
		"no slack":      {[]float64{5, 1, 1, 4, 7}, 0, 1, -3, -2, false, false},
		"all of it":     {[]float64{1, 1, 1, 1, 1}, 0, 4, -4, 0, false, true},
	} {
		got := BasinWidth(lrs, c.values, c.slack)
		if math.Abs(got.Decades-c.decades) > 1e-12 || math.Abs(math.Log10(got.Low)-c.from) > 1e-12 || math.Abs(math.Log10(got.High)-c.till) > 1e-12 ||
			got.Alone != c.alone || got.AtEdge != c.edge || got.Step != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, c := range []struct {
		values []float64
		slack  float64
	}{{[]float64{nan, nan, inf, inf, nan}, 1}, {[]float64{1, 2, 3, 4, 5}, nan}, {[]float64{1, 2, 3, 4, 5}, -1}} {
		if got := BasinWidth(lrs, c.values, c.slack); !math.IsNaN(got.Decades) || got.Best != -1 || !math.IsNaN(got.Low) || got.AtEdge {
			t.Errorf("%v: %+v", c.values, got)
		}
	}
}
