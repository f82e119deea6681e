package stats

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// MedianExact is the median of xs with the interval between two of the sorted values: the k-th from below and the k-th
// from above, with the largest k whose chance of holding the median of the source is at least level. The chance is
// that of a binomial distribution whatever the source, and at least as large if values tie. There is no interval if
// even the smallest and the largest value hold the median too rarely: fewer than 6 values at the level 0.95, whose
// chance is 1 − 2^(1−n). NaN leaves none.
// Conover 1999, Practical Nonparametric Statistics, 3.2; SciPy's quantile_test.
func MedianExact(xs []float64, level float64) Interval {
	n := len(xs)
	i := bare(Median(xs), n)
	if math.IsNaN(i.Value) || !(level > 0 && level < 1) {
		return i
	}
	// The interval misses the median if fewer than k values lie below it, or fewer than k above.
	k := sort.Search(n/2, func(k int) bool { return 2*fairCoins(n, k) > 1-level })
	if k == 0 {
		return i
	}
	sorted := slices.Clone(xs)
	slices.Sort(sorted)
	i.Low, i.High = sorted[k-1], sorted[n-k]
	return i
}

// SignTest is the test that the median of a[k] − b[k] is 0: if it is, as many differences lie above 0 as below. The
// statistic is the number above. Differences of 0 are left out, as are pairs of equal infinities; N counts the others.
// P is exact, and below 0.05 if and only if the interval of [MedianExact] at the level 0.95 leaves out 0, where no
// difference is 0.
func SignTest(a, b []float64) Test {
	var above, below int
	for _, d := range rankedDifferences(a, b) {
		switch {
		case math.IsNaN(d):
			return undecided(len(a))
		case d > 0:
			above++
		case d < 0:
			below++
		}
	}
	if len(a) < 2 {
		return undecided(len(a))
	}
	return SignsOf(above, below)
}

// SignsOf is the sign test of so many differences above and below 0. Without any P is 1.
// Demšar 2006, 3.1.4, counts a tie as half a win, which this leaves out instead: then P is exact.
func SignsOf(above, below int) Test {
	n := above + below
	test := Test{Statistic: float64(above), N: n, Exact: true, Least: math.Min(1, math.Ldexp(2, -n)), P: 1}
	if n > 0 {
		test.P = math.Min(1, 2*fairCoins(n, min(above, below)))
	}
	return test
}

// fairCoins is the chance of at most k heads of n fair coins, 2^−n Σ_{j≤k} C(n, j).
func fairCoins(n, k int) float64 {
	if k >= n {
		return 1
	}
	if n > 1000 { // the smallest terms would be lost
		return mathext.RegIncBeta(float64(n-k), float64(k+1), 0.5)
	}
	sum, term := 0.0, math.Ldexp(1, -n)
	for j := 0; j <= k; j++ {
		sum += term
		term *= float64(n-j) / float64(j+1)
	}
	return sum
}
