package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Text writes the report for a person: verdict, table of the best settings, maps, notes.
// top is how many settings the table shows; 0 is all.
func (r *Report) Text(w io.Writer, top int) {
	fmt.Fprintln(w, r.Verdict())
	fmt.Fprintln(w)
	fmt.Fprintln(w, r.heading())
	if s := r.sameLine(); s != "" {
		fmt.Fprintln(w, s)
	}
	fmt.Fprintln(w)
	r.table(w, top)
	maps := r.maps()
	if len(maps) > 0 {
		fmt.Fprintf(w, "\nmean %s:  █ best quarter of all settings … ░ worst  [ ] best  ✗ diverged  ! failed  · not complete\n", r.Metric)
	}
	for _, m := range maps {
		fmt.Fprintln(w)
		m.write(w)
	}
	if notes := r.notes(); len(notes) > 0 {
		fmt.Fprintln(w)
		for _, n := range notes {
			fmt.Fprintln(w, n)
		}
	}
}

// Verdict is the answer in a sentence or two, with its uncertainty.
func (r *Report) Verdict() string {
	best, ok := r.Best()
	if epoch, at := strings.CutPrefix(r.At, "epoch:"); !ok && at {
		return fmt.Sprintf("No trial of %s has a %s after epoch %s.", r.Sweep, r.Metric, epoch)
	}
	if !ok {
		return fmt.Sprintf("No trial of %s has a %s yet.", r.Sweep, r.Metric)
	}
	v := fmt.Sprintf("%s is best: %s %s", r.name(best), r.Metric, Uncertain(best.Interval))
	switch n := best.Interval.N; {
	case n == 1:
		v += " (one seed: no uncertainty can be given)."
	default:
		v += fmt.Sprintf(" (95 %% CI over %d seeds).", n)
	}
	if !best.Complete {
		v += " Some of its seeds are missing or diverged."
	}
	others, tied := 0, 0 // of which all seeds have a result
	for _, s := range r.Settings[1:] {
		if s.Complete {
			others++
		}
		if s.Tied {
			tied++
		}
	}
	which := "other"
	if others < len(r.Settings)-1 {
		which = "other complete"
	}
	switch {
	case best.Interval.N < 2 || others == 0 || !best.Complete:
	case tied == 0:
		v += fmt.Sprintf("\nEach of the %d %s settings differs from it: their paired differences exclude 0.", others, which)
	case tied == 1:
		v += fmt.Sprintf("\nOne of the %d %s settings cannot be told from it (≈): the paired difference includes 0.", others, which)
	default:
		v += fmt.Sprintf("\n%d of the %d %s settings cannot be told from it (≈): their paired differences include 0.", tied, others, which)
	}
	return v
}

// name says which setting it is: "adam lr 3.162e-3 λ 0.1".
func (r *Report) name(s Setting) string {
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
	if at == "" {
		at = "after epoch " + strings.TrimPrefix(r.At, "epoch:")
	}
	return at
}

func (r *Report) heading() string {
	return fmt.Sprintf("%s · %d settings × %d seeds · %s %s %s · mean ± 95 %% CI over seeds",
		r.Sweep, len(r.Settings), len(r.Seeds), r.Metric, r.arrow(), r.when())
}

