package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// A logF is the distribution of the logarithm of an F ratio with DF1 and DF2 degrees of freedom, which is twice Fisher's z.
// DF2 may be +Inf: DF1·F is χ² then. Its tails are logarithms, so that those below the smallest float64 still compare.
type logF struct{ df1, df2 float64 }

// farLog bounds the logarithm of a ratio. What lies further out counts as this far.
const farLog = 700

// manyDF are so many degrees of freedom of the denominator that more make no difference to a float64, and mostDF the most of
// the numerator that are computed with: more count as so many.
const manyDF, mostDF = 1e15, 1e7

// newLogF is the distribution for any df1 > 0 and df2 > 0.
func newLogF(df1, df2 float64) logF {
	if df2 > manyDF {
		df2 = math.Inf(1)
	}
	return logF{min(df1, mostDF), df2}
}

// density is the logarithm of the density at z = log F.
func (d logF) density(z float64) float64 {
	if math.IsInf(d.df2, 1) {
		x := d.df1 / 2 * math.Exp(min(z, farLog))
		return logPoisson(d.df1/2, x) + math.Log(d.df1/2)
	}
	x, y := d.split(z)
	return logBetaPower(x, y, d.df1/2, d.df2/2)
}

// tails are log P(log F ≤ z) and log P(log F > z).
func (d logF) tails(z float64) (lower, upper float64) {
	if math.IsInf(d.df2, 1) {
		return logGammaTails(d.df1/2, d.df1/2*math.Exp(min(z, farLog)))
	}
	x, y := d.split(z)
	return logBetaTails(x, y, d.df1/2, d.df2/2)
}

// split is x = DF1·F/(DF2 + DF1·F), which has a beta distribution with parameters DF1/2 and DF2/2, and y = 1 − x, both with
// all their digits. Abramowitz & Stegun 26.6.2.
func (d logF) split(z float64) (x, y float64) {
	w := max(-farLog, min(farLog, z+math.Log(d.df1)-math.Log(d.df2)))
	ratio := math.Exp(w)
	return ratio / (1 + ratio), 1 / (1 + ratio)
}

// quantile is the z whose upper tail, or lower tail, has the logarithm logP, which is below 0. From 4e5 denominator degrees
// of freedom on they count as infinitely many if they are not fewer than those of the numerator, as in R's qf.
//
// The logarithm of a tail of log F is a concave function of z, so Newton's steps come from one side after the first.
func (d logF) quantile(logP float64, upper bool) float64 {
	if d.df2 > 4e5 && d.df1 <= d.df2 {
		d.df2 = math.Inf(1)
	}
	z := 0.0
	for range 1000 {
		tail, above := d.tails(z)
		slope := math.Exp(d.density(z) - tail)
		if upper {
			tail = above
			slope = -math.Exp(d.density(z) - tail)
		}
		step := (logP - tail) / slope
		if math.IsNaN(step) {
			break
		}
		step = max(-20, min(20, step)) // a flat tail sends it far off
		z += step
		if math.Abs(step) <= 1e-15*max(1, math.Abs(z)) || math.Abs(z) > farLog {
			break
		}
	}
	return max(-farLog, min(farLog, z))
}

// logBetaTails are log I_x(a, b) and log I_y(b, a), where y is 1 − x: the lower and the upper tail of the beta
// distribution. The smaller is a continued fraction, DiDonato & Morris 1992, ACM TOMS 18, equation 9.
func logBetaTails(x, y, a, b float64) (lower, upper float64) {
	power := logBetaPower(x, y, a, b)
	if a*y-b*x >= 0 { // x is below the mean
		lower = min(0, power-math.Log(betaFraction(x, y, a, b)))
		return lower, logComplement(lower)
	}
	upper = min(0, power-math.Log(betaFraction(y, x, b, a)))
	return logComplement(upper), upper
}

// betaFraction is x^a y^b / (B(a, b)·I_x(a, b)) for x at most about its mean.
func betaFraction(x, y, a, b float64) float64 {
	offset := a*y - b*x
	return continued(a*(offset+1)/(a+1), func(k float64) (numerator, denominator float64) {
		twice := a + 2*k - 1
		numerator = (a + k - 1) / twice * (a + b + k - 1) / twice * k * (b - k) * x * x
		denominator = k + k*(b-k)*x/twice + (a+k)*(offset+1+k*(1+y))/(twice+2)
		return numerator, denominator
	})
}

// continued is the continued fraction first + n₁/(d₁ + n₂/(d₂ + …)) by Lentz's method. DLMF 3.10(iii).
func continued(first float64, part func(k float64) (numerator, denominator float64)) float64 {
	const tiny = 1e-290
	away := func(x float64) float64 {
		if x == 0 {
			return tiny
		}
		return x
	}
	value := away(first)
	c, d := value, 0.0
	for k := 1.0; k <= 1e5; k++ {
		n, m := part(k)
		d = 1 / away(m+n*d)
		c = away(m + n/c)
		value *= c * d
		if math.Abs(c*d-1) <= 2e-16 || math.IsNaN(value) {
			break
		}
	}
	return value
}

