package stats

import (
	"math"
	"slices"
)

// TrimmedT is the IQM of xs with a t interval: of the values with the trimmed ones pulled in to those that remain, Yuen's
// standard error, and h − 1 degrees of freedom for the h values that remain. It is widened by √(h/(h−1)): without this,
// 93.5 to 94.5 % of the intervals of 4 to 16 normal values hold, with it 95 to 96 %, by simulation. Of fewer than four
// values nothing is trimmed, and it is Student's interval of the mean.
// Tukey & McLaughlin 1963, Sankhyā A 25; Yuen 1974, Biometrika 61.
func TrimmedT(xs []float64, level float64) Interval {
	i := bare(IQM(xs), len(xs))
	if len(xs) < 2 || math.IsNaN(i.Value) {
		return i
	}
	xs, e := inUnit(xs)
	se2, df := winsorized(xs)
	if len(xs) >= 4 {
		se2 *= (df + 1) / df
	}
	return within(IQM(xs), tQuantile((1+level)/2, df)*math.Sqrt(se2), len(xs)).times2(e)
}

// YuenT is IQM(a) − IQM(b) with the interval of Yuen, for values that do not belong together. N counts both. Fewer
// than two values on either side leave no interval.
// Yuen 1974, Biometrika 61; SciPy's ttest_ind with trim.
func YuenT(a, b []float64, level float64) Interval {
	i := bare(IQM(a)-IQM(b), len(a)+len(b))
	if len(a) < 2 || len(b) < 2 || math.IsNaN(i.Value) {
		return i
	}
	a, b, e := bothInUnit(a, b)
	i.Value = IQM(a) - IQM(b)
	se2A, dfA := winsorized(a)
	se2B, dfB := winsorized(b)
	sum := se2A + se2B
	if sum == 0 {
		return within(i.Value, 0, i.N).times2(e)
	}
	df := sum * sum / (se2A*se2A/dfA + se2B*se2B/dfB)
	return within(i.Value, tQuantile((1+level)/2, df)*math.Sqrt(sum), i.N).times2(e)
}

// winsorized is the square of the standard error of the IQM, and its degrees of freedom.
func winsorized(xs []float64) (se2, df float64) {
	n := len(xs)
	cut := n / 4
	sorted := slices.Clone(xs)
	slices.Sort(sorted)
	for k := range cut {
		sorted[k], sorted[n-1-k] = sorted[cut], sorted[n-1-cut]
	}
	h := float64(n - 2*cut)
	sd := StdDev(sorted)
	return sd * sd * float64(n-1) / (h * (h - 1)), h - 1
}
