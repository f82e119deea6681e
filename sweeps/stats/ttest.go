package stats

import "math"

// A Test is the result of a two-sided test of N values, or pairs of values.
//
// Exact is true where P comes from all arrangements of the values, and false where it comes from
// a distribution they are assumed to have, from an approximation or from a random part of the
// arrangements. Least is the smallest P that so many values can give, 0 where there is no such
// limit: the test cannot find what is to be called at a smaller level.
type Test struct {
	Statistic, P float64
	N            int
	Exact        bool
	Least        float64
}

// undecided is a test that says nothing.
func undecided(n int) Test { return Test{Statistic: math.NaN(), P: math.NaN(), N: n} }

// PairedTTest is Student's test that the mean of a[k] − b[k] is 0; the statistic is t. It assumes
// that the mean difference is about normally distributed. Without any difference t is 0 and P 1.
func PairedTTest(a, b []float64) Test {
	d := differences(a, b)
	if len(d) < 2 {
		return undecided(len(d))
	}
	mean, variance := moments(d, d[0])
	n := float64(len(d))
	return tTest(mean+d[0], math.Sqrt(variance/n), n-1, len(d))
}

// WelchTest is Welch's test that a and b, which need not vary equally, have the same mean; the
// statistic is t and N counts both. See WelchT.
func WelchTest(a, b []float64) Test {
	n := len(a) + len(b)
	if len(a) < 2 || len(b) < 2 {
		return undecided(n)
	}
	difference, se, df := welch(a, b)
	return tTest(difference, se, df, n)
}

// tTest tests an estimate with a standard error.
func tTest(estimate, se, df float64, n int) Test {
	if se == 0 {
		if estimate == 0 {
			return Test{P: 1, N: n}
		}
		return Test{Statistic: estimate / se, P: 0, N: n}
	}
	t := estimate / se
	return Test{Statistic: t, P: tTwoSided(t, df), N: n}
}
