package stats

import "math"

// NextMean is where the mean of m further values lies at the given level, around the estimate of it from n values with the
// standard deviation sd: Student's t with n − 1 degrees of freedom times sd·√(1/n + 1/m). Whitmore 1986, The American
// Statistician 40, 141-143, with further values in the place of one. overlap is that of folds, whose means share data; see
// [Corrected].
func NextMean(estimate, sd float64, n, m int, overlap, level float64) Interval {
	if n < 2 || m < 1 || math.IsNaN(sd) {
		return bare(estimate, n)
	}
	return within(estimate, tQuantile((1+level)/2, float64(n-1))*sd*math.Sqrt(1/float64(n)+1/float64(m)+2*overlap), n)
}
