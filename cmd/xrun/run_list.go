package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// A runList is runs and what is known of them while they are listed.
type runList struct {
	db      *store.Store
	sweep   store.SweepInfo // of all runs; its ID is 0 where there are several
	runs    []store.Run
	sweeps  map[int64]store.SweepInfo // that have run them, without those that were deleted
	axes    map[runner.Key][]runner.Setting
	columns []where.Column
	order   []where.Column
	facts   *facts
}

// describe reads what a listing shows beside the runs: the axes of the sweep if it is one, and what expressions
// stand for.
func (l *runList) describe(ctx context.Context, named bool, columns, order string) error {
	l.sweeps = map[int64]store.SweepInfo{}
	for _, r := range l.runs {
		if _, known := l.sweeps[r.SweepID]; known || r.SweepID == 0 {
			continue
		}
		sweep, err := l.db.FindSweep(ctx, fmt.Sprint(r.SweepID))
		if err == nil && sweep.ID == r.SweepID {
			l.sweeps[sweep.ID] = sweep
		} else if err != nil && !missing(err) {
			return err
		}
	}
	c := &comparison{db: l.db}
	for _, sweep := range l.sweeps {
		c.sweeps = append(c.sweeps, sweep)
	}
	if only := l.runs[0].SweepID; !slices.ContainsFunc(l.runs, func(r store.Run) bool { return r.SweepID != only }) {
		l.sweep = l.sweeps[only]
	}
	if l.sweep.ID != 0 {
		c.sweeps = []store.SweepInfo{l.sweep}
		described := c.describe(ctx)
		if described.err != nil {
			return described.err
		}
		l.axes = described.axes
	}
	if columns == "" && order == "" || len(c.sweeps) == 0 {
		return nil
	}
	c.ask.Axes = l.axes
	var schema where.Schema
	var err error
	if named && l.sweep.ID != 0 {
		schema, err = c.schema(ctx)
	} else if c.known, err = l.db.Names(ctx, 0); err == nil {
		schema = schemaOf(c.known) // whichever runs are listed, an expression means the same
	}
	if err != nil {
		return err
	}
	if columns != "" {
		if l.columns, err = where.Columns(columns, schema); err != nil {
			return expressionError("--cols", columns, err)
		}
	}
	if order != "" {
		if l.order, err = where.Order(order, schema); err != nil {
			return expressionError("--sort", order, err)
		}
	}
	var roots []where.Node
	for _, column := range slices.Concat(l.columns, l.order) {
		roots = append(roots, column.Root)
	}
	if l.facts, err = c.facts(ctx, nil, roots); err != nil {
		return err
	}
	l.facts.runs = make(map[int64]store.Run, len(l.runs))
	for _, r := range l.runs {
		l.facts.runs[r.ID] = r
	}
	l.sort()
	return nil
}

// value is what an expression comes to for a run.
func (l *runList) value(r store.Run, root where.Node) compare.Value {
	f := *l.facts
	f.sweep = l.sweeps[r.SweepID]
	v, ok := where.Value(root, f.ofTrial(&runner.Result{Trial: r.Trial, Point: r.Point, Optimizer: r.Optimizer, Regularizer: r.Regularizer, LR: r.LR, Lambda: r.Lambda,
		Seed: r.Seed, RunID: r.ID, Status: r.Status, Reason: r.Reason, Epochs: r.Epochs, BestEpoch: r.BestEpoch, Wall: r.Cost.Wall}))
	switch {
	case !ok:
		return compare.Value{Interval: single(math.NaN())}
	case where.TypeOf(v) != where.Number:
		return compare.Value{Text: v.String(), IsText: true}
	}
	return compare.Value{Interval: single(numeric(v))}
}

// single is a value that nothing is known of the spread of.
func single(v float64) stats.Interval {
	return stats.Interval{Value: v, Low: math.NaN(), High: math.NaN()}
}

