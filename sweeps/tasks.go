package sweeps

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// ownAxes are the axes that every sweep has.
var ownAxes = slices.DeleteFunc(gridTable.names(""), func(name string) bool { return name == "zip" })

// axisSetting says which values an axis of numbers may have that every sweep has.
func axisSetting(name string) plugins.Setting { return gridTable.find(name, "").Setting }

// maxVariants limits the combinations of axes for which a table is read anew.
const maxVariants = 1000

// A variant is a task under one combination of the values of further axes.
type variant struct {
	task runner.Task
	axes []runner.Setting // by the names of the axes
}

// An alternative is the values that one axis may put in the place of a key of a table.
type alternative struct {
	key    *document.Entry // in [grid]
	values []*document.Node
}

// tasks reads [task], once for every combination of its keys that are axes.
func (d *decoder) tasks(ctx context.Context, root *document.Node) {
	table := root.Find("task")
	if table == nil || table.Value.Kind != document.Table || table.Value.Find("command") != nil {
		d.task(ctx, table)
		d.spec.variants = []variant{{task: d.spec.Task}}
		return
	}
	var axes []alternative
	if grid := root.Find("grid"); grid != nil {
		isPlugin := table.Value.Find("plugin") != nil
		for _, e := range grid.Value.Entries {
			isKey := taskTable.find(e.Name, "") != nil || isPlugin && !slices.Contains([]string{"seed", "seeds"}, e.Name)
			if isKey && gridTable.find(e.Name, "") == nil {
				axes = d.addAlternative(axes, e, table.Value, "[task]")
			}
		}
	}
	for i, a := range axes {
		axes[i].values = thin(d, a.key.Name, a.values)
	}
	for _, a := range axes {
		d.spec.Axes = append(d.spec.Axes, Axis{a.key.Name, shown(a.values)})
	}
	combos, ok := d.combine(axes)
	if !ok {
		combos = combos[:1]
	}
	d.taskTable, d.taskAxes = table, axes
	for i, values := range combos {
		t := d.taskWith(ctx, i == 0, axes, values)
		if i == 0 {
			d.spec.Task = t
		}
		d.spec.variants = append(d.spec.variants, variant{task: t, axes: settingsOf(axes, values)})
	}
	d.sameMetrics(axes)
}

// taskWith reads [task] with values in the place of its keys. Each problem is reported once.
func (d *decoder) taskWith(ctx context.Context, first bool, axes []alternative, values []*document.Node) runner.Task {
	e := &document.Entry{Name: d.taskTable.Name, At: d.taskTable.At, Value: replaced(d.taskTable.Value, axes, values)}
	if first {
		d.task(ctx, e)
		return d.spec.Task
	}
	other := d.fork()
	other.task(ctx, e)
	d.join(other)
	return other.spec.Task
}

// fork is a decoder of the same file that has read nothing yet.
func (d *decoder) fork() *decoder {
	return &decoder{Document: d.Document, catalog: d.catalog, places: d.places, named: d.named, spec: &Spec{File: d.spec.File, Text: d.spec.Text, Seeds: d.spec.Seeds}}
}

// join takes over the problems and warnings of another decoder of the same file, each once.
func (d *decoder) join(other *decoder) {
	for _, p := range other.problems {
		if !slices.Contains(d.problems, p) && len(d.problems) < document.MaxProblems {
			d.problems = append(d.problems, p)
		}
	}
	for _, w := range other.spec.Warnings {
		if !slices.Contains(d.spec.Warnings, w) {
			d.spec.Warnings = append(d.spec.Warnings, w)
		}
	}
	d.unsure = d.unsure || other.unsure
}

// sameMetrics refuses tasks whose trials could not be compared.
func (d *decoder) sameMetrics(axes []alternative) {
	if d.unsure || len(d.problems) > 0 {
		return
	}
	want := d.spec.Task.Reported()
	for _, v := range d.spec.variants {
		if got := v.task.Reported(); !slices.Equal(got, want) {
			d.report(axes[0].key.At, document.Problem{Message: fmt.Sprintf("%s reports %s, but %s reports %s: their trials cannot be compared",
				describeAxes(d.spec.variants[0].axes), document.List(want), describeAxes(v.axes), document.List(got)),
				Help: "give them a sweep each"})
			return
		}
	}
}

// leastEpochs is the number of epochs of the shortest task.
func (s *Spec) leastEpochs() int {
	least := s.Task.Epochs
	for _, v := range s.variants {
		least = min(least, v.task.Epochs)
	}
	return least
}

// describeAxes writes the values of axes for people.
func describeAxes(axes []runner.Setting) string {
	var parts []string
	for _, a := range axes {
		parts = append(parts, a.Path+" "+a.Value.String())
	}
	return strings.Join(parts, ", ")
}

