package sweeps

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// An Axis is an axis beyond those that every sweep has: a key of [task], or one of a command.
type Axis struct {
	Name   string
	Values []plugins.Value // distinct; lists and tables as text
}

// axisName is what the name of a further axis looks like.
var axisName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// commandGrid reads the [grid] of a command: no axis has to be there, and any name can be one.
func (d *decoder) commandGrid(ctx context.Context, root *document.Node) {
	s := d.open(root.Find("grid"), gridTable)
	for _, e := range s.node.Entries {
		switch {
		case s.table.find(e.Name, "") != nil:
		case e.Name == "seed" || e.Name == "seeds":
			s.report(e.At, document.Problem{Message: "seeds are not an axis", Help: "write seeds = 5 at the top of the file"})
		case e.Name == "epochs" || !axisName.MatchString(e.Name):
			s.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` cannot be the name of an axis", document.Clip(e.Name))})
		default:
			d.spec.Axes = append(d.spec.Axes, Axis{e.Name, s.free(e)})
		}
	}
	d.spec.LR, d.spec.Lambda = []float64{0}, []float64{0}
	if s.node.Find("lr") != nil {
		d.spec.LR = s.axis(axisSetting("lr"))
	}
	if s.node.Find("lambda") != nil {
		d.spec.Lambda = s.axis(axisSetting("lambda"))
	}
	before := len(d.problems)
	d.spec.Optimizers = d.choices(ctx, root, s, plugins.KindOptimizer, nil)
	if len(d.spec.Optimizers) == 0 {
		d.spec.Optimizers = []runner.Choice{{Label: d.spec.Task.Command.Name}}
	}
	d.spec.Regularizers = d.choices(ctx, root, s, plugins.KindRegularizer, nil)
	d.zip(s)
	if d.templatesKnown && len(d.problems) == before {
		d.placeholders(root, s)
	}
}

// free reads an axis of any kind of value.
func (s section) free(e *document.Entry) (values []plugins.Value) {
	add := func(at document.Span, v plugins.Value) {
		if slices.Contains(values, v) {
			s.report(at, document.Problem{Message: fmt.Sprintf("the axis `%s` has %s twice", e.Name, v)})
			return
		}
		values = append(values, v)
	}
	switch e.Value.Kind {
	case document.Table:
		whole := !hasReal(e.Value)
		for _, x := range s.axis(plugins.RealSetting(e.Name, 0, "")) {
			v := plugins.Real(x)
			if whole && x == math.Trunc(x) && math.Abs(x) < 1<<53 { // of integers: programs may want them as such
				v = plugins.Integer(int64(x))
			}
			add(e.At, v)
		}
	case document.Array:
		if len(e.Value.Items) == 0 {
			s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("the axis `%s` is empty", e.Name)})
		}
		if len(e.Value.Items) > maxAxis {
			s.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` has more than %d values", e.Name, maxAxis)})
			return nil
		}
		for _, n := range e.Value.Items {
			if v, ok := s.scalar(e.Name, n); ok {
				add(n.At, v)
			}
		}
	default:
		if v, ok := s.scalar(e.Name, e.Value); ok {
			add(e.At, v)
		}
	}
	return thin(s.decoder, e.Name, values)
}

// hasReal reports whether a number in a table is a real one.
func hasReal(n *document.Node) bool {
	for _, e := range n.Entries {
		if e.Value.Kind == document.Real || slices.ContainsFunc(e.Value.Items, func(item *document.Node) bool { return item.Kind == document.Real }) {
			return true
		}
	}
	return false
}

