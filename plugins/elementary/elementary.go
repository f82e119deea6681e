// Package elementary has functions that give the same bits on every machine: exponentials, logarithms, powers, hyperbolic
// and trigonometric functions, and quantiles of the normal distribution.
//
// The functions of package math do not: some have assembly on some processors, and the compiler fuses products and sums
// on some. Here every function is one definition in additions, multiplications, divisions, square roots and fused
// multiply-adds in a stated order, each of which IEEE 754 rounds in one way only. Kernels with vectors follow the same
// order.
package elementary

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// FMA is x·y + z, rounded once.
func FMA[F plugins.Float](x, y, z F) F {
	if _, single := any(z).(float32); single {
		return F(fma32(float32(x), float32(y), float32(z)))
	}
	return F(math.FMA(float64(x), float64(y), float64(z)))
}

// fma32 computes the product exactly and the sum in float64. Where the sum is not exact, the last bit of what is left is
// made odd, so that the second rounding, to float32, is that of the exact sum (Boldo, Melquiond 2008, Emulation of FMA
// and correctly rounded sums: proved algorithms using rounding to odd).
func fma32(x, y, z float32) float32 {
	p, q := float64(float64(x)*float64(y)), float64(z)
	sum := p + q
	if sum-sum != 0 { // infinite, or not a number
		return float32(sum)
	}
	back := sum - p
	rest := (p - (sum - back)) + (q - back) // sum + rest is p + q (Knuth's two-sum)
	if bits := math.Float64bits(sum); rest != 0 && bits&1 == 0 {
		if (rest > 0) == (sum > 0) {
			bits++
		} else {
			bits--
		}
		sum = math.Float64frombits(bits)
	}
	return float32(sum)
}

// The constants of exponentials. With n the whole number nearest to x/ln 2, which adding toInteger leaves in the low bits,
// eˣ = 2ⁿ·(1 + q(r)) with r = x − n·ln 2, and q(r) = eʳ − 1 from its Taylor series.
const (
	Log2E = 0x1.71547652b82fep+0

	ToInteger64 = 0x1.8p52
	Ln2High64   = 0x1.62e42fefa39efp-1
	Ln2Low64    = 0x1.abc9e3b39803fp-56
	Lowest64    = -708 // below it, eˣ is 0 here

	ToInteger32 = 0x1.8p23
	Ln2High32   = 0x1.62e4p-1
	Ln2Low32    = 0x1.7f7d1cp-20
	Lowest32    = -87
)

// Taylor64 and Taylor32 are the coefficients of eʳ from that of the highest power down to that of r². What they leave out
// is less than 5e-18 and 5e-9, for |r| ≤ ½·ln 2.
var (
	Taylor64 = [12]float64{1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2}
	Taylor32 = [6]float32{1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2}
)

// Exp is eˣ for x ≤ 0, with an error below 1 unit in the last place. It is 0 below −708, in float32 below −87. Greater x
// give no number.
func Exp[F plugins.Float](x F) F {
	if x > 0 {
		return F(math.NaN())
	}
	s, q := parts(x)
	return FMA(s, q, s)
}

// parts are s and q in eˣ = s + s·q, for x ≤ 0.
func parts[F plugins.Float](x F) (s, q F) {
	if _, single := any(x).(float32); single {
		s, q := parts32(float32(x))
		return F(s), F(q)
	}
	a, b := parts64(float64(x))
	return F(a), F(b)
}

func parts64(x float64) (s, q float64) {
	if x < Lowest64 {
		return 0, 0
	}
	t := math.FMA(x, Log2E, ToInteger64)
	n := t - ToInteger64
	r := math.FMA(-n, Ln2Low64, math.FMA(-n, Ln2High64, x))
	return math.Float64frombits((math.Float64bits(t) + 1023) << 52), taylor64(r)
}

func taylor64(r float64) float64 {
	p := Taylor64[0]
	for _, c := range Taylor64[1:] {
		p = math.FMA(p, r, c)
	}
	return math.FMA(float64(r*r), p, r)
}

func parts32(x float32) (s, q float32) {
	if x < Lowest32 {
		return 0, 0
	}
	t := fma32(x, Log2E, ToInteger32)
	n := t - ToInteger32
	r := fma32(-n, Ln2Low32, fma32(-n, Ln2High32, x))
	p := Taylor32[0]
	for _, c := range Taylor32[1:] {
		p = fma32(p, r, c)
	}
	return math.Float32frombits((math.Float32bits(t) + 127) << 23), fma32(float32(r*r), p, r)
}

// Tanh has an error below 3 units in the last place. With e = exp(−2|x|) − 1, it is −e/(2 + e) with the sign of x.
func Tanh[F plugins.Float](x F) F {
	y := F(-2 * x)
	if x < 0 {
		y = F(2 * x)
	}
	s, q := parts(y)
	e := FMA(s, q, s-1)
	return F(math.Copysign(float64((0-e)/(2+e)), float64(x)))
}

// The series of log((1+s)/(1−s)) = 2s + s·z·(⅔ + z·⅖ + …) with z = s², from the highest power down. For |s| ≤ 0.172 what
// it leaves out is less than 4e-18 of the whole.
var Artanh = [10]float64{2. / 21, 2. / 19, 2. / 17, 2. / 15, 2. / 13, 2. / 11, 2. / 9, 2. / 7, 2. / 5, 2. / 3}

// The constants of logarithms. Products of Ln2Coarse with exponents are exact.
const (
	Ln2Coarse = 0x1.62e42fefa4p-1
	Ln2Rest   = -0x1.8432a1b0e2634p-43
	HalfRoot  = 0x3fe6a09e667f3bcd // the bits of √½
)

// Log is the natural logarithm, with an error below 1.5 units in the last place.
func Log(x float64) float64 {
	switch {
	case !(x > 0):
		if x == 0 {
			return math.Inf(-1)
		}
		return math.NaN()
	case x > math.MaxFloat64:
		return x
	case x < 0x1p-1022:
		return logOf(float64(x*0x1p54), -54)
	}
	return logOf(x, 0)
}

// logOf is the logarithm of x·2ᵏ for a normal x: with x = m·2ⁿ and √½ ≤ m < √2, it is log m + (n+k)·ln 2.
func logOf(x, k float64) float64 {
	m, n := split(x)
	k += n
	f := m - 1
	s := f / (2 + f)
	z := float64(s * s)
	p := Artanh[0]
	for _, c := range Artanh[1:] {
		p = math.FMA(p, z, c)
	}
	own := math.FMA(-s, f-float64(z*p), f)
	return math.FMA(k, Ln2Coarse, math.FMA(k, Ln2Rest, own))
}

// split is x = m·2ⁿ with √½ ≤ m < √2.
func split(x float64) (m, n float64) {
	bits := math.Float64bits(x) - HalfRoot
	exponent := int64(bits) >> 52
	return math.Float64frombits(bits&(1<<52-1) + HalfRoot), float64(exponent)
}

// Log1p is log(1+x) for x ≥ 0, with an error below 2 units in the last place.
func Log1p(x float64) float64 {
	u := 1 + x
	if u > math.MaxFloat64 {
		return u
	}
	return Log(u) + (x-(u-1))/u
}
