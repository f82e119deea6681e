package question

import (
	"context"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// A List holds runs and facts about them while they are listed.
type List struct {
	db      *store.Store
	Sweep   store.SweepInfo // of all runs; its ID is 0 if there are several
	Runs    []store.Run
	Sweeps  map[int64]store.SweepInfo // of the runs, without deleted ones
	Axes    map[runner.Key][]runner.Setting
	Columns []where.Column
	order   []where.Column
	facts   *facts
}

// NewList is an empty list of the runs of a database.
func NewList(db *store.Store) *List { return &List{db: db} }

// Describe reads what a listing shows beside the runs: the axes if all are of one sweep, and the values of
// expressions.
func (l *List) Describe(ctx context.Context, named bool, columns, order string) error {
	l.Sweeps = map[int64]store.SweepInfo{}
	for _, r := range l.Runs {
		if _, known := l.Sweeps[r.SweepID]; known || r.SweepID == 0 {
			continue
		}
		sweep, err := l.db.Sweep(ctx, r.SweepID)
		if err == nil && sweep.ID == r.SweepID {
			l.Sweeps[sweep.ID] = sweep
		} else if err != nil && !Missing(err) {
			return err
		}
	}
	c := &comparison{db: l.db}
	for _, sweep := range l.Sweeps {
		c.sweeps = append(c.sweeps, sweep)
	}
	if only := l.Runs[0].SweepID; !slices.ContainsFunc(l.Runs, func(r store.Run) bool { return r.SweepID != only }) {
		l.Sweep = l.Sweeps[only]
	}
	if l.Sweep.ID != 0 {
		c.sweeps = []store.SweepInfo{l.Sweep}
		described := c.describe(ctx)
		if described.err != nil {
			return described.err
		}
		l.Axes, c.ask.Names = described.axes, described.names
	}
	if columns == "" && order == "" || len(c.sweeps) == 0 {
		return nil
	}
	c.ask.Axes = l.Axes
	var schema where.Schema
	var err error
	if named && l.Sweep.ID != 0 {
		schema, err = c.schema(ctx)
	} else if c.known, err = l.db.Names(ctx, 0); err == nil {
		schema = schemaOf(c.known) // so that an expression means the same for any list
	}
	if err != nil {
		return err
	}
	if columns != "" {
		if l.Columns, err = where.Columns(columns, schema); err != nil {
			return expressionError("--cols", columns, err)
		}
	}
	if order != "" {
		if l.order, err = where.Order(order, schema); err != nil {
			return expressionError("--sort", order, err)
		}
	}
	var roots []where.Node
	for _, column := range slices.Concat(l.Columns, l.order) {
		roots = append(roots, column.Root)
	}
	if l.facts, err = c.facts(ctx, nil, roots); err != nil {
		return err
	}
	l.facts.runs = make(map[int64]store.Run, len(l.Runs))
	for _, r := range l.Runs {
		l.facts.runs[r.ID] = r
	}
	l.sort()
	return nil
}

// Value is the value of an expression for a run.
func (l *List) Value(r store.Run, root where.Node) compare.Value {
	f := *l.facts
	v, ok := where.Value(root, f.ofTrial(&runner.Result{Trial: r.Trial, Point: r.Point, Optimizer: r.Optimizer, Regularizer: r.Regularizer, LR: r.LR, Lambda: r.Lambda,
		Seed: r.Seed, RunID: r.ID, Status: r.Status, Reason: r.Reason, Epochs: r.Epochs, Keeps: r.Keeps, Kept: r.Kept, Wall: r.Cost.Wall}))
	switch {
	case !ok:
		return compare.Value{Interval: single(math.NaN())}
	case where.TypeOf(v) != where.Number:
		return compare.Value{Text: v.String(), IsText: true}
	}
	return compare.Value{Interval: single(numeric(v))}
}

// single is a value without an interval.
func single(v float64) stats.Interval {
	return stats.Interval{Value: v, Low: math.NaN(), High: math.NaN()}
}

// sort sorts the runs by the expressions of --sort.
func (l *List) sort() {
	if len(l.order) == 0 {
		return
	}
	keys := make(map[int64][]compare.Value, len(l.Runs))
	for _, r := range l.Runs {
		for _, column := range l.order {
			keys[r.ID] = append(keys[r.ID], l.Value(r, column.Root))
		}
	}
	slices.SortStableFunc(l.Runs, func(a, b store.Run) int {
		for k, column := range l.order {
			if order := keys[a.ID][k].Compare(keys[b.ID][k], column.Descending); order != 0 {
				return order
			}
		}
		return 0
	})
}

// AxisNames are the names of the further axes that the runs have, sorted.
func (l *List) AxisNames() (names []string) {
	for _, r := range l.Runs {
		for _, axis := range l.Axes[r.Point] {
			if !slices.Contains(names, axis.Path) {
				names = append(names, axis.Path)
			}
		}
	}
	slices.Sort(names)
	return names
}

// An Attained is the value of a run and its epoch.
type Attained struct {
	Text  string
	Epoch any // nil if there is none
}

// Reached are the values of the runs with the heading of their column; none if their sweeps have different metrics.
func (l *List) Reached() (map[int64]Attained, string) {
	var first store.SweepInfo
	for _, sweep := range l.Sweeps {
		if first.ID != 0 && (sweep.Metric != first.Metric || sweep.Goal != first.Goal || sweep.At != first.At) {
			return nil, ""
		}
		first = sweep
	}
	if first.ID == 0 {
		return nil, ""
	}
	head := first.Metric + " ↓"
	if first.Goal == string(stop.Max) {
		head = first.Metric + " ↑"
	}
	values := map[int64]Attained{}
	for _, r := range l.Runs {
		if r.Keeps {
			values[r.ID] = Attained{stats.Uncertain(single(r.Kept.Value)), r.Kept.Epoch}
		}
	}
	return values, head
}

// LabelOf is the label of a run's point, with the further axes of its sweep.
func LabelOf(ctx context.Context, db *store.Store, r store.Run) (compare.Label, error) {
	label := compare.Label{Optimizer: r.Optimizer, Regularizer: r.Regularizer, LR: r.LR, Lambda: r.Lambda,
		NoLambda: r.LR == 0 && r.Lambda == 0 && r.Regularizer == ""}
	varying, _, err := db.Varying(ctx, r.SweepID)
	if err != nil {
		return label, err
	}
	axes, err := db.Axes(ctx, varying, r.SweepID)
	shown, _ := runner.ShowAxes(axes)
	label.Axes = shown[r.Point]
	return label, err
}