// addAlternative reads the values that an axis gives to a key of a table.
func (d *decoder) addAlternative(axes []alternative, e *document.Entry, table *document.Node, title string) []alternative {
	if table.Find(e.Name) != nil {
		d.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` is an axis, and has one value in %s", document.Clip(e.Name), title), Help: "remove it from " + title})
		return axes
	}
	values := d.valuesOf(e)
	if len(values) == 0 {
		return axes
	}
	return append(axes, alternative{e, values})
}

// valuesOf reads the values of an axis whose values may be of any kind: a list of them, one, or a table that
// generates numbers.
func (d *decoder) valuesOf(e *document.Entry) (values []*document.Node) {
	switch {
	case e.Value.Kind == document.Table && slices.ContainsFunc(e.Value.Entries, func(form *document.Entry) bool { _, ok := generators[form.Name]; return ok }):
		whole := !hasReal(e.Value)
		s := section{decoder: d, title: "[grid]", node: &document.Node{Kind: document.Table}, at: e.At}
		s.node.Add(e.Name, e.At, e.Value)
		for _, x := range s.axis(plugins.RealSetting(e.Name, 0, "")) {
			n := &document.Node{Kind: document.Real, Real: x, At: e.Value.At}
			if whole && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
				n = &document.Node{Kind: document.Integer, Integer: int64(x), At: e.Value.At}
			}
			values = append(values, n)
		}
		return values
	case e.Value.Kind != document.Array:
		return []*document.Node{e.Value}
	case len(e.Value.Items) == 0:
		d.report(e.Value.At, document.Problem{Message: fmt.Sprintf("the axis `%s` is empty", document.Clip(e.Name))})
	case len(e.Value.Items) > maxAxis:
		d.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` has more than %d values", document.Clip(e.Name), maxAxis)})
		return nil
	}
	seen := map[string]bool{}
	for _, n := range e.Value.Items {
		text := show(n)
		if seen[text] {
			d.report(n.At, document.Problem{Message: fmt.Sprintf("the axis `%s` has %s twice", document.Clip(e.Name), document.Clip(text))})
			continue
		}
		seen[text] = true
		values = append(values, n)
	}
	return values
}

// combine makes the combinations of the values of axes, the last fastest; there is one without axes.
func (d *decoder) combine(axes []alternative) (all [][]*document.Node, ok bool) {
	all = [][]*document.Node{nil}
	for _, a := range axes {
		if len(all)*len(a.values) > maxVariants {
			d.report(a.key.At, document.Problem{Message: fmt.Sprintf("with `%s` there are more than %d combinations of axes like it", document.Clip(a.key.Name), maxVariants),
				Help: "split the sweep; lr, lambda, optimizers and seeds can have as many values as they like"})
			return all, false
		}
		var next [][]*document.Node
		for _, before := range all {
			for _, v := range a.values {
				next = append(next, append(slices.Clip(before), v))
			}
		}
		all = next
	}
	return all, true
}

// replaced is a table with values in the place of keys that are axes.
func replaced(table *document.Node, axes []alternative, values []*document.Node) *document.Node {
	n := &document.Node{Kind: document.Table, At: table.At, Origin: table.Origin}
	for _, e := range table.Entries {
		n.Add(e.Name, e.At, e.Value)
	}
	for i, a := range axes[:len(values)] {
		n.Add(a.key.Name, a.key.At, values[i])
	}
	return n
}

// settingsOf are the values of axes, under their names.
func settingsOf(axes []alternative, values []*document.Node) (all []runner.Setting) {
	for i, v := range values {
		all = append(all, runner.Setting{Path: axes[i].key.Name, Value: valueOf(v)})
	}
	return all
}

func shown(nodes []*document.Node) (values []plugins.Value) {
	for _, n := range nodes {
		values = append(values, valueOf(n))
	}
	return values
}

// valueOf is a value of the file as a setting: lists and tables are text.
func valueOf(n *document.Node) plugins.Value {
	switch n.Kind {
	case document.Integer:
		return plugins.Integer(n.Integer)
	case document.Real:
		return plugins.Real(n.Real)
	case document.Flag:
		return plugins.Flag(n.Flag)
	}
	return plugins.Text(show(n))
}

// show writes a value in one line, lists and tables without their brackets.
func show(n *document.Node) string {
	var parts []string
	switch n.Kind {
	case document.Array:
		for _, item := range n.Items {
			parts = append(parts, show(item))
		}
		return strings.Join(parts, ",")
	case document.Table:
		for _, e := range n.Entries {
			parts = append(parts, e.Name+" "+show(e.Value))
		}
		return strings.Join(parts, ", ")
	case document.Text, document.Date:
		return n.Text
	}
	return valueOf(n).String()
}
