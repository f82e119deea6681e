package question

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// expressions are the expressions of a comparison, with the values of their names.
type expressions struct {
	kept           []runner.Result // for which --where holds
	baseline       func(*compare.Point) bool
	shown          func(compare.SeedResult) bool // chooses the runs of a table of runs; nil is all
	columns, order []where.Column
	facts          *facts
}

// expressions compiles the expressions of a question and reads the values that they need.
func (c *comparison) expressions(ctx context.Context, q Question, results []runner.Result) (*expressions, error) {
	x := &expressions{kept: results}
	baseline := q.Baseline
	if baseline == "" {
		baseline = c.asked.Baseline
	}
	if q.Where == "" && q.Columns == "" && q.Sort == "" && baseline == "" {
		return x, nil
	}
	schema, err := c.schema(ctx)
	if err != nil {
		return nil, err
	}
	var roots []where.Node
	compiled := func(flag, text string) (*where.Expression, error) {
		if text == "" {
			return nil, nil
		}
		e, err := Condition(flag, text, schema)
		if err == nil {
			roots = append(roots, e.Root)
		}
		return e, err
	}
	listed := func(flag, text string, read func(string, where.Schema) ([]where.Column, error)) ([]where.Column, error) {
		if text == "" {
			return nil, nil
		}
		list, err := read(text, schema)
		for _, column := range list {
			roots = append(roots, column.Root)
		}
		return list, expressionError(flag, text, err)
	}
	filter, err := compiled("--where", q.Where)
	if err != nil {
		return nil, err
	}
	if x.columns, err = listed("--cols", q.Columns, where.Columns); err != nil {
		return nil, err
	}
	if x.order, err = listed("--sort", q.Sort, where.Order); err != nil {
		return nil, err
	}
	schema = ofPoints(schema)
	base, err := compiled("--baseline", baseline)
	if err != nil {
		return nil, err
	}
	var chosenBy []error
	if filter != nil && !q.Runs {
		chosenBy = append(chosenBy, c.chooses("--where", filter.Root))
	}
	if base != nil {
		chosenBy = append(chosenBy, c.chooses("--baseline", base.Root))
	}
	for _, column := range x.order {
		chosenBy = append(chosenBy, c.chooses("--sort", column.Root))
	}
	if err := cmp.Or(chosenBy...); err != nil {
		return nil, err
	}
	if x.facts, err = c.facts(ctx, results, roots); err != nil {
		return nil, err
	}
	if filter != nil && q.Runs {
		x.shown = func(s compare.SeedResult) bool {
			result, ok := x.facts.results[s.Trial]
			return ok && filter.Evaluate(x.facts.ofTrial(result))
		}
	} else if filter != nil {
		x.kept = x.facts.pointsWhere(results, filter)
	}
	if base != nil {
		x.baseline = func(s *compare.Point) bool {
			result, ok := x.facts.results[s.Seeds[0].Trial]
			return ok && base.Evaluate(x.facts.ofPoint(result))
		}
	}
	return x, nil
}

// know adds names of the sweeps' trials.
func (c *comparison) know(names store.Names) {
	if c.known.Settings == nil {
		c.known.Settings = map[string][]plugins.Type{}
	}
	maps.Copy(c.known.Settings, names.Settings)
	for _, metric := range names.Metrics {
		if !slices.Contains(c.known.Metrics, metric) {
			c.known.Metrics = append(c.known.Metrics, metric)
		}
	}
}

// ofPoints leaves out the names that differ between the seeds of a point.
func ofPoints(schema where.Schema) where.Schema {
	names, ambiguous := maps.Clone(schema.Names), maps.Clone(schema.Ambiguous)
	for _, name := range []string{"seed", "run", "trial", "attempt", "status", "reason", "error", "started_at", "ended_at", "sweep"} {
		fact := where.Run.Name(name)
		delete(names, fact)
		means := slices.DeleteFunc(slices.Clone(ambiguous[name]), func(meaning string) bool { return meaning == fact })
		delete(names, name)
		switch len(means) {
		case 0:
		case 1:
			names[name] = names[means[0]]
			delete(ambiguous, name)
		default:
			ambiguous[name] = means
		}
	}
	schema.Names, schema.Ambiguous = names, ambiguous
	schema.Hints = slices.DeleteFunc(slices.Clone(schema.Hints), func(name string) bool { _, ok := names[name]; return !ok })
	return schema
}

