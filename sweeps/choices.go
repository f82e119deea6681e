package sweeps

import (
	"context"
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/schedule"
)

// maxChoices limits the tables of a kind.
const maxChoices = 1000

// choices reads the axis `optimizer` or `regularizer` of [grid] and the tables it names. Without
// the axis all tables count; without tables the axis names built-ins; without both it is def.
//
// A table with a grid of its own counts once for each of its combinations.
func (d *decoder) choices(ctx context.Context, root *node, grid section, kind plugins.Kind, def []string) []runner.Choice {
	key, plural := string(kind), string(kind)+"s"
	tables := root.find(plural)
	all := d.section(tables, "["+plural+"]")
	axis := grid.texts(key)
	if max(len(axis), len(all.node.entries)) > maxChoices {
		at := all.at
		if len(axis) > maxChoices {
			at = grid.place(key)
		}
		d.report(at, Problem{Message: fmt.Sprintf("more than %d %s", maxChoices, plural)})
		return nil
	}
	if len(all.node.entries) == 0 {
		if axis == nil && grid.node.find(key) == nil {
			for _, name := range def {
				axis = append(axis, &node{kind: nodeText, text: name, at: grid.at})
			}
		}
		var chosen []runner.Choice
		for _, n := range axis {
			d.places[string(kind)+" "+n.text] = n.at
			if c, ok := d.choice(ctx, kind, &entry{name: n.text, at: n.at, value: &node{kind: nodeTable}}); ok {
				chosen = append(chosen, c)
			}
		}
		return chosen
	}
	var names []string
	for _, e := range all.node.entries {
		names = append(names, e.name)
	}
	wanted := names
	if grid.node.find(key) != nil {
		wanted = nil
		for _, n := range axis {
			wanted = append(wanted, n.text)
			if !slices.Contains(names, n.text) {
				d.report(n.at, Problem{Message: fmt.Sprintf("there is no table [%s.%s]", plural, clip(n.text)), Label: didYouMean(n.text, names),
					Help: fmt.Sprintf("tables: %s; an empty table takes all defaults", list(names))})
			}
		}
	}
	chosen := map[string][]gridded{}
	for _, e := range all.node.entries {
		d.places[string(kind)+" "+e.name] = e.at
		chosen[e.name] = d.gridded(ctx, kind, e)
		if !slices.Contains(wanted, e.name) {
			d.report(e.at, Problem{Message: fmt.Sprintf("the %s `%s` is not used", kind, clip(e.name)),
				Help: fmt.Sprintf("add it to `%s` in [grid], or remove its table", key)})
		}
	}
	var flat []gridded
	for _, name := range wanted {
		flat = append(flat, chosen[name]...)
	}
	inOrder := make([]runner.Choice, len(flat)) // whose addresses stay
	if d.spec.choiceAxes == nil {
		d.spec.choiceAxes = map[*runner.Choice][]runner.Setting{}
	}
	for i, g := range flat {
		inOrder[i] = g.choice
		if g.axes != nil {
			d.spec.choiceAxes[&inOrder[i]] = g.axes
		}
	}
	return inOrder
}

// A gridded choice is one combination of a table's own grid.
type gridded struct {
	choice runner.Choice
	axes   []runner.Setting // the values that tell it from the others
}

// gridded reads a table, once for every combination of its key grid.
func (d *decoder) gridded(ctx context.Context, kind plugins.Kind, e *entry) (all []gridded) {
	grid := e.value.find("grid")
	if e.value.kind != nodeTable || grid == nil {
		if c, ok := d.choice(ctx, kind, e); ok {
			all = append(all, gridded{choice: c})
		}
		return all
	}
	title := fmt.Sprintf("[%ss.%s]", kind, clip(e.name))
	if grid.value.kind != nodeTable || len(grid.value.entries) == 0 {
		d.report(grid.value.at, Problem{Message: fmt.Sprintf("`grid` in %s wants a table of axes", title), Help: "for instance grid = { nesterov = [false, true] }"})
		return nil
	}
	table := &node{kind: nodeTable, at: e.value.at, origin: e.value.origin}
	for _, own := range e.value.entries {
		if own != grid {
			table.add(own.name, own.at, own.value)
		}
	}
	var axes []alternative
	for _, axis := range grid.value.entries {
		axes = d.addAlternative(axes, axis, table, title)
	}
	combos, ok := d.combine(axes)
	if !ok {
		return nil
	}
	for _, values := range combos {
		other := d.fork()
		other.spec.Task = d.spec.Task
		c, ok := other.choice(ctx, kind, &entry{name: e.name, at: e.at, value: replaced(table, axes, values)})
		d.join(other)
		if ok {
			all = append(all, gridded{c, settingsOf(axes, values)})
		}
	}
	return all
}

