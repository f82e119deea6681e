package sweeps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// maxVariants limits the tasks of a sweep, each of which is read and validated by itself.
const maxVariants = 10_000

// taskAxes are the axes of [grid] that are keys of [task].
type taskAxes struct {
	names  []string
	values [][]*node // of each axis
	table  *entry    // [task] itself
}

// taskVariants reads the keys of [task] that are axes of [grid], and the task once for each
// combination of their values: each variant is validated as if it stood in [task].
func (d *decoder) taskVariants(ctx context.Context, root *node) {
	e := root.find("task")
	axes := d.axesOfTask(root, e)
	if axes == nil {
		d.task(ctx, e)
		d.spec.Tasks = []runner.Task{d.spec.Task}
		return
	}
	d.tasks = axes
	rows, n := d.rows(axes.names)
	if n > maxVariants {
		d.report(root.find("grid").at, Problem{Message: fmt.Sprintf("the axes of [task] make %d tasks or more, and %d are the most", n, maxVariants),
			Help: "fewer values, or zip = [[…]], which moves axes together"})
		rows = [][]int{make([]int, len(axes.names))} // so that the rest can be looked at
	}
	d.spec.variants = map[string]int{}
	for _, row := range rows {
		d.spec.variants[fmt.Sprint(row)] = len(d.spec.Tasks)
		values := map[string]*node{}
		for i, name := range axes.names {
			values[name] = axes.values[i][row[i]]
		}
		d.spec.Tasks = append(d.spec.Tasks, d.variant(ctx, values))
	}
	d.spec.Task = d.spec.Tasks[0]
}

// axesOfTask finds the axes that are keys of [task]; nil without any.
func (d *decoder) axesOfTask(root *node, task *entry) *taskAxes {
	grid := root.find("grid")
	if grid == nil || grid.value.kind != nodeTable || task == nil || task.value.kind != nodeTable || task.value.find("command") != nil {
		return nil
	}
	plugin := task.value.find("plugin") != nil
	axes := &taskAxes{table: task}
	for _, e := range grid.value.entries {
		own := slices.Contains(gridKeys, e.name) || e.name == "seed" || e.name == "seeds"
		if own || !plugin && !slices.Contains(allTaskKeys, e.name) {
			continue
		}
		if twice := task.value.find(e.name); twice != nil {
			d.report(e.at, Problem{Message: fmt.Sprintf("`%s` is an axis here and has a value in [task]", clip(e.name)), Help: "one of them is enough"})
		}
		nodes, values := d.axisNodes(e)
		if len(nodes) == 0 {
			continue
		}
		axes.names, axes.values = append(axes.names, e.name), append(axes.values, nodes)
		d.spec.Axes = append(d.spec.Axes, Axis{Name: e.name, Values: values, ofTask: true})
	}
	if len(axes.names) == 0 {
		return nil
	}
	return axes
}

// variant reads the task with some of its keys replaced. What other models need is left out.
func (d *decoder) variant(ctx context.Context, values map[string]*node) runner.Task {
	given := d.tasks.table.value
	table := &node{kind: nodeTable, at: given.at}
	model := given.find("model")
	if n := values["model"]; n != nil {
		model = &entry{name: "model", value: n}
	}
	useless := func(key string) bool {
		if values["model"] == nil || model.value.kind != nodeText || !slices.Contains(models, model.value.text) || slices.Contains(keysOfModel(model.value.text), key) {
			return false
		}
		i := slices.Index(d.tasks.names, "model")
		return slices.ContainsFunc(d.tasks.values[i], func(n *node) bool { return slices.Contains(keysOfModel(n.text), key) })
	}
	for _, e := range given.entries {
		if values[e.name] == nil && !useless(e.name) {
			table.add(e.name, e.at, e.value)
		}
	}
	for _, name := range d.tasks.names {
		if n := values[name]; n != nil && !useless(name) {
			table.add(name, n.at, n)
		}
	}
	problems, warnings := len(d.problems), len(d.spec.Warnings)
	d.spec.Task = runner.Task{}
	d.task(ctx, &entry{name: "task", at: d.tasks.table.at, value: table})
	d.problems, d.spec.Warnings = d.problems.once(problems), d.spec.Warnings.once(warnings)
	return d.spec.Task
}

// once drops those from an index on that have been noted before: what is read several times has
// the same problem several times.
func (p Problems) once(from int) Problems {
	kept := p[:from]
	for _, problem := range p[from:] {
		if !slices.Contains(kept, problem) {
			kept = append(kept, problem)
		}
	}
	return kept
}

// dataset looks up a data set, each once.
func (d *decoder) dataset(ctx context.Context, of Source) (Dataset, error) {
	if found, ok := d.datasets[of]; ok {
		return found, nil
	}
	found, err := d.catalog.Dataset(ctx, of)
	if err == nil {
		if d.datasets == nil {
			d.datasets = map[Source]Dataset{}
		}
		d.datasets[of] = found
	}
	return found, err
}

// axisNodes reads an axis whose values are for something else to understand: the nodes, and what
// they are called.
func (d *decoder) axisNodes(e *entry) (nodes []*node, values []plugins.Value) {
	switch e.value.kind {
	case nodeTable:
		for _, v := range (section{decoder: d}).generated(e) {
			n := &node{kind: nodeReal, at: e.value.at, real: v.Real}
			if v.Type == plugins.TypeInteger {
				n.kind, n.integer = nodeInteger, v.Integer
			}
			nodes = append(nodes, n)
		}
	case nodeArray:
		nodes = e.value.items
		if len(nodes) == 0 {
			d.report(e.value.at, Problem{Message: fmt.Sprintf("the axis `%s` is empty", clip(e.name))})
		}
	default:
		nodes = []*node{e.value}
	}
	if len(nodes) > maxAxis {
		d.report(e.at, Problem{Message: fmt.Sprintf("`%s` has more than %d values", clip(e.name), maxAxis)})
		return nil, nil
	}
	seen := map[plugins.Value]bool{}
	var distinct []*node
	for _, n := range nodes {
		v := nameOfNode(n)
		if seen[v] {
			d.report(n.at, Problem{Message: fmt.Sprintf("the axis `%s` has %s twice", clip(e.name), v)})
			continue
		}
		seen[v] = true
		distinct, values = append(distinct, n), append(values, v)
	}
	return distinct, values
}

// nameOfNode is what people are shown of a value: a scalar itself, "64,32" for a list, "folds 5"
// for a table.
func nameOfNode(n *node) plugins.Value {
	switch n.kind {
	case nodeInteger:
		return plugins.Integer(n.integer)
	case nodeReal:
		return plugins.Real(n.real)
	case nodeFlag:
		return plugins.Flag(n.flag)
	case nodeText:
		return plugins.Text(n.text)
	}
	var parts []string
	for _, item := range n.items {
		parts = append(parts, nameOfNode(item).String())
	}
	for _, e := range n.entries {
		parts = append(parts, e.name+" "+nameOfNode(e.value).String())
	}
	return plugins.Text(strings.Join(parts, ","))
}
