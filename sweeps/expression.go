package sweeps

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// expression reads a condition on trials. It is nil without the key, and when something is wrong. The task, the grid and early stopping must have been read: they say which names
// there are.
func (s section) expression(key string) *where.Expression {
	e := s.node.Find(key)
	if e == nil {
		return nil
	}
	n := e.Value
	if n.Kind != document.Text {
		s.wrongType(key, document.Text, n)
		return nil
	}
	if strings.TrimSpace(n.Text) == "" {
		s.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` is empty", key), Help: "for instance \"optimizer == 'sgd' and lr < 3e-3\""})
		return nil
	}
	if s.names == nil {
		names := s.spec.names()
		s.names, s.labelsKnown = &names, len(s.problems) == 0
		if !s.labelsKnown {
			// What is wrong elsewhere may be why a name is missing.
			s.names.Family = func(name string) (where.Type, bool) { return where.Varied, slices.ContainsFunc(paths, prefixOf(name)) }
		}
	}
	x := s.compile(n, *s.names)
	if x == nil || s.labelsKnown && !s.labels(n, x) {
		return nil
	}
	return x
}

// compile compiles a text, or reports what is wrong with it and is nil.
func (s section) compile(n *document.Node, names where.Schema) *where.Expression {
	x, err := where.Compile(n.Text, names)
	var wrong *where.Error
	if errors.As(err, &wrong) {
		s.report(s.Inside(n, wrong.From, wrong.To), document.Problem{Message: wrong.Message, Label: wrong.Label, Help: wrong.Help})
		return nil
	}
	return x
}

// paths begin the names of settings; see [runner.Trial.Settings].
var paths = []string{"task.", "optimizer.", "schedule.", "regularizer.", "early_stop."}

func prefixOf(name string) func(string) bool {
	return func(prefix string) bool { return strings.HasPrefix(name, prefix) }
}

// labels reports optimizers and regularizers that an expression names and the sweep does not have.
func (s section) labels(n *document.Node, x *where.Expression) bool {
	before := len(s.problems)
	want := func(of where.Node, values ...*where.Literal) {
		name, ok := of.(*where.Name)
		choices := map[string][]runner.Choice{"optimizer": s.spec.Optimizers, "regularizer": s.spec.Regularizers}
		if !ok || choices[name.Name] == nil && name.Name != "regularizer" {
			return
		}
		var known []string
		for _, c := range choices[name.Name] {
			known = append(known, c.Label)
		}
		for _, v := range values {
			if given := v.Value.Text; !slices.Contains(known, given) {
				p := document.Problem{Message: fmt.Sprintf("the sweep has no %s `%s`", name.Name, document.Clip(given)), Label: document.DidYouMean(given, known)}
				if len(known) > 0 {
					p.Help = fmt.Sprintf("%ss: %s", name.Name, document.List(known))
				}
				s.report(s.Inside(n, v.From, v.To), p)
			}
		}
	}
	where.Walk(x.Root, func(part where.Node) bool {
		switch part := part.(type) {
		case *where.Binary:
			if v, ok := part.Right.(*where.Literal); ok {
				want(part.Left, v)
			}
			if v, ok := part.Left.(*where.Literal); ok {
				want(part.Right, v)
			}
		case *where.Member:
			want(part.Operand, part.List...)
		}
		return true
	})
	return len(s.problems) == before
}

// names lists the names that conditions on the sweep's trials may use: the labels of the optimizer and
// the regularizer, and all settings of a trial.
func (s *Spec) names() where.Schema {
	names := map[string]where.Type{"optimizer": where.Text, "regularizer": where.Text}
	add := func(t runner.Trial) {
		for _, setting := range t.Settings() {
			is := where.TypeOf(setting.Value)
			if before, ok := names[setting.Path]; ok && before != is {
				is = where.Varied
			}
			names[setting.Path] = is
		}
	}
	for _, v := range s.variants {
		add(runner.Trial{Task: v.task, Stop: s.Stop})
	}
	first := runner.Trial{Task: s.Task, Stop: s.Stop}
	if s.Task.Command != nil && len(s.LR) > 0 {
		first.LR = s.LR[0]
	}
	for _, o := range s.Optimizers {
		first.Optimizer = o
		add(first)
	}
	for _, axis := range s.Axes {
		for _, v := range axis.Values {
			first.Axes = []runner.Setting{{Path: axis.Name, Value: v}}
			add(first)
			if is := where.TypeOf(v); s.Task.Command == nil {
				if before, ok := names[axis.Name]; ok && before != is {
					is = where.Varied
				}
				names[axis.Name] = is
			}
			if !strings.Contains(axis.Name, ".") {
				names[where.Grid.Name(axis.Name)] = names[axis.Name]
			}
		}
	}
	if s.Task.Command != nil || slices.ContainsFunc(s.Lambda, func(l float64) bool { return l != 0 }) {
		for i := range s.Regularizers {
			add(runner.Trial{Task: s.Task, Regularizer: &s.Regularizers[i], Stop: s.Stop})
		}
	}
	hints := []string{"optimizer", "regularizer", "lr", "lambda", "seed"}
	var rest []string
	for name := range names {
		if !slices.Contains(hints, name) && !where.Scoped(name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	// What can differ from trial to trial comes first.
	for _, first := range []bool{true, false} {
		for _, name := range rest {
			if slices.ContainsFunc([]string{"optimizer.", "regularizer."}, prefixOf(name)) == first {
				hints = append(hints, name)
			}
		}
	}
	return where.Schema{Names: names, Hints: hints, Nearest: document.Nearest}
}

// lookup gives the values of a trial, by the names that conditions use. A trial without a penalty
// has no regularizer.
func (s *Spec) lookup(t runner.Trial) func(name string) (plugins.Value, bool) {
	var settings []runner.Setting
	return func(name string) (plugins.Value, bool) {
		name, ok := where.Grid.Of(name)
		if !ok {
			return plugins.Value{}, false
		}
		switch name {
		case "lr":
			return plugins.Real(t.LR), true
		case "lambda":
			return plugins.Real(t.Lambda), true
		case "seed":
			return plugins.Integer(t.Seed), true
		case "optimizer":
			return plugins.Text(t.Optimizer.Label), true
		case "regularizer":
			if t.Regularizer == nil {
				return plugins.Value{}, false
			}
			return plugins.Text(t.Regularizer.Label), true
		}
		if i := slices.IndexFunc(t.Axes, func(s runner.Setting) bool { return s.Path == name }); i >= 0 {
			return t.Axes[i].Value, true
		}
		if settings == nil {
			settings = t.Settings()
		}
		i, ok := slices.BinarySearchFunc(settings, name, func(s runner.Setting, name string) int { return strings.Compare(s.Path, name) })
		if !ok {
			return plugins.Value{}, false
		}
		return settings[i].Value, true
	}
}
