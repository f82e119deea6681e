package runner

import (
	"bytes"
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins"
)

// A Command is a program of the user that is a task: each trial runs one process of it. The process
// reports metrics; see [ParseReport].
//
// Its texts are templates, in which {lr}, {lambda}, {seed}, {epochs}, {optimizer}, {regularizer},
// {optimizer.SETTING}, {regularizer.SETTING} and the trial's other axes stand for the values of a trial, {trial} for its short
// key and {dir} for a folder of its files. An argument that is a placeholder alone is left out where its value is empty.
type Command struct {
	Name string     // of the program, for people
	Args []string   // templates, the program first; no shell reads them
	Env  []Variable // beyond the environment that xrun has
	Dir  string     // where it runs
	// Files are what Digest covers, relative to Dir: the SHA-256 of their content, hex. Empty
	// without any.
	Files  []string
	Digest string
	// Grace is how long a program that is asked to end may take, before it is killed.
	Grace time.Duration
	// Patterns find the metrics in what the program prints. Without any the program reports them.
	Patterns []Pattern
	// Tracking is what the program logs its metrics with, [TrackingMLflow] or empty. Then nothing that it prints is a report.
	Tracking string
}

// TrackingMLflow is the client of MLflow, by hand or by its autologging.
const TrackingMLflow = "mlflow"

// A Variable is one of the environment.
type Variable struct{ Name, Value string } // Value is a template

// Uses reports whether a placeholder stands anywhere in the command.
func (c *Command) Uses(name string) bool {
	return c.uses(func(used string) bool { return used == name })
}

func (c *Command) uses(wanted func(name string) bool) bool {
	texts := slices.Clone(c.Args)
	for _, v := range c.Env {
		texts = append(texts, v.Value)
	}
	return slices.ContainsFunc(texts, func(text string) bool {
		t, err := ParseTemplate(text)
		return err == nil && slices.ContainsFunc(t, func(p TemplatePart) bool { return p.Name != "" && wanted(p.Name) })
	})
}

