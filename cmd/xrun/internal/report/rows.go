package report

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A column of a table. If a table does not fit, the column with the largest drop goes first; 0 stays.
type column struct {
	head  string
	right bool
	drop  int
	cells []string
}

// sparkWidth is the number of characters of a curve in a table.
const sparkWidth = 8

// pointColumns are the columns that name a point, without those that are equal for all.
func (r printer) pointColumns(shown []int) []column {
	cells := func(of func(*compare.Point) string) []string {
		list := make([]string, len(shown))
		for i, s := range shown {
			list[i] = of(&r.Points[s])
		}
		return list
	}
	numbers := func(of func(*compare.Point) float64) []string {
		list := make([]float64, len(shown))
		for i, s := range shown {
			list[i] = of(&r.Points[s])
		}
		return stats.Apart(list)
	}
	var all []column
	if r.Distinct(func(s compare.Point) string { return s.Optimizer }) > 1 {
		all = append(all, column{head: "optimizer", cells: cells(func(s *compare.Point) string { return s.Optimizer })})
	}
	if r.HasLR() {
		all = append(all, column{head: "lr", cells: numbers(func(s *compare.Point) float64 { return s.LR })})
	}
	if r.Distinct(func(s compare.Point) string { return s.Regularizer }) > 1 {
		drop := 0
		if r.Distinct(func(s compare.Point) string { return s.Regularizer }) == 2 && r.WithoutPenalty() {
			drop = 6 // λ shows the same
		}
		all = append(all, column{head: "regularizer", drop: drop, cells: cells(func(s *compare.Point) string { return cmp.Or(s.Regularizer, "–") })})
	}
	if r.HasLambda() {
		all = append(all, column{head: "λ", cells: numbers(func(s *compare.Point) float64 { return s.Lambda })})
	}
	for _, axis := range r.FurtherAxes() {
		all = append(all, column{head: axis, cells: cells(func(s *compare.Point) string { return s.Axis(axis) })})
	}
	return all
}

// columns is the table of the shown points.
func (r printer) columns(shown []int, ascii bool) []column {
	cells := func(of func(i int, s *compare.Point) string) []string {
		list := make([]string, len(shown))
		for i, s := range shown {
			list[i] = of(s, &r.Points[s])
		}
		return list
	}
	all := []column{
		{head: "", cells: cells(func(_ int, s *compare.Point) string { return signs(s) })},
		{head: "#", right: true, cells: cells(func(i int, _ *compare.Point) string { return fmt.Sprint(i + 1) })},
	}
	all = append(all, r.pointColumns(shown)...)
	all = append(all, column{head: r.valueHead(), cells: cells(func(_ int, s *compare.Point) string { return stats.Uncertain(s.Interval) })})
	for _, c := range r.Columns {
		all = append(all, column{head: c.Name, cells: cells(func(i int, _ *compare.Point) string { return c.Cells[i].String() })})
	}
	if head := r.versusHead(); head != "" {
		all = append(all, column{head: head, drop: 1, cells: cells(func(i int, _ *compare.Point) string { return r.versus(i) })})
	}
	if r.Base >= 0 {
		all = append(all, column{head: "p", drop: 2, cells: cells(func(i int, _ *compare.Point) string {
			if a, ok := r.ArmOf(i); ok && a.Tested {
				return r.PCell(a)
			}
			return ""
		})})
	}
	all = append(all,
		column{head: "n", right: true, drop: 3, cells: cells(func(_ int, s *compare.Point) string { return fmt.Sprint(s.Interval.N) })},
		column{head: "epochs", right: true, drop: 4, cells: cells(func(_ int, s *compare.Point) string {
			if e := s.Epochs(); !math.IsNaN(e) {
				return fmt.Sprintf("%.0f", e)
			}
			return "–"
		})},
		column{head: "curve", drop: 5, cells: cells(func(_ int, s *compare.Point) string { return r.spark(*s, sparkWidth, ascii) })},
		column{head: "", cells: cells(func(_ int, s *compare.Point) string { return r.remark(s) })},
	)
	return slices.DeleteFunc(all, func(c column) bool {
		return (c.drop > 0 || c.head == "") && !slices.ContainsFunc(c.cells, func(s string) bool { return s != "" })
	})
}

