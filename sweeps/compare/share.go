package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Share is the part of the variance of all values, on the scale on which they are told apart, that a factor of the grid
// explains.
type Share struct {
	Name  string // "lr", "lr×λ", "further interactions", or one of the names below
	Share float64
}

// The names of what varies within points.
const (
	ShareSeeds  = "seeds"                // all of it, where points have different seeds
	ShareAlike  = "seeds, alike for all" // what a seed does to all points alike: pairing by seed removes it
	ShareChance = "chance"               // what is left for each point alone: it decides how sure one is
)

// judged is the scale on which values are told apart: the report's measure by the moderated test, and the metric's own unit by
// others.
func (r *Report) judged() measure {
	if r.noise == nil {
		return measure{by: DifferPlain}
	}
	return r.measure
}

// shares divides the variance of the values of all complete points among the axes, on the scale on which they are told apart:
// of the losses of a grid, the few largest would else be all that matters. The variance within points is that of the seeds: see
// [Report.seedShares].
func (r *Report) shares() {
	var values, y []float64 // y on the scale
	var points []int        // of y
	scale := r.judged()
	for i := range r.Points {
		s := &r.Points[i]
		if !s.Complete || slices.ContainsFunc(s.Values(), func(v float64) bool { return !stats.Finite(v) }) {
			continue
		}
		for _, v := range s.Values() {
			values, y, points = append(values, v), append(y, scale.place(v)), append(points, i)
		}
	}
	further := "further interactions"
	factors, ranged := r.factors(points)
	if ranged {
		further = "within ranges, and " + further
	}
	if len(factors) == 0 || len(y) < 4 {
		return
	}
	within, total := stats.Spread(y, points)
	if total == 0 || stats.Alike(slices.Min(values), slices.Max(values)) {
		r.constant = true
		return
	}
	rest := within / total
	for _, s := range stats.ANOVA(y, factors) {
		if s.Name == "residual" {
			// The residual holds the seeds, and the interactions of three factors and more.
			if more := s.Share - rest; more > 1e-9 {
				r.Shares = append(r.Shares, Share{further, more})
			}
			continue
		}
		r.Shares = append(r.Shares, Share{s.Name, s.Share})
	}
	if within > 0 {
		r.Shares = append(r.Shares, r.seedShares(y, points, rest)...)
	}
	slices.SortStableFunc(r.Shares, func(a, b Share) int { return cmp.Compare(b.Share, a.Share) })
}

// seedShares divides the share of what varies within points. Where all points have the same seeds, chance is what would vary if
// no seed did anything to all points alike, by what varies beyond the sums of points and seeds; the rest is alike for all.
// y are the values on the scale, point after point, and points the point of each.
func (r *Report) seedShares(y []float64, points []int, within float64) []Share {
	var kept []int
	for _, i := range points {
		if len(kept) == 0 || kept[len(kept)-1] != i {
			kept = append(kept, i)
		}
	}
	rows := make([][]SeedResult, len(kept)) // in the order of seeds, which may differ from point to point
	for k, i := range kept {
		rows[k] = slices.SortedStableFunc(slices.Values(r.Points[i].Seeds), func(a, b SeedResult) int { return cmp.Compare(a.Seed, b.Seed) })
	}
	n := len(kept)
	same := func(a, b SeedResult) bool { return a.Seed == b.Seed }
	if n < 2 || slices.ContainsFunc(rows, func(row []SeedResult) bool { return !slices.EqualFunc(row, rows[0], same) }) {
		return []Share{{ShareSeeds, within}}
	}
	// The values again, seed after seed.
	turned, of := make([]float64, 0, len(y)), make([]int, 0, len(y))
	for s := range rows[0] {
		for k := range rows {
			turned, of = append(turned, r.judged().place(rows[k][s].Value)), append(of, s)
		}
	}
	left, total := stats.Spread(turned, of)
	beyond := max(0, within-max(0, 1-left/total)) // neither of a point nor of a seed
	chance := min(within, beyond*float64(n)/float64(n-1))
	shares := []Share{{ShareChance, chance}}
	if alike := within - chance; alike > 1e-9 {
		shares = append(shares, Share{ShareAlike, alike})
	}
	return shares
}

