package stats

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat"
)

// A priorSample is the variances that a prior is fitted to, with what is known of each.
type priorSample struct {
	variances, df []float64
	covariate     []float64 // nil without a trend
	at            []int     // which of all variances they are
}

// A priorFit is a prior. log[k] is the logarithm of the prior variance of the k-th.
type priorFit struct {
	log    []float64
	df     float64
	shrunk []float64 // prior degrees of freedom of each, nil if all have df
	// elsewhere is the logarithm of the prior variance at any covariate.
	elsewhere func(x float64) float64
}

// logs are the logarithms of the variances, none below that of least times their median, which is above 0.
func (s priorSample) logs(least float64) []float64 {
	logs := make([]float64, len(s.variances))
	floor := math.Log(middle(s.variances)) + math.Log(least)
	for k, v := range s.variances {
		logs[k] = max(math.Log(v), floor)
	}
	return logs
}

// plain fits the prior by moments. For a scaled F variance s² with df and d₀ degrees of freedom and the scale s₀²
//
//	E log s² = log s₀² + ψ(df/2) − log(df/2) − ψ(d₀/2) + log(d₀/2),   Var log s² = ψ′(df/2) + ψ′(d₀/2).
//
// Smyth 2004, 6.2. With a trend the mean is a natural cubic spline of the covariate with 2 parameters, 3 from six variances
// on and 4 from thirty.
func (s priorSample) plain() priorFit {
	const least = 1e-5 // of the median
	n := float64(len(s.variances))
	level, chance := s.logs(least), 0.0
	type moments struct{ below, variance float64 }
	of := map[float64]moments{} // by df, of which there are few
	for k, d := range s.df {
		m, ok := of[d]
		if !ok {
			m = moments{logLessDigamma(d / 2), trigamma(d / 2)}
			of[d] = m
		}
		level[k] += m.below
		chance += m.variance
	}
	fit := priorFit{df: math.Inf(1)}
	var variance float64
	trend := s.trend(level)
	if trend != nil {
		fit.log, fit.elsewhere, variance = trend.fitted, trend.predict, trend.variance
	} else {
		mean := stat.Mean(level, nil)
		for _, x := range level {
			variance += float64((x-mean)*(x-mean)) / (n - 1)
		}
		fit.log = slices.Repeat([]float64{mean}, len(level))
		fit.elsewhere = func(float64) float64 { return mean }
	}
	if variance -= chance / n; variance > 0 {
		half := trigammaInverse(variance)
		fit.df = 2 * half
		return fit.shifted(-logLessDigamma(half))
	}
	if trend == nil { // the variances are the same, and their mean knows it best
		raised, floor := make([]float64, len(s.variances)), least*middle(s.variances)
		for k, v := range s.variances {
			raised[k] = max(v, floor)
		}
		return fit.shifted(math.Log(Mean(raised)) - fit.log[0])
	}
	return fit
}

// shifted adds to the logarithms of the prior variances.
func (f priorFit) shifted(by float64) priorFit {
	log, elsewhere := make([]float64, len(f.log)), f.elsewhere
	for k, x := range f.log {
		log[k] = x + by
	}
	f.log, f.elsewhere = log, func(x float64) float64 { return elsewhere(x) + by }
	return f
}

// between is the logarithm of the prior variance at any covariate as a robust fit has it: on straight lines between those
// fitted, and that of the end beyond them.
func (f priorFit) between(covariate []float64) func(x float64) float64 {
	if covariate == nil {
		return func(float64) float64 { return f.log[0] }
	}
	order := make([]int, len(covariate))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(covariate[a], covariate[b]) })
	var xs, ys []float64
	for from := 0; from < len(order); {
		x, sum, to := covariate[order[from]], 0.0, from
		for ; to < len(order) && covariate[order[to]] == x; to++ {
			sum += f.log[order[to]]
		}
		xs, ys = append(xs, x), append(ys, sum/float64(to-from))
		from = to
	}
	return func(x float64) float64 {
		right := sort.SearchFloat64s(xs, x)
		switch {
		case right == 0:
			return ys[0]
		case right == len(xs):
			return ys[right-1]
		}
		part := (x - xs[right-1]) / (xs[right] - xs[right-1])
		return ys[right-1] + part*(ys[right]-ys[right-1])
	}
}

// The parts of the log variances, at the lower and the upper end, that a robust fit takes for no further out than the rest.
const lowerTail, upperTail = 0.05, 0.1