// valueHead heads the column of values.
func (r printer) valueHead() string { return r.Metric + " " + r.Arrow() }

// versusHead heads the column of differences to the baseline, or without one to the best; empty if there is none.
func (r printer) versusHead() string {
	switch {
	case r.Base >= 0:
		return "vs " + r.Arms[r.Base].Name
	case len(r.Points) > 1:
		return "vs best"
	}
	return ""
}

// versus is a point's difference in words.
func (r printer) versus(i int) string {
	s := &r.Points[i]
	if r.Base >= 0 {
		base := r.Arms[r.Base]
		switch {
		case i == base.Chosen:
			return "baseline"
		case s.VersusBase.N < 2 || s.Count(runner.StatusDiverged) > 0:
			return ""
		}
		return r.signed(s.VersusBase, base)
	}
	if i == 0 || s.Versus.N < 2 {
		return ""
	}
	if s.Versus.IsRounding(r.Points[0].Interval.Value) {
		return "the same"
	}
	return stats.Signed(s.Versus)
}

// runColumns is the table of the runs of points.
func (r printer) runColumns(points []int, ascii bool) []column {
	var owners []int
	var seeds []compare.SeedResult
	for _, i := range points {
		for _, seed := range r.Points[i].Seeds {
			if r.ShowRun != nil && !r.ShowRun(seed) {
				continue
			}
			owners, seeds = append(owners, i), append(seeds, seed)
		}
	}
	cells := func(of func(s compare.SeedResult) string) []string {
		list := make([]string, len(seeds))
		for i, s := range seeds {
			list[i] = of(s)
		}
		return list
	}
	all := []column{
		{head: "run", right: true, cells: cells(func(s compare.SeedResult) string {
			if s.Run == 0 {
				return "–"
			}
			return fmt.Sprint(s.Run)
		})},
		{head: "trial", drop: 1, cells: cells(func(s compare.SeedResult) string { return s.Trial.Short() })},
	}
	all = append(all, r.pointColumns(owners)...)
	return append(all,
		column{head: "seed", right: true, cells: cells(func(s compare.SeedResult) string { return fmt.Sprint(s.Seed) })},
		column{head: r.Metric + " " + r.Arrow(), cells: cells(func(s compare.SeedResult) string {
			return stats.Uncertain(stats.Interval{Value: s.Recorded, Low: math.NaN(), High: math.NaN()})
		})},
		column{head: "at epoch", right: true, drop: 2, cells: cells(func(s compare.SeedResult) string { return fmt.Sprint(s.Epoch) })},
		column{head: "epochs", right: true, drop: 3, cells: cells(func(s compare.SeedResult) string { return fmt.Sprint(s.Epochs) })},
		column{head: "status", drop: 4, cells: cells(func(s compare.SeedResult) string {
			if s.Status == "" {
				return "not run"
			}
			return string(s.Status)
		})},
		column{head: "curve", drop: 5, cells: cells(func(s compare.SeedResult) string {
			return r.spark(compare.Point{Seeds: []compare.SeedResult{s}}, sparkWidth, ascii)
		})})
}

// signed is a difference to the baseline with its sign and its interval.
func (r printer) signed(d stats.Interval, base compare.Arm) string {
	if d.Value == 0 && d.Half() == 0 || d.IsRounding(r.Points[base.Chosen].Interval.Value) {
		return "the same"
	}
	text := r.Relative(d, base)
	if d.Value > 0 && !math.IsInf(d.Value, 1) && !strings.HasPrefix(text, "×") {
		text = "+" + text
	}
	return strings.Replace(text, " %", "%", 1)
}

// The sign of an unstable point, and the line that explains it. It is no "!", which stands for failed ones in maps.
const (
	unstableSign = "*"
	unstableLine = unstableSign + " unstable: its seeds differ far more than the other points let expect; n astray counts the seeds that lie far from the rest"
)

// signs are those before a point's rank.
func signs(s *compare.Point) string {
	text := ""
	if s.Tied {
		text = "≈"
	}
	if s.Unstable {
		text += unstableSign
	}
	return text
}

