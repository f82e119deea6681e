package stats

import "math"

// A12 is the chance that a value of a is higher than one of b, ties counted ½:
// P(a > b) + ½ P(a = b). ½ is no difference. If lower is better, A12(b, a) is the chance that a is
// better. NaN if either has no values.
// Vargha & Delaney 2000, Journal of Educational and Behavioral Statistics 25.
func A12(a, b []float64) float64 {
	n, m := len(a), len(b)
	ranks, _, ok := doubledRanks(append(append(make([]float64, 0, n+m), a...), b...))
	if !ok {
		return math.NaN()
	}
	sum := 0
	for _, r := range ranks[:n] {
		sum += r
	}
	return float64(sum-n*(n+1)) / float64(2*n*m)
}