// robust fits the prior by moments of winsorized log variances, and lowers the prior degrees of freedom of those that are
// higher than it allows. Phipson et al. 2016, sections 3 and 4. plain is the fit that is not robust; it stands for fewer
// than ten variances, for which nothing is winsorized, where the variances differ by no more than chance, and where they lie
// so far apart, by hundreds of powers of ten, that the moments are no numbers.
func (s priorSample) robust(plain priorFit) priorFit {
	n := float64(len(s.variances))
	if upperTail < 1/n {
		return plain
	}
	z, df := s.ofOneDF(plain)
	trend := slices.Repeat([]float64{trimmedMean(z, upperTail)}, len(z))
	if s.covariate != nil {
		trend = lowess(s.covariate, z, 0.4, 3)
	}
	residuals := make([]float64, len(z))
	for k := range z {
		residuals[k] = z[k] - trend[k]
	}
	mean, variance := drawnInMoments(residuals)
	given := func(df2 float64) (mean, excess float64) {
		m, v := winsorizedMoments(newLogF(df, df2))
		return m, math.Log(variance / v)
	}
	// place sets the trend by the winsorized mean of log F, and returns log F of each.
	fit := priorFit{log: make([]float64, len(z)), df: math.Inf(1)}
	place := func(expected float64) []float64 {
		logs := make([]float64, len(z))
		for k := range z {
			fit.log[k] = trend[k] + mean - expected
			logs[k] = z[k] - fit.log[k]
		}
		return logs
	}
	expected, most := given(fit.df)
	if !(most > 0) {
		fit.shrunk = outliersOfChance(place(expected), df)
		return fit
	}
	if math.IsInf(plain.df, 1) {
		return plain
	}
	// The root is sought in d/(1+d), to 1e-8 as limma does: its last step is of that size, and a closer root would differ
	// from limma's by it.
	from := plain.df / (1 + plain.df)
	fit.df = plain.df
	if _, least := given(plain.df); least < 0 {
		x := brent(from, 1, least, most, 1e-8, func(x float64) float64 {
			_, excess := given(x / (1 - x))
			return excess
		})
		fit.df = x / (1 - x)
	}
	if expected, _ = given(fit.df); !Finite(expected) {
		return plain
	}
	fit.shrunk = outliers(place(expected), df, fit.df)
	return fit
}

// ofOneDF are the log variances as they would be if all had the most degrees of freedom: at the same place in their
// distribution.
func (s priorSample) ofOneDF(plain priorFit) (z []float64, df float64) {
	z, df = s.logs(1e-12), slices.Max(s.df)
	for k, d := range s.df {
		if d < df-1e-14 {
			lower, upper := newLogF(d, plain.df).tails(z[k] - plain.log[k])
			z[k] = plain.log[k] + newLogF(df, plain.df).quantile(min(lower, upper), upper < lower)
		}
	}
	return z, df
}

// trimmedMean is the mean without so large a part of the values at each end, in whole values.
func trimmedMean(xs []float64, part float64) float64 {
	sorted := slices.Sorted(slices.Values(xs))
	out := int(part * float64(len(xs)))
	return stat.Mean(sorted[out:len(sorted)-out], nil)
}

// drawnInMoments are the mean and the variance of xs, in which those beyond the quantiles at lowerTail and 1−upperTail are
// drawn in to them.
func drawnInMoments(xs []float64) (mean, variance float64) {
	sorted := slices.Sorted(slices.Values(xs))
	low, high := quantileOf(sorted, lowerTail), quantileOf(sorted, 1-upperTail)
	in := make([]float64, len(xs))
	for k, x := range xs {
		in[k] = min(max(x, low), high)
	}
	return stat.MeanVariance(in, nil)
}

// quantileOf is the quantile of sorted values on straight lines between order statistics: Hyndman & Fan's type 7.
func quantileOf(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	k := min(int(at+4*0x1p-52), len(sorted)-1)
	part := at - float64(k)
	if math.Abs(part) < 4*0x1p-52 || k+1 == len(sorted) {
		return sorted[k]
	}
	return sorted[k] + part*(sorted[k+1]-sorted[k])
}

// The nodes and weights of Gauss and Legendre's rule on [0, 1].
var legendreNodes, legendreWeights = func() (nodes, weights [128]float64) {
	quad.Legendre{}.FixedLocations(nodes[:], weights[:], 0, 1)
	return nodes, weights
}()

// winsorizedMoments are the mean and variance of log F, winsorized at its quantiles: an integral over F/(1+F) between them,
// and their own weights.
func winsorizedMoments(d logF) (mean, variance float64) {
	low, high := d.quantile(math.Log(lowerTail), false), d.quantile(math.Log(upperTail), true)
	from, to := 1/(1+math.Exp(-low)), 1/(1+math.Exp(-high))
	var z, weights [128]float64
	for k, node := range legendreNodes {
		u := from + (to-from)*node
		z[k] = math.Log(u / (1 - u))
		weights[k] = (to - from) * legendreWeights[k] * math.Exp(d.density(z[k])) / (u * (1 - u))
		mean += weights[k] * z[k]
	}
	mean += float64(low*lowerTail) + float64(high*upperTail)
	for k, w := range weights {
		variance += float64(w * (z[k] - mean) * (z[k] - mean))
	}
	return mean, variance + lowerTail*(low-mean)*(low-mean) + upperTail*(high-mean)*(high-mean)
}

