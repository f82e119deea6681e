// Package report lays a comparison out for people and programs: text for a terminal, Markdown, LaTeX, CSV and JSON. It
// computes nothing.
package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A View is the layout of a report for a person.
type View struct {
	Top   int  // points in the table; 0 is all
	Width int  // of a line in characters; 0 is any
	ASCII bool // no other characters
	Color bool // for a terminal; never the only sign of a fact
	// Rows and Columns are the axes of maps; default to lambda and lr.
	Rows, Columns string
	Curves        int            // number of points whose curves are drawn
	Limits        compare.Limits // of the values of curves and sensitivity
	Explain       bool
	Runs          bool // single runs instead of points
}

// A printer lays one report out.
type printer struct{ *compare.Report }

func (r printer) text(w io.Writer, v View) {
	w = v.writer(w)
	say := func(text string) {
		if v.ASCII {
			text = ascii.Replace(text)
		}
		fmt.Fprintln(w, wrap(text, v.Width))
	}
	head := func(r printer) {
		for line := range strings.Lines(r.Verdict()) {
			say(strings.TrimSuffix(line, "\n"))
		}
		fmt.Fprintln(w)
		say(r.Heading())
		if s := r.sameLine(); s != "" {
			say(s)
		}
		fmt.Fprintln(w)
	}
	head(r)
	if r.Across != nil {
		r.acrossTable(w, v)
		for _, sub := range r.Problems {
			fmt.Fprintf(w, "\n── %s ──\n\n", sub.Problem)
			head(printer{sub})
			printer{sub}.body(w, v, say)
		}
	} else {
		r.body(w, v, say)
	}
	if v.Runs {
		return
	}
	lines := Notes(r.Report)
	if len(lines) > 0 {
		fmt.Fprintln(w)
	}
	for _, line := range lines {
		say(line)
	}
	if v.Explain {
		fmt.Fprintln(w)
		r.explain(w, v)
	}
}

// body shows the points of one problem: tables, maps, curves, and what the values depend on.
func (r printer) body(w io.Writer, v View, say func(string)) {
	if v.Runs {
		r.runTable(w, v)
		return
	}
	r.table(w, v)
	r.armTable(w, v)
	var maps strings.Builder
	if r.Choice == nil {
		r.writeMaps(&maps, v)
	}
	if maps.Len() > 0 {
		fmt.Fprint(w, "\n", maps.String())
	}
	if v.Curves > 0 {
		fmt.Fprintln(w)
		r.writeCurves(w, v)
	}
	if s := r.Matters(); s != "" {
		fmt.Fprintln(w)
		say(s)
	}
}

// acrossTable compares the arms over several problems.
func (r printer) acrossTable(w io.Writer, v View) {
	if left := writeColumns(w, r.acrossColumns(), v); len(left) > 0 {
		fmt.Fprintf(w, "left out, for lack of room: %s\n", strings.Join(left, ", "))
	}
}

// acrossColumns is the table of arms over several problems: mean ranks, wins against the baseline, and the value with its
// rank on each problem.
func (r printer) acrossColumns() []column {
	x := r.Across
	cells := func(of func(a compare.AcrossArm) string) []string {
		list := make([]string, len(x.Arms))
		for i, a := range x.Arms {
			list[i] = of(a)
		}
		return list
	}
	all := []column{{head: "arm", cells: cells(func(a compare.AcrossArm) string { return a.Name })}}
	if len(x.Arms) > 1 {
		all = append(all, column{head: "mean rank", right: true, cells: cells(func(a compare.AcrossArm) string {
			if math.IsNaN(a.Rank) {
				return "–"
			}
			return strconv.FormatFloat(a.Rank, 'f', 2, 64)
		})})
		if k, err := r.Ranking(); err == nil {
			groups := make([]string, len(k.Arms))
			for i, at := range k.Arms {
				groups[at] = letters(k, i)
			}
			all = append(all, column{head: "not told apart", drop: 1, cells: groups})
		}
	}
	if x.Base >= 0 {
		versus := func(a compare.AcrossArm, text string) string {
			if math.IsNaN(a.P) {
				return ""
			}
			return text
		}
		all = append(all,
			column{head: "wins/ties/losses vs " + x.Arms[x.Base].Name, cells: cells(func(a compare.AcrossArm) string {
				return versus(a, fmt.Sprintf("%d/%d/%d", a.Wins, a.Ties, a.Losses))
			})},
			column{head: "p", drop: 1, cells: cells(func(a compare.AcrossArm) string { return versus(a, stats.PValue(a.P)) })})
	}
	for p, sub := range r.Problems {
		all = append(all, column{head: sub.Problem, drop: 2 + p, cells: cells(func(a compare.AcrossArm) string {
			text := "–"
			if a.Chosen[p] >= 0 {
				text = stats.Short(sub.Points[a.Chosen[p]].Interval.Value, 4)
			}
			if len(x.Arms) > 1 && !math.IsNaN(a.Ranks[p]) {
				text += " (" + strconv.FormatFloat(a.Ranks[p], 'g', 3, 64) + ")"
			}
			return text
		})})
	}
	return all
}