// logGammaTails are the logarithms of the regularized incomplete gamma functions P(a, x) and Q(a, x): by the power series
// DLMF 8.7.1 below about the mean, and by the continued fraction 8.9.2 above it.
func logGammaTails(a, x float64) (lower, upper float64) {
	switch {
	case x <= 0:
		return math.Inf(-1), 0
	case math.IsInf(x, 1):
		return 0, math.Inf(-1)
	case x < a+1:
		sum, part := 1.0, 1.0
		for k := 1.0; part > 1e-17*sum && k < 1e6; k++ {
			part *= x / (a + k)
			sum += part
		}
		lower = min(0, logPoisson(a, x)+math.Log(sum))
		return lower, logComplement(lower)
	}
	fraction := continued(x+1-a, func(k float64) (numerator, denominator float64) {
		return k * (a - k), x + 2*k + 1 - a
	})
	upper = min(0, logPoisson(a, x)+math.Log(a)-math.Log(fraction))
	return logComplement(upper), upper
}

// logComplement is log(1 − e^x) for x ≤ 0.
func logComplement(x float64) float64 {
	if x > -math.Ln2 {
		return math.Log(-math.Expm1(x))
	}
	return math.Log1p(-math.Exp(x))
}

// logPoisson is log(x^a e^−x / Γ(a+1)) and logBetaPower is log(x^a y^b / B(a, b)), where y is 1 − x. Both are written by
// deviances, so that large a and b cost no digits: Loader 2000, Fast and accurate computation of binomial probabilities.
func logPoisson(a, x float64) float64 {
	return -stirling(a) - a*deviance((x-a)/a, x/a) - math.Log(2*math.Pi*a)/2
}

func logBetaPower(x, y, a, b float64) float64 {
	n := a + b
	offset := a*y - b*x
	return stirling(n) - stirling(a) - stirling(b) - a*deviance(-offset/a, x*(n/a)) - b*deviance(offset/b, y*(n/b)) +
		(math.Log(a)+math.Log(b/n)-math.Log(2*math.Pi))/2
}

// deviance is u − log(1+u). ratio is 1+u, known by itself, which has its digits where u is near −1.
func deviance(u, ratio float64) float64 {
	if math.Abs(u) > 0.1 {
		return u - math.Log(ratio)
	}
	// log(1+u) = 2 artanh(v), v = u/(2+u), and u = 2v + uv.
	v := u / (2 + u)
	sum, part := 0.0, v
	for k := 3.0; ; k += 2 {
		part *= v * v
		next := sum + part/k
		if next == sum || math.IsNaN(next) {
			return u*v - 2*sum
		}
		sum = next
	}
}

// stirling is log Γ(x+1) − (x + ½) log x + x − ½ log 2π, what Stirling's formula leaves. DLMF 5.11.1.
func stirling(x float64) float64 {
	if x < 16 {
		g, _ := math.Lgamma(x + 1)
		return g - (x+0.5)*math.Log(x) + x - math.Log(2*math.Pi)/2
	}
	s := 1 / (x * x)
	return (1.0/12 - s*(1.0/360-s*(1.0/1260-s*(1.0/1680-s*(1.0/1188-s*691.0/360360))))) / x
}

// logLessDigamma is log x − ψ(x), for x > 0: how far the mean of the logarithm of a gamma variable lies below the logarithm
// of its mean. By the recurrence DLMF 5.5.2 and the expansion 5.11.2; gonum's Digamma has an error of up to 6e-11.
func logLessDigamma(x float64) float64 {
	if math.IsInf(x, 1) {
		return 0
	}
	at, sum := x, 0.0
	for ; x < 16; x++ {
		sum += 1 / x
	}
	s := 1 / (x * x)
	sum += 1/(2*x) + s*(1.0/12-s*(1.0/120-s*(1.0/252-s*(1.0/240-s*(1.0/132-s*(691.0/32760-s/12))))))
	if x != at {
		sum += math.Log(at) - math.Log(x)
	}
	return sum
}

// trigamma is ψ′(x) = ζ(2, x) for x > 0, and tetragamma is ψ″(x). DLMF 5.15.1, 25.11.12.
func trigamma(x float64) float64   { return mathext.Zeta(2, x) }
func tetragamma(x float64) float64 { return -2 * mathext.Zeta(3, x) }
func pentagamma(x float64) float64 { return 6 * mathext.Zeta(4, x) }

// trigammaInverse is the x at which trigamma is y, for y > 0, by Newton's method on 1/trigamma, which is nearly linear and
// convex, so that the steps come from one side. Above 1e7 it is 1/√y, and below 1e-6 it is 1/y, which is at most 5e-7 of
// it too low. Smyth 2004, appendix.
func trigammaInverse(y float64) float64 {
	switch {
	case math.IsNaN(y) || y < 0:
		return math.NaN()
	case y > 1e7:
		return 1 / math.Sqrt(y)
	case y < 1e-6:
		return 1 / y
	}
	x := 0.5 + 1/y
	for range 50 {
		now := trigamma(x)
		step := now * (1 - now/y) / tetragamma(x)
		x += step
		if -step/x < 1e-8 {
			break
		}
	}
	return x
}
