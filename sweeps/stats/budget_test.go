package stats

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestExpectedBestMatchesAllDraws(t *testing.T) {
	for _, c := range reference[struct {
		Values   numbers
		K        int
		Distinct number
	}](t, "budget") {
		what := fmt.Sprintf("best of %d from %v", c.K, c.Values)
		check(t, what, ExpectedBestDistinct(c.Values.floats(), c.K), c.Distinct, 1e-12)
	}
}

func TestExpectedBestFallsWithTheBudget(t *testing.T) {
	values := waves(30, 1)
	last := inf
	for k := 1; k <= 30; k++ {
		now := ExpectedBestDistinct(values, k)
		if now >= last {
			t.Errorf("of %d: %v after %v", k, now, last)
		}
		last = now
	}
	if first := ExpectedBestDistinct(values, 1); !near(first, Mean(values), 1e-12) || last != slices.Min(values) {
		t.Errorf("of one it is %v, not the mean; of all it is %v, not the lowest", first, last)
	}
}

func TestExpectedBestOfNothing(t *testing.T) {
	for _, got := range []float64{
		ExpectedBestDistinct(nil, 1), ExpectedBestDistinct([]float64{1}, 0), ExpectedBestDistinct([]float64{1}, 2), ExpectedBestDistinct([]float64{1, nan}, 1),
	} {
		if !math.IsNaN(got) {
			t.Errorf("got %v", got)
		}
	}
	if got := ExpectedBestDistinct(append(waves(99, 1), inf), 1); got != inf {
		t.Errorf("the one may have diverged, yet %v", got)
	}
}
