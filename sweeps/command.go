package sweeps

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// maxArguments limits a command.
const maxArguments = 1000

// A templated is a template of a command, and where it stands.
type templated struct {
	at       *document.Node
	template runner.Template
}

// command reads a [task] with a command. Its placeholders are looked at once the grid is known.
func (d *decoder) command(ctx context.Context, s section) {
	known := s.table.names("")
	for _, e := range s.node.Entries {
		switch {
		case s.table.find(e.Name, "") != nil:
		case taskTable.find(e.Name, "") != nil || pluginTaskTable.find(e.Name, "") != nil:
			s.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` means nothing to a command, which trains by itself", e.Name),
				Help: fmt.Sprintf("keys of [task] for a command: %s; what it has to know goes into its arguments or into env", document.List(known))})
		default:
			s.unknown(e, known)
		}
	}
	t := &d.spec.Task
	c := &runner.Command{Dir: filepath.Dir(d.File), Grace: s.duration("grace")}
	t.Command = c
	before := len(d.problems)
	c.Args = s.arguments()
	c.Env = s.variables()
	d.templatesKnown = len(d.problems) == before
	t.Epochs = s.integer("epochs")
	if e := s.node.Find("metrics"); e != nil && e.Value.Kind == document.Table {
		t.Metrics, c.Patterns = s.patterns(e)
	} else {
		t.Metrics = s.declared()
	}
	if e := s.node.Find("tracking"); e != nil {
		c.Tracking = s.textOr("tracking", "")
		if c.Tracking != runner.TrackingMLflow && e.Value.Kind == document.Text {
			s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`tracking` is %q", document.Clip(c.Tracking)), Help: `there is tracking = "mlflow"`})
		} else if len(c.Patterns) > 0 {
			s.report(e.Value.At, document.Problem{Message: "`tracking` and the regular expressions of `metrics` exclude each other", Help: `what the program logs has names: metrics = ["val_loss"]`})
		}
	}
	for _, n := range s.texts("files") {
		c.Files = append(c.Files, n.Text)
	}
	d.digest(ctx, s, c)
	if len(c.Args) > 0 {
		c.Name = nameOf(c)
	}
}

// arguments reads the command itself.
func (s section) arguments() (args []string) {
	const help = `for instance command = ["python", "train.py", "--lr", "{lr}"]; no shell reads it`
	e := s.node.Find("command")
	if e.Value.Kind != document.Array {
		s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`command` wants a list of arguments, got %s", e.Value.Kind), Help: help})
		return nil
	}
	if n := len(e.Value.Items); n == 0 || n > maxArguments {
		s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`command` has %d arguments, wants 1 to %d", n, maxArguments), Help: help})
		return nil
	}
	for i, n := range e.Value.Items {
		switch {
		case n.Kind != document.Text:
			s.wrongType("command", document.Text, n)
		case i == 0 && !s.readable("command", n):
		case s.template("command", n):
			args = append(args, n.Text)
		}
	}
	return args
}

// template notes a template and reports what is wrong with it.
func (s section) template(key string, n *document.Node) bool {
	if strings.ContainsRune(n.Text, 0) {
		s.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` has a character that no program can be given", key)})
		return false
	}
	t, err := runner.ParseTemplate(n.Text)
	var wrong *runner.TemplateError
	if errors.As(err, &wrong) {
		s.report(s.Inside(n, wrong.From, wrong.To), document.Problem{Message: wrong.Message, Help: wrong.Help})
		return false
	}
	s.decoder.templates = append(s.decoder.templates, templated{n, t})
	return true
}

// variables reads env = { NAME = "{lr}" }.
func (s section) variables() (all []runner.Variable) {
	e := s.node.Find("env")
	if e == nil {
		return nil
	}
	for _, v := range s.section(e, "env").node.Entries {
		switch {
		case v.Name == "" || strings.ContainsAny(v.Name, "=\x00") || !document.Showable(v.Name):
			s.report(v.At, document.Problem{Message: "a variable of the environment cannot have this name"})
		case strings.HasPrefix(v.Name, "XRUN_"):
			s.report(v.At, document.Problem{Message: fmt.Sprintf("`%s` is xrun's own: a command has XRUN_CONFIG, XRUN_TRIAL, XRUN_TRIAL_DIR, XRUN_SEED, XRUN_LR and XRUN_LAMBDA anyway", document.Clip(v.Name))})
		case v.Value.Kind != document.Text:
			s.wrongType(document.Clip(v.Name), document.Text, v.Value)
		case s.template("env", v.Value):
			all = append(all, runner.Variable{Name: v.Name, Value: v.Value.Text})
		}
	}
	return all
}

// declared reads the metrics that the program reports.
func (s section) declared() (names []string) {
	const help = `what the program reports, the one that trials are judged by first: metrics = ["val_loss", "val_accuracy"]`
	if s.node.Find("metrics") == nil {
		s.missing("metrics", help)
		s.decoder.unsure = true
		return nil
	}
	for _, n := range s.texts("metrics") {
		switch {
		case n.Text == runner.MetricEpoch:
			s.report(n.At, document.Problem{Message: "`epoch` is the number of a report's epoch and no metric"})
		case !s.isMetric(n.At, n.Text):
		case len(names) == plugins.MaxMetrics:
			s.tooMany(n.At)
			return names
		default:
			if names == nil {
				s.places["metric"] = n.At
			}
			names = append(names, n.Text)
		}
	}
	s.decoder.unsure = s.decoder.unsure || len(names) == 0
	return names
}

func (s section) isMetric(at document.Span, name string) bool {
	if runner.IsMetricName(name) {
		return true
	}
	s.report(at, document.Problem{Message: fmt.Sprintf("%q cannot be the name of a metric", document.Clip(name)),
		Help: fmt.Sprintf("a name has 1 to %d bytes, and characters that can be shown", runner.MaxMetricBytes)})
	return false
}

func (s section) tooMany(at document.Span) {
	s.report(at, document.Problem{Message: fmt.Sprintf("`metrics` has more than %d names", plugins.MaxMetrics)})
}

// patterns reads metrics = { val_loss = 'val_loss=([0-9.]+)' }, for a program that only prints them.
func (s section) patterns(e *document.Entry) (names []string, all []runner.Pattern) {
	for _, v := range s.section(e, "metrics").node.Entries {
		isEpoch := v.Name == runner.MetricEpoch
		switch {
		case !isEpoch && !s.isMetric(v.At, v.Name):
			continue
		case v.Value.Kind != document.Text:
			s.wrongType(document.Clip(v.Name), document.Text, v.Value)
			continue
		case !s.readable(document.Clip(v.Name), v.Value):
			continue
		}
		var wrong *runner.PatternError
		if errors.As(runner.CheckPattern(v.Value.Text), &wrong) {
			at := v.Value.At
			if wrong.From < wrong.To {
				at = s.Inside(v.Value, wrong.From, wrong.To)
			}
			s.report(at, document.Problem{Message: wrong.Message, Help: wrong.Help})
			continue
		}
		all = append(all, runner.Pattern{Metric: v.Name, Text: v.Value.Text})
		if isEpoch {
			continue
		}
		if len(names) == plugins.MaxMetrics {
			s.tooMany(v.At)
			break
		}
		if names == nil {
			s.places["metric"] = v.At
		}
		names = append(names, v.Name)
	}
	if len(names) == 0 {
		if len(all) > 0 || len(e.Value.Entries) == 0 {
			s.report(e.Value.At, document.Problem{Message: "`metrics` has no metric", Help: `for instance metrics = { val_loss = 'val_loss=([0-9.e+-]+)' }`})
		}
		s.decoder.unsure = true
	}
	return names, all
}

// digest digests the content of the files that the result depends on: the files of `files`, and the files that
// arguments name.
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
			if n.Text == aboutOf(err) {
				at = n.At
			}
		}
		d.reportError(at, err)
		return
	}
	c.Files, c.Digest = files, digest
}

