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

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A View is how a report is laid out for a person.
type View struct {
	Top   int  // settings in the table; 0 is all
	Width int  // of a line in characters; 0 is any
	ASCII bool // no other characters
	Color bool // for a terminal, and never the only sign of anything
	// Rows and Columns are the axes of maps, lambda and lr unless said otherwise.
	Rows, Columns string
	Curves        int // of how many settings curves are drawn
	Explain       bool
	Runs          bool // single runs instead of settings
}

// Text writes the report for a person: verdict, table of the best settings, arms, maps, what matters most,
// notes.
func (r *Report) Text(w io.Writer, v View) {
	w = v.writer(w)
	say := func(text string) {
		if v.ASCII {
			text = ascii.Replace(text)
		}
		fmt.Fprintln(w, wrap(text, v.Width))
	}
	for line := range strings.Lines(r.Verdict()) {
		say(strings.TrimSuffix(line, "\n"))
	}
	fmt.Fprintln(w)
	say(r.Heading())
	if s := r.SameLine(); s != "" {
		say(s)
	}
	fmt.Fprintln(w)
	if v.Runs {
		r.runTable(w, v)
		return
	}
	r.table(w, v)
	r.armTable(w, v)
	var maps strings.Builder
	if r.Choice == nil {
		r.WriteMaps(&maps, v)
	}
	if maps.Len() > 0 {
		fmt.Fprint(w, "\n", maps.String())
	}
	if v.Curves > 0 {
		fmt.Fprintln(w)
		r.WriteCurves(w, v)
	}
	if s := r.matters(); s != "" {
		fmt.Fprintln(w)
		say(s)
	}
	lines := r.Notes()
	if len(lines) > 0 {
		fmt.Fprintln(w)
	}
	for _, line := range lines {
		say(line)
	}
	if v.Explain {
		fmt.Fprintln(w)
		fmt.Fprintln(w, r.Explain())
	}
}

// Name says which setting it is: "adam lr 3.162e-3 λ 0.1".
func (r *Report) Name(s Setting) string {
	return Label{Optimizer: s.Optimizer, Regularizer: s.Regularizer, LR: s.LR, Lambda: s.Lambda, NoLambda: !r.has(lambda), Axes: s.Axes}.String()
}

func (r *Report) arrow() string {
	if r.Goal == stop.Max {
		return "↑"
	}
	return "↓"
}

// when says which epoch's value counts.
func (r *Report) when() string {
	at := map[string]string{"best": "at its best epoch", "last": "after the last epoch"}[r.At]
	if r.Choice != nil && r.At == "best" {
		at = "at the epoch of the best " + r.ChoiceName
	}
	if at == "" {
		at = "after epoch " + strings.TrimPrefix(r.At, "epoch:")
	}
	return at
}

// Heading says what was compared and how.
func (r *Report) Heading() string {
	text := fmt.Sprintf("%s · %s × %s · %s %s %s · %s ± 95 %% CI", r.Sweep, counted(len(r.Settings), "setting"), r.seedsEach(),
		r.Metric, r.arrow(), r.when(), r.Stat.name())
	if r.Choice != nil {
		text += ", chosen by " + r.ChoiceName
	}
	if n := r.family(); n > 0 {
		if r.Test.pairs() {
			text += ", paired by seed"
		}
		if n > 1 {
			text += fmt.Sprintf(", Holm over the %d arms tested", n)
		}
	}
	return text
}

// SameLine folds what is equal everywhere into one line, the facts that matter to a reader.
func (r *Report) SameLine() string {
	want := []string{"task.dataset", "task.model", "task.hidden", "optimizer.component", "regularizer.component", "task.epochs", "task.batch",
		"task.sampling", "task.dtype", "task.validation", "task.folds", "task.validation_path", "task.command", "early_stop.patience"}
	var facts []string
	for _, path := range want {
		for _, s := range r.Same {
			if s.Path == path && s.Value.String() != "" && !(r.Imported && path == "task.command") {
				name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(path, "task."), "early_stop."), ".component")
				facts = append(facts, name+" "+s.Value.String())
			}
		}
	}
	if len(facts) == 0 {
		return ""
	}
	return "same for all: " + strings.Join(facts, " · ")
}

// table shows the best settings.
func (r *Report) table(w io.Writer, v View) {
	shown := r.shown(v.Top)
	if left := writeColumns(w, r.columns(shown, v.ASCII), v); len(left) > 0 {
		fmt.Fprintf(w, "left out, for lack of room: %s\n", strings.Join(left, ", "))
	}
	if n := r.Listed() - len(shown); n > 0 {
		fmt.Fprintf(w, "… and %d more: --all\n", n)
	}
}

// runTable shows single runs of the best settings.
func (r *Report) runTable(w io.Writer, v View) {
	shown := r.shown(v.Top)
	if left := writeColumns(w, r.runColumns(shown, v.ASCII), v); len(left) > 0 {
		fmt.Fprintf(w, "left out, for lack of room: %s\n", strings.Join(left, ", "))
	}
	if n := r.Listed() - len(shown); n > 0 {
		fmt.Fprintf(w, "… and those of %d more settings: --all\n", n)
	}
}

// shown are the settings that a table of so many has, 0 for all. Of a metric that nothing is chosen by there
// are the chosen ones only.
func (r *Report) shown(top int) []int {
	var shown []int
	for at := range r.Settings {
		i := at
		if r.Order != nil {
			i = r.Order[at]
		}
		if _, chosen := r.ArmOf(i); r.Choice != nil && !chosen {
			continue
		}
		if shown = append(shown, i); len(shown) == top {
			break
		}
	}
	return shown
}

// Listed is how many settings a table of all has.
func (r *Report) Listed() int { return len(r.shown(0)) }

