package stats

import (
	"math"
	"sort"
)

// mostSeeds bounds the search of SeedsFor.
const mostSeeds = 1_000_000

// Detectable is the effect, in standard errors with df degrees of freedom, that a two-sided t test at the level alpha finds
// with the chance power: t_{1−alpha/2} + t_power. At 0.05 and 0.8 the exact value, by the noncentral t distribution, is 5 %
// more with 2 degrees of freedom and 1 % more with 4. NaN if alpha or power is not inside (0, 1), or there are no
// degrees of freedom.
func Detectable(df, alpha, power float64) float64 {
	if !(alpha > 0 && alpha < 1) || !(power > 0 && power < 1) || !(df > 0) {
		return math.NaN()
	}
	return UpperT(alpha/2, df) + UpperT(1-power, df)
}

// DetectableEffect is the mean difference that a paired t test of n differences with the standard
// deviation sd finds, as Detectable has it, in the units of sd. NaN if n < 2.
func DetectableEffect(sd float64, n int, alpha, power float64) float64 {
	if n < 2 {
		return math.NaN()
	}
	return Detectable(float64(n-1), alpha, power) * sd / math.Sqrt(float64(n))
}

// SeedsFor is the smallest number of seeds, at least 2, whose DetectableEffect is at most effect.
// It is a million if so many are not enough, or if an argument makes no sense.
func SeedsFor(sd, effect, alpha, power float64) int {
	return Fewest(2, func(n int) bool { return DetectableEffect(sd, n, alpha, power) <= effect })
}

// Fewest is the smallest number of seeds, at least the given one, that is enough, where more are enough too. It is a million
// if fewer are not.
func Fewest(least int, enough func(n int) bool) int {
	return least + sort.Search(max(0, mostSeeds-least), func(more int) bool { return enough(least + more) })
}

// EquivalencePower is about the chance that two one-sided t tests at the level alpha show an effect to lie within ±margin,
// all in standard errors with df degrees of freedom. Phillips 1990, J. Pharmacokinetics and Biopharmaceutics 18, 137-144,
// with t about the effect in place of the noncentral t.
func EquivalencePower(effect, margin, df, alpha float64) float64 {
	reach := margin - UpperT(alpha, df)
	if !(reach > 0) || !(df > 0) {
		return 0
	}
	effect = math.Abs(effect)
	return max(0, 1-tAbove(reach-effect, df)-tAbove(reach+effect, df))
}

// TwoSidedT is P(|T| ≥ |t|) for Student's t with df degrees of freedom, which may be +Inf.
func TwoSidedT(t, df float64) float64 {
	if math.IsInf(df, 1) {
		return normalTwoSided(t)
	}
	return tTwoSided(t, df)
}

// UpperT is the number above which Student's t with df degrees of freedom, which may be +Inf, lies with the chance p.
func UpperT(p, df float64) float64 {
	if p > 0.5 {
		return -upperT(math.Log1p(-p), df)
	}
	return upperT(math.Log(p), df)
}

// tAbove is P(T ≥ t).
func tAbove(t, df float64) float64 {
	if t < 0 {
		return 1 - TwoSidedT(t, df)/2
	}
	return TwoSidedT(t, df) / 2
}
