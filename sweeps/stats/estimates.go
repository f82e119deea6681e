package stats

import (
	"math"
	"slices"
)

// A Statistic makes one number of many. It neither keeps nor changes xs.
type Statistic func(xs []float64) float64

// Mean is the sum of xs, taken in order, over their number: infinite where a value is, NaN for no
// values and for infinities of both signs.
func Mean(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	if math.IsInf(sum, 0) {
		if scaled, e := inUnit(xs); e != 0 { // only the sum is too large
			return math.Ldexp(Mean(scaled), e)
		}
	}
	return sum / float64(len(xs))
}

// Median is the middle value, or the mean of the two in the middle. NaN for no values.
func Median(xs []float64) float64 { return trimmed(xs, (len(xs)-1)/2) }

// IQM, the interquartile mean, is the mean without the ⌊n/4⌋ lowest and the ⌊n/4⌋ highest values.
// It is less noisy than the median and less moved by a run that diverged than the mean. NaN for
// no values.
// Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
func IQM(xs []float64) float64 { return trimmed(xs, len(xs)/4) }

// trimmed is the mean of xs without so many of the lowest and of the highest values.
func trimmed(xs []float64, cut int) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	var few [128]float64 // spares the bootstrap an allocation per resample
	sorted := append(few[:0], xs...)
	slices.Sort(sorted)
	if math.IsNaN(sorted[0]) {
		return math.NaN()
	}
	return Mean(sorted[cut : len(sorted)-cut])
}