// sameLine folds what is equal everywhere into one line, the facts that matter to a reader.
func (r *Report) sameLine() string {
	want := []string{"task.dataset", "task.model", "task.hidden", "optimizer.component", "regularizer.component", "task.epochs", "task.batch",
		"task.sampling", "task.dtype", "task.validation", "task.folds", "task.validation_path", "task.command", "early_stop.patience"}
	var facts []string
	for _, path := range want {
		for _, s := range r.Same {
			if s.Path == path && s.Value.String() != "" {
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

func (r *Report) table(w io.Writer, top int) {
	optimizers, regularizers := r.distinct(func(s Setting) string { return s.Optimizer }), r.distinct(func(s Setting) string { return s.Regularizer })
	head := []any{"#", ""}
	if optimizers > 1 {
		head = append(head, "optimizer")
	}
	if r.has(rate) {
		head = append(head, "lr")
	}
	if regularizers > 1 {
		head = append(head, "regularizer")
	}
	if r.has(lambda) {
		head = append(head, "λ")
	}
	axes := r.axes()
	for _, axis := range axes {
		head = append(head, axis)
	}
	head = append(head, r.Metric+" "+r.arrow(), "vs best", "seeds", "epochs", "")
	t := NewTable(head...)
	align := make([]table.ColumnConfig, len(head))
	for i := range head {
		align[i] = table.ColumnConfig{Number: i + 1, Align: text.AlignLeft}
		if name := head[i]; name == "#" || name == "seeds" || name == "epochs" {
			align[i].Align = text.AlignRight
		}
	}
	t.writer.SetColumnConfigs(align)
	shown := r.Settings
	if top > 0 && len(shown) > top {
		shown = shown[:top]
	}
	for i, s := range shown {
		tie := ""
		if s.Tied {
			tie = "≈"
		}
		row := []any{i + 1, tie}
		if optimizers > 1 {
			row = append(row, s.Optimizer)
		}
		if r.has(rate) {
			row = append(row, Number(s.LR))
		}
		if regularizers > 1 {
			name := s.Regularizer
			if name == "" {
				name = "–"
			}
			row = append(row, name)
		}
		versus := ""
		if i > 0 && s.Versus.N > 1 {
			versus = signed(s.Versus)
		}
		epochs := "–"
		if e := s.Epochs(); !math.IsNaN(e) {
			epochs = fmt.Sprintf("%.0f", e)
		}
		if r.has(lambda) {
			row = append(row, Number(s.Lambda))
		}
		for _, axis := range axes {
			row = append(row, s.axis(axis))
		}
		t.Row(append(row, Uncertain(s.Interval), versus, s.Interval.N, epochs, s.remark())...)
	}
	t.Write(w)
	if n := len(r.Settings) - len(shown); n > 0 {
		fmt.Fprintf(w, "… and %d more: --all\n", n)
	}
}

// signed writes a difference with its sign and its interval.
func signed(d stats.Interval) string {
	switch {
	case d.Value == 0 && d.Half() == 0:
		return "the same"
	case d.Value > 0:
		return "+" + Uncertain(d)
	}
	return Uncertain(d)
}

// remark says what is unusual about a setting.
func (s Setting) remark() string {
	var parts []string
	for _, status := range []runner.Status{runner.StatusDiverged, runner.StatusPruned, runner.StatusFailed, runner.StatusInterrupted, runner.StatusRunning} {
		if n := s.Count(status); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if n := s.Count(""); n > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", n))
	}
	return strings.Join(parts, ", ")
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

// notes are what the reader should know before believing the table.
func (r *Report) notes() []string {
	var notes []string
	done, all := 0, r.Missing
	for status, n := range r.Counts {
		all += n
		if status.Done() {
			done += n
		}
	}
	running, failed := r.Counts[runner.StatusRunning], r.Counts[runner.StatusFailed]
	if n := r.Counts[runner.StatusPruned]; n > 0 {
		notes = append(notes, fmt.Sprintf("note: %d of %d trials were pruned: they have no result and are not compared", n, all))
		done += n
	}
	if n := all - done - running - failed; n > 0 {
		notes = append(notes, fmt.Sprintf("warning: %d of %d trials have no result yet; run the sweep again to go on", n, all))
	}
	if running > 0 {
		notes = append(notes, fmt.Sprintf("note: %d of %d trials are being trained now", running, all))
	}
	if n := r.Counts[runner.StatusFailed]; n > 0 {
		unit := "trials"
		if n == 1 {
			unit = "trial"
		}
		notes = append(notes, fmt.Sprintf("warning: %d %s failed: xrun runs --status failed", n, unit))
	}
	if best, ok := r.Best(); ok {
		notes = append(notes, r.edges(best)...)
		if len(r.Settings) > 1 && len(r.Seeds) > 1 {
			notes = append(notes, fmt.Sprintf("note: the best of %d was picked by the metric that it is judged by, so its value is optimistic", len(r.Settings)))
		}
		if n := len(r.Seeds); n > 1 && n < 4 {
			notes = append(notes, fmt.Sprintf("note: %d seeds can hardly tell settings apart; raise seeds and run again: only the new seeds run", n))
		}
		if len(r.Seeds) == 1 {
			notes = append(notes, "note: one seed says nothing of the spread; set seeds = 5 and run again: only the new seeds run")
		}
	}
	return notes
}

// edges warns when the best lr or λ is the first or the last of its axis.
func (r *Report) edges(best Setting) []string {
	var notes []string
	for _, axis := range []struct {
		name string
		of   func(Setting) float64
	}{{"lr", func(s Setting) float64 { return s.LR }}, {"λ", func(s Setting) float64 { return s.Lambda }}} {
		low, high := math.Inf(1), math.Inf(-1)
		for _, s := range r.Settings {
			if s.Optimizer == best.Optimizer {
				low, high = min(low, axis.of(s)), max(high, axis.of(s))
			}
		}
		at := axis.of(best)
		if low < high && (at == high || at == low && at != 0) {
			end := "largest"
			if at == low {
				end = "smallest"
			}
			notes = append(notes, fmt.Sprintf("warning: the best %s is the %s of the grid: a better one may lie beyond it", axis.name, end))
		}
	}
	return notes
}
