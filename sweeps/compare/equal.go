package compare

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// The default margins.
var (
	equalRatio = stats.Margin{Size: 1, Unit: stats.MarginPercent}
	equalRate  = stats.Margin{Size: 0.5, Unit: stats.MarginPoints}
)

// EqualWithin is the margin up to which a value is equal to the baseline's, and its size in the metric's unit: the one that
// was asked for, or 1 % where values are told apart by ratios, and half a percentage point where they are by logits.
// Values that are told apart by differences have none unless it is asked for: what is little depends on the metric.
func (r *Report) EqualWithin() (m stats.Margin, size float64, ok bool) {
	if r.Base < 0 {
		return m, math.NaN(), false
	}
	return r.MarginAt(r.Points[r.Arms[r.Base].Chosen].Interval.Value)
}

// MarginAt is [Report.EqualWithin] for values that are compared with another one than the baseline's.
func (r *Report) MarginAt(value float64) (m stats.Margin, size float64, ok bool) {
	if m = r.Equal; m == (stats.Margin{}) {
		switch r.measure.by {
		case DifferRatio:
			m = equalRatio
		case DifferLogit:
			m = equalRate
		}
	}
	switch m.Unit {
	case stats.MarginPercent:
		size = m.Size / 100 * math.Abs(value)
	case stats.MarginPoints:
		if size = m.Size / 100; r.inPercent() {
			size = m.Size
		}
	case stats.MarginPlain:
		size = m.Size
	}
	return m, size, size > 0 && stats.Finite(size)
}

// inPercent reports whether values are percentages: some are above 1, which no share is.
func (r *Report) inPercent() bool {
	return slices.ContainsFunc(r.Points, func(s Point) bool { return s.Complete && s.Interval.Value > 1 })
}

// same reports whether the arm has the baseline's value under every seed, which chance does not bring about: of rates it may.
func (r *Report) same(a Arm) bool {
	return a.Tested && r.measure.by != DifferLogit && r.alike(a.Chosen, r.Arms[r.Base].Chosen)
}

// coincides reports whether the values of a rate are the same under the few seeds that there are. Without other points to say
// how much noise there is, their interval has no width, and means nothing.
func (r *Report) coincides(a Arm) bool {
	base := r.Arms[r.Base].Chosen
	return r.noiseOf(base) == nil && r.measure.by == DifferLogit && r.alike(a.Chosen, base)
}

// alike reports whether the values of two points are the same up to rounding.
func (r *Report) alike(point, to int) bool {
	s, base := &r.Points[point], &r.Points[to]
	if !r.Test.pairs() {
		return r.difference(s, base).IsRounding(base.Interval.Value)
	}
	x, y := paired(s, base)
	for i := range x {
		if !stats.Alike(x[i], y[i]) {
			return false
		}
	}
	return len(x) > 1
}

// Equals reports whether the values of two points, the second of which is the best or the baseline's chosen one, are shown to
// differ by no more than size: the interval of their difference at the level of differences lies within. That is a test by
// half of what the level leaves (two one-sided tests: Schuirmann 1987). Equal values are equal, but for those of a rate, which
// are judged by the noise of all points, or not at all.
func (r *Report) Equals(point, to int, size float64) bool {
	if r.alike(point, to) && (r.measure.by != DifferLogit || r.noiseOf(to) == nil) {
		return r.measure.by != DifferLogit
	}
	return r.between(point, to, r.level()).Within(size)
}

// noiseOf is the noise of all points' differences to one of them; nil if it is neither the best nor the baseline's chosen one,
// or the points say too little about it.
func (r *Report) noiseOf(reference int) *Noise {
	for _, n := range []*Noise{r.baseNoise, r.noise} {
		if n != nil && n.Reference == reference {
			return n
		}
	}
	return nil
}

// between is the difference of a point to the best or to the baseline's chosen one, with its interval at a level. Other than in
// what is shown, the same rate under every seed may be chance.
func (r *Report) between(point, to int, level float64) stats.Interval {
	switch n := r.noiseOf(to); {
	case n == nil || point == to:
		of := *r
		of.Alpha = 1 - level
		return of.difference(&r.Points[point], &r.Points[to])
	case r.measure.by == DifferLogit:
		return n.interval(point, r.Overlap, level)
	default:
		return r.moderatedAt(n, point, level)
	}
}

// equalLevel is the level of the interval that two one-sided tests amount to.
func (r *Report) equalLevel() float64 { return 1 - 2*(1-r.level()) }

// marginText is the margin in words.
func (r *Report) marginText() string {
	m, _, _ := r.EqualWithin()
	return m.String()
}

// equalEnds says where the interval lies by which values are judged to be equal, in the margin's own unit: "adam is at most
// 0.42 % below and 0.61 % above sgd (90 % CI)".
func (r *Report) equalEnds(d Decision) string {
	m, _, _ := r.EqualWithin()
	scale, unit := 1., ""
	switch m.Unit {
	case stats.MarginPercent:
		scale, unit = d.EqualWithin/m.Size, " %"
	case stats.MarginPoints:
		scale, unit = d.EqualWithin/m.Size, " points"
	}
	low, high := d.Equal.Low/scale, d.Equal.High/scale
	write := func(x float64) string { return stats.Short(math.Abs(x), 2) + unit }
	if half := (high - low) / 2; half >= 1e-3 {
		decimals := max(0, 1-stats.Exponent(half))
		write = func(x float64) string { return strconv.FormatFloat(math.Abs(x), 'f', decimals, 64) + unit }
	}
	arm, base := r.Arms[d.Arm].Name, r.Arms[d.Baseline].Name
	level := stats.Short(100*r.equalLevel(), 4)
	switch {
	case low < 0 && high > 0:
		return fmt.Sprintf("%s is at most %s below and %s above %s (%s %% CI)", arm, write(low), write(high), base, level)
	case high <= 0:
		return fmt.Sprintf("%s is at least %s and at most %s below %s (%s %% CI)", arm, write(high), write(low), base, level)
	}
	return fmt.Sprintf("%s is at least %s and at most %s above %s (%s %% CI)", arm, write(low), write(high), base, level)
}
