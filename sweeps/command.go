package sweeps

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// commandKeys are the keys of [task] that a task has which is a program of the user's.
var commandKeys = []string{"command", "env", "files", "metrics", "epochs", "grace"}

// maxArguments limits a command.
const maxArguments = 1000

// A templated is a template of a command, and where it stands.
type templated struct {
	at       *node
	template runner.Template
}

// command reads a [task] with a command. Its placeholders are looked at once the grid is known.
func (d *decoder) command(ctx context.Context, s section) {
	for _, e := range s.node.entries {
		switch {
		case slices.Contains(commandKeys, e.name):
		case slices.Contains(allTaskKeys, e.name) || slices.Contains(objectiveKeys, e.name):
			s.report(e.at, Problem{Message: fmt.Sprintf("`%s` means nothing to a command, which trains by itself", e.name),
				Help: fmt.Sprintf("keys of [task] for a command: %s; what it has to know goes into its arguments or into env", list(commandKeys))})
		default:
			s.unknown(e, commandKeys)
		}
	}
	t := &d.spec.Task
	c := &runner.Command{Dir: filepath.Dir(d.file), Grace: s.duration("grace", 10*time.Second)}
	t.Command = c
	before := len(d.problems)
	c.Args = s.arguments()
	c.Env = s.variables()
	d.templatesKnown = len(d.problems) == before
	if s.node.find("epochs") != nil {
		t.Epochs = s.integer("epochs", 0, 1)
	}
	t.Metrics = s.declared()
	for _, n := range s.texts("files") {
		c.Files = append(c.Files, n.text)
	}
	d.digest(ctx, s, c)
	if len(c.Args) > 0 {
		c.Name = nameOf(c)
	}
}

// arguments reads the command itself.
func (s section) arguments() (args []string) {
	const help = `for instance command = ["python", "train.py", "--lr", "{lr}"]; no shell reads it`
	e := s.node.find("command")
	if e.value.kind != nodeArray {
		s.report(e.value.at, Problem{Message: fmt.Sprintf("`command` wants a list of arguments, got %s", e.value.kind), Help: help})
		return nil
	}
	if n := len(e.value.items); n == 0 || n > maxArguments {
		s.report(e.value.at, Problem{Message: fmt.Sprintf("`command` has %d arguments, wants 1 to %d", n, maxArguments), Help: help})
		return nil
	}
	for i, n := range e.value.items {
		switch {
		case n.kind != nodeText:
			s.wrongType("command", nodeText, n)
		case i == 0 && !s.readable("command", n):
		case s.template("command", n):
			args = append(args, n.text)
		}
	}
	return args
}

// template notes a template and reports what is wrong with it.
func (s section) template(key string, n *node) bool {
	if strings.ContainsRune(n.text, 0) {
		s.report(n.at, Problem{Message: fmt.Sprintf("`%s` has a character that no program can be given", key)})
		return false
	}
	t, err := runner.ParseTemplate(n.text)
	var wrong *runner.TemplateError
	if errors.As(err, &wrong) {
		s.report(s.inside(n, wrong.From, wrong.To), Problem{Message: wrong.Message, Help: wrong.Help})
		return false
	}
	s.decoder.templates = append(s.decoder.templates, templated{n, t})
	return true
}

// variables reads env = { NAME = "{lr}" }.
func (s section) variables() (all []runner.Variable) {
	e := s.node.find("env")
	if e == nil {
		return nil
	}
	for _, v := range s.section(e, "env").node.entries {
		switch {
		case v.name == "" || strings.ContainsAny(v.name, "=\x00") || !showable(v.name):
			s.report(v.at, Problem{Message: "a variable of the environment cannot have this name"})
		case strings.HasPrefix(v.name, "XRUN_"):
			s.report(v.at, Problem{Message: fmt.Sprintf("`%s` is xrun's own: a command has XRUN_TRIAL, XRUN_SEED, XRUN_LR and XRUN_LAMBDA anyway", clip(v.name))})
		case v.value.kind != nodeText:
			s.wrongType(clip(v.name), nodeText, v.value)
		case s.template("env", v.value):
			all = append(all, runner.Variable{Name: v.name, Value: v.value.text})
		}
	}
	return all
}