// placeholders reports placeholders without a value in some trial, and axes without a placeholder.
func (d *decoder) placeholders(root *document.Node, s section) {
	known := d.known(s)
	used := map[string]bool{}
	for _, t := range d.templates {
		for _, part := range t.template {
			if part.Name != "" {
				used[part.Name] = true
				d.placeholder(s.Inside(t.at, part.From, part.To), part.Name, known)
			}
		}
	}
	command := d.spec.Task.Command
	reads := d.catalog.ReadsConfig(command.Dir, command.Files)
	unused := func(axis string, several bool, label string) {
		if e := s.node.Find(axis); e != nil && several && !reads {
			s.report(e.At, document.Problem{Message: fmt.Sprintf("the command does not use {%s}, so every value of the axis trains the same", axis), Label: label,
				Help: fmt.Sprintf("let it have the value: %q among its arguments, or env = { %s = %q }", "{"+axis+"}", strings.ToUpper(strings.ReplaceAll(axis, "-", "_")), "{"+axis+"}") + "; a program that `command` or `files` names may also ask for it by xrun.config() or XRUN_CONFIG"})
		}
	}
	unused("lr", len(d.spec.LR) > 1 && !used["lr"], "")
	unused("lambda", len(d.spec.Lambda) > 1 && !used["lambda"], "")
	unused("optimizer", len(d.spec.Optimizers) > 1 && !usesAny(used, "optimizer"), "")
	unused("regularizer", len(d.spec.Regularizers) > 1 && !usesAny(used, "regularizer"), "")
	var missing []string // that placeholders ask for
	for name := range used {
		if !slices.Contains(known, name) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	for _, axis := range d.spec.Axes {
		unused(axis.Name, !used[axis.Name], document.DidYouMean(axis.Name, missing)) // one value, too: it may be a typo
	}
	for _, kind := range []plugins.Kind{plugins.KindOptimizer, plugins.KindRegularizer} {
		for _, c := range d.choicesOf(kind) {
			for _, name := range c.Settings.Names() {
				if full := string(kind) + "." + name; !used[full] && !reads {
					d.warn(d.placeOf(kind, c), document.Problem{Message: fmt.Sprintf("the command does not use {%s}", document.Clip(full))})
				}
			}
		}
	}
	if e := root.Find("seeds"); e != nil && len(d.spec.Seeds) > 1 && !used["seed"] && !reads {
		d.warn(e.At, document.Problem{Message: "the command does not use {seed}: unless it reads XRUN_SEED, all seeds are the same, or no result can be repeated"})
	}
}

// known lists the placeholders that have a value in at least one trial.
func (d *decoder) known(s section) []string {
	names := []string{"seed"}
	for _, axis := range []string{"lr", "lambda", "optimizer", "regularizer"} {
		if s.node.Find(axis) != nil || len(d.choicesOf(plugins.Kind(axis))) > 0 {
			names = append(names, axis)
		}
	}
	if d.spec.Task.Epochs > 0 {
		names = append(names, "epochs")
	}
	for _, axis := range d.spec.Axes {
		names = append(names, axis.Name)
	}
	for _, name := range []string{runner.PlaceholderTrial, runner.PlaceholderDir} {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, kind := range []plugins.Kind{plugins.KindOptimizer, plugins.KindRegularizer} {
		for _, c := range d.choicesOf(kind) {
			for _, name := range c.Settings.Names() {
				if full := string(kind) + "." + name; !slices.Contains(names, full) {
					names = append(names, full)
				}
			}
		}
	}
	return names
}

// choicesOf are the named optimizers or regularizers of a command.
func (d *decoder) choicesOf(kind plugins.Kind) (all []runner.Choice) {
	switch kind {
	case plugins.KindOptimizer:
		all = d.spec.Optimizers
	case plugins.KindRegularizer:
		all = d.spec.Regularizers
	}
	if len(all) > 0 && all[0].Component == "" {
		return nil // the program's own name
	}
	return all
}

// placeholder reports a name that has no value in some trial.
func (d *decoder) placeholder(at document.Span, name string, known []string) {
	kind, setting, dotted := strings.Cut(name, ".")
	switch {
	case !slices.Contains(known, name):
		p := document.Problem{Message: fmt.Sprintf("the command uses {%s}, which no trial has", document.Clip(name)), Label: document.DidYouMean(name, known),
			Help: "placeholders: {" + strings.Join(known, "}, {") + "}; any further axis of [grid] is one"}
		if slices.Contains([]string{"lr", "lambda", "optimizer", "regularizer"}, name) {
			p.Message = fmt.Sprintf("the command uses {%s}, but [grid] has no `%s`", name, name)
			p.Label = ""
		}
		if name == "epochs" {
			p.Message, p.Label, p.Help = "the command uses {epochs}, but [task] has no `epochs`", "", "for instance epochs = 20 in [task]"
		}
		d.report(at, p)
	case dotted:
		for _, c := range d.choicesOf(plugins.Kind(kind)) {
			if _, ok := c.Settings[setting]; !ok {
				d.report(at, document.Problem{Message: fmt.Sprintf("the command uses {%s}, which the %s `%s` does not have", document.Clip(name), kind, document.Clip(c.Label)),
					Help: fmt.Sprintf("add %s to [%ss.%s]", setting, kind, c.Label)})
				return
			}
		}
	}
}

// usesAny reports whether a choice or any of its settings is used.
func usesAny(used map[string]bool, kind string) bool {
	for name := range used {
		if name == kind || strings.HasPrefix(name, kind+".") {
			return true
		}
	}
	return false
}

// commandVariants are the combinations of the values of all further axes, the last fastest.
func (s *Spec) commandVariants() []variant {
	all := []variant{{task: s.Task}}
	for _, axis := range s.Axes {
		var next []variant
		for _, before := range all {
			for _, v := range axis.Values {
				next = append(next, variant{s.Task, append(slices.Clip(before.axes), runner.Setting{Path: axis.Name, Value: v})})
			}
		}
		all = next
	}
	return all
}
