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
	return stat.StdDev(xs, nil)
}

// StdErr is the standard error of the mean, StdDev/√n.
func StdErr(xs []float64) float64 { return StdDev(xs) / math.Sqrt(float64(len(xs))) }
