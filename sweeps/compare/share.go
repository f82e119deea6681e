package compare

import (
	"cmp"
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
	factors := r.factors(points)
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
				r.Shares = append(r.Shares, Share{"further interactions", more})
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

// factors are the axes on which points differ. points holds the point of each value.
func (r *Report) factors(points []int) []stats.Factor {
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
	var factors []stats.Factor
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
		if len(levels) >= least {
			factors = append(factors, factor)
		}
	}
	return factors
}

// WithoutPenalty reports whether some point has no penalty.
func (r *Report) WithoutPenalty() bool {
	return slices.ContainsFunc(r.Points, func(s Point) bool { return s.Regularizer == "" })
}