// SameLine folds what is equal everywhere into one line, the facts that matter to a reader.
func (r printer) sameLine() string {
	want := []string{"task.dataset", "task.model", "task.hidden", "optimizer.component", "regularizer.component", "task.epochs", "task.batch",
		"task.sampling", "task.dtype", "task.validation", "task.folds", "task.validation_path", "task.group", "task.order", "task.class_weight", "task.command", "early_stop.patience"}
	var facts []string
	for _, path := range want {
		for _, s := range r.Same {
			if text := s.Value.String(); s.Path == path && text != "" && !(path == "task.command" && (r.Imported || ofFunction(text))) {
				name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(path, "task."), "early_stop."), ".component")
				facts = append(facts, name+" "+text)
			}
		}
	}
	if len(facts) == 0 {
		return ""
	}
	return "same for all: " + strings.Join(facts, " · ")
}

// ofFunction reports whether a command runs a function of a notebook, which the optimizer's column names: the Python package begins such
// commands so.
func ofFunction(command string) bool { return strings.HasPrefix(command, `["sh","-c",". ./.start"`) }

// table shows the best points.
func (r printer) table(w io.Writer, v View) {
	shown := r.Listed(v.Top)
	if left := writeColumns(w, r.columns(shown, v.ASCII), v); len(left) > 0 {
		fmt.Fprintf(w, "left out, for lack of room: %s\n", strings.Join(left, ", "))
	}
	if n := len(r.Listed(0)) - len(shown); n > 0 {
		fmt.Fprintf(w, "… and %d more: --all\n", n)
	}
	if r.unstable(shown) {
		fmt.Fprintln(w, wrap(unstableLine, v.Width))
	}
	if c, ok := r.Constant(); ok {
		line := c.String()
		if v.ASCII {
			line = ascii.Replace(line)
		}
		fmt.Fprintln(w, wrap(line, v.Width))
	}
}

// runTable shows single runs of the best points.
func (r printer) runTable(w io.Writer, v View) {
	shown := r.Listed(v.Top)
	if left := writeColumns(w, r.runColumns(shown, v.ASCII), v); len(left) > 0 {
		fmt.Fprintf(w, "left out, for lack of room: %s\n", strings.Join(left, ", "))
	}
	if n := len(r.Listed(0)) - len(shown); n > 0 {
		fmt.Fprintf(w, "… and those of %d more points: --all\n", n)
	}
}

// armTable compares the arms, each at its chosen point.
func (r printer) armTable(w io.Writer, v View) {
	if len(r.Arms) < 2 && len(r.OnTest) == 0 {
		return
	}
	fmt.Fprintln(w)
	if left := writeColumns(w, r.armColumns(), v); len(left) > 0 {
		fmt.Fprintf(w, "left out, for lack of room: %s\n", strings.Join(left, ", "))
	}
}

