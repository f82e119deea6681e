package stats

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestEstimatesMatchNumPyAndSciPy(t *testing.T) {
	for _, c := range reference[struct {
		XS                numbers
		Mean, Median, IQM number
	}](t, "estimates") {
		xs := c.XS.floats()
		before := slices.Clone(xs)
		check(t, fmt.Sprint("mean of ", xs), Mean(xs), c.Mean, 1e-13)
		check(t, fmt.Sprint("median of ", xs), Median(xs), c.Median, 1e-13)
		check(t, fmt.Sprint("IQM of ", xs), IQM(xs), c.IQM, 1e-12)
		if !slices.Equal(xs, before) {
			t.Errorf("%v became %v", before, xs)
		}
	}
}

func TestEstimatesOfNothingAndOfNaN(t *testing.T) {
	for name, of := range map[string]Statistic{"mean": Mean, "median": Median, "IQM": IQM} {
		for _, xs := range [][]float64{nil, {nan}, {1, 2, 3, 4, 5, nan}, {nan, inf, 1}} {
			if got := of(xs); !math.IsNaN(got) {
				t.Errorf("%s of %v is %v", name, xs, got)
			}
		}
		if got := of([]float64{3}); got != 3 {
			t.Errorf("%s of 3 is %v", name, got)
		}
	}
}

func TestEstimatesMoveWithTheirValues(t *testing.T) {
	for n := 1; n < 40; n++ {
		xs, moved := waves(n, 1), waves(n, 1)
		for k := range moved {
			moved[k] = 3*moved[k] + 7
		}
		for name, of := range map[string]Statistic{"mean": Mean, "median": Median, "IQM": IQM} {
			if got, want := of(moved), 3*of(xs)+7; !near(got, want, 1e-12) {
				t.Errorf("%s of %d values moves to %v, not %v", name, n, got, want)
			}
		}
	}
}