// drawnLevels is the least number of values of an axis that may have been drawn, as by a random search.
const drawnLevels = 6

// ranges makes levels of the ranges of an axis whose values were drawn: hardly two points share one, so that by itself the axis would
// explain all there is. ok is false for texts, which have no ranges.
//
// There are about as many ranges as the cubic root of the number of points, 8 at most, with about as many points each.
func ranges(f stats.Factor, points []int, levels map[string]int) (of stats.Factor, ok bool) {
	type drawn struct {
		x      float64
		level  int
		points int
	}
	all := make([]drawn, len(levels))
	for text, level := range levels {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || x != x {
			return f, false
		}
		all[level] = drawn{x, level, 0}
	}
	n, last := 0, -1
	for i, p := range points {
		if p != last {
			all[f.Level[i]].points++
			n, last = n+1, p
		}
	}
	slices.SortFunc(all, func(a, b drawn) int { return cmp.Compare(a.x, b.x) })
	const most = 8
	k := max(2, min(most, int(math.Cbrt(float64(n))+0.5)))
	in, before := make([]int, len(all)), 0
	for _, d := range all {
		in[d.level] = min(k-1, before*k/n)
		before += d.points
	}
	of = stats.Factor{Name: fmt.Sprintf("%s in %d ranges", f.Name, k), Level: make([]int, len(f.Level))}
	for i, level := range f.Level {
		of.Level[i] = in[level]
	}
	return of, true
}

// factors are the axes on which points differ. points holds the point of each value. ranged says that some have ranges for levels.
func (r *Report) factors(points []int) (factors []stats.Factor, ranged bool) {
	of := []struct {
		name  string
		value func(*Point) string
	}{
		{"optimizer", func(s *Point) string { return s.Optimizer }},
		{"lr", func(s *Point) string { return strconv.FormatFloat(s.LR, 'g', -1, 64) }},
		{"λ", func(s *Point) string { return strconv.FormatFloat(s.Lambda, 'g', -1, 64) }},
		{"regularizer", func(s *Point) string { return s.Regularizer }},
	}
	for _, axis := range r.FurtherAxes() {
		of = append(of, struct {
			name  string
			value func(*Point) string
		}{axis, func(s *Point) string { return s.Axis(axis) }})
	}
	distinct := 0
	for i, p := range points {
		if i == 0 || p != points[i-1] {
			distinct++
		}
	}
	var drawn []int // of factors
	var known []map[string]int
	for _, f := range of {
		levels := map[string]int{}
		factor := stats.Factor{Name: f.name, Level: make([]int, len(points))}
		last, level := -1, 0
		for i, s := range points {
			if s != last {
				text := f.value(&r.Points[s])
				known, ok := levels[text]
				if !ok {
					known = len(levels)
					levels[text] = known
				}
				last, level = s, known
			}
			factor.Level[i] = level
		}
		// No penalty is no third kind: λ = 0 stands for it.
		least := 2
		if f.name == "regularizer" && levels[""] != 0 || f.name == "regularizer" && r.WithoutPenalty() {
			least = 3
		}
		if len(levels) < least {
			continue
		}
		if len(levels) >= drawnLevels && 2*len(levels) > distinct {
			drawn = append(drawn, len(factors))
		}
		factors, known = append(factors, factor), append(known, levels)
	}
	if len(factors) < 2 {
		return factors, false // one axis explains what it explains
	}
	for _, i := range slices.Backward(drawn) {
		if of, ok := ranges(factors[i], points, known[i]); ok {
			factors[i], ranged = of, true
		} else {
			factors = slices.Delete(factors, i, i+1)
		}
	}
	return factors, ranged
}

// WithoutPenalty reports whether some point has no penalty.
func (r *Report) WithoutPenalty() bool {
	return slices.ContainsFunc(r.Points, func(s Point) bool { return s.Regularizer == "" })
}
