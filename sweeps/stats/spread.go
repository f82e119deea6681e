package stats

import (
	"math"

	"gonum.org/v1/gonum/stat"
)

// StdDev is the sample standard deviation, with n − 1 in the denominator; NaN for fewer than two values.
func StdDev(xs []float64) float64 {
	if len(xs) < 2 {
		return math.NaN()
	}
	scaled, e := inUnit(xs)
	return math.Ldexp(stat.StdDev(scaled, nil), e)
}

// StdErr is the standard error of the mean, StdDev/√n.
func StdErr(xs []float64) float64 { return StdDev(xs) / math.Sqrt(float64(len(xs))) }

// farExponent bounds the exponents of values that are computed with as they are: their squares, and the squares of these,
// neither overflow nor underflow.
const farExponent = 200

// inUnit returns xs in units of 2^e, in which the largest is about 1. Values of a usual size, and those that are not all
// finite, stay as they are: xs itself, and e = 0. A power of two rounds nothing.
func inUnit(xs []float64) (scaled []float64, e int) {
	e = exponent(xs)
	if e >= -farExponent && e <= farExponent {
		return xs, 0
	}
	scaled = make([]float64, len(xs))
	for k, x := range xs {
		scaled[k] = math.Ldexp(x, -e)
	}
	return scaled, e
}

// bothInUnit is inUnit for two samples that are compared.
func bothInUnit(a, b []float64) (scaledA, scaledB []float64, e int) {
	both := make([]float64, 0, len(a)+len(b))
	scaled, e := inUnit(append(append(both, a...), b...))
	if e == 0 {
		return a, b, 0
	}
	return scaled[:len(a)], scaled[len(a):], e
}

// times2 is the interval in a unit 2^e as large.
func (i Interval) times2(e int) Interval {
	if e == 0 {
		return i
	}
	return Interval{Value: math.Ldexp(i.Value, e), Low: math.Ldexp(i.Low, e), High: math.Ldexp(i.High, e), N: i.N}
}
