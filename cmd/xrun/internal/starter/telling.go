package starter

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/runner/data"
)

// By what a column gives the target away. A column that really predicts so well is rare; one that was written down after the
// target, or computed from it, is not.
const (
	givenClasses = 0.95 // of the mistakes of always saying the commonest class, the share that is avoided (Goodman and Kruskal's λ)
	givenNumbers = 0.98 // of the variance of a number, the share that is explained
	rowsOfABin   = 10   // of a number that tells classes, by intervals
	fewestRows   = 20   // which say nothing about chance
)

// A telltale is a column that by itself predicts the target nearly perfectly.
type telltale struct {
	column, says string
}

// telling finds the columns that give the target away, among those that are inputs. It judges each row by the others, on the
// sample of the summary.
func (r *reading) telling(kind data.Kind) (all []telltale) {
	target := r.column(r.target)
	var rows [][]string
	for _, row := range r.look.Sample {
		if row[target] != "" {
			rows = append(rows, row)
		}
	}
	if len(rows) < fewestRows {
		return nil
	}
	for _, role := range r.roles {
		if role.as == dropped {
			continue
		}
		at := r.column(role.Name)
		numeric := role.as == data.AsNumber
		if kind == data.Classification {
			if share := avoided(rows, at, target, numeric, r.number); share >= givenClasses {
				all = append(all, telltale{role.Name, fmt.Sprintf("by itself it avoids %s of the mistakes of always saying the commonest class", percent(share))})
			}
		} else if numeric {
			if share := explained(rows, at, target, r.number); share >= givenNumbers {
				all = append(all, telltale{role.Name, fmt.Sprintf("by itself it explains %s of the variance", percent(share))})
			}
		}
	}
	return all
}

func percent(share float64) string {
	return strconv.FormatFloat(math.Floor(float64(share*1000))/10, 'f', -1, 64) + " %"
}

func (r *reading) column(name string) int {
	return slices.IndexFunc(r.look.Columns, func(c data.ColumnSummary) bool { return c.Name == name })
}

// number is a cell as a number; NaN for others.
func (r *reading) number(cell string) float64 {
	if r.schema.Decimal == "," {
		cell = strings.Replace(cell, ",", ".", 1)
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// avoided is the share of mistakes that the commonest class among the other rows with the same value, or the same interval of
// numbers, avoids.
func avoided(rows [][]string, at, target int, numeric bool, number func(string) float64) float64 {
	bins := map[string]string{} // by cell
	if numeric {
		bins = intervals(rows, at, number)
	}
	bin := func(row []string) string {
		if b, ok := bins[row[at]]; ok {
			return b
		}
		return row[at]
	}
	all, within := map[string]int{}, map[string]map[string]int{}
	for _, row := range rows {
		b := bin(row)
		if within[b] == nil {
			within[b] = map[string]int{}
		}
		within[b][row[target]]++
		all[row[target]]++
	}
	mistakes, before := 0, len(rows)-largest(all)
	for _, row := range rows {
		if b := within[bin(row)]; !commonest(b, row[target]) {
			mistakes++
		}
	}
	if before == 0 {
		return 0
	}
	return 1 - float64(mistakes)/float64(before)
}

func largest(counts map[string]int) (most int) {
	for _, n := range counts {
		most = max(most, n)
	}
	return most
}

// commonest reports whether the class of a row is the commonest one of the other rows.
func commonest(counts map[string]int, class string) bool {
	own := counts[class] - 1
	for other, n := range counts {
		if other != class && n >= own {
			return false
		}
	}
	return own > 0
}

// intervals are the names of the intervals of numbers, by their texts. Each has some rows, and equal numbers are in one.
func intervals(rows [][]string, at int, number func(string) float64) map[string]string {
	type cell struct {
		value float64
		text  string
	}
	var cells []cell
	for _, row := range rows {
		if v := number(row[at]); !math.IsNaN(v) {
			cells = append(cells, cell{v, row[at]})
		}
	}
	slices.SortFunc(cells, func(a, b cell) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return strings.Compare(a.text, b.text)
	})
	bins, first := map[string]string{}, 0
	for i, c := range cells {
		if i-first >= rowsOfABin && c.value != cells[i-1].value {
			first = i
		}
		bins[c.text] = fmt.Sprintf("interval %d", first)
	}
	return bins
}

// explained is the share of the variance that the best line explains, through the values or through their ranks, where both are
// numbers.
func explained(rows [][]string, at, target int, number func(string) float64) float64 {
	var x, y []float64
	for _, row := range rows {
		if a, b := number(row[at]), number(row[target]); !math.IsNaN(a) && !math.IsNaN(b) {
			x, y = append(x, a), append(y, b)
		}
	}
	if len(x) < fewestRows {
		return 0
	}
	return max(correlation(x, y), correlation(ranks(x), ranks(y)))
}

// correlation is the square of the correlation of two columns; 0 where one is constant.
func correlation(x, y []float64) float64 {
	n := float64(len(x))
	var mx, my float64
	for i := range x {
		mx, my = mx+x[i]/n, my+y[i]/n
	}
	var xx, yy, xy float64
	for i := range x {
		a, b := x[i]-mx, y[i]-my
		xx, yy, xy = xx+float64(a*a), yy+float64(b*b), xy+float64(a*b)
	}
	if !(xx > 0 && yy > 0) || math.IsInf(xx, 0) || math.IsInf(yy, 0) {
		return 0
	}
	return xy / xx * xy / yy
}

// ranks are the places of numbers in their order; equal ones have the mean of theirs.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return a - b
	})
	ranks := make([]float64, len(x))
	for from := 0; from < len(x); {
		to := from
		for to < len(x) && x[order[to]] == x[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			ranks[i] = float64(from+to-1) / 2
		}
		from = to
	}
	return ranks
}