// armTable compares the arms, each at the setting that stands for it.
func (r *Report) armTable(w io.Writer, v View) {
	if len(r.Arms) < 2 && len(r.OnTest) == 0 {
		return
	}
	fmt.Fprintln(w)
	if left := writeColumns(w, r.armColumns(), v); len(left) > 0 {
		fmt.Fprintf(w, "left out, for lack of room: %s\n", strings.Join(left, ", "))
	}
}

// armColumns is the table of the arms.
func (r *Report) armColumns() []column {
	cells := func(of func(a Arm) string) []string {
		list := make([]string, len(r.Arms))
		for i, a := range r.Arms {
			list[i] = of(a)
		}
		return list
	}
	chosen := func(of func(a Arm, s Setting) string) []string {
		return cells(func(a Arm) string {
			if a.Chosen < 0 {
				return "–"
			}
			return of(a, r.Settings[a.Chosen])
		})
	}
	all := []column{
		{head: "arm", cells: cells(func(a Arm) string { return a.Name })},
		{head: "chosen", cells: cells(func(a Arm) string {
			if a.Chosen < 0 {
				return r.unfinished(a)
			}
			return "#" + fmt.Sprint(a.Chosen+1)
		})},
		{head: r.Metric + " " + r.arrow(), cells: chosen(func(_ Arm, s Setting) string { return Uncertain(s.Interval) })},
	}
	if r.Base >= 0 {
		base := r.Arms[r.Base]
		all = append(all,
			column{head: "vs " + base.Name, cells: chosen(func(a Arm, s Setting) string {
				switch {
				case a.Tested:
					return r.signed(a.Versus, base)
				case a.Chosen == base.Chosen:
					return "baseline"
				}
				return ""
			})},
			column{head: "p", drop: 1, cells: chosen(func(a Arm, _ Setting) string {
				if !a.Tested {
					return ""
				}
				return pValue(a.P)
			})},
			column{head: "wins", drop: 2, right: true, cells: chosen(func(a Arm, _ Setting) string {
				if !a.Tested {
					return ""
				}
				return strconv.FormatFloat(a.Wins*float64(a.Versus.N), 'f', -1, 64) + fmt.Sprintf(" of %d", a.Versus.N)
			})})
	}
	for _, t := range r.OnTest {
		list := make([]string, len(t.Arms))
		for i := range t.Arms {
			list[i] = Uncertain(t.Arms[i])
		}
		all = append(all, column{head: t.Metric, drop: 1, cells: list})
	}
	if r.HasTarget {
		all = append(all, r.targetColumns(chosen)...)
	}
	all = append(all,
		column{head: "lr basin", drop: 3, cells: cells(func(a Arm) string { return a.Basin.String() })},
		column{head: "best of 5", drop: 5, cells: cells(func(a Arm) string { return orNothing(r.BestOf(a, 5)) })},
		column{head: "settings", drop: 4, right: true, cells: cells(func(a Arm) string { return fmt.Sprint(len(a.Settings)) })},
		column{head: "diverged", drop: 6, right: true, cells: cells(func(a Arm) string {
			if a.Diverged == 0 {
				return ""
			}
			return fmt.Sprintf("%.0f %%", 100*float64(a.Diverged)/float64(a.Trials))
		})})
	return slices.DeleteFunc(all, func(c column) bool { return !slices.ContainsFunc(c.cells, func(s string) bool { return s != "" }) })
}

// unfinished says why an arm has no setting to stand for it.
func (r *Report) unfinished(a Arm) string {
	for _, status := range []runner.Status{runner.StatusPruned, runner.StatusDiverged, runner.StatusFailed} {
		if !slices.ContainsFunc(a.Settings, func(i int) bool { return r.Settings[i].Count(status) == 0 }) {
			return "all " + string(status)
		}
	}
	return "no setting is complete"
}

// targetColumns say how often and how soon the chosen settings reached the target.
func (r *Report) targetColumns(chosen func(func(Arm, Setting) string) []string) []column {
	return []column{
		{head: "reached " + Number(r.Target), cells: chosen(func(_ Arm, s Setting) string {
			hits := r.Hits(s)
			return fmt.Sprintf("%d of %d", reached(hits), len(hits))
		})},
		{head: "after epochs", drop: 2, cells: chosen(func(_ Arm, s Setting) string { return epochs(stats.MedianTime(r.Hits(s))) })},
		{head: "ERT", drop: 3, cells: chosen(func(_ Arm, s Setting) string { return epochs(stats.ERT(r.Hits(s))) })},
	}
}

// orNothing writes a number that is one.
func orNothing(x float64) string {
	if !finite(x) {
		return ""
	}
	return short(x)
}

func epochs(x float64) string {
	if math.IsInf(x, 1) {
		return "∞"
	}
	return Number(x)
}

// matters says what the values depend on most.
func (r *Report) matters() string {
	var parts []string
	for i, s := range r.Shares {
		if s.Share < 0.005 || i == 8 {
			break
		}
		parts = append(parts, fmt.Sprintf("%s %.0f %%", s.Name, 100*s.Share))
	}
	if len(parts) == 0 {
		return ""
	}
	return "matters most: " + strings.Join(parts, " · ")
}

func (r *Report) distinct(of func(Setting) string) int {
	seen := map[string]bool{}
	for _, s := range r.Settings {
		seen[of(s)] = true
	}
	return len(seen)
}

// plainStyle is a table without lines: columns are what a reader needs.
var plainStyle = func() table.Style {
	s := table.StyleDefault
	s.Options = table.OptionsNoBordersAndSeparators
	s.Format.Header = text.FormatDefault
	s.Box.PaddingLeft, s.Box.PaddingRight = "", "  "
	return s
}()
