package stats

import (
	"math"
	"slices"
)

// A Factor is something that was varied. Level[i] is the level of observation i: any whole number.
type Factor struct {
	Name  string
	Level []int
}

// A Share is the part of the variance of all observations that one term accounts for.
type Share struct {
	Name  string  // of a factor, of two as "lr×λ", or "residual"
	Share float64 // from 0 to 1
	DF    int     // degrees of freedom
	F, P  float64 // of the term against the residual; NaN if there is no residual
}

// A term is one factor or an interaction of two.
type term struct {
	name    string
	factors []int // indices into the factors
	cell    []int // of each observation, from 0
	cells   int
	df      int
	squares float64
}

// ANOVA divides the variance of y among the factors, each pair of factors, and the residual. The
// residual holds replicates, such as seeds, and interactions of three and more factors. The shares sum to 1 and come
// largest first, the residual last.
//
// In a balanced grid, where every combination of levels has equally many observations, the order
// of the factors does not matter. In one with holes the sums of squares are sequential (type I):
// a factor gets what it explains beyond the factors before it, an interaction what it explains
// beyond all factors. So a factor comes before those that only vary within it, as the optimizer
// before its momentum.
//
// An interaction is left out if it has no degree of freedom or would leave none for the residual:
// in a grid of two factors without replicates it is the residual. In a grid with holes it is also left out,
// the finest first, if the model would have more than 1000 parameters. A factor of one level has
// the share 0.
//
// The shares are NaN if y holds NaN or ±Inf or does not vary. No observations give no shares.
// Scheffé 1959, The Analysis of Variance; type I in R's anova and statsmodels' anova_lm.
func ANOVA(y []float64, factors []Factor) []Share {
	n := len(y)
	if n == 0 {
		return nil
	}
	mains, rest := make([]*term, len(factors)), n-1
	for k, f := range factors {
		if len(f.Level) != n {
			panic("stats: factor " + f.Name + " does not have a level for every observation")
		}
		mains[k] = &term{name: f.Name, factors: []int{k}}
		mains[k].cell, mains[k].cells = numbered(f.Level)
	}
	centred, total := centre(y)
	design := anova{y: centred, terms: slices.Clone(mains)}
	if balanced(mains, n) {
		for _, t := range mains {
			t.df = t.cells - 1
			rest -= t.df
		}
		for _, t := range pairs(mains, n) {
			df := mains[t.factors[0]].df * mains[t.factors[1]].df
			if df < rest {
				t.df = df
				rest -= df
				design.terms = append(design.terms, t)
			}
		}
		design.cellMeans()
	} else {
		design.terms = append(design.terms, fitting(mains, pairs(mains, n))...)
		design.sequential(total)
	}
	return design.shares(total)
}

// anova is an analysis: its terms in order, and what they leave of y.
type anova struct {
	y     []float64
	terms []*term
	left  float64 // sum of squares that no term explains
}

// centre returns y − mean in units of a power of two, in which the largest value is about 1 and no square overflows or
// underflows, and the sum of its squares. A y that does not vary becomes exactly 0.
func centre(y []float64) (centred []float64, total float64) {
	centred = make([]float64, len(y))
	down := -exponent(y)
	for i, v := range y {
		centred[i] = math.Ldexp(v, down) - math.Ldexp(y[0], down)
	}
	if down = -exponent(centred); down != 0 {
		for i := range centred {
			centred[i] = math.Ldexp(centred[i], down)
		}
	}
	mean := Mean(centred)
	for i := range centred {
		centred[i] -= mean
		total += float64(centred[i] * centred[i])
	}
	return centred, total
}

// exponent is that of the power of two above the largest of the absolute values; 0 if all are 0 or one is not finite.
func exponent(xs []float64) int {
	largest := 0.0
	for _, x := range xs {
		largest = max(largest, math.Abs(x))
	}
	if !(largest > 0) || math.IsInf(largest, 0) {
		return 0
	}
	_, e := math.Frexp(largest)
	return e
}

