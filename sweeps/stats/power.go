package stats

import (
	"math"
	"sort"
)

// mostSeeds bounds the search of SeedsFor.
const mostSeeds = 1_000_000

// DetectableEffect is the mean difference that a paired t test of n differences with the standard
// deviation sd, at the two-sided level alpha, finds with the chance power, in the units of sd:
// (t_{1−alpha/2} + t_power) · sd/√n with n−1 degrees of freedom. At 0.05 and 0.8 the exact
// value, by the noncentral t distribution, is 5 % more for n = 3 and 1 % more for n = 5.
// NaN if n < 2, or alpha or power is not inside (0, 1).
func DetectableEffect(sd float64, n int, alpha, power float64) float64 {
	if n < 2 || !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	df := float64(n - 1)
	return (tQuantile(1-alpha/2, df) + tQuantile(power, df)) * sd / math.Sqrt(float64(n))
}

// SeedsFor is the smallest number of seeds, at least 2, whose DetectableEffect is at most effect.
// It is a million if so many are not enough, or if an argument makes no sense.
func SeedsFor(sd, effect, alpha, power float64) int {
	return 2 + sort.Search(mostSeeds-2, func(more int) bool {
		return DetectableEffect(sd, 2+more, alpha, power) <= effect
	})
}