// commandSettings lists what determines the result of a trial whose task is a command, as far as
// xrun can know it. The environment, installed software and files that are not named also do.
func (t Trial) commandSettings(want func(c Choice, name string) bool) []Setting {
	var all []Setting
	add := func(path string, v plugins.Value) { all = append(all, Setting{path, v}) }
	c := t.Task.Command
	add("task.command", plugins.Text(inJSON(c.Args)))
	if len(c.Env) > 0 {
		env := make([]string, len(c.Env))
		for i, v := range c.Env {
			env[i] = v.Name + "=" + v.Value
		}
		add("task.env", plugins.Text(inJSON(env)))
	}
	if c.Digest != "" {
		add("task.files", plugins.Text(strings.Join(c.Files, ",")))
		add("task.files_digest", plugins.Text(c.Digest))
	}
	if len(t.Task.Metrics) > 0 { // trials are judged by the first unless [metric] names another
		add("task.metric", plugins.Text(t.Task.Metrics[0]))
		add("task.metrics", plugins.Text(strings.Join(t.Task.Metrics, ",")))
	}
	if len(c.Patterns) > 0 {
		add("task.patterns", plugins.Text(inText(c.Patterns)))
	}
	if c.Tracking != "" {
		add("task.tracking", plugins.Text(c.Tracking))
	}
	if t.Task.Epochs > 0 {
		add("task.epochs", plugins.Integer(int64(t.Task.Epochs)))
	}
	if t.LR != 0 {
		add("lr", plugins.Real(t.LR))
	}
	if t.Lambda != 0 || c.Uses("lambda") {
		add("lambda", plugins.Real(t.Lambda))
	}
	add("seed", plugins.Integer(t.Seed))
	all = append(all, t.Axes...)
	choice := func(prefix string, c Choice) {
		if c.Component != "" {
			add(prefix+".component", plugins.Text(c.Component))
		}
		for _, name := range c.Settings.Names() {
			if want(c, name) {
				add(prefix+"."+name, c.Settings[name])
			}
		}
	}
	choice("optimizer", t.Optimizer)
	if t.Regularizer != nil {
		choice("regularizer", *t.Regularizer)
	}
	all = append(all, t.stopSettings()...)
	slices.SortFunc(all, func(a, b Setting) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// inJSON writes texts, or one.
func inJSON[T string | []string](texts T) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(texts) // of texts, into memory: it does not fail
	return strings.TrimSpace(b.String())
}

// unspell gives values that are the same text for a program one form: 1, 1.0 and "1" are the integer 1.
func (t Trial) unspell(settings []Setting) {
	for i, s := range settings {
		isAxis := slices.ContainsFunc(t.Axes, func(axis Setting) bool { return axis.Path == s.Path })
		if isAxis || strings.HasPrefix(s.Path, "optimizer.") || strings.HasPrefix(s.Path, "regularizer.") {
			settings[i].Value = unspelled(s.Value)
		}
	}
}

func unspelled(v plugins.Value) plugins.Value {
	text := decimal(v)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && strconv.FormatInt(n, 10) == text {
		return plugins.Integer(n)
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil && decimal(plugins.Real(x)) == text {
		return plugins.Real(x)
	}
	if text == "true" || text == "false" {
		return plugins.Flag(text == "true")
	}
	return plugins.Text(text)
}

// program is the process that a trial of a command asks for. Its files have a folder of their own in the given one.
func (t Trial) program(folders string) (ProgramSpec, error) {
	c := t.Task.Command
	dir := ""
	if folders != "" {
		dir = filepath.Join(folders, string(t.Key()))
	}
	value := func(name string) (string, bool) {
		v, ok := t.placeholder(name)
		if !ok && name == PlaceholderDir {
			return dir, dir != ""
		}
		return v, ok
	}
	s := ProgramSpec{Name: c.Name, Dir: c.Dir, Folder: dir, Metrics: t.Task.Metrics, Patterns: c.Patterns, Tracking: c.Tracking, Env: []string{"XRUN_TRIAL=" + string(t.Key())}}
	if dir != "" {
		s.Env = append(s.Env, "XRUN_TRIAL_DIR="+dir)
	}
	for _, v := range [][2]string{{"XRUN_SEED", "seed"}, {"XRUN_LR", "lr"}, {"XRUN_LAMBDA", "lambda"}} {
		if value, ok := t.placeholder(v[1]); ok {
			s.Env = append(s.Env, v[0]+"="+value)
		}
	}
	s.Env = append(s.Env, "XRUN_CONFIG="+t.config(), "XRUN_METRICS="+inJSON(t.Task.Metrics))
	expand := func(text string) (expanded string, lone bool, err error) {
		template, err := ParseTemplate(text)
		if err != nil {
			return "", false, err
		}
		expanded, err = template.expand(value)
		return expanded, len(template) == 1 && template[0].Name != "", err
	}
	for i, text := range c.Args {
		arg, lone, err := expand(text)
		if err != nil {
			return s, err
		}
		if i > 0 && lone && arg == "" {
			continue // an option that is left out
		}
		s.Args = append(s.Args, arg)
	}
	for _, v := range c.Env {
		value, _, err := expand(v.Value)
		if err != nil {
			return s, err
		}
		s.Env = append(s.Env, v.Name+"="+value)
	}
	return s, nil
}

// Placeholders that every trial has a value of. An axis of the name goes before.
const (
	PlaceholderTrial = "trial" // the short key
	PlaceholderDir   = "dir"   // a folder for the files of the trial
)

// placeholder is what a name in a command's templates stands for.
func (t Trial) placeholder(name string) (string, bool) {
	switch name {
	case "lr":
		return decimal(plugins.Real(t.LR)), t.LR != 0
	case "lambda":
		return decimal(plugins.Real(t.Lambda)), true
	case "seed":
		return strconv.FormatInt(t.Seed, 10), true
	case "epochs":
		return strconv.Itoa(t.Task.Epochs), t.Task.Epochs > 0
	case "optimizer":
		return t.Optimizer.Component, t.Optimizer.Component != ""
	case "regularizer":
		if t.Regularizer == nil {
			return "", false
		}
		return t.Regularizer.Component, true
	}
	if setting, ok := strings.CutPrefix(name, "optimizer."); ok {
		v, ok := t.Optimizer.Settings[setting]
		return decimal(v), ok
	}
	if setting, ok := strings.CutPrefix(name, "regularizer."); ok && t.Regularizer != nil {
		v, ok := t.Regularizer.Settings[setting]
		return decimal(v), ok
	}
	for _, axis := range t.Axes {
		if axis.Path == name {
			return decimal(axis.Value), true
		}
	}
	if name == PlaceholderTrial {
		return t.Key().Short(), true
	}
	return "", false
}

// config is what the trial has values of, as an object of JSON: lr, lambda, seed, epochs, optimizer and regularizer with their
// settings, and its further axes. A value that is the same text for a program has one type, as in the trial's key.
func (t Trial) config() string {
	names := []string{"lr", "lambda", "seed", "epochs", "optimizer", "regularizer"}
	for _, setting := range t.Optimizer.Settings.Names() {
		names = append(names, "optimizer."+setting)
	}
	if t.Regularizer != nil {
		for _, setting := range t.Regularizer.Settings.Names() {
			names = append(names, "regularizer."+setting)
		}
	}
	for _, axis := range t.Axes {
		names = append(names, axis.Path)
	}
	var b strings.Builder
	for _, name := range names {
		text, ok := t.placeholder(name)
		if !ok {
			continue
		}
		switch v := unspelled(plugins.Text(text)); {
		case v.Type == plugins.TypeText || name == "optimizer" || name == "regularizer":
			text = inJSON(text)
		case (name == "lr" || name == "lambda") && !strings.ContainsAny(text, ".eIN"):
			text += ".0" // a real one, in every trial
		case text == "+Inf" || text == "-Inf":
			text = strings.Replace(strings.TrimPrefix(text, "+"), "Inf", "Infinity", 1) // as Python reads it
		}
		b.WriteString(", " + inJSON(name) + ": " + text)
	}
	return "{" + strings.TrimPrefix(b.String(), ", ") + "}"
}

// decimal writes a value for a program. A number has the fewest digits that read back to the same
// bits. It has no exponent unless it is very large or small, since not every program reads one.
func decimal(v plugins.Value) string {
	if a := math.Abs(v.Real); v.Type == plugins.TypeReal && a < 1e15 && (a >= 1e-9 || a == 0) {
		return strconv.FormatFloat(v.Real, 'f', -1, 64)
	}
	return v.String()
}
