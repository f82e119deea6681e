package sweeps

import (
	"context"
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// varied are the settings that a table's own grid gives to one of its choices.
type varied []runner.Setting

// choiceVariants reads one table of [optimizers] or [regularizers] once for each combination of the
// values in its `grid`, the last key fastest.
func (d *decoder) choiceVariants(ctx context.Context, kind plugins.Kind, e *entry) (choices []runner.Choice, axes []varied) {
	grid := e.value.find("grid")
	if grid == nil {
		if c, ok := d.choice(ctx, kind, e); ok {
			return []runner.Choice{c}, []varied{nil}
		}
		return nil, nil
	}
	title := fmt.Sprintf("`grid` of [%ss.%s]", kind, clip(e.name))
	leaves := d.leaves(d.section(grid, title).node, nil)
	if len(leaves) == 0 && grid.value.kind == nodeTable {
		d.report(grid.at, Problem{Message: title + " is empty", Help: "for instance grid = { nesterov = [false, true] }"})
	}
	total := 1
	for _, leaf := range leaves {
		if leaf.of(e.value) {
			d.report(leaf.at, Problem{Message: fmt.Sprintf("`%s` is an axis here and has a value in [%ss.%s]", leaf.name(), kind, clip(e.name)), Help: "one of them is enough"})
		}
		if total *= len(leaf.nodes); total > maxChoices {
			d.report(grid.at, Problem{Message: fmt.Sprintf("%s makes more than %d %ss", title, maxChoices, kind)})
			return nil, nil
		}
	}
	problems, warnings := len(d.problems), len(d.spec.Warnings)
	for n := range total {
		table := without(e.value, "grid")
		row := make(varied, len(leaves))
		for i := len(leaves) - 1; i >= 0; i-- {
			leaf := leaves[i]
			at := n % len(leaf.nodes)
			n /= len(leaf.nodes)
			table = with(table, leaf.path, leaf.at, leaf.nodes[at])
			row[i] = runner.Setting{Path: string(kind) + "." + leaf.name(), Value: leaf.values[at]}
		}
		if c, ok := d.choice(ctx, kind, &entry{name: e.name, at: e.at, value: table}); ok {
			choices, axes = append(choices, c), append(axes, row)
		}
	}
	d.problems, d.spec.Warnings = d.problems.once(problems), d.spec.Warnings.once(warnings)
	return choices, axes
}

// A leaf is an axis in the grid of a table, under its path in the table.
type leaf struct {
	path   []string
	at     span
	nodes  []*node
	values []plugins.Value
}

func (l leaf) name() (name string) {
	for i, part := range l.path {
		if i > 0 {
			name += "."
		}
		name += part
	}
	return name
}

// of reports whether a table gives the leaf a value already.
func (l leaf) of(n *node) bool {
	for _, part := range l.path {
		if n.kind != nodeTable || n.find(part) == nil {
			return false
		}
		n = n.find(part).value
	}
	return true
}

// leaves lists the axes of a table's grid: lists, and tables that generate values. Other tables hold
// axes themselves, such as those of the schedule.
func (d *decoder) leaves(n *node, path []string) (all []leaf) {
	for _, e := range n.entries {
		below := append(slices.Clip(path), e.name)
		generates := slices.ContainsFunc(e.value.entries, func(e *entry) bool { _, ok := axisForms[e.name]; return ok })
		if e.value.kind == nodeTable && !generates {
			all = append(all, d.leaves(e.value, below)...)
			continue
		}
		if nodes, values := d.axisNodes(e); len(nodes) > 0 {
			all = append(all, leaf{below, e.at, nodes, values})
		}
	}
	return all
}

// without is a table without one of its keys.
func without(n *node, name string) *node {
	table := &node{kind: nodeTable, at: n.at, origin: n.origin}
	for _, e := range n.entries {
		if e.name != name {
			table.add(e.name, e.at, e.value)
		}
	}
	return table
}

// with is a table in which a path has another value.
func with(n *node, path []string, at span, value *node) *node {
	table := without(n, path[0])
	if len(path) > 1 {
		inner := &node{kind: nodeTable, at: at}
		if e := n.find(path[0]); e != nil && e.value.kind == nodeTable {
			inner = e.value
		}
		value = with(inner, path[1:], at, value)
	}
	table.add(path[0], at, value)
	return table
}
