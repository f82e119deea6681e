package stats

import (
	"math"
	"sync/atomic"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// The tails are computed as such, never as 1 − CDF, so that small p-values keep their digits.

// tTwoSided is P(|T| ≥ |t|) for Student's t: I_x(ν/2, 1/2) at x = ν/(ν+t²).
// Abramowitz & Stegun 26.7.1.
func tTwoSided(t, df float64) float64 {
	switch {
	case math.IsNaN(t) || !(df > 0): // without degrees of freedom nothing is known
		return math.NaN()
	case math.IsInf(t, 0):
		return 0
	}
	return mathext.RegIncBeta(df/2, 0.5, df/(df+t*t))
}

// tQuantile is the p quantile of Student's t, NaN if p is not inside (0, 1).
func tQuantile(p, df float64) float64 {
	if !(p > 0 && p < 1) || !(df > 0) {
		return math.NaN()
	}
	if last := latestT.Load(); last != nil && last.p == p && last.df == df {
		return last.t
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: df}.Quantile(p)
	latestT.Store(&quantileOfT{p, df, t})
	return t
}

// A quantileOfT is t, the p quantile of Student's t. The latest is kept: thousands of points have as many seeds each.
type quantileOfT struct{ p, df, t float64 }

var latestT atomic.Pointer[quantileOfT]

// normalTwoSided is P(|Z| ≥ |z|).
func normalTwoSided(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }

// normalBelow is P(Z ≤ z).
func normalBelow(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// normalQuantile is the p quantile of the standard normal distribution, ∓Inf at 0 and 1.
func normalQuantile(p float64) float64 { return distuv.UnitNormal.Quantile(p) }

// chiSquaredAbove is P(χ² ≥ x) with df degrees of freedom.
func chiSquaredAbove(x, df float64) float64 {
	switch {
	case math.IsNaN(x) || !(df > 0):
		return math.NaN()
	case x <= 0:
		return 1
	}
	return mathext.GammaIncRegComp(df/2, x/2)
}

// fAbove is P(F ≥ f) with df1 and df2 degrees of freedom. Abramowitz & Stegun 26.6.2.
func fAbove(f, df1, df2 float64) float64 {
	switch {
	case math.IsNaN(f) || !(df1 > 0 && df2 > 0):
		return math.NaN()
	case f <= 0:
		return 1
	case math.IsInf(f, 1):
		return 0
	}
	return mathext.RegIncBeta(df2/2, df1/2, df2/(df2+df1*f))
}
