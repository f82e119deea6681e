package sweeps

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// ownAxes are the axes that every sweep has.
var ownAxes = []string{"lr", "lambda", "optimizer", "regularizer"}

// maxVariants limits the combinations of axes for which a table is read anew.
const maxVariants = 1000

// A variant is a task under one combination of the values of further axes.
type variant struct {
	task runner.Task
	axes []runner.Setting // by the names of the axes
}

// An alternative is the values that one axis may put in the place of a key of a table.
type alternative struct {
	key    *entry // in [grid]
	values []*node
}

// tasks reads [task], once for every combination of those of its keys that are axes.
func (d *decoder) tasks(ctx context.Context, root *node) {
	table := root.find("task")
	if table == nil || table.value.kind != nodeTable || table.value.find("command") != nil {
		d.task(ctx, table)
		d.spec.variants = []variant{{task: d.spec.Task}}
		return
	}
	var axes []alternative
	if grid := root.find("grid"); grid != nil {
		isPlugin := table.value.find("plugin") != nil
		for _, e := range grid.value.entries {
			isKey := slices.Contains(allTaskKeys, e.name) || isPlugin && !slices.Contains([]string{"zip", "seed", "seeds"}, e.name)
			if isKey && !slices.Contains(ownAxes, e.name) && !slices.Contains(laterTaskKeys, e.name) {
				axes = d.addAlternative(axes, e, table.value, "[task]")
			}
		}
	}
	for i, a := range axes {
		axes[i].values = thin(d, a.key.name, a.values)
	}
	for _, a := range axes {
		d.spec.Axes = append(d.spec.Axes, Axis{a.key.name, shown(a.values)})
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

// taskWith reads [task] with values in the place of its keys. What is wrong with it is reported once.
func (d *decoder) taskWith(ctx context.Context, first bool, axes []alternative, values []*node) runner.Task {
	e := &entry{name: d.taskTable.name, at: d.taskTable.at, value: replaced(d.taskTable.value, axes, values)}
	if first {
		d.task(ctx, e)
		return d.spec.Task
	}
	other := d.fork()
	other.task(ctx, e)
	d.join(other)
	return other.spec.Task
}

// fork is a decoder of the same file with nothing read yet.
func (d *decoder) fork() *decoder {
	return &decoder{document: d.document, catalog: d.catalog, places: d.places, spec: &Spec{Schema: Schema, File: d.spec.File, Text: d.spec.Text, Task: runner.Task{}}}
}

// join takes over what another decoder of the same file has to say, unless it has been said.
func (d *decoder) join(other *decoder) {
	for _, p := range other.problems {
		if !slices.Contains(d.problems, p) && len(d.problems) < maxProblems {
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
	want := reported(d.spec.Task)
	for _, v := range d.spec.variants {
		if got := reported(v.task); !slices.Equal(got, want) {
			d.report(axes[0].key.at, Problem{Message: fmt.Sprintf("%s reports %s, but %s reports %s: their trials cannot be compared",
				describeAxes(d.spec.variants[0].axes), list(want), describeAxes(v.axes), list(got)),
				Help: "give them a sweep each"})
			return
		}
	}
}

// leastEpochs is that of the shortest task.
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
func (d *decoder) addAlternative(axes []alternative, e *entry, table *node, title string) []alternative {
	if table.find(e.name) != nil {
		d.report(e.at, Problem{Message: fmt.Sprintf("`%s` is an axis, and has one value in %s", clip(e.name), title), Help: "remove it from " + title})
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
func (d *decoder) valuesOf(e *entry) (values []*node) {
	switch {
	case e.value.kind == nodeTable && slices.ContainsFunc(e.value.entries, func(form *entry) bool { _, ok := axisForms[form.name]; return ok }):
		whole := !hasReal(e.value)
		s := section{decoder: d, title: "[grid]", node: &node{kind: nodeTable}, at: e.at}
		s.node.add(e.name, e.at, e.value)
		for _, x := range s.axis(plugins.RealSetting(e.name, 0, "")) {
			n := &node{kind: nodeReal, real: x, at: e.value.at}
			if whole && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
				n = &node{kind: nodeInteger, integer: int64(x), at: e.value.at}
			}
			values = append(values, n)
		}
		return values
	case e.value.kind != nodeArray:
		return []*node{e.value}
	case len(e.value.items) == 0:
		d.report(e.value.at, Problem{Message: fmt.Sprintf("the axis `%s` is empty", clip(e.name))})
	case len(e.value.items) > maxAxis:
		d.report(e.at, Problem{Message: fmt.Sprintf("`%s` has more than %d values", clip(e.name), maxAxis)})
		return nil
	}
	seen := map[string]bool{}
	for _, n := range e.value.items {
		text := show(n)
		if seen[text] {
			d.report(n.at, Problem{Message: fmt.Sprintf("the axis `%s` has %s twice", clip(e.name), clip(text))})
			continue
		}
		seen[text] = true
		values = append(values, n)
	}
	return values
}

// combine makes the combinations of the values of axes, the last fastest; there is one without axes.
func (d *decoder) combine(axes []alternative) (all [][]*node, ok bool) {
	all = [][]*node{nil}
	for _, a := range axes {
		if len(all)*len(a.values) > maxVariants {
			d.report(a.key.at, Problem{Message: fmt.Sprintf("with `%s` there are more than %d combinations of axes like it", clip(a.key.name), maxVariants),
				Help: "split the sweep; lr, lambda, optimizers and seeds can have as many values as they like"})
			return all, false
		}
		var next [][]*node
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
func replaced(table *node, axes []alternative, values []*node) *node {
	n := &node{kind: nodeTable, at: table.at, origin: table.origin}
	for _, e := range table.entries {
		n.add(e.name, e.at, e.value)
	}
	for i, a := range axes[:len(values)] {
		n.add(a.key.name, a.key.at, values[i])
	}
	return n
}

// settingsOf are the values of axes, for people and for conditions.
func settingsOf(axes []alternative, values []*node) (all []runner.Setting) {
	for i, v := range values {
		all = append(all, runner.Setting{Path: axes[i].key.name, Value: valueOf(v)})
	}
	return all
}

func shown(nodes []*node) (values []plugins.Value) {
	for _, n := range nodes {
		values = append(values, valueOf(n))
	}
	return values
}

// valueOf is a value of the file as a setting: lists and tables are text.
func valueOf(n *node) plugins.Value {
	switch n.kind {
	case nodeInteger:
		return plugins.Integer(n.integer)
	case nodeReal:
		return plugins.Real(n.real)
	case nodeFlag:
		return plugins.Flag(n.flag)
	}
	return plugins.Text(show(n))
}

// show writes a value in one line, lists and tables without their brackets.
func show(n *node) string {
	var parts []string
	switch n.kind {
	case nodeArray:
		for _, item := range n.items {
			parts = append(parts, show(item))
		}
		return strings.Join(parts, ",")
	case nodeTable:
		for _, e := range n.entries {
			parts = append(parts, e.name+" "+show(e.value))
		}
		return strings.Join(parts, ", ")
	case nodeText, nodeDate:
		return n.text
	}
	return valueOf(n).String()
}