// unstable reports whether one of the points is.
func (r printer) unstable(points []int) bool {
	return slices.ContainsFunc(points, func(i int) bool { return i >= 0 && r.Points[i].Unstable })
}

// remark describes what is unusual about a point.
func (r printer) remark(s *compare.Point) string {
	var parts []string
	for _, status := range []runner.Status{runner.StatusDiverged, runner.StatusPruned, runner.StatusFailed, runner.StatusInterrupted, runner.StatusRunning} {
		if n := s.Count(status); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if n := s.Count(""); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", n))
	}
	if g, ok := r.GivenUp(s); ok {
		parts = append(parts, g.String())
	}
	if s.Unstable && s.Astray > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d astray", s.Astray, len(s.Seeds)))
	}
	return strings.Join(parts, ", ")
}

// writeColumns lays a table out in the width of a view and returns the heads of columns that did not fit.
func writeColumns(w io.Writer, all []column, v View) (left []string) {
	width := v.Width
	if v.ASCII {
		for i := range all {
			all[i].head = ascii.Replace(all[i].head)
			for k := range all[i].cells {
				all[i].cells[k] = ascii.Replace(all[i].cells[k])
			}
		}
	}
	widths, drops := make([]int, len(all)), make([]int, len(all))
	for i, c := range all {
		widths[i], drops[i] = utf8.RuneCountInString(c.head), c.drop
		for _, cell := range c.cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	kept, gone := fit(widths, drops, width)
	for _, i := range gone {
		left = append(left, all[i].head)
	}
	for _, i := range shortened(all, kept, widths, width) {
		all[i].head = shorten(all[i].head, widths[i], v.ASCII)
		all[i].cells = slices.Clone(all[i].cells)
		for k, cell := range all[i].cells {
			all[i].cells[k] = shorten(cell, widths[i], v.ASCII)
		}
	}
	line := func(cell func(column) string) {
		var b strings.Builder
		for _, i := range kept {
			c := all[i]
			text := cell(c)
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
			if c.right {
				text, gap = gap+text, ""
			}
			b.WriteString(text + gap + "  ")
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(func(c column) string { return c.head })
	if len(all) > 0 {
		for i := range all[0].cells {
			line(func(c column) string { return c.cells[i] })
		}
	}
	return left
}

// leastWords is the width to which columns of words are shortened.
const leastWords = 12

// shortened narrows the widest columns of words until a table fits, and lists them. Columns of numbers stay as they are.
func shortened(all []column, kept, widths []int, width int) (narrowed []int) {
	total := -2
	for _, i := range kept {
		total += widths[i] + 2
	}
	for width > 0 && total > width {
		widest := -1
		for _, i := range kept {
			if widths[i] > leastWords && !all[i].right && !all[i].numeric() && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return narrowed
		}
		widths[widest]--
		total--
		if !slices.Contains(narrowed, widest) {
			narrowed = append(narrowed, widest)
		}
	}
	return narrowed
}

// shorten leaves out the middle of a text that is longer than a width: names differ at their ends.
func shorten(text string, width int, plain bool) string {
	runes, sign := []rune(text), "…"
	if plain {
		sign = "..."
	}
	if len(runes) <= width {
		return text
	}
	room := width - utf8.RuneCountInString(sign)
	return string(runes[:room-room/2]) + sign + string(runes[len(runes)-room/2:])
}

// fit chooses the columns of a table that fit into so many characters, 0 for any number, with two between them. While
// they do not fit, the column with the largest drop goes, the first of equals; columns with 0 stay. gone lists the
// columns in the order in which they went.
func fit(widths, drops []int, width int) (kept, gone []int) {
	total := -2
	for i, w := range widths {
		kept = append(kept, i)
		total += w + 2
	}
	for width > 0 && total > width {
		at := -1
		for k, i := range kept {
			if drops[i] > 0 && (at < 0 || drops[i] > drops[kept[at]]) {
				at = k
			}
		}
		if at < 0 {
			break // what is left is shortened, but for numbers
		}
		gone = append(gone, kept[at])
		total -= widths[kept[at]] + 2
		kept = slices.Delete(kept, at, at+1)
	}
	return kept, gone
}