// declared reads the metrics that the program reports.
func (s section) declared() (names []string) {
	const help = `what the program reports, the one that trials are judged by first: metrics = ["val_loss", "val_accuracy"]`
	if s.node.find("metrics") == nil {
		s.missing("metrics", help)
		s.decoder.unsure = true
		return nil
	}
	for _, n := range s.texts("metrics") {
		switch {
		case n.text == "epoch":
			s.report(n.at, Problem{Message: "`epoch` is the number of a report's epoch and no metric"})
		case !runner.IsMetricName(n.text):
			s.report(n.at, Problem{Message: fmt.Sprintf("%q cannot be the name of a metric", clip(n.text)), Help: "a name has no spaces and at most 100 bytes"})
		case len(names) == plugins.MaxMetrics:
			s.report(n.at, Problem{Message: fmt.Sprintf("`metrics` has more than %d names", plugins.MaxMetrics)})
			return names
		default:
			if names == nil {
				s.places["metric"] = n.at
			}
			names = append(names, n.text)
		}
	}
	s.decoder.unsure = s.decoder.unsure || len(names) == 0
	return names
}

// digest has the content of the files digested that the result depends on: those of `files`, and
// those that arguments name.
func (d *decoder) digest(ctx context.Context, s section, c *runner.Command) {
	var given []string
	for i, arg := range c.Args {
		t, err := runner.ParseTemplate(arg)
		if i == 0 && !isPath(arg) || err != nil || len(t) != 1 || t[0].Name != "" {
			continue // found on PATH, or different in each trial
		}
		given = append(given, t[0].Text)
	}
	files, digest, err := d.catalog.Files(ctx, c.Dir, given, c.Files)
	if err != nil {
		at := s.place("command")
		for _, n := range s.texts("files") {
			if n.text == aboutOf(err) {
				at = n.at
			}
		}
		d.reportError(at, err)
		return
	}
	c.Files, c.Digest = files, digest
}

// nameOf is what people call the program: the first of its files, or else what is started.
func nameOf(c *runner.Command) string {
	for _, arg := range c.Args {
		if slices.Contains(c.Files, arg) {
			return filepath.Base(arg)
		}
	}
	return filepath.Base(c.Args[0])
}

// freeChoice reads a table of [optimizers] or [regularizers] of a command: a name, and settings
// that are for the command alone to understand.
func (d *decoder) freeChoice(s section, name string) (runner.Choice, bool) {
	c := runner.Choice{Label: name, Component: name, Settings: plugins.Settings{}}
	before := len(d.problems)
	for _, e := range s.node.entries {
		if v, ok := d.scalar(e.name, e.value); ok {
			c.Settings[e.name] = v
		}
	}
	return c, len(d.problems) == before
}

// scalar reads a value that can stand in an argument.
func (d *decoder) scalar(name string, n *node) (plugins.Value, bool) {
	switch n.kind {
	case nodeInteger:
		return plugins.Integer(n.integer), true
	case nodeReal:
		return d.check(plugins.RealSetting(name, 0, ""), name, n)
	case nodeFlag:
		return plugins.Flag(n.flag), true
	case nodeText:
		if !showable(n.text) {
			d.report(n.at, Problem{Message: fmt.Sprintf("`%s` has characters that cannot be shown", clip(name))})
			return plugins.Value{}, false
		}
		return plugins.Text(n.text), true
	}
	d.report(n.at, Problem{Message: fmt.Sprintf("`%s` wants a number, a text, true or false, got %s", clip(name), n.kind)})
	return plugins.Value{}, false
}
