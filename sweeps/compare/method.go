package compare

import (
	"math"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Stat summarizes the values of a point's seeds. The zero Stat is StatMean.
type Stat string

// The statistics.
const (
	StatMean   Stat = "mean"
	StatMedian Stat = "median"
	StatIQM    Stat = "iqm" // mean of the middle half
)

// Stats are the values of --stat.
var Stats = []Stat{StatMean, StatMedian, StatIQM}

// A Test tells two arms apart. The zero Test is TestPermutation.
type Test string

// The tests. All but TestWelch and TestMWU pair by seed.
const (
	TestPermutation Test = "permutation"
	TestPairedT     Test = "paired-t"
	TestWilcoxon    Test = "wilcoxon"
	TestWelch       Test = "welch"
	TestMWU         Test = "mwu"
	TestBootstrap   Test = "bootstrap"
)

// Tests are the values of --test.
var Tests = []Test{TestPermutation, TestPairedT, TestWilcoxon, TestWelch, TestMWU, TestBootstrap}

// resampling is the seed of all random draws, so that a comparison always gives the same numbers.
const resampling = 20_260

// name is the statistic's name for people.
func (s Stat) name() string {
	switch s {
	case StatMedian:
		return "median"
	case StatIQM:
		return "interquartile mean"
	}
	return "mean"
}

// Of is the statistic of values.
func (s Stat) Of(xs []float64) float64 {
	switch s {
	case StatMedian:
		return stats.Median(xs)
	case StatIQM:
		return stats.IQM(xs)
	}
	return stats.Mean(xs)
}

// isMean reports whether it is the default.
func (s Stat) isMean() bool { return s == "" || s == StatMean }

// Interval is the statistic of values with its interval: Student's for means, corrected if folds share data, a BCa
// bootstrap's for the others.
func (q *Question) Interval(xs []float64) stats.Interval {
	if q.Stat.isMean() {
		return stats.Corrected(stats.MeanT(xs, Level), q.Overlap)
	}
	return bootstrap().Interval(xs, q.Stat.Of)
}

// paired is the statistic of the differences a − b with its interval.
func (q *Question) paired(a, b []float64) stats.Interval {
	if q.Stat.isMean() {
		return stats.Corrected(stats.PairedT(a, b, Level), q.Overlap)
	}
	return bootstrap().Paired(a, b, q.Stat.Of)
}

// unpaired is the difference of the statistics of a and b with its interval: Welch's for means.
func (q *Question) unpaired(a, b []float64) stats.Interval {
	if len(a) < 2 || len(b) < 2 {
		return stats.Interval{Value: math.NaN(), Low: math.NaN(), High: math.NaN(), N: min(len(a), len(b))}
	}
	i := bootstrap().TwoSample(a, b, q.Stat.Of)
	if q.Stat.isMean() {
		i = stats.WelchT(a, b, Level)
	}
	i.N = min(len(a), len(b))
	return i
}

func bootstrap() stats.Bootstrap {
	return stats.Bootstrap{Reps: 2000, Seed: resampling, Level: Level}
}

// pairs reports whether the test goes by seed.
func (t Test) pairs() bool { return t != TestWelch && t != TestMWU }

// test tests the difference of two arms' values, which belong together in pairs if the test pairs.
func (q *Question) test(a, b []float64) stats.Test {
	if len(a) < 2 {
		return stats.Test{P: math.NaN(), Statistic: math.NaN(), N: len(a)}
	}
	switch q.Test {
	case TestPairedT:
		return stats.CorrectedTTest(a, b, q.Overlap)
	case TestWilcoxon:
		return stats.Wilcoxon(a, b)
	case TestWelch:
		return stats.WelchTest(a, b)
	case TestMWU:
		return stats.MannWhitney(a, b)
	case TestBootstrap:
		return stats.BootstrapTest(a, b, resampling)
	}
	return stats.SignFlip(a, b, resampling)
}

// name is the test's name in a sentence about methods.
func (t Test) name() string {
	switch t {
	case TestPairedT:
		return "a paired t test"
	case TestWilcoxon:
		return "Wilcoxon's signed-rank test"
	case TestWelch:
		return "Welch's t test"
	case TestMWU:
		return "the Mann–Whitney U test"
	case TestBootstrap:
		return "a paired bootstrap test"
	}
	return "a sign-flip permutation test of the mean paired difference"
}
