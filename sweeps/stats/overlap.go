package stats

import "math"

// Corrected widens a t interval of the mean of values that share data: of k folds, which depend on each other, or
// of random splits where the claim is about new rows, each tested on a share of the rows and trained on the
// rest. overlap is the ratio of rows tested to
// rows trained, 1/(k − 1) for k folds. The variance of the mean is taken to be (1/n + overlap)·s² instead of
// s²/n; Nadeau and Bengio 2003, Machine Learning 52.
func Corrected(i Interval, overlap float64) Interval {
	half := i.Half() * math.Sqrt(1+float64(i.N)*overlap)
	return within(i.Value, half, i.N)
}

// CorrectedTTest is PairedTTest for values that share data, see Corrected.
func CorrectedTTest(a, b []float64, overlap float64) Test {
	d := differences(a, b)
	if len(d) < 2 {
		return undecided(len(d))
	}
	mean, variance := moments(d, d[0])
	n := float64(len(d))
	return tTest(mean+d[0], math.Sqrt(variance*(1/n+overlap)), n-1, len(d))
}
