package stats

import (
	"cmp"
	"math"
	"slices"
)

// doubledRanks are twice the ranks of xs from 1 for the lowest, equal values sharing the mean of
// their ranks: doubled, they are whole numbers, and sums of them are exact. ties is Σ (t³ − t) over
// groups of t equal values. ok is false if a value is NaN.
func doubledRanks(xs []float64) (ranks []int, ties float64, ok bool) {
	order := make([]int, len(xs))
	for k, x := range xs {
		if math.IsNaN(x) {
			return nil, 0, false
		}
		order[k] = k
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(xs[a], xs[b]) })
	ranks = make([]int, len(xs))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && xs[order[to]] == xs[order[from]] {
			to++
		}
		for _, k := range order[from:to] {
			ranks[k] = from + 1 + to
		}
		t := float64(to - from)
		ties += t * (t*t - 1)
		from = to
	}
	return ranks, ties, true
}

// rankedDifferences are a[k] − b[k], and 0 if both are the same infinity: for tests that only look
// at their order.
func rankedDifferences(a, b []float64) []float64 {
	d := differences(a, b)
	for k := range d {
		if a[k] == b[k] {
			d[k] = 0
		}
	}
	return d
}
