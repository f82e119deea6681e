package stats

import (
	"fmt"
	"math"
	"slices"
)

// A Moderation says how variances are squeezed towards those of all others.
type Moderation struct {
	// Trend is a covariate of each variance, as its mean level, on which the prior variance depends smoothly; nil if all
	// have the same prior. Law et al. 2014, Genome Biology 15:R29, after Sartor et al. 2006, BMC Bioinformatics 7:538.
	Trend []float64
	// Robust keeps a few variances that are far higher than the rest from setting the prior, and leaves them their own.
	// It does so from ten variances on. Phipson et al. 2016, Annals of Applied Statistics 10.
	Robust bool
}

// A Prior is what all variances together say of each, before its own is seen: Variance[i], as sure as a sample variance
// with DF[i] degrees of freedom. DF is +Inf where the variances differ by no more than chance makes them, and is lower
// than Common, which is that of the others, for outliers of a robust fit.
type Prior struct {
	Variance, DF []float64
	Common       float64
}

// Squeeze moderates sample variances with df degrees of freedom each: the posterior variances
// (DF·prior + df·variance)/(DF + df), and their prior by the moments of their logarithms. Smyth 2004, Statistical
// Applications in Genetics and Molecular Biology 3, section 6.2; as squeezeVar of limma 3.54, whose values it has.
//
// A variance that is NaN or negative, or has a df below 1e-6 or NaN, is unknown: it is left out of the fit and gets the
// prior. A variance that is infinite, has infinite df, or whose covariate is NaN is left out too, and stays what it is; its
// prior df is 0. A covariate of ±Inf counts as 1 beyond the finite ones. A variance of 0 counts in the fit as 1e-5 of the
// median, and as any smaller one does; its posterior is that of 0.
//
// There is no prior, and ok is false, if fewer than two variances are known or more than half of them are 0. The posterior
// variances are those given then, and prior.DF is 0.
func Squeeze(variances, df []float64, how Moderation) (post []float64, prior Prior, ok bool) {
	n := len(variances)
	if len(df) != n || how.Trend != nil && len(how.Trend) != n {
		panic(fmt.Sprintf("stats: %d variances with %d degrees of freedom and %d covariates", n, len(df), len(how.Trend)))
	}
	post = slices.Clone(variances)
	prior = Prior{Variance: make([]float64, n), DF: make([]float64, n)}
	for i := range prior.Variance {
		prior.Variance[i] = math.NaN()
	}
	sample := priorSample{}
	for i, v := range variances {
		if isKnown(v, df[i]) && !keepsItsOwn(v, df[i], how.Trend, i) {
			sample.at = append(sample.at, i)
			sample.variances = append(sample.variances, v)
			sample.df = append(sample.df, df[i])
		}
	}
	if len(sample.at) < 2 || middle(sample.variances) == 0 {
		return post, prior, false
	}
	covariate := finitely(how.Trend)
	for _, i := range sample.at {
		if covariate != nil {
			sample.covariate = append(sample.covariate, covariate[i])
		}
	}
	fit := sample.plain()
	elsewhere := fit.elsewhere
	if how.Robust {
		fit = sample.robust(fit)
		elsewhere = fit.between(sample.covariate)
	}
	prior.Common = fit.df
	for i := range variances {
		if keepsItsOwn(variances[i], df[i], how.Trend, i) {
			continue
		}
		prior.DF[i] = fit.df
		if !isKnown(variances[i], df[i]) {
			at := math.NaN()
			if covariate != nil {
				at = covariate[i]
			}
			prior.Variance[i] = positive(elsewhere(at))
			post[i] = prior.Variance[i]
		}
	}
	for k, i := range sample.at {
		if fit.shrunk != nil {
			prior.DF[i] = fit.shrunk[k]
		}
		prior.Variance[i] = positive(fit.log[k])
		post[i] = Pooled(variances[i], df[i], prior.Variance[i], prior.DF[i])
	}
	return post, prior, true
}

func isKnown(variance, df float64) bool { return variance >= 0 && df >= 1e-6 }

// keepsItsOwn reports whether no prior is asked about variance i.
func keepsItsOwn(variance, df float64, trend []float64, i int) bool {
	return math.IsInf(variance, 1) || math.IsInf(df, 1) || trend != nil && math.IsNaN(trend[i])
}