// sort puts the runs into the order that is asked for.
func (l *runList) sort() {
	if len(l.order) == 0 {
		return
	}
	keys := make(map[int64][]compare.Value, len(l.runs))
	for _, r := range l.runs {
		for _, column := range l.order {
			keys[r.ID] = append(keys[r.ID], l.value(r, column.Root))
		}
	}
	slices.SortStableFunc(l.runs, func(a, b store.Run) int {
		for k, column := range l.order {
			if order := keys[a.ID][k].Compare(keys[b.ID][k], column.Descending); order != 0 {
				return order
			}
		}
		return 0
	})
}

// A runColumn is a column of the list. In a narrow terminal those go first whose drop is largest; 0 stays.
type runColumn struct {
	head  string
	drop  int
	cells []any
}

// table is the columns of the list; those that no run has anything in are left out.
func (l *runList) table(ctx context.Context) ([]runColumn, error) {
	var all []runColumn
	add := func(head string, drop int, of func(r store.Run) any) {
		column := runColumn{head: head, drop: drop}
		some := false
		for _, r := range l.runs {
			cell := of(r)
			some = some || cell != "" && cell != nil
			column.cells = append(column.cells, cell)
		}
		if some {
			all = append(all, column)
		}
	}
	has := func(of func(r store.Run) bool) bool { return slices.ContainsFunc(l.runs, of) }
	plain := !has(func(r store.Run) bool { return r.LR != 0 || r.Lambda != 0 || r.Regularizer != "" }) // as programs can be
	sweepDrop := 0
	if l.sweep.ID != 0 {
		sweepDrop = 4
	}
	add("run", 0, func(r store.Run) any { return r.ID })
	add("trial", 6, func(r store.Run) any { return r.Trial.Short() })
	add("sweep", sweepDrop, func(r store.Run) any { return r.Sweep })
	add("optimizer", 0, func(r store.Run) any { return r.Optimizer })
	if !plain {
		add("lr", 0, func(r store.Run) any { return rate(r.LR) })
		add("regularizer", 1, func(r store.Run) any { return orDash(r.Regularizer) })
		add("λ", 0, func(r store.Run) any { return stats.Number(r.Lambda) })
	}
	for _, name := range l.axisNames() {
		add(name, 0, func(r store.Run) any { return axisValue(l.axes[r.Point], name) })
	}
	add("seed", 0, func(r store.Run) any { return r.Seed })
	values, head, err := l.reached(ctx)
	if err != nil {
		return nil, err
	}
	if head != "" {
		add(head, 0, func(r store.Run) any { return values[r.ID].text })
		add("at epoch", 3, func(r store.Run) any { return values[r.ID].epoch })
	}
	for _, column := range l.columns {
		add(column.Text, 0, func(r store.Run) any { return l.value(r, column.Root).String() })
	}
	add("status", 0, func(r store.Run) any { return r.Status })
	add("epochs", 2, func(r store.Run) any { return r.Epochs })
	add("reason", 7, func(r store.Run) any { return r.Reason })
	return all, nil
}

// axisNames are the names of the further axes that the runs have, sorted.
func (l *runList) axisNames() (names []string) {
	for _, r := range l.runs {
		for _, axis := range l.axes[r.Point] {
			if !slices.Contains(names, axis.Path) {
				names = append(names, axis.Path)
			}
		}
	}
	slices.Sort(names)
	return names
}

func axisValue(axes []runner.Setting, name string) string {
	for _, axis := range axes {
		if axis.Path == name {
			return axis.Value.String()
		}
	}
	return orDash("")
}

// attained is what a run came to, and when.
type attained struct {
	text  string
	epoch any // nil where there is none
}

