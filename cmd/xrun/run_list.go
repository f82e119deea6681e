package main

import (
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// runTable is the columns of a list, without columns that are empty for every run.
func runTable(l *question.List) []report.TableColumn {
	var all []report.TableColumn
	add := func(head string, drop int, of func(r store.Run) any) {
		column := report.TableColumn{Head: head, Drop: drop, Right: true}
		some := false
		for _, r := range l.Runs {
			cell := ""
			switch v := of(r).(type) {
			case nil:
			case int, int64:
				cell = fmt.Sprint(v)
			default:
				cell, column.Right = fmt.Sprint(v), false
			}
			some = some || cell != ""
			column.Cells = append(column.Cells, cell)
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
	return all
}

func axisValue(axes []runner.Setting, name string) string {
	for _, axis := range axes {
		if axis.Path == name {
			return axis.Value.String()
		}
	}
	return orDash("")
}

// expressionsJSON are the values of expressions by their text.
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