// chooses refuses to choose points by test data: data that points are chosen by tests nothing.
func (c *comparison) chooses(flag string, root where.Node) error {
	name := testMetric(root)
	if name == "" || runner.OfTestData(c.sweeps[0].Metric) {
		return nil
	}
	return advice.Usage(fmt.Errorf("%s: %s is of test data, by which nothing is chosen", flag, name),
		advice.Command("compare", "--metric", name)+" shows it for the chosen points; use a val_ metric here")
}

// testMetric is a metric of test data in an expression; empty if there is none.
func testMetric(root where.Node) (found string) {
	where.Walk(root, func(n where.Node) bool {
		if name, ok := n.(*where.Name); ok {
			metric := name.Name
			if call, ok := where.CallOf(metric); ok {
				metric = call.Metric
			}
			if runner.OfTestData(metric) {
				found = metric
			}
		}
		return true
	})
	return found
}

// schema has the names of all the sweeps' trials, with axes named as in the sweep file.
func (c *comparison) schema(ctx context.Context) (where.Schema, error) {
	var all where.Schema
	for _, s := range c.sweeps {
		known, err := c.db.Names(ctx, s.ID)
		if err != nil {
			return all, err
		}
		c.know(known)
		schema := schemaOf(known)
		if all.Names == nil {
			all = schema
			continue
		}
		for name, is := range schema.Names {
			if before, ok := all.Names[name]; ok && before != is {
				is = where.Varied
			}
			all.Names[name] = is
		}
		for name, means := range schema.Ambiguous {
			all.Ambiguous[name] = append(all.Ambiguous[name], slices.DeleteFunc(means, func(m string) bool { return slices.Contains(all.Ambiguous[name], m) })...)
		}
		all.Hints = append(all.Hints, schema.Hints...)
	}
	for _, axes := range c.ask.Axes {
		for _, axis := range axes {
			is, name := where.TypeOf(axis.Value), axis.Path
			if all.Ambiguous[name] != nil {
				name = where.Grid.Name(name)
			}
			if before, ok := all.Names[name]; ok && before != is {
				is = where.Varied
			}
			all.Names[name] = is
		}
	}
	return all, nil
}

// finish adds to a report the columns and the order of rows that expressions ask for.
func (x *expressions) finish(r *compare.Report) {
	r.ShowRun = x.shown
	for _, column := range x.columns {
		cells := x.cells(r, column.Root)
		if testMetric(column.Root) != "" { // for chosen points only
			for i := range cells {
				if _, chosen := r.ArmOf(i); !chosen {
					cells[i] = compare.Value{IsText: true}
				}
			}
		}
		r.Columns = append(r.Columns, compare.Column{Name: column.Text, Cells: cells})
	}
	if len(x.order) == 0 {
		return
	}
	keys := make([][]compare.Value, len(x.order))
	for k, column := range x.order {
		keys[k] = x.cells(r, column.Root)
	}
	r.Order = make([]int, len(r.Points))
	for i := range r.Order {
		r.Order[i] = i
	}
	slices.SortStableFunc(r.Order, func(a, b int) int {
		for k, column := range x.order {
			if order := keys[k][a].Compare(keys[k][b], column.Descending); order != 0 {
				return order
			}
		}
		return 0
	})
}

// cells are the values of an expression for all points of a report.
func (x *expressions) cells(r *compare.Report, root where.Node) []compare.Value {
	cells := make([]compare.Value, len(r.Points))
	for i := range r.Points {
		var numbers []float64
		var texts []string
		for _, seed := range r.Points[i].Seeds {
			result, ok := x.facts.results[seed.Trial]
			if !ok {
				continue
			}
			v, ok := where.Value(root, x.facts.ofTrial(result))
			switch {
			case !ok:
			case where.TypeOf(v) == where.Number:
				numbers = append(numbers, numeric(v))
			case !slices.Contains(texts, v.String()):
				texts = append(texts, v.String())
			}
		}
		cells[i] = compare.Value{Interval: r.Interval(numbers)}
		if len(texts) > 0 {
			cells[i] = compare.Value{Text: strings.Join(texts, ", "), IsText: true}
		}
	}
	return cells
}

// ConditionSchema has the names of conditions that choose points of sweeps, as --where does.
func ConditionSchema(ctx context.Context, db *store.Store, names []string) (where.Schema, error) {
	c := &comparison{db: db}
	for _, name := range names {
		sweep, err := db.FindSweep(ctx, name)
		if err != nil {
			return where.Schema{}, err
		}
		c.sweeps = append(c.sweeps, sweep)
	}
	facts := c.describe(ctx)
	if facts.err != nil {
		return where.Schema{}, facts.err
	}
	c.shared(facts)
	return c.schema(ctx)
}
