package compare

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Share is the part of the variance of all values that a factor of the grid explains.
type Share struct {
	Name  string // "lr", "lr×λ", "seeds", "further interactions"
	Share float64
}

// shares divides the variance of the values of all complete points among the axes. The variance within points is the
// share of the seeds.
func (r *Report) shares() {
	var y []float64
	var points []int // of y
	for i := range r.Points {
		s := &r.Points[i]
		if !s.Complete || slices.ContainsFunc(s.Values(), func(v float64) bool { return !stats.Finite(v) }) {
			continue
		}
		for _, v := range s.Values() {
			y, points = append(y, v), append(points, i)
		}
	}
	factors := r.factors(points)
	if len(factors) == 0 || len(y) < 4 {
		return
	}
	within, total := spread(y, points)
	if total == 0 {
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
		r.Shares = append(r.Shares, Share{"seeds", rest})
	}
	slices.SortStableFunc(r.Shares, func(a, b Share) int { return cmp.Compare(b.Share, a.Share) })
}

// spread returns the sums of squares about the means of groups, and about the mean of all.
func spread(y []float64, groups []int) (within, total float64) {
	mean := stats.Mean(y)
	for from := 0; from < len(y); {
		to := from
		for to < len(y) && groups[to] == groups[from] {
			to++
		}
		own := stats.Mean(y[from:to])
		for _, v := range y[from:to] {
			within += (v - own) * (v - own)
			total += (v - mean) * (v - mean)
		}
		from = to
	}
	return within, total
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
