package stats

import (
	"cmp"
	"math"
	"slices"
)

// ExpectedBestDistinct is the expected lowest of k of the values, each drawn at most once: what a
// search that can afford k trials may hope for. From the worst v₍₁₎ to the best v₍ₙ₎ it is
// Σ v₍ᵢ₎ C(i−1, k−1)/C(n, k), which is unbiased for k fresh trials. A trial that diverged is +Inf;
// it matters only if it can be the best of k. NaN for no values, for k < 1 and for k > n.
// Tang et al. 2020, "Showing Your Work Doesn't Always Work".
func ExpectedBestDistinct(values []float64, k int) float64 {
	n := len(values)
	if k < 1 || k > n {
		return math.NaN()
	}
	weights := make([]float64, n+1)
	weights[n] = float64(k) / float64(n)
	for i := n; i > k; i-- {
		weights[i-1] = weights[i] * float64(i-k) / float64(i-1)
	}
	return weighed(values, func(i int) float64 { return weights[i] })
}

// weighed is the sum of the values, the i-th worst (from 1) times its weight. A weight of 0 takes
// even an infinite value out.
func weighed(values []float64, weight func(i int) float64) float64 {
	worstFirst := slices.Clone(values)
	slices.SortFunc(worstFirst, func(a, b float64) int { return cmp.Compare(b, a) })
	if len(values) == 0 || math.IsNaN(worstFirst[len(values)-1]) { // NaN is below all
		return math.NaN()
	}
	sum := 0.0
	for k, v := range worstFirst {
		if w := weight(k + 1); w != 0 {
			sum += float64(w * v)
		}
	}
	return sum
}
