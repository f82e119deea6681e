package showing

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// RunJSON is a run in JSON, with the fields of the view runs.
type RunJSON struct {
	RunID       int64             `json:"run_id"`
	TrialKey    runner.Key        `json:"trial_key"`
	Sweep       string            `json:"sweep"`
	Optimizer   string            `json:"optimizer"`
	Regularizer string            `json:"regularizer"`
	LR          float64           `json:"lr"`
	Lambda      float64           `json:"lambda"`
	Seed        int64             `json:"seed"`
	Attempt     int               `json:"attempt"`
	Status      string            `json:"status"`
	Reason      string            `json:"reason"`
	Error       string            `json:"error"`
	Epochs      int               `json:"epochs"`
	Metric      string            `json:"metric"`
	Value       report.JSONNumber `json:"value"`      // of metric at kept_epoch
	KeptEpoch   *int              `json:"kept_epoch"` // null if no epoch is kept
	BestEpoch   *int              `json:"best_epoch"` // the earlier name of kept_epoch
	Steps       int64             `json:"steps"`
	StartedAt   time.Time         `json:"started_at"`
	EndedAt     *time.Time        `json:"ended_at"`
	Wall        float64           `json:"wall_seconds"`

	Columns map[string]any `json:"columns,omitempty"` // that were asked for
}

func JSONOf(r store.Run) RunJSON {
	out := RunJSON{RunID: r.ID, TrialKey: r.Trial, Sweep: r.Sweep, Optimizer: r.Optimizer, Regularizer: r.Regularizer, LR: r.LR, Lambda: r.Lambda,
		Seed: r.Seed, Attempt: r.Attempt, Status: string(r.Status), Reason: r.Reason, Error: r.Error, Epochs: r.Epochs, Metric: r.Metric, Value: report.JSONNumber(math.NaN()),
		Steps: r.Cost.Steps, StartedAt: r.StartedAt, Wall: r.Cost.Wall.Seconds()}
	if !r.EndedAt.IsZero() {
		out.EndedAt = &r.EndedAt
	}
	if r.Keeps {
		out.Value, out.KeptEpoch, out.BestEpoch = report.JSONNumber(r.Kept.Value), &r.Kept.Epoch, &r.Kept.Epoch
	}
	return out
}

// Table is the columns of a list, without columns that are empty for every run.
func Table(l *question.List) []report.TableColumn {
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
	add("sweep", sweepDrop, func(r store.Run) any { return r.SweepTitle })
	add("optimizer", 0, func(r store.Run) any { return r.Optimizer })
	if !plain {
		add("lr", 0, func(r store.Run) any { return Rate(r.LR) })
		add("regularizer", 1, func(r store.Run) any { return OrDash(r.Regularizer) })
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
	return OrDash("")
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

// RunsJSON are the runs of a list, with the values of its expressions.
func RunsJSON(l *question.List) []RunJSON {
	list := make([]RunJSON, len(l.Runs))
	for i, r := range l.Runs {
		list[i] = JSONOf(r)
		list[i].Columns = expressionsJSON(l, r)
	}
	return list
}

// Rate is a learning rate in a table.
func Rate(lr float64) string {
	if lr == 0 {
		return OrDash("")
	}
	return stats.Number(lr)
}

// OrDash is a cell that may be empty.
func OrDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
