package elementary

import "math"

// NormalQuantile is the x below which a standard normal number lies with the probability p, with a relative error of
// about 1e-15 (Wichura 1988, Applied Statistics 37, algorithm AS 241, routine PPND16).
func NormalQuantile(p float64) float64 {
	switch {
	case !(p >= 0 && p <= 1):
		return math.NaN()
	case p == 0:
		return math.Inf(-1)
	case p == 1:
		return math.Inf(1)
	}
	q := p - 0.5
	if math.Abs(q) <= 0.425 {
		return float64(q * rational(0.180625-float64(q*q), &middle))
	}
	tail := p
	if q > 0 {
		tail = 1 - p
	}
	r := math.Sqrt(-Log(tail))
	x := 0.0
	if r <= 5 {
		x = rational(r-1.6, &outer)
	} else {
		x = rational(r-5, &outermost)
	}
	if q < 0 {
		return -x
	}
	return x
}

// A fraction of two polynomials, each from the highest power down.
type fraction struct{ above, below [8]float64 }

func rational(x float64, f *fraction) float64 {
	a, b := f.above[0], f.below[0]
	for i := 1; i < 8; i++ {
		a, b = math.FMA(a, x, f.above[i]), math.FMA(b, x, f.below[i])
	}
	return a / b
}

// The tables of AS 241.
var (
	middle = fraction{
		[8]float64{2.5090809287301226727e+3, 3.3430575583588128105e+4, 6.7265770927008700853e+4, 4.5921953931549871457e+4, 1.3731693765509461125e+4, 1.9715909503065514427e+3, 1.3314166789178437745e+2, 3.3871328727963666080e+0},
		[8]float64{5.2264952788528545610e+3, 2.8729085735721942674e+4, 3.9307895800092710610e+4, 2.1213794301586595867e+4, 5.3941960214247511077e+3, 6.8718700749205790830e+2, 4.2313330701600911252e+1, 1},
	}
	outer = fraction{
		[8]float64{7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e+0, 3.64784832476320460504e+0, 5.76949722146069140550e+0, 4.63033784615654529590e+0, 1.42343711074968357734e+0},
		[8]float64{1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e+0, 2.05319162663775882187e+0, 1},
	}
	outermost = fraction{
		[8]float64{2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e+0, 5.46378491116411436990e+0, 6.65790464350110377720e+0},
		[8]float64{2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1},
	}
)
