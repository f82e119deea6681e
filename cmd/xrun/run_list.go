package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A runColumn is a column of the list. In a narrow terminal those go first whose drop is largest; 0 stays.
type runColumn struct {
	head  string
	drop  int
	cells []any
}

// table is the columns of the list; those that no run has anything in are left out.
func runTable(ctx context.Context, l *question.List) ([]runColumn, error) {
	var all []runColumn
	add := func(head string, drop int, of func(r store.Run) any) {
		column := runColumn{head: head, drop: drop}
		some := false
		for _, r := range l.Runs {
			cell := of(r)
			some = some || cell != "" && cell != nil
			column.cells = append(column.cells, cell)
		}
		if some {
			all = append(all, column)
		}
	}
	has := func(of func(r store.Run) bool) bool { return slices.ContainsFunc(l.Runs, of) }
	plain := !has(func(r store.Run) bool { return r.LR != 0 || r.Lambda != 0 || r.Regularizer != "" }) // as programs can be
	sweepDrop := 0
	if l.Sweep.ID != 0 {
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
	for _, name := range l.AxisNames() {
		add(name, 0, func(r store.Run) any { return axisValue(l.Axes[r.Point], name) })
	}
	add("seed", 0, func(r store.Run) any { return r.Seed })
	values, head := l.Reached()
	if head != "" {
		add(head, 0, func(r store.Run) any { return values[r.ID].Text })
		add("at epoch", 3, func(r store.Run) any { return values[r.ID].Epoch })
	}
	for _, column := range l.Columns {
		add(column.Text, 0, func(r store.Run) any { return l.Value(r, column.Root).String() })
	}
	add("status", 0, func(r store.Run) any { return r.Status })
	add("epochs", 2, func(r store.Run) any { return r.Epochs })
	add("reason", 7, func(r store.Run) any { return r.Reason })
	return all, nil
}

func axisValue(axes []runner.Setting, name string) string {
	for _, axis := range axes {
		if axis.Path == name {
			return axis.Value.String()
		}
	}
	return orDash("")
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

// expressionsJSON are the values of the columns that are asked for, by their text.
func expressionsJSON(l *question.List, r store.Run) map[string]any {
	if len(l.Columns) == 0 {
		return nil
	}
	values := map[string]any{}
	for _, column := range l.Columns {
		if v := l.Value(r, column.Root); v.IsText {
			values[column.Text] = v.Text
		} else {
			values[column.Text] = report.JSONNumber(v.Interval.Value)
		}
	}
	return values
}
