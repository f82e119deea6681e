package stats

import "math"

// resampledTests is how often BootstrapTest resamples.
const resampledTests = 10_000

// BootstrapTest is the bootstrap test that the mean of a[k] − b[k] is 0. The differences are
// shifted to the mean 0 and resampled 10 000 times. The statistic is Student's t; P is
// (count+1)/(10 000+1), where count is how many resamples have a t at least as far from 0 as the
// differences have. A resample of one value repeated has an infinite t, or 0 if the value is 0: with
// three pairs every ninth resample is one, so P cannot be small. Least is 1/(10 000+1).
//
// Without any difference P is 1; infinite values give NaN.
// Efron & Tibshirani 1993, An Introduction to the Bootstrap, section 16.4.
func BootstrapTest(a, b []float64, seed uint64) Test {
	a, b, _ = bothInUnit(a, b)
	d := differences(a, b)
	n := len(d)
	if n < 2 {
		return undecided(n)
	}
	scale := 0.0
	for k := range d {
		scale = max(scale, math.Abs(a[k]), math.Abs(b[k])) // NaN if one is
	}
	mean := Mean(d)
	if math.IsNaN(mean) || math.IsInf(scale, 0) {
		return undecided(n)
	}
	// Spreads and means that rounding alone can make count as 0.
	none := 4 * 0x1p-52 * scale
	test := Test{Statistic: studentized(d, none), N: n, Least: 1 / float64(resampledTests+1)}
	shifted, sample := make([]float64, n), make([]float64, n)
	for k, x := range d {
		shifted[k] = x - mean
	}
	far := math.Abs(test.Statistic) * (1 - 1e-12)
	random, count := named("shifted differences", seed), 0
	for range resampledTests {
		for k := range sample {
			sample[k] = shifted[random.below(n)]
		}
		if math.Abs(studentized(sample, none)) >= far {
			count++
		}
	}
	test.P = float64(count+1) / float64(resampledTests+1)
	return test
}

// studentized is Student's t of d against 0, where a mean or a standard deviation up to none counts
// as 0.
func studentized(d []float64, none float64) float64 {
	mean, squares := Mean(d), 0.0
	for _, x := range d {
		squares += float64((x - mean) * (x - mean))
	}
	n := float64(len(d))
	deviation := math.Sqrt(squares / (n - 1))
	switch {
	case math.Abs(mean) <= none:
		return 0
	case deviation <= none:
		return math.Copysign(math.Inf(1), mean)
	}
	return mean / (deviation / math.Sqrt(n))
}
