package stats

import (
	"math"
	"slices"
)

// A Method makes an interval of the estimates from resampled values.
type Method int

const (
	// Percentile takes the quantiles of the resampled estimates as they are.
	Percentile Method = iota
	// Basic mirrors them at the estimate: 2θ − the other quantile.
	Basic
	// BCa moves the quantiles to correct for bias and for a spread that changes with the estimate.
	// It has no interval where all resampled estimates lie on one side of the estimate.
	BCa
)

// A Bootstrap makes confidence intervals of any Statistic by resampling the values with
// replacement. The zero value is ready: 10 000 resamples, a level of 0.95, Percentile, seed 0.
// With few values all bootstrap intervals are too narrow; of five, a t interval says more.
//
// Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 14; several samples,
// and quantiles between two resamples, as in SciPy's bootstrap.
type Bootstrap struct {
	Reps   int     // resamples; 0 stands for 10 000
	Seed   uint64  // decides the resamples
	Level  float64 // of confidence, inside (0, 1); 0 stands for 0.95
	Method Method  // Percentile by default
}

// Interval is of(xs) with its interval. Infinite values are fine as long as no resampled estimate
// is NaN; BCa has no interval if leaving one value out gives an infinite estimate.
func (b Bootstrap) Interval(xs []float64, of Statistic) Interval {
	return b.interval([][]float64{xs}, pooledBy(of))
}

// Paired is of(x − y), the differences taken pair by pair, with its interval; N counts the pairs. A
// pair of equal infinities differs by 0.
func (b Bootstrap) Paired(x, y []float64, of Statistic) Interval {
	return b.Interval(rankedDifferences(x, y), of)
}

// Stratified is the statistic of the values of all groups together, as of all seeds on all tasks,
// with its interval: each group is resampled by itself. A group of one value never varies; there
// is no interval if all are such. N counts all values.
// Agarwal et al. 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
func (b Bootstrap) Stratified(groups [][]float64, of Statistic) Interval {
	return b.interval(groups, pooledBy(of))
}

// TwoSample is of(x) − of(y) with its interval; the two are resampled by themselves. N counts both.
// Fewer than two values on either side leave no interval.
func (b Bootstrap) TwoSample(x, y []float64, of Statistic) Interval {
	if len(x) < 2 || len(y) < 2 {
		return bare(of(x)-of(y), len(x)+len(y))
	}
	return b.interval([][]float64{x, y}, func(s samples) float64 { return of(s.parts[0]) - of(s.parts[1]) })
}

// samples are values of several sources, one behind the other: parts are slices of pooled.
type samples struct {
	pooled []float64
	parts  [][]float64
}

// pooledBy is a statistic of all values together.
func pooledBy(of Statistic) func(samples) float64 {
	return func(s samples) float64 { return of(s.pooled) }
}

// lay lays copies of the parts one behind the other.
func lay(parts [][]float64) samples {
	s := samples{pooled: slices.Concat(parts...), parts: make([][]float64, len(parts))}
	from := 0
	for k, part := range parts {
		s.parts[k] = s.pooled[from : from+len(part) : from+len(part)]
		from += len(part)
	}
	return s
}

// interval resamples each of the given parts by itself.
func (b Bootstrap) interval(given [][]float64, estimate func(samples) float64) Interval {
	s, reps, level := lay(given), b.Reps, b.Level
	if slices.ContainsFunc(s.pooled, math.IsNaN) {
		return bare(math.NaN(), len(s.pooled))
	}
	if reps == 0 {
		reps = 10_000
	}
	if level == 0 {
		level = 0.95
	}
	result := bare(estimate(s), len(s.pooled))
	varied := slices.ContainsFunc(given, func(part []float64) bool { return len(part) > 1 })
	if !varied || math.IsNaN(result.Value) || !(level > 0 && level < 1) {
		return result
	}
	estimates := b.resampled(given, s, make([]float64, reps), estimate)
	result.Low, result.High = b.Method.ends(estimates, level, result.Value, given, estimate)
	return result
}

// ends are those of the interval that sorted estimates from resampled values make about value.
func (m Method) ends(sorted []float64, level, value float64, given [][]float64, estimate func(samples) float64) (low, high float64) {
	from, to := (1-level)/2, (1+level)/2
	if m == BCa && sorted[0] != sorted[len(sorted)-1] {
		bias, skew := biasOf(sorted, value), acceleration(given, estimate)
		from, to = corrected(from, bias, skew), corrected(to, bias, skew)
	}
	low, high = quantile(sorted, from), quantile(sorted, to)
	if m == Basic {
		low, high = 2*value-high, 2*value-low
	}
	return low, high
}

// resampled fills dst with estimates from resampled values, sorted; s is where they are laid.
func (b Bootstrap) resampled(given [][]float64, s samples, dst []float64, estimate func(samples) float64) []float64 {
	random := named("bootstrap", b.Seed)
	for r := range dst {
		for k, values := range given {
			part := s.parts[k]
			for at := range part {
				part[at] = values[random.below(len(values))]
			}
		}
		dst[r] = estimate(s)
	}
	slices.Sort(dst)
	return dst
}

// quantile lies between two of the sorted values, as NumPy's does by default.
func quantile(sorted []float64, p float64) float64 {
	if math.IsNaN(p) || math.IsNaN(sorted[0]) { // NaN is sorted first
		return math.NaN()
	}
	at := p * float64(len(sorted)-1)
	k := int(at)
	part := at - float64(k)
	if part == 0 || sorted[k] == sorted[k+1] {
		return sorted[k]
	}
	return float64((1-part)*sorted[k]) + float64(part*sorted[k+1])
}
