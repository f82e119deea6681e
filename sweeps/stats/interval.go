// Package stats says what a handful of seeds can say: means with their uncertainty.
//
// Its functions are pure and work on plain slices. Which numbers are compared, and what is made
// of them, is decided elsewhere.
package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// An Interval is a mean with its confidence interval [Mean − Half, Mean + Half].
// Half is NaN when N < 2: one value says nothing of its own spread.
type Interval struct {
	Mean, Half float64
	N          int
}

// Includes reports whether x lies in the interval. It is false when there is none.
func (i Interval) Includes(x float64) bool { return math.Abs(x-i.Mean) <= i.Half }

// MeanT is the mean of xs with Student's t interval at the given confidence level, as 0.95.
// It assumes that the mean of so many values is about normally distributed. NaN and infinite
// values make the result NaN; an empty xs does too.
func MeanT(xs []float64, level float64) Interval {
	i := Interval{Mean: math.NaN(), Half: math.NaN(), N: len(xs)}
	if len(xs) == 0 {
		return i
	}
	i.Mean = stat.Mean(xs, nil)
	if len(xs) < 2 {
		return i
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(len(xs) - 1)}
	i.Half = t.Quantile((1+level)/2) * stat.StdErr(stat.StdDev(xs, nil), float64(len(xs)))
	return i
}

// PairedT is the mean of a[k] − b[k] with its t interval, for values that belong together, as
// two settings under the same seed do. The slices have equal length.
func PairedT(a, b []float64, level float64) Interval {
	d := make([]float64, len(a))
	for k := range a {
		d[k] = a[k] - b[k]
	}
	return MeanT(d, level)
}
