package sweeps

import (
	"context"
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// maxChoices limits the tables of a kind.
const maxChoices = 1000

// choices reads the axis `optimizer` or `regularizer` of [grid] and the tables it names. Without the axis all
// tables count; without tables the axis names built-in components; without both, def names them.
//
// A table with a grid of its own counts once for each of its combinations.
func (d *decoder) choices(ctx context.Context, root *document.Node, grid section, kind plugins.Kind, def []string) []runner.Choice {
	key, plural := string(kind), string(kind)+"s"
	tables := root.Find(plural)
	all := d.section(tables, "["+plural+"]")
	axis := grid.texts(key)
	if max(len(axis), len(all.node.Entries)) > maxChoices {
		at := all.at
		if len(axis) > maxChoices {
			at = grid.place(key)
		}
		d.report(at, document.Problem{Message: fmt.Sprintf("more than %d %s", maxChoices, plural)})
		return nil
	}
	if len(all.node.Entries) == 0 {
		if axis == nil && grid.node.Find(key) == nil {
			for _, name := range def {
				axis = append(axis, &document.Node{Kind: document.Text, Text: name, At: grid.at})
			}
		}
		var chosen []runner.Choice
		for _, n := range axis {
			d.places[string(kind)+" "+n.Text] = n.At
			if c, ok := d.choice(ctx, kind, &document.Entry{Name: n.Text, At: n.At, Value: &document.Node{Kind: document.Table}}); ok {
				chosen = append(chosen, c)
			}
		}
		return chosen
	}
	var names []string
	for _, e := range all.node.Entries {
		names = append(names, e.Name)
	}
	wanted := names
	if grid.node.Find(key) != nil {
		wanted = nil
		for _, n := range axis {
			wanted = append(wanted, n.Text)
			if !slices.Contains(names, n.Text) {
				d.report(n.At, document.Problem{Message: fmt.Sprintf("there is no table [%s.%s]", plural, document.Clip(n.Text)), Label: document.DidYouMean(n.Text, names),
					Help: fmt.Sprintf("tables: %s; an empty table takes all defaults", document.List(names))})
			}
		}
	}
	chosen := map[string][]gridded{}
	for _, e := range all.node.Entries {
		d.places[string(kind)+" "+e.Name] = e.At
		chosen[e.Name] = d.gridded(ctx, kind, e)
		if !slices.Contains(wanted, e.Name) {
			d.report(e.At, document.Problem{Message: fmt.Sprintf("the %s `%s` is not used", kind, document.Clip(e.Name)),
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
func (d *decoder) gridded(ctx context.Context, kind plugins.Kind, e *document.Entry) (all []gridded) {
	grid := e.Value.Find("grid")
	if e.Value.Kind != document.Table || grid == nil {
		if c, ok := d.choice(ctx, kind, e); ok {
			all = append(all, gridded{choice: c})
		}
		return all
	}
	title := fmt.Sprintf("[%ss.%s]", kind, document.Clip(e.Name))
	if grid.Value.Kind != document.Table || len(grid.Value.Entries) == 0 {
		d.report(grid.Value.At, document.Problem{Message: fmt.Sprintf("`grid` in %s wants a table of axes", title), Help: "for instance grid = { nesterov = [false, true] }"})
		return nil
	}
	table := &document.Node{Kind: document.Table, At: e.Value.At, Origin: e.Value.Origin}
	for _, own := range e.Value.Entries {
		if own != grid {
			table.Add(own.Name, own.At, own.Value)
		}
	}
	var axes []alternative
	for _, axis := range grid.Value.Entries {
		axes = d.addAlternative(axes, axis, table, title)
	}
	combos, ok := d.combine(axes)
	if !ok {
		return nil
	}
	for _, values := range combos {
		other := d.fork()
		other.spec.Task = d.spec.Task
		c, ok := other.choice(ctx, kind, &document.Entry{Name: e.Name, At: e.At, Value: replaced(table, axes, values)})
		d.join(other)
		if ok {
			own := settingsOf(axes, values)
			for i := range own {
				if v, ok := c.Settings[own[i].Path]; ok {
					own[i].Value = v // as it is stored, under the present name of a choice
				}
				own[i].Path = runner.AxisPath(string(kind), own[i].Path)
			}
			all = append(all, gridded{c, own})
		}
	}
	return all
}

// choice reads one table of [optimizers] or [regularizers] and looks its component up.
func (d *decoder) choice(ctx context.Context, kind plugins.Kind, e *document.Entry) (runner.Choice, bool) {
	s := d.section(e, fmt.Sprintf("[%ss.%s]", kind, document.Clip(e.Name))).of(tableOf(kind))
	if e.Value.Kind != document.Table {
		return runner.Choice{}, false
	}
	if e.Name == "" || !document.Showable(e.Name) {
		d.report(e.At, document.Problem{Message: fmt.Sprintf("the %s needs a name that can be shown", kind)})
		return runner.Choice{}, false
	}
	if d.spec.Task.Command != nil {
		return d.freeChoice(s, e.Name)
	}
	var rates schedule.Schedule
	if kind == plugins.KindOptimizer {
		rates = s.schedule()
	}
	_, c, ok := d.component(ctx, s, kind, e.Name)
	c.Label, c.Schedule = e.Name, rates
	return c, ok
}

// base reads the optimizer that steps for one that only prepares its gradient: a table of the same
// form, plain sgd by default.
func (d *decoder) base(ctx context.Context, s section, spec plugins.Spec) *runner.Choice {
	e := s.node.Find("base")
	if !spec.Has(plugins.FeatureBase) {
		if e != nil {
			s.report(e.At, document.Problem{Message: fmt.Sprintf("`base` means nothing to %s, which takes its steps itself", spec.Name)})
		}
		return nil
	}
	name, table := "sgd", &document.Node{Kind: document.Table}
	at := s.at
	if e != nil {
		at = e.At
		switch e.Value.Kind {
		case document.Text:
			name = e.Value.Text
		case document.Table:
			table = e.Value
		default:
			s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`base` wants the name of an optimizer or a table with its settings, got %s", e.Value.Kind),
				Help: `for instance base = { plugin = "adam", beta1 = 0.8 }`})
			return nil
		}
	}
	c, ok := d.choice(ctx, plugins.KindOptimizer, &document.Entry{Name: name, At: at, Value: table})
	if !ok {
		return nil
	}
	if !c.Schedule.IsConstant() {
		s.report(at, document.Problem{Message: "the base has no schedule of its own", Help: fmt.Sprintf("write schedule in the table of %s: both step at its rate", spec.Name)})
	}
	if c.Base != nil || c.Has(plugins.FeatureReverse) {
		s.report(at, document.Problem{Message: fmt.Sprintf("%s cannot be the base of %s: it asks for gradients itself", c.Component, spec.Name)})
		return nil
	}
	return &c
}

// tableOf declares the keys of a table of a kind of component.
func tableOf(kind plugins.Kind) *table {
	if kind == plugins.KindRegularizer {
		return regularizerTable
	}
	return optimizerTable
}

// settings reads the component's settings: all keys of the file's table that are not declared.
func (s section) settings(spec plugins.Spec) plugins.Settings {
	var names []string
	for _, setting := range spec.Settings {
		names = append(names, setting.Name)
		if setting.Required && s.node.Find(setting.Name) == nil {
			s.missing(setting.Name, fmt.Sprintf("%s: %s", setting.Name, setting.Doc))
		}
	}
	given := plugins.Settings{}
	for _, e := range s.node.Entries {
		if s.table.find(e.Name, "") != nil {
			continue
		}
		setting, ok := spec.Setting(e.Name)
		if !ok {
			p := document.Problem{Message: fmt.Sprintf("unknown setting `%s` of %s `%s`", document.Clip(e.Name), spec.Kind, document.Clip(spec.Name)),
				Label: document.DidYouMean(e.Name, append(names, s.table.names("")...)), Help: "settings of " + spec.Name + ": " + document.List(names)}
			if len(names) == 0 {
				p.Help = spec.Name + " has no settings"
			}
			s.report(e.At, p)
			continue
		}
		if v, ok := s.check(setting, e.Name, e.Value); ok {
			given[e.Name] = v
		}
	}
	return given
}