// armColumns is the table of the arms.
func (r printer) armColumns() []column {
	cells := func(of func(a compare.Arm) string) []string {
		list := make([]string, len(r.Arms))
		for i, a := range r.Arms {
			list[i] = of(a)
		}
		return list
	}
	chosen := func(of func(a compare.Arm, s compare.Point) string) []string {
		return cells(func(a compare.Arm) string {
			if a.Chosen < 0 {
				return "–"
			}
			return of(a, r.Points[a.Chosen])
		})
	}
	all := []column{
		{head: "arm", cells: cells(func(a compare.Arm) string { return a.Name })},
		{head: "chosen", cells: cells(func(a compare.Arm) string {
			if a.Chosen < 0 {
				return r.Unfinished(a)
			}
			return "#" + fmt.Sprint(a.Chosen+1)
		})},
		{head: r.Metric + " " + r.Arrow(), cells: chosen(func(_ compare.Arm, s compare.Point) string { return stats.Uncertain(s.Interval) })},
	}
	if r.Base >= 0 {
		base := r.Arms[r.Base]
		all = append(all,
			column{head: "vs " + base.Name, cells: chosen(func(a compare.Arm, s compare.Point) string {
				switch {
				case a.Tested:
					return r.signed(a.Versus, base)
				case a.Chosen == base.Chosen:
					return "baseline"
				}
				return ""
			})},
			column{head: "p", drop: 1, cells: chosen(func(a compare.Arm, _ compare.Point) string {
				if !a.Tested {
					return ""
				}
				return r.PCell(a)
			})},
			column{head: "wins", drop: 2, right: true, cells: chosen(func(a compare.Arm, _ compare.Point) string {
				if !a.Tested || a.Shared == 0 {
					return ""
				}
				return strconv.FormatFloat(a.Wins*float64(a.Shared), 'f', -1, 64) + fmt.Sprintf(" of %d", a.Shared)
			})})
	}
	for _, t := range r.OnTest {
		list := make([]string, len(t.Arms))
		for i := range t.Arms {
			list[i] = stats.Uncertain(t.Arms[i])
		}
		all = append(all, column{head: t.Metric, drop: 1, cells: list})
	}
	if r.HasTarget {
		all = append(all, r.targetColumns(chosen)...)
	}
	all = append(all,
		column{head: "lr basin", drop: 3, cells: cells(func(a compare.Arm) string { return a.Basin.String() })},
		column{head: "best of 5", drop: 5, cells: cells(func(a compare.Arm) string { return orNothing(r.BestOf(a, 5)) })},
		column{head: "points", drop: 4, right: true, cells: cells(func(a compare.Arm) string { return fmt.Sprint(len(a.Points)) })},
		column{head: "diverged", drop: 6, right: true, cells: cells(func(a compare.Arm) string {
			if a.Diverged == 0 {
				return ""
			}
			return fmt.Sprintf("%.0f %%", 100*float64(a.Diverged)/float64(a.Trials))
		})})
	return slices.DeleteFunc(all, func(c column) bool { return !slices.ContainsFunc(c.cells, func(s string) bool { return s != "" }) })
}

// targetColumns tell how often and how soon the chosen points reached the target.
func (r printer) targetColumns(chosen func(func(compare.Arm, compare.Point) string) []string) []column {
	return []column{
		{head: "reached " + stats.Number(r.Target), cells: chosen(func(_ compare.Arm, s compare.Point) string {
			hits := r.Hits(s)
			return fmt.Sprintf("%d of %d", compare.Reached(hits), len(hits))
		})},
		{head: "after epochs", drop: 2, cells: chosen(func(_ compare.Arm, s compare.Point) string { return epochs(stats.MedianTime(r.Hits(s))) })},
		{head: "ERT", drop: 3, cells: chosen(func(_ compare.Arm, s compare.Point) string { return epochs(stats.ERT(r.Hits(s))) })},
	}
}

// orNothing writes a number; empty if it is not finite.
func orNothing(x float64) string {
	if !stats.Finite(x) {
		return ""
	}
	return stats.Short(x, 4)
}

func epochs(x float64) string {
	if math.IsInf(x, 1) {
		return "∞"
	}
	return stats.Number(x)
}

// plainStyle is a table without lines: columns are what a reader needs.
var plainStyle = func() table.Style {
	s := table.StyleDefault
	s.Options = table.OptionsNoBordersAndSeparators
	s.Format.Header = text.FormatDefault
	s.Box.PaddingLeft, s.Box.PaddingRight = "", "  "
	return s
}()
