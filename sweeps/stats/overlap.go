package stats

import "math"

// Corrected widens a t interval of the mean of values that share data, as k folds do, or random
// splits where the claim is about new rows. overlap is the ratio of rows tested to rows trained:
// 1/(k − 1) for k folds, 0 for values that share nothing. The mean then has the variance
// (1/n + overlap)·s² instead of s²/n.
// Nadeau & Bengio 2003, Machine Learning 52.
func Corrected(i Interval, overlap float64) Interval {
	half := i.Half() * math.Sqrt(1+float64(i.N)*overlap)
	return within(i.Value, half, i.N)
}

// CorrectedTTest is Student's test that the mean of a[k] − b[k] is 0; the statistic is t. It assumes
// that the mean difference is about normally distributed. overlap allows for shared data, see
// Corrected; 0 is the plain paired test. Without any difference t is 0 and P 1.
func CorrectedTTest(a, b []float64, overlap float64) Test {
	a, b, _ = bothInUnit(a, b)
	d := differences(a, b)
	if len(d) < 2 {
		return undecided(len(d))
	}
	mean, variance := moments(d, d[0])
	n := float64(len(d))
	return tTest(mean+d[0], math.Sqrt(variance*(1/n+overlap)), n-1, len(d))
}
