package elementary

import "math"

// Pow is xʸ, with an error below 1.5 units in the last place, and with the special cases of [math.Pow].
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case y == 1 || x != x || y != y:
		return math.Pow(x, y)
	case x == 0 || x-x != 0 || y-y != 0: // nothing is rounded
		return math.Pow(x, y)
	case x < 0:
		if y != math.Trunc(y) {
			return math.NaN()
		}
		if math.Mod(y, 2) != 0 {
			return -Pow(-x, y)
		}
		return Pow(-x, y)
	}
	high, low := logarithm(x)
	product := float64(high * y)
	rest := math.FMA(low, y, math.FMA(high, y, -product))
	switch {
	case product > 710:
		return math.Inf(1)
	case product < -746:
		return 0
	}
	t := math.FMA(product, Log2E, ToInteger64)
	n := t - ToInteger64
	r := math.FMA(-n, Ln2Coarse, product) // exact
	tail := math.FMA(-n, Ln2Rest, rest)
	q := taylor64(r)
	return math.Ldexp(1+(q+math.FMA(tail, q, tail)), int(n))
}

// logarithm is log x for a positive x as the sum of two numbers, to about 2⁻⁶⁴ of it.
func logarithm(x float64) (high, low float64) {
	k := 0.0
	if x < 0x1p-1022 {
		x, k = float64(x*0x1p54), -54
	}
	m, n := split(x)
	k += n
	f := m - 1 // exact
	d := 2 + f
	e := f - (d - 2) // d + e is 2 + f
	s := f / d
	t := (math.FMA(-s, d, f) - float64(s*e)) / d // s + t is f/(2+f)
	z := float64(s * s)
	w := math.FMA(s, s, -z) + float64(2*s*t) // z + w is its square
	p := Artanh[0]
	for _, c := range Artanh[1:9] {
		p = math.FMA(p, z, c)
	}
	// 2s + s·z·(⅔ + z·p), with ⅔ in two parts, and what is far below them in one
	const third, thirdRest = 0x1.5555555555555p-1, 0x1.5555555555555p-55
	c := third + float64(z*p)
	cr := math.FMA(z, p, third-c) + math.FMA(w, p, thirdRest)
	zc := float64(z * c)
	zcr := math.FMA(z, c, -zc) + math.FMA(z, cr, float64(w*c))
	sc := float64(s * zc)
	scr := math.FMA(s, zc, -sc) + math.FMA(s, zcr, float64(t*zc))
	// the sum of k·ln 2, 2s and s·z·c, the largest first
	a, ar := twoSum(float64(k*Ln2Coarse), float64(2*s))
	b, br := twoSum(a, sc)
	rest := ar + br + (math.FMA(k, Ln2Rest, float64(2*t)) + scr)
	return fastTwoSum(b, rest)
}

func twoSum(a, b float64) (sum, rest float64) {
	sum = a + b
	back := sum - a
	return sum, (a - (sum - back)) + (b - back)
}

func fastTwoSum(a, b float64) (sum, rest float64) {
	sum = a + b
	return sum, b - (sum - a)
}
