package stats

import (
	"math"
	"slices"
)

// A Bootstrap makes BCa confidence intervals of any Statistic: it resamples the values with
// replacement and takes quantiles of the resampled estimates, moved to correct for bias and for a
// spread that changes with the estimate. There is no interval where all resampled estimates lie on
// one side of the estimate. The zero value is ready: 10 000 resamples, a level of 0.95, seed 0.
// With few values all bootstrap intervals are too narrow; of five, a t interval says more.
//
// Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 14; several samples, and
// quantiles between two resamples, as in SciPy's bootstrap.
type Bootstrap struct {
	Reps  int     // resamples; 0 stands for 10 000
	Seed  uint64  // decides the resamples
	Level float64 // of confidence, inside (0, 1); 0 stands for 0.95
}

// Interval is of(xs) with its interval. Infinite values are fine as long as no resampled estimate
// is NaN. There is no interval if leaving one value out gives an infinite estimate.
func (b Bootstrap) Interval(xs []float64, of Statistic) Interval {
	return b.interval([][]float64{xs}, pooledBy(of))
}

// Paired is of(x − y), the differences taken pair by pair, with its interval; N counts the pairs. A
// pair of equal infinities differs by 0.
func (b Bootstrap) Paired(x, y []float64, of Statistic) Interval {
	return b.Interval(rankedDifferences(x, y), of)
}

// TwoSample is of(x) − of(y) with its interval; each is resampled by itself. N counts both.
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

// pooledBy computes a statistic of all values together.
func pooledBy(of Statistic) func(samples) float64 {
	return func(s samples) float64 { return of(s.pooled) }
}

// lay copies the parts, one behind the other.
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
	result.Low, result.High = bcaEnds(estimates, level, result.Value, given, estimate)
	return result
}

// bcaEnds are the ends of value's interval, by sorted estimates from resampled values.
func bcaEnds(sorted []float64, level, value float64, given [][]float64, estimate func(samples) float64) (low, high float64) {
	from, to := (1-level)/2, (1+level)/2
	if sorted[0] != sorted[len(sorted)-1] {
		bias, skew := biasOf(sorted, value), acceleration(given, estimate)
		from, to = corrected(from, bias, skew), corrected(to, bias, skew)
	}
	return quantile(sorted, from), quantile(sorted, to)
}

// resampled fills dst with estimates from resampled values, sorted; the resampled values overwrite s.
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