// positive is e^x as a variance, which is neither 0 nor infinite.
func positive(x float64) float64 {
	return min(math.MaxFloat64, max(math.SmallestNonzeroFloat64, math.Exp(x)))
}

// Pooled is the mean of a variance and its prior, weighed by their degrees of freedom: the posterior variance. A priorDF of
// +Inf leaves the prior.
func Pooled(variance, df, prior, priorDF float64) float64 {
	if math.IsInf(priorDF, 1) {
		return prior
	}
	all := df + priorDF
	mean := float64(df/all*variance) + float64(priorDF/all*prior)
	return min(max(variance, prior), max(min(variance, prior), mean)) // rounding leads no further, nor to infinity
}

// DFTotal is the degrees of freedom of each posterior variance, df[i] + DF[i], at most those of all together. A df that is
// NaN or negative counts as 0.
func (p Prior) DFTotal(df []float64) []float64 {
	total, all := make([]float64, len(df)), 0.0
	for i, d := range df {
		total[i] = max(0, d)
		if math.IsNaN(d) {
			total[i] = 0
		}
		all += total[i]
	}
	for i := range total {
		total[i] = min(total[i]+p.DF[i], all)
	}
	return total
}

// ModeratedT tests an estimate whose variance is scale² times post, a posterior variance of [Squeeze] with dfTotal degrees of
// freedom, which may be +Inf, and gives its interval at the given confidence level, as 0.95. The scale of a mean of n values
// is 1/√n, that of a difference of two means √(1/n + 1/m). Without degrees of freedom there is no p and no interval. An N
// of 0 in both is the caller's to fill. Smyth 2004, section 3.
func ModeratedT(estimate, post, scale, dfTotal, level float64) (Test, Interval) {
	se := math.Sqrt(post) * scale
	if !(dfTotal > 0) || math.IsNaN(se) || math.IsNaN(estimate) {
		return undecided(0), bare(estimate, 0)
	}
	test := Test{Statistic: estimate / se, P: math.NaN()}
	switch {
	case se == 0:
		test = tTest(estimate, 0, dfTotal, 0)
	case !math.IsNaN(test.Statistic): // ∞/∞
		_, upper := newLogF(1, dfTotal).tails(2 * math.Log(math.Abs(test.Statistic)))
		test.P = math.Exp(upper)
	}
	if !Finite(estimate) || math.IsInf(se, 1) || !(level > 0 && level < 1) {
		return test, bare(estimate, 0)
	}
	half := 0.0
	if se > 0 {
		half = math.Exp(newLogF(1, dfTotal).quantile(math.Log1p(-level), true)/2) * se
	}
	return test, within(estimate, half, 0)
}

// finitely are covariates of which the infinite lie 1 beyond the finite, in a unit in which their differences are numbers.
func finitely(xs []float64) []float64 {
	if xs == nil {
		return nil
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range xs {
		if Finite(x) {
			low, high = min(low, x), max(high, x)
		}
	}
	if low > high { // only infinite ones
		low, high = 0, 0
	}
	finite := slices.Clone(xs)
	for i, x := range xs {
		switch {
		case math.IsInf(x, -1):
			finite[i] = max(low-1, -math.MaxFloat64)
		case math.IsInf(x, 1):
			finite[i] = min(high+1, math.MaxFloat64)
		case math.IsNaN(x):
			finite[i] = low
		}
	}
	finite, _ = inUnit(finite)
	return finite
}

// middle is the median of finite values, which holds no rounding of its own for one of them.
func middle(xs []float64) float64 {
	sorted := slices.Sorted(slices.Values(xs))
	low, high := sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]
	if low == high {
		return low
	}
	return low/2 + high/2
}

// DegreesApart are the degrees of freedom by which sample variances of df each differ from one another, where the
// square of the correlation between what they are made of is alike: the part of chance that all have in common is none of it.
// The logarithms of such variances have the covariance trigamma(df/2)·alike to the first order.
func DegreesApart(df, alike float64) float64 {
	if !(alike > 0) {
		return df
	}
	return 2 * trigammaInverse(trigamma(df/2)*max(1e-6, 1-alike))
}
