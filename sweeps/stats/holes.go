package stats

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// mostParameters bounds the model of a grid with holes: its fit takes a third of their cube in
// multiplications and their square in memory.
const mostParameters = 1000

// fitting are the pairs that the model has room for beside the factors, in their order. Pairs with
// few cells have precedence.
func fitting(mains, pairs []*term) []*term {
	parameters := 1
	for _, t := range mains {
		parameters += t.cells
	}
	bySize := slices.Clone(pairs)
	slices.SortStableFunc(bySize, func(a, b *term) int { return cmp.Compare(a.cells, b.cells) })
	taken := map[*term]bool{}
	for _, t := range bySize {
		if parameters+t.cells <= mostParameters {
			parameters += t.cells
			taken[t] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(pairs), func(t *term) bool { return !taken[t] })
}

// sequential explains y by the terms in their order. Each cell of each term is a column of zeros
// and ones behind a first column of ones; a column explains the square of y along its
// new part.
//
// The columns are never written out. The products between them are counts, whose Cholesky
// factorization says what is new in each column: row d of factor holds the products of the column
// that gave direction d with the directions up to d. A column that adds nothing, as the last cell
// of every factor, has a pivot of 0. As the counts are whole numbers, any other pivot is far from 0:
// the products square the condition of the columns, which QR would not, but that does no harm.
// An interaction that leaves no degree of freedom for the residual is taken back.
func (a *anova) sequential(total float64) {
	const nothing = 1e-9 // of a column's own square
	counts, sums := a.products()
	n := float64(len(a.y))
	factor, columns, along := [][]float64{{math.Sqrt(n)}}, []int{0}, []float64{0}
	kept, column := a.terms[:0], 1
	a.left = total
	for _, t := range a.terms {
		before := len(columns)
		for range t.cells {
			row, d := make([]float64, len(columns)+1), len(columns)
			for e, other := range columns {
				row[e] = (counts[column][other] - floats.Dot(row[:e], factor[e][:e])) / factor[e][e]
			}
			own := counts[column][column]
			if pivot := own - floats.Dot(row[:d], row[:d]); pivot > nothing*own {
				row[d] = math.Sqrt(pivot)
				along = append(along, (sums[column]-floats.Dot(row[:d], along))/row[d])
				factor, columns = append(factor, row), append(columns, column)
			}
			column++
		}
		if len(t.factors) > 1 && (len(columns) == len(a.y) || len(columns) == before) {
			factor, columns, along = factor[:before], columns[:before], along[:before]
			continue
		}
		t.df = len(columns) - before
		t.squares = floats.Dot(along[before:], along[before:])
		a.left = max(0, a.left-t.squares)
		kept = append(kept, t)
	}
	a.terms = kept
}

// products are the products of the columns with each other and with y. Those of two columns count
// the observations that are in both cells.
func (a *anova) products() (counts [][]float64, sums []float64) {
	width := 1
	for _, t := range a.terms {
		width += t.cells
	}
	counts, sums = make([][]float64, width), make([]float64, width)
	for c := range counts {
		counts[c] = make([]float64, width)
	}
	in := make([]int, len(a.terms)+1) // the columns that hold a one for an observation
	for i, v := range a.y {
		from := 1
		for k, t := range a.terms {
			in[k+1] = from + t.cell[i]
			from += t.cells
		}
		for _, c := range in {
			sums[c] += v
			for _, other := range in {
				counts[c][other]++
			}
		}
	}
	return counts, sums
}
