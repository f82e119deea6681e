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

// A Test tells two arms apart. The zero Test is the one that suits the statistic: TestModerated for means, and
// TestPermutation, or for medians TestSign, which agrees with their intervals, for others.
type Test string

// The tests. All but TestWelch and TestMWU pair by seed.
const (
	TestModerated   Test = "moderated" // by what all points show about noise; by each pair's values where they show too little
	TestPermutation Test = "permutation"
	TestPairedT     Test = "paired-t"
	TestWilcoxon    Test = "wilcoxon"
	TestWelch       Test = "welch"
	TestMWU         Test = "mwu"
	TestBootstrap   Test = "bootstrap"
	TestSign        Test = "sign"
)

// Tests are the values of --test.
var Tests = []Test{TestModerated, TestPermutation, TestPairedT, TestWilcoxon, TestWelch, TestMWU, TestBootstrap, TestSign}

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

// test is the test that suits the statistic.
func (s Stat) test() Test {
	if s.isMean() {
		return TestModerated
	}
	return s.plain(0)
}

// plain is the test that suits the statistic and knows nothing but the values of a pair. Signs of differences that share
// data cannot be flipped one by one.
func (s Stat) plain(overlap float64) Test {
	switch {
	case overlap > 0:
		return TestPairedT
	case s == StatMedian:
		return TestSign
	}
	return TestPermutation
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

// Interval is the statistic of values with its interval: Student's for means, corrected if folds share data; for medians
// between two of the values, exact from six values on and none below; for interquartile means Student's of trimmed means.
func (q *Question) Interval(xs []float64) stats.Interval { return q.interval(xs, Level) }

func (q *Question) interval(xs []float64, level float64) stats.Interval {
	switch q.Stat {
	case StatMedian:
		return stats.MedianExact(xs, level)
	case StatIQM:
		return stats.TrimmedT(xs, level)
	}
	return stats.Corrected(stats.MeanT(xs, level), q.Overlap)
}

// paired is the statistic of the differences a − b with its interval.
func (q *Question) paired(a, b []float64) stats.Interval {
	if q.Stat.isMean() {
		return stats.Corrected(stats.PairedT(a, b, q.level()), q.Overlap)
	}
	return q.interval(differences(a, b), q.level())
}

// fewestMedians is the number of values on each side from which on a bootstrap's interval of the difference of two medians
// holds, by simulation: 94 % of the intervals of 6 normal values, fewer below.
const fewestMedians = 6

// unpaired is the difference of the statistics of a and b with its interval: Welch's for means, Yuen's for interquartile
// means, a bootstrap's for medians. N is the smaller number.
func (q *Question) unpaired(a, b []float64) (i stats.Interval) {
	switch {
	case len(a) < 2 || len(b) < 2:
		i = stats.None()
	case q.Stat == StatMedian:
		if i = bootstrap(q.level()).TwoSample(a, b, q.Stat.Of); min(len(a), len(b)) < fewestMedians {
			i.Low, i.High = math.NaN(), math.NaN()
		}
	case q.Stat == StatIQM:
		i = stats.YuenT(a, b, q.level())
	default:
		i = stats.WelchT(a, b, q.level())
	}
	i.N = min(len(a), len(b))
	return i
}

func bootstrap(level float64) stats.Bootstrap {
	return stats.Bootstrap{Reps: 2000, Seed: resampling, Level: level}
}

// pairs reports whether the test goes by seed.
func (t Test) pairs() bool { return t != TestWelch && t != TestMWU }

// Paired reports whether differences are paired by seed.
func (q *Question) Paired() bool { return q.Test.pairs() }

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
	case TestSign:
		return stats.SignTest(a, b)
	}
	if q.Stat.isMean() {
		return stats.SignFlip(a, b, resampling)
	}
	return stats.SignFlipOf(a, b, q.Stat.Of, resampling)
}

// ofMeans reports whether the test is of means, whatever the statistic.
func (t Test) ofMeans() bool {
	return t == TestModerated || t == TestPairedT || t == TestWelch || t == TestBootstrap
}

// name is the test's name in a sentence about methods. of is the statistic that is shown.
func (t Test) name(of Stat) string {
	switch t {
	case TestModerated:
		return "a paired t test with variances moderated over the grid (Smyth 2004)"
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
	case TestSign:
		return "the sign test"
	}
	return "a sign-flip permutation test of the " + of.name() + " paired difference"
}
