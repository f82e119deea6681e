package models

import "math"

// exponentiate replaces every x ≤ 0 by eˣ, to within a few units in the last place. It costs
// less than half of math.Exp, as there is no call for each element, and it gives the same bits on every
// processor, as math.Exp does not. Results below 1e-307 are 0. NaN stays NaN.
//
// With x = (32k + j)·ln2/32 + r, it is 2ᵏ · 2^(j/32) · eʳ: the second factor from a table, the
// third from its Taylor series, where |r| ≤ ln2/64 (Tang 1989, Table-driven implementation
// of the exponential function).
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
		p := 1./120 + float64(r*(1./720))
		p = 1./24 + float64(r*p)
		p = 1./6 + float64(r*p)
		p = 1./2 + float64(r*p)
		p = r + float64(float64(r*r)*p)
		n := int64(steps)
		t := powers[n&31]
		xs[i] = math.Float64frombits(math.Float64bits(t+float64(t*p)) + uint64(n>>5)<<52)
	}
}

const (
	stepsInOne = 32 / math.Ln2
	toInteger  = 0x1.8p52              // adding it rounds to a whole number
	stepHigh   = 0x1.62e42fee00000p-6  // ln2/32, to 32 bits: its products with whole numbers are exact
	stepLow    = 0x1.a39ef35793c76p-38 // the rest
)

// powers are 2^(j/32).
var powers = [32]float64{
	0x1.0000000000000p+0, 0x1.059b0d3158574p+0, 0x1.0b5586cf9890fp+0, 0x1.11301d0125b51p+0,
	0x1.172b83c7d517bp+0, 0x1.1d4873168b9aap+0, 0x1.2387a6e756238p+0, 0x1.29e9df51fdee1p+0,
	0x1.306fe0a31b715p+0, 0x1.371a7373aa9cbp+0, 0x1.3dea64c123422p+0, 0x1.44e086061892dp+0,
	0x1.4bfdad5362a27p+0, 0x1.5342b569d4f82p+0, 0x1.5ab07dd485429p+0, 0x1.6247eb03a5585p+0,
	0x1.6a09e667f3bcdp+0, 0x1.71f75e8ec5f74p+0, 0x1.7a11473eb0187p+0, 0x1.82589994cce13p+0,
	0x1.8ace5422aa0dbp+0, 0x1.93737b0cdc5e5p+0, 0x1.9c49182a3f090p+0, 0x1.a5503b23e255dp+0,
	0x1.ae89f995ad3adp+0, 0x1.b7f76f2fb5e47p+0, 0x1.c199bdd85529cp+0, 0x1.cb720dcef9069p+0,
	0x1.d5818dcfba487p+0, 0x1.dfc97337b9b5fp+0, 0x1.ea4afa2a490dap+0, 0x1.f50765b6e4540p+0,
}