// outliersOfChance are the prior degrees of freedom where all but outliers differ by no more than chance: infinite, and for
// an outlier the chance that it is none of all the degrees of freedom that there are.
func outliersOfChance(logs []float64, df float64) []float64 {
	n := float64(len(logs))
	above, none := outlying(logs, newLogF(df, math.Inf(1)))
	shrunk := make([]float64, len(logs))
	for k := range shrunk {
		shrunk[k] = math.Inf(1)
		if none[k] < 0 {
			shrunk[k] = math.Exp(none[k]) * n * df
		}
	}
	monotone(shrunk, byTail(above))
	return shrunk
}

// outliers are the prior degrees of freedom of each: those of the rest, the more lowered the surer it is an outlier. The
// highest of all would be the median of its distribution with those of a certain outlier.
func outliers(logs []float64, df, prior float64) []float64 {
	above, none := outlying(logs, newLogF(df, prior))
	shrunk := slices.Repeat([]float64{prior}, len(logs))
	if slices.Min(none) == 0 {
		return shrunk
	}
	least, lowest := slices.Min(above), 0.0
	if !math.IsInf(least, -1) {
		lowest = -math.Ln2 / least * prior
		if _, again := newLogF(df, lowest).tails(slices.Max(logs)); again < 0 {
			lowest *= -math.Ln2 / again
		}
	}
	for k, p := range none {
		shrunk[k] = math.Exp(p)*prior - math.Expm1(p)*lowest
	}
	// Those that lie furthest out get the mean of them that is lowest, so that further out is never surer.
	order := byTail(above)
	sum, lowestMean, upTo := 0.0, math.Inf(1), 0
	for k, i := range order {
		sum += shrunk[i]
		if mean := sum / float64(k+1); mean < lowestMean {
			lowestMean, upTo = mean, k
		}
	}
	for _, i := range order[:upTo+1] {
		shrunk[i] = lowestMean
	}
	monotone(shrunk, order)
	return shrunk
}

// outlying are the logarithms of the chance that log F lies as far out, and of the chance that it is no outlier: that chance
// against the share of those that do lie as far out.
func outlying(logs []float64, d logF) (above, none []float64) {
	n := float64(len(logs))
	above, none = make([]float64, len(logs)), make([]float64, len(logs))
	doubled, _, _ := doubledRanks(logs)
	for k, z := range logs {
		_, above[k] = d.tails(z)
		none[k] = min(0, above[k]-math.Log((n-float64(doubled[k])/2+0.5)/n))
	}
	return above, none
}

// byTail orders by how far out they lie, the furthest first.
func byTail(above []float64) []int {
	order := make([]int, len(above))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(above[a], above[b]) })
	return order
}

// monotone raises each to the highest before it in the order.
func monotone(xs []float64, order []int) {
	highest := math.Inf(-1)
	for _, i := range order {
		highest = max(highest, xs[i])
		xs[i] = highest
	}
}

// brent is a root of f between a and b, where its values fa and fb have different signs: Brent 1973, Algorithms for
// Minimization without Derivatives, chapter 4, with its tolerance.
func brent(a, b, fa, fb, tolerance float64, f func(x float64) float64) float64 {
	c, fc := a, fa
	for range 1000 {
		last := b - a
		if math.Abs(fc) < math.Abs(fb) {
			a, b, c = b, c, b
			fa, fb, fc = fb, fc, fb
		}
		close := 2*0x1p-52*math.Abs(b) + tolerance/2
		step := (c - b) / 2
		if math.Abs(step) <= close || fb == 0 {
			break
		}
		if math.Abs(last) >= close && math.Abs(fa) > math.Abs(fb) {
			var p, q float64
			if a == c {
				ratio := fb / fa
				p, q = (c-b)*ratio, 1-ratio
			} else {
				ac, bc, ba := fa/fc, fb/fc, fb/fa
				p = ba * ((c-b)*ac*(ac-bc) - (b-a)*(bc-1))
				q = (ac - 1) * (bc - 1) * (ba - 1)
			}
			if p > 0 {
				q = -q
			}
			p = math.Abs(p)
			if p < 0.75*(c-b)*q-math.Abs(close*q)/2 && p < math.Abs(last*q/2) {
				step = p / q
			}
		}
		if math.Abs(step) < close {
			step = math.Copysign(close, step)
		}
		a, fa = b, fb
		b += step
		fb = f(b)
		if (fb > 0) == (fc > 0) && fb != 0 || math.IsNaN(fb) {
			c, fc = a, fa
		}
	}
	return b
}
