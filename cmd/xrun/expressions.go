package main

import (
	"context"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// expressions are those of a comparison, and what their names stand for.
type expressions struct {
	kept           []store.Result // for which the condition of --where holds
	baseline       func(*report.Setting) bool
	columns, order []where.Column
	facts          *facts
}

// expressions compiles what is asked and reads what it needs.
func (c *comparison) expressions(ctx context.Context, q question, results []store.Result) (*expressions, error) {
	x := &expressions{kept: results}
	baseline := q.baseline
	if baseline == "" {
		baseline = c.asked.Baseline
	}
	if q.where == "" && q.columns == "" && q.sort == "" && baseline == "" && len(c.asked.Checks) == 0 {
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
		e, err := condition(flag, text, schema)
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
	filter, err := compiled("--where", q.where)
	if err != nil {
		return nil, err
	}
	base, err := compiled("--baseline", baseline)
	if err != nil {
		return nil, err
	}
	if x.columns, err = listed("--cols", q.columns, where.Columns); err != nil {
		return nil, err
	}
	if x.order, err = listed("--sort", q.sort, where.Order); err != nil {
		return nil, err
	}
	if x.facts, err = c.facts(ctx, results, roots); err != nil {
		return nil, err
	}
	if filter != nil {
		x.kept = nil
		for i := range results {
			if filter.Evaluate(x.facts.ofSetting(&results[i])) {
				x.kept = append(x.kept, results[i])
			}
		}
	}
	if base != nil {
		x.baseline = func(s *report.Setting) bool {
			result, ok := x.facts.results[s.Seeds[0].Trial]
			return ok && base.Evaluate(x.facts.ofSetting(result))
		}
	}
	return x, nil
}

// schema has the names of all the sweeps' trials, axes as in the sweep file among them.
func (c *comparison) schema(ctx context.Context) (where.Schema, error) {
	var all where.Schema
	for _, s := range c.sweeps {
		schema, err := storeSchema(ctx, c.db, s.ID)
		if err != nil {
			return all, err
		}
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
		all.Hints = append(all.Hints, schema.Hints...)
	}
	for _, axes := range c.ask.Axes {
		for _, axis := range axes {
			is := where.TypeOf(axis.Value)
			if before, ok := all.Names[axis.Path]; ok && before != is {
				is = where.Varied
			}
			all.Names[axis.Path] = is
		}
	}
	return all, nil
}

// finish adds to a report what expressions ask for: columns, and an order of rows.
func (x *expressions) finish(r *report.Report) {
	for _, column := range x.columns {
		r.Columns = append(r.Columns, report.Column{Name: column.Text, Cells: x.cells(r, column.Root)})
	}
	if len(x.order) == 0 {
		return
	}
	keys := make([][]report.Value, len(x.order))
	for k, column := range x.order {
		keys[k] = x.cells(r, column.Root)
	}
	r.Order = make([]int, len(r.Settings))
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

// cells are the values of an expression for all settings of a report.
func (x *expressions) cells(r *report.Report, root where.Node) []report.Value {
	cells := make([]report.Value, len(r.Settings))
	for i := range r.Settings {
		var numbers []float64
		var texts []string
		for _, seed := range r.Settings[i].Seeds {
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
		cells[i] = report.Value{Interval: r.Interval(numbers)}
		if len(texts) > 0 {
			cells[i] = report.Value{Text: strings.Join(texts, ", "), IsText: true}
		}
	}
	return cells
}
