package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
)

// An Interval is an estimate from N values with its confidence interval [Low, High], which need not
// lie evenly about it. Low and High are NaN if there is none, as for one value.
type Interval struct {
	Value, Low, High float64
	N                int
}

// Includes reports whether x lies in the interval. It is false when there is none.
func (i Interval) Includes(x float64) bool { return i.Low <= x && x <= i.High }

// Half is half the interval's width, NaN if there is none.
func (i Interval) Half() float64 { return (i.High - i.Low) / 2 }

// Within reports whether both ends are known and neither is further from 0 than margin.
func (i Interval) Within(margin float64) bool { return -margin <= i.Low && i.High <= margin }

// bare is an estimate without an interval.
func bare(value float64, n int) Interval {
	return Interval{Value: value, Low: math.NaN(), High: math.NaN(), N: n}
}

// within is the estimate value ± half.
func within(value, half float64, n int) Interval {
	return Interval{Value: value, Low: value - half, High: value + half, N: n}
}

// MeanT is the mean of xs with Student's t interval at the given confidence level, as 0.95.
// It assumes that the mean of so many values is about normally distributed. NaN and infinite
// values leave no interval.
func MeanT(xs []float64, level float64) Interval {
	if len(xs) == 0 {
		return bare(math.NaN(), 0)
	}
	if len(xs) < 2 {
		return bare(xs[0], 1)
	}
	xs, e := inUnit(xs)
	mean, n := stat.Mean(xs, nil), float64(len(xs))
	return within(mean, tQuantile((1+level)/2, n-1)*stat.StdErr(StdDev(xs), n), len(xs)).times2(e)
}

// PairedT is the mean of a[k] − b[k] with its t interval, for values that belong together, as
// two points under the same seed do. The slices have equal length.
func PairedT(a, b []float64, level float64) Interval {
	a, b, e := bothInUnit(a, b)
	return MeanT(differences(a, b), level).times2(e)
}

// WelchT is mean(a) − mean(b) with Welch's interval, for values that do not belong together and
// may vary unequally; see welch for the degrees of freedom. N counts both. Fewer than two values
// on either side leave no interval.
func WelchT(a, b []float64, level float64) Interval {
	n := len(a) + len(b)
	if len(a) < 2 || len(b) < 2 {
		return bare(Mean(a)-Mean(b), n)
	}
	a, b, e := bothInUnit(a, b)
	difference, se, df := welch(a, b)
	if se == 0 {
		return within(difference, 0, n).times2(e)
	}
	return within(difference, tQuantile((1+level)/2, df)*se, n).times2(e)
}

// welch is the difference of the means, its standard error √(s_a²/n_a + s_b²/n_b) and the degrees
// of freedom of Welch (1947), Biometrika 34, as Satterthwaite approximates them.
func welch(a, b []float64) (difference, se, df float64) {
	meanA, varA := moments(a, a[0])
	meanB, varB := moments(b, a[0])
	nA, nB := float64(len(a)), float64(len(b))
	partA, partB := varA/nA, varB/nB
	sum := partA + partB
	return meanA - meanB, math.Sqrt(sum), sum * sum / (partA*partA/(nA-1) + partB*partB/(nB-1))
}

// moments are the mean of xs − zero, and the variance. If zero is one of the values, rounding makes
// no spread of values that are all the same.
func moments(xs []float64, zero float64) (mean, variance float64) {
	off := make([]float64, len(xs))
	for k, x := range xs {
		off[k] = x - zero
	}
	return stat.MeanVariance(off, nil)
}

// differences are a[k] − b[k].
func differences(a, b []float64) []float64 {
	if len(a) != len(b) {
		panic(fmt.Sprintf("stats: %d values paired with %d", len(a), len(b)))
	}
	d := make([]float64, len(a))
	for k := range a {
		d[k] = a[k] - b[k]
	}
	return d
}
