package next

import (
	"slices"
	"testing"
)

func TestRefinedAxes(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		best   float64
		points int
		want   []float64
		how    string
	}{
		"above":             {[]float64{0.01, 0.1, 1}, 1, 2, []float64{0.1, 1, 10, 100}, "carried on above the grid"},
		"below":             {[]float64{0.01, 0.1, 1}, 0.01, 1, []float64{0.001, 0.01, 0.1}, "carried on below the grid"},
		"between, by ratio": {[]float64{0.01, 1, 100}, 1, 1, []float64{0.01, 0.1, 1, 10, 100}, "made finer"},
		"no penalty":        {[]float64{0, 0.1, 1}, 0, 2, []float64{0, 0.001, 0.01, 0.1}, "carried on towards 0"},
		"above no penalty":  {[]float64{0, 1, 10}, 1, 1, []float64{0, 0.316, 1, 3.16, 10}, "made finer"},
		"two values of λ":   {[]float64{0, 1}, 1, 2, []float64{0, 1, 3.16, 10}, "carried on above the grid"},
		"below zero":        {[]float64{-2, -1, 1}, -1, 1, []float64{-2, -1.5, -1, 0, 1}, "made finer"},
	} {
		got, how := refined(c.values, c.best, c.points)
		if !slices.Equal(got, c.want) || how != c.how {
			t.Errorf("%s: %v, %s; want %v, %s", name, got, how, c.want, c.how)
		}
	}
}