// choice reads one table of [optimizers] or [regularizers] and looks its component up.
func (d *decoder) choice(ctx context.Context, kind plugins.Kind, e *entry) (runner.Choice, bool) {
	s := d.section(e, fmt.Sprintf("[%ss.%s]", kind, clip(e.name)))
	if e.value.kind != nodeTable {
		return runner.Choice{}, false
	}
	if e.name == "" || !showable(e.name) {
		d.report(e.at, Problem{Message: fmt.Sprintf("the %s needs a name that can be shown", kind)})
		return runner.Choice{}, false
	}
	if d.spec.Task.Command != nil {
		return d.freeChoice(s, e.name)
	}
	own := []string{"plugin", "component", "base"}
	var rates schedule.Schedule
	if kind == plugins.KindOptimizer {
		own = append(own, "schedule")
		rates = s.schedule()
	}
	_, c, ok := d.component(ctx, s, kind, e.name, own, nil)
	c.Label, c.Schedule = e.name, rates
	return c, ok
}

// base reads the optimizer that steps for one that only prepares its gradient: a table of the same
// form, plain sgd by default.
func (d *decoder) base(ctx context.Context, s section, spec plugins.Spec) *runner.Choice {
	e := s.node.find("base")
	if !spec.Has(plugins.FeatureBase) {
		if e != nil {
			s.report(e.at, Problem{Message: fmt.Sprintf("`base` means nothing to %s, which takes its steps itself", spec.Name)})
		}
		return nil
	}
	name, table := "sgd", &node{kind: nodeTable}
	at := s.at
	if e != nil {
		at = e.at
		switch e.value.kind {
		case nodeText:
			name = e.value.text
		case nodeTable:
			table = e.value
		default:
			s.report(e.value.at, Problem{Message: fmt.Sprintf("`base` wants the name of an optimizer or a table with its settings, got %s", e.value.kind),
				Help: `for instance base = { plugin = "adam", beta1 = 0.8 }`})
			return nil
		}
	}
	c, ok := d.choice(ctx, plugins.KindOptimizer, &entry{name: name, at: at, value: table})
	if !ok {
		return nil
	}
	if !c.Schedule.IsConstant() {
		s.report(at, Problem{Message: "the base has no schedule of its own", Help: fmt.Sprintf("write schedule in the table of %s: both step at its rate", spec.Name)})
	}
	if c.Base != nil || c.Has(plugins.FeatureReverse) {
		s.report(at, Problem{Message: fmt.Sprintf("%s cannot be the base of %s: it asks for gradients itself", c.Component, spec.Name)})
		return nil
	}
	return &c
}

// settings reads the component's settings: all keys of the table that are not the table's own.
func (s section) settings(spec plugins.Spec, own, later []string) plugins.Settings {
	var names []string
	for _, setting := range spec.Settings {
		names = append(names, setting.Name)
		if setting.Required && s.node.find(setting.Name) == nil {
			s.missing(setting.Name, fmt.Sprintf("%s: %s", setting.Name, setting.Doc))
		}
	}
	given := plugins.Settings{}
	for _, e := range s.node.entries {
		if slices.Contains(own, e.name) || slices.Contains(later, e.name) {
			continue
		}
		setting, ok := spec.Setting(e.name)
		if !ok {
			p := Problem{Message: fmt.Sprintf("unknown setting `%s` of %s `%s`", clip(e.name), spec.Kind, clip(spec.Name)),
				Label: didYouMean(e.name, append(names, own...)), Help: "settings of " + spec.Name + ": " + list(names)}
			if len(names) == 0 {
				p.Help = spec.Name + " has no settings"
			}
			s.report(e.at, p)
			continue
		}
		if v, ok := s.check(setting, e.name, e.value); ok {
			given[e.name] = v
		}
	}
	return given
}
