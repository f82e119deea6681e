package stats

import (
	"math"
	"slices"
)

// biasOf is z₀, the normal quantile of the part of the sorted estimates that lie below value,
// those that equal it counted ½. Resamples that hold the same values in another order differ by
// rounding, so estimates that near count as equal. ±Inf if all lie on one side.
// Efron & Tibshirani 1993, equation 14.14.
func biasOf(sorted []float64, value float64) float64 {
	near := 1e-12 * (sorted[len(sorted)-1] - sorted[0])
	if math.IsNaN(near) || math.IsInf(near, 0) {
		near = 0
	}
	below, _ := slices.BinarySearch(sorted, value-near)
	upTo := below
	for upTo < len(sorted) && sorted[upTo] <= value+near {
		upTo++
	}
	return normalQuantile(float64(below+upTo) / float64(2*len(sorted)))
}

// acceleration is a, the skew of the estimates that leave one value out: Efron & Tibshirani 1993,
// equation 14.15, for several samples summed as in 15.36. It is 0 if these estimates are all the
// same. A sample of one value has none to leave out.
func acceleration(given [][]float64, estimate func(samples) float64) float64 {
	second, third := 0.0, 0.0
	left := slices.Clone(given)
	for k, values := range given {
		if len(values) < 2 {
			continue
		}
		n := float64(len(values))
		without := make([]float64, len(values))
		for out := range values {
			left[k] = slices.Concat(values[:out], values[out+1:])
			without[out] = estimate(lay(left))
		}
		left[k] = values
		mean, squares, cubes := Mean(without), 0.0, 0.0
		for _, w := range without {
			u := (n - 1) * (mean - w)
			squares += u * u
			cubes += u * u * u
		}
		second += squares / (n * n)
		third += cubes / (n * n * n)
	}
	if second == 0 {
		return 0
	}
	return third / (6 * math.Pow(second, 1.5))
}

// corrected is the part of the resampled estimates below the end of an interval that leaves out
// the part p. Efron & Tibshirani 1993, equation 14.10.
func corrected(p, bias, skew float64) float64 {
	z := bias + normalQuantile(p)
	return normalBelow(bias + z/(1-skew*z))
}
