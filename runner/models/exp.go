package models

import "math"

// exponentiate replaces every x ≤ 0 by eˣ, to within a few units in the last place. It takes a third of the time of
// math.Exp, which is a call for each element, and unlike math.Exp it gives the same bits on every processor. Results
// below 1e-307 are 0. NaN stays NaN.
//
// With x = (512k + j)·ln2/512 + r, it is 2ᵏ · 2^(j/512) · eʳ: the second factor from a table, the
// third from its Taylor series, where |r| ≤ ln2/1024 and so r⁵/120 < 2e-18 (Tang 1989,
// Table-driven implementation of the exponential function). Rounding to a whole number leaves
// 512k + j in the low bits of the sum, in two's complement.
func exponentiate(xs []float64) {
	for i, x := range xs {
		if !(x > -707) {
			if x <= -707 {
				xs[i] = 0
			}
			continue
		}
		shifted := float64(x*stepsInOne) + toInteger
		steps := shifted - toInteger
		r := (x - float64(steps*stepHigh)) - float64(steps*stepLow)
		p := 1./6 + float64(r*(1./24))
		p = 1./2 + float64(r*p)
		p = r + float64(float64(r*r)*p)
		n := math.Float64bits(shifted)
		t := powers[n%512]
		xs[i] = math.Float64frombits(math.Float64bits(t+float64(t*p)) + n>>9<<52)
	}
}

const (
	stepsInOne = 512 / math.Ln2
	toInteger  = 0x1.8p52              // adding it rounds to a whole number
	stepHigh   = 0x1.62e42fee00000p-10 // ln2/512, to 32 bits: its products with whole numbers are exact
	stepLow    = 0x1.a39ef35793c76p-42 // the rest
)