// reached is what runs came to by the metric of their sweeps, if that is one; and what to call it.
func (l *runList) reached(ctx context.Context) (map[int64]attained, string, error) {
	var first store.SweepInfo
	for _, sweep := range l.sweeps {
		if first.ID != 0 && (sweep.Metric != first.Metric || sweep.Goal != first.Goal || sweep.At != first.At) {
			return nil, "", nil
		}
		first = sweep
	}
	if first.ID == 0 {
		return nil, "", nil
	}
	head := first.Metric + " ↓"
	if first.Goal == string(stop.Max) {
		head = first.Metric + " ↑"
	}
	summaries, err := l.summaries(ctx, first.Metric)
	if err != nil {
		return nil, "", err
	}
	values := map[int64]attained{}
	for run, s := range summaries {
		v, epoch := s.Min, any(s.MinStep)
		switch {
		case first.At == "last":
			v, epoch = s.Last, nil
		case first.Goal == string(stop.Max):
			v, epoch = s.Max, s.MaxStep
		}
		if math.IsNaN(v) {
			epoch = nil
		}
		values[run] = attained{stats.Uncertain(single(v)), epoch}
	}
	return values, head, nil
}

// summaries are those of a metric, by run: of a few runs one by one, of many with all others of their sweeps.
func (l *runList) summaries(ctx context.Context, metric string) (map[int64]runner.Summary, error) {
	const few = 100
	all := map[int64]runner.Summary{}
	if len(l.runs) <= few {
		for _, r := range l.runs {
			list, err := l.db.Metrics(ctx, r.ID)
			if err != nil {
				return nil, err
			}
			for _, m := range list {
				if m.Metric == metric {
					all[r.ID] = m.Summary
				}
			}
		}
		return all, nil
	}
	for id := range l.sweeps {
		of, err := l.db.Summaries(ctx, id, []string{metric})
		if err != nil {
			return nil, err
		}
		for run, metrics := range of {
			all[run] = metrics[metric]
		}
	}
	return all, nil
}

// writeRuns lays columns out in a width, 0 for any, and says what did not fit.
func writeRuns(w io.Writer, all []runColumn, width int) {
	widths, drops := make([]int, len(all)), make([]int, len(all))
	for i, c := range all {
		widths[i], drops[i] = utf8.RuneCountInString(c.head), c.drop
		for _, cell := range c.cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(fmt.Sprint(cell)))
		}
	}
	kept, gone := report.Fit(widths, drops, width)
	var left []string
	for _, i := range gone {
		left = append(left, all[i].head)
	}
	heads := make([]any, len(kept))
	for k, i := range kept {
		heads[k] = all[i].head
	}
	t := report.NewTable(heads...)
	for row := range all[0].cells {
		cells := make([]any, len(kept))
		for k, i := range kept {
			if cells[k] = all[i].cells[row]; cells[k] == nil {
				cells[k] = ""
			}
		}
		t.Row(cells...)
	}
	t.Write(w)
	if len(left) > 0 {
		fmt.Fprintf(w, "left out, for lack of room: %s\n", strings.Join(left, ", "))
	}
}

// labelOf says which point a run is of, with the further axes of its sweep.
func labelOf(ctx context.Context, db *store.Store, r store.Run) (compare.Label, error) {
	label := compare.Label{Optimizer: r.Optimizer, Regularizer: r.Regularizer, LR: r.LR, Lambda: r.Lambda,
		NoLambda: r.LR == 0 && r.Lambda == 0 && r.Regularizer == ""}
	varying, _, err := db.Varying(ctx, r.SweepID)
	if err != nil {
		return label, err
	}
	axes, err := db.Axes(ctx, varying, r.SweepID)
	label.Axes = axes[r.Point]
	return label, err
}

// expressionsJSON are the values of the columns that are asked for, by their text.
func (l *runList) expressionsJSON(r store.Run) map[string]any {
	if len(l.columns) == 0 {
		return nil
	}
	values := map[string]any{}
	for _, column := range l.columns {
		if v := l.value(r, column.Root); v.IsText {
			values[column.Text] = v.Text
		} else {
			values[column.Text] = report.JSONNumber(v.Interval.Value)
		}
	}
	return values
}
