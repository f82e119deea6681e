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

// An Interval is an estimate from N values with its confidence interval [Low, High], which need not
// lie evenly about it. Low and High are NaN where there is none: one value says nothing of its own
// spread.
type Interval struct {
	Value, Low, High float64
	N                int
}

// Includes reports whether x lies in the interval. It is false when there is none.
func (i Interval) Includes(x float64) bool { return i.Low <= x && x <= i.High }

// Half is half the interval's width, NaN where there is none.
func (i Interval) Half() float64 { return (i.High - i.Low) / 2 }

// MeanT is the mean of xs with Student's t interval at the given confidence level, as 0.95.
// It assumes that the mean of so many values is about normally distributed. NaN and infinite
// values make the result NaN; an empty xs does too.
func MeanT(xs []float64, level float64) Interval {
	i := Interval{Value: math.NaN(), Low: math.NaN(), High: math.NaN(), N: len(xs)}
	if len(xs) == 0 {
		return i
	}
	i.Value = stat.Mean(xs, nil)
	if len(xs) < 2 {
		return i
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: float64(len(xs) - 1)}
	half := t.Quantile((1+level)/2) * stat.StdErr(stat.StdDev(xs, nil), float64(len(xs)))
	i.Low, i.High = i.Value-half, i.Value+half
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