// Spread returns the sums of squares of y about the means of its groups and about the mean of all, both in the same
// unit, in which no square overflows. The values of a group stand together. Both are exactly 0 if y does not vary.
func Spread(y []float64, groups []int) (within, total float64) {
	centred, total := centre(y)
	for from := 0; from < len(y); {
		to := from
		for to < len(y) && groups[to] == groups[from] {
			to++
		}
		within += spreadOf(centred[from:to])
		from = to
	}
	return within, total
}

// spreadOf is the sum of squares about the mean, exactly 0 if all values are the same.
func spreadOf(xs []float64) (squares float64) {
	mean := 0.0
	for _, x := range xs {
		mean += x - xs[0]
	}
	mean /= float64(len(xs))
	for _, x := range xs {
		squares += float64((x - xs[0] - mean) * (x - xs[0] - mean))
	}
	return squares
}

// numbered numbers the levels from 0, in the order of their first appearance.
func numbered(levels []int) (number []int, n int) {
	seen := map[int]int{}
	number = make([]int, len(levels))
	for i, level := range levels {
		k, ok := seen[level]
		if !ok {
			k = len(seen)
			seen[level] = k
		}
		number[i] = k
	}
	return number, len(seen)
}

// balanced reports whether every combination of levels has equally many observations.
func balanced(mains []*term, n int) bool {
	all := 1
	for _, t := range mains {
		if all *= t.cells; all > n {
			return false
		}
	}
	if n%all != 0 {
		return false
	}
	counts := make([]int, all)
	for i := range n {
		at := 0
		for _, t := range mains {
			at = at*t.cells + t.cell[i]
		}
		counts[at]++
	}
	return !slices.ContainsFunc(counts, func(c int) bool { return c != n/all })
}

// pairs are the interactions of two factors that both vary. Cells that hold nothing are counted.
func pairs(mains []*term, n int) []*term {
	var both []*term
	for i, a := range mains {
		for j := i + 1; j < len(mains); j++ {
			b := mains[j]
			if a.cells < 2 || b.cells < 2 {
				continue
			}
			t := &term{name: a.name + "×" + b.name, factors: []int{i, j}, cell: make([]int, n), cells: a.cells * b.cells}
			for k := range t.cell {
				t.cell[k] = a.cell[k]*b.cells + b.cell[k]
			}
			both = append(both, t)
		}
	}
	return both
}

// cellMeans explains y by means over the cells of each term. In a balanced grid the effects of
// different terms are orthogonal, so each is taken off y before the next.
func (a *anova) cellMeans() {
	for _, t := range a.terms {
		effects := make([]float64, t.cells)
		for i, v := range a.y {
			effects[t.cell[i]] += v
		}
		each := float64(len(a.y) / t.cells)
		for c := range effects {
			effects[c] /= each
			t.squares += each * effects[c] * effects[c]
		}
		for i := range a.y {
			a.y[i] -= effects[t.cell[i]]
		}
	}
	for _, v := range a.y {
		a.left += float64(v * v)
	}
}

// shares tests the terms against the residual and sorts them.
func (a *anova) shares(total float64) []Share {
	df := len(a.y) - 1
	for _, t := range a.terms {
		df -= t.df
	}
	noise := math.NaN()
	if df > 0 {
		noise = a.left / float64(df)
	}
	shares := make([]Share, 0, len(a.terms)+1)
	for _, t := range a.terms {
		s := Share{Name: t.name, Share: t.squares / total, DF: t.df, F: math.NaN(), P: math.NaN()}
		if t.df > 0 && df > 0 {
			s.F = t.squares / float64(t.df) / noise
			s.P = fAbove(s.F, float64(t.df), float64(df))
		}
		shares = append(shares, s)
	}
	slices.SortStableFunc(shares, func(s, t Share) int {
		switch {
		case s.Share > t.Share:
			return -1
		case s.Share < t.Share:
			return 1
		}
		return 0
	})
	return append(shares, Share{Name: "residual", Share: a.left / total, DF: df, F: math.NaN(), P: math.NaN()})
}
