package stats

import (
	"fmt"
	"math"
	"testing"
)

func TestExpectedBestMatchesAllDraws(t *testing.T) {
	for _, c := range reference[struct {
		Values             numbers
		K                  int
		Replaced, Distinct number
	}](t, "budget") {
		what := fmt.Sprintf("best of %d from %v", c.K, c.Values)
		check(t, what, ExpectedBest(c.Values.floats(), c.K), c.Replaced, 1e-12)
		check(t, what+", distinct", ExpectedBestDistinct(c.Values.floats(), c.K), c.Distinct, 1e-12)
	}
}

func TestExpectedBestFallsWithTheBudget(t *testing.T) {
	values := waves(30, 1)
	last, distinct := inf, inf
	for k := 1; k <= 30; k++ {
		now, other := ExpectedBest(values, k), ExpectedBestDistinct(values, k)
		if now >= last || other >= distinct || other > now+1e-12 {
			t.Errorf("of %d: %v after %v, distinct %v after %v", k, now, last, other, distinct)
		}
		last, distinct = now, other
	}
	if !near(ExpectedBest(values, 1), Mean(values), 1e-12) || distinct != -trimmed([]float64{-distinct}, 0) {
		t.Errorf("of one it is %v, not the mean", ExpectedBest(values, 1))
	}
}

func TestExpectedBestOfNothing(t *testing.T) {
	for _, got := range []float64{
		ExpectedBest(nil, 1), ExpectedBest([]float64{1}, 0), ExpectedBest([]float64{1, nan}, 1),
		ExpectedBestDistinct(nil, 1), ExpectedBestDistinct([]float64{1}, 2), ExpectedBestDistinct([]float64{1, nan}, 1),
	} {
		if !math.IsNaN(got) {
			t.Errorf("got %v", got)
		}
	}
	if got := ExpectedBest(append(waves(99, 1), inf), 5); got != inf {
		t.Errorf("all five may have diverged, yet %v", got)
	}
}
