package report

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Share is the part of the variance of all values that a factor of the grid accounts for.
type Share struct {
	Name  string // "lr", "lr×λ", "seeds", "further interactions"
	Share float64
}

// shares splits the variance of the values of all complete settings between what differs among them. What
// differs between the seeds of one setting is the seeds'.
func (r *Report) shares() {
	var y []float64
	var settings []int // of y
	for i := range r.Settings {
		s := &r.Settings[i]
		if !s.Complete || slices.ContainsFunc(s.Values(), func(v float64) bool { return !finite(v) }) {
			continue
		}
		for _, v := range s.Values() {
			y, settings = append(y, v), append(settings, i)
		}
	}
	factors := r.factors(settings)
	if len(factors) == 0 || len(y) < 4 {
		return
	}
	within, total := spread(y, settings)
	if total == 0 {
		return
	}
	rest := within / total
	for _, s := range stats.ANOVA(y, factors) {
		if s.Name == "residual" {
			// What no factor nor pair of them explains is the seeds', and what more of them do together.
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

// spread is the sum of squares about the means of groups, and about the mean of all.
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

// factors are what differs between settings, for each of the values that belong to them.
func (r *Report) factors(settings []int) []stats.Factor {
	of := []struct {
		name  string
		value func(*Setting) string
	}{
		{"optimizer", func(s *Setting) string { return s.Optimizer }},
		{"lr", func(s *Setting) string { return strconv.FormatFloat(s.LR, 'g', -1, 64) }},
		{"λ", func(s *Setting) string { return strconv.FormatFloat(s.Lambda, 'g', -1, 64) }},
		{"regularizer", func(s *Setting) string { return s.Regularizer }},
	}
	for _, axis := range r.axes() {
		of = append(of, struct {
			name  string
			value func(*Setting) string
		}{axis, func(s *Setting) string { return s.axis(axis) }})
	}
	var factors []stats.Factor
	for _, f := range of {
		levels := map[string]int{}
		factor := stats.Factor{Name: f.name, Level: make([]int, len(settings))}
		last, level := -1, 0
		for i, s := range settings {
			if s != last {
				text := f.value(&r.Settings[s])
				known, ok := levels[text]
				if !ok {
					known = len(levels)
					levels[text] = known
				}
				last, level = s, known
			}
			factor.Level[i] = level
		}
		// Without a penalty there is none of its kind, which λ = 0 says already.
		least := 2
		if f.name == "regularizer" && levels[""] != 0 || f.name == "regularizer" && r.without() {
			least = 3
		}
		if len(levels) >= least {
			factors = append(factors, factor)
		}
	}
	return factors
}

// without reports whether some setting has no penalty.
func (r *Report) without() bool {
	return slices.ContainsFunc(r.Settings, func(s Setting) bool { return s.Regularizer == "" })
}
