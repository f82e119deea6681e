package stats

import "math"

// A Test is the result of a two-sided test of N values, or pairs of values.
//
// Exact is true if P counts all arrangements of the values. It is false if P comes from an assumed
// distribution, an approximation or a random part of the arrangements. Least is the smallest P that
// so many values can give, 0 if there is no limit: the test never reaches a level below it.
type Test struct {
	Statistic, P float64
	N            int
	Exact        bool
	Least        float64
}

// undecided is the result of a test of too few values, or of NaN.
func undecided(n int) Test { return Test{Statistic: math.NaN(), P: math.NaN(), N: n} }

// WelchTest is Welch's test that a and b have the same mean; they need not vary equally. The
// statistic is t, and N counts both. See WelchT.
func WelchTest(a, b []float64) Test {
	n := len(a) + len(b)
	if len(a) < 2 || len(b) < 2 {
		return undecided(n)
	}
	a, b, _ = bothInUnit(a, b)
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
