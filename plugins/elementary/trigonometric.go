package elementary

import "math"

// Sinpi is sin πx and Cospi is cos πx, with errors below 1.5 units in the last place of the result or of ⅛, whichever is
// larger. Whole and half numbers give exact results.
func Sinpi(x float64) float64 {
	y, quarter := reduce(x)
	return turn(y, quarter)
}

// Cospi is described at [Sinpi].
func Cospi(x float64) float64 {
	y, quarter := reduce(x)
	return turn(y, quarter+1)
}

// reduce gives x = y + quarter/2 with |y| ≤ ¼. The quarter is counted from 0 to 3, as turns repeat.
func reduce(x float64) (y float64, quarter int) {
	if x-x != 0 {
		return math.NaN(), 0
	}
	x = math.Mod(x, 2) // exact
	n := math.RoundToEven(float64(2 * x))
	return x - n/2, int(n) & 3
}

// turn is the sine of πy plus a number of quarters of a turn.
func turn(y float64, quarter int) float64 {
	const high, low = 0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53 // π
	t := float64(y * high)
	rest := math.FMA(y, high, -t) + float64(y*low)
	z := float64(t * t)
	var v float64
	if quarter&1 == 0 {
		p := sines[0]
		for _, c := range sines[1:] {
			p = math.FMA(p, z, c)
		}
		v = math.FMA(float64(t*z), p, rest) + t
	} else {
		p := cosines[0]
		for _, c := range cosines[1:] {
			p = math.FMA(p, z, c)
		}
		v = 1 - math.FMA(-float64(z*z), p, math.FMA(t, rest, z/2))
	}
	if quarter&2 != 0 {
		return -v
	}
	return v
}

// The Taylor series from the highest power down: of (sin t − t)/t³ and of (cos t − 1 + t²/2)/t⁴, in t².
var (
	sines   = [8]float64{1. / 355687428096000, -1. / 1307674368000, 1. / 6227020800, -1. / 39916800, 1. / 362880, -1. / 5040, 1. / 120, -1. / 6}
	cosines = [7]float64{1. / 20922789888000, -1. / 87178291200, 1. / 479001600, -1. / 3628800, 1. / 40320, -1. / 720, 1. / 24}
)