// nameOf is what people call the program: the first of its files, or else the executable.
func nameOf(c *runner.Command) string {
	for _, arg := range c.Args {
		if slices.Contains(c.Files, arg) {
			return filepath.Base(arg)
		}
	}
	return filepath.Base(c.Args[0])
}

// freeChoice reads a table of [optimizers] or [regularizers] of a command: a name, and settings that only the
// command understands.
func (d *decoder) freeChoice(s section, name string) (runner.Choice, bool) {
	c := runner.Choice{Label: name, Component: name, Settings: plugins.Settings{}}
	before := len(d.problems)
	for _, e := range s.node.Entries {
		if v, ok := d.scalar(e.Name, e.Value); ok {
			c.Settings[e.Name] = v
		}
	}
	return c, len(d.problems) == before
}

// scalar reads a value that can stand in an argument.
func (d *decoder) scalar(name string, n *document.Node) (plugins.Value, bool) {
	switch n.Kind {
	case document.Integer:
		return plugins.Integer(n.Integer), true
	case document.Real:
		return d.check(plugins.RealSetting(name, 0, ""), name, n)
	case document.Flag:
		return plugins.Flag(n.Flag), true
	case document.Text:
		if !document.Showable(n.Text) {
			d.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` has characters that cannot be shown", document.Clip(name))})
			return plugins.Value{}, false
		}
		return plugins.Text(n.Text), true
	}
	d.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` wants a number, a text, true or false, got %s", document.Clip(name), n.Kind)})
	return plugins.Value{}, false
}
