package stats

import "math"

// NemenyiCD is the critical difference of k treatments' mean ranks over n blocks: treatments whose
// mean ranks are further apart differ, at the level alpha for all pairs together.
// CD = q_α/√2 · √(k(k+1)/(6n)), with q_α the quantile 1−alpha of the studentized range of k values.
// NaN if k < 2, n < 1 or alpha is not inside (0, 1).
// Nemenyi 1963; Demšar 2006, Journal of Machine Learning Research 7.
func NemenyiCD(k, n int, alpha float64) float64 {
	if k < 2 || n < 1 || !(alpha > 0 && alpha < 1) {
		return math.NaN()
	}
	low, high := 0.0, 1.0
	for rangeAbove(high, k) > alpha {
		low, high = high, 2*high
	}
	for {
		middle := low + (high-low)/2
		if middle <= low || middle >= high {
			return middle * rankError(k, n)
		}
		if rangeAbove(middle, k) > alpha {
			low = middle
		} else {
			high = middle
		}
	}
}

// rankError is what a difference of mean ranks is divided by: √(k(k+1)/(12n)).
func rankError(k, n int) float64 {
	return math.Sqrt(float64(k) * float64(k+1) / (12 * float64(n)))
}

// rangeAbove is the chance that the range of k standard normal values exceeds q:
//
//	1 − P(q) = ∫ k φ(z) [Φ(z)^(k−1) − (Φ(z) − Φ(z−q))^(k−1)] dz
//
// z is the highest value. The integrand is entire and falls off like φ, so the trapezoidal rule
// meets it to rounding; written by the ratio Φ(z−q)/Φ(z), small chances keep their digits.
func rangeAbove(q float64, k int) float64 {
	if math.IsNaN(q) {
		return q
	}
	const step = 0.0625
	others, sum := float64(k-1), 0.0
	for z := -9.0; z <= 39; z += step {
		below := normalBelow(z)
		ratio := math.Min(1, normalBelow(z-q)/below)
		lower := -math.Expm1(others * math.Log1p(-ratio))
		sum += float64(k) * math.Exp(-z*z/2) * math.Pow(below, others) * lower
	}
	return math.Min(1, sum*step/math.Sqrt(2*math.Pi))
}
