package stats

import (
	"fmt"
	"math"
	"testing"
)

// Estimates, intervals and tests of values times a power of two are those of the values, up to the ends of the range of
// float64: the squares of 1e200 and of 1e-200 are not numbers any more.
func TestFarValuesAreEstimatedAndTestedAsNearOnes(t *testing.T) {
	a := []float64{2.5, 2.25, 1.75, 2, 2.75, 2.375, 2.125}
	b := []float64{1.5, 1.625, 1.875, 1.25, 1.75, 1.125, 2.25}
	intervals := map[string]func(a, b []float64) Interval{
		"mean":           func(a, _ []float64) Interval { return MeanT(a, 0.95) },
		"IQM":            func(a, _ []float64) Interval { return TrimmedT(a, 0.95) },
		"median":         func(a, _ []float64) Interval { return MedianExact(a, 0.95) },
		"paired":         func(a, b []float64) Interval { return PairedT(a, b, 0.95) },
		"Welch":          func(a, b []float64) Interval { return WelchT(a, b, 0.95) },
		"Welch, unequal": func(a, b []float64) Interval { return WelchT(a[:4], b, 0.95) },
		"Yuen":           func(a, b []float64) Interval { return YuenT(a, b, 0.95) },
		"deviation":      func(a, _ []float64) Interval { return bare(StdDev(a), len(a)) },
	}
	tests := map[string]func(a, b []float64) Test{
		"sign flips":            func(a, b []float64) Test { return SignFlip(a, b, 1) },
		"sign flips of medians": func(a, b []float64) Test { return SignFlipOf(a, b, Median, 1) },
		"paired t":              func(a, b []float64) Test { return CorrectedTTest(a, b, 0.25) },
		"Welch":                 WelchTest,
		"Wilcoxon":              Wilcoxon,
		"bootstrap":             func(a, b []float64) Test { return BootstrapTest(a, b, 1) },
	}
	for _, e := range []int{1021, 700, 300, -300, -700, -1021} {
		farA, farB := make([]float64, len(a)), make([]float64, len(b))
		for k := range a {
			farA[k], farB[k] = math.Ldexp(a[k], e), math.Ldexp(b[k], e)
		}
		for name, of := range intervals {
			want, got := of(a, b), of(farA, farB)
			for what, pair := range map[string][2]float64{"value": {want.Value, got.Value}, "low": {want.Low, got.Low}, "high": {want.High, got.High}} {
				check(t, fmt.Sprintf("%s of %s times 2^%d", what, name, e), math.Ldexp(pair[1], -e), number(pair[0]), 1e-12)
			}
		}
		for name, of := range tests {
			check(t, fmt.Sprintf("p of %s times 2^%d", name, e), of(farA, farB).P, number(of(a, b).P), 1e-12)
		}
	}
	if got := Mean([]float64{1.5e308, 1.7e308}); got != 1.6e308 {
		t.Errorf("the mean of 1.5e308 and 1.7e308 is %v", got)
	}
}
