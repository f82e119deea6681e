package recording

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/store/journal"
)

// An identity is the trial that a script's run counts as, by its config.
type identity struct {
	trial  runner.Trial
	seeded string // the name in the config that is the seed; empty if the seed is counted
}

// identify makes a trial of a config. lr, lambda, optimizer, regularizer and a seed have the meaning of their names, everything else is an
// axis of its own. The script is no part of it: a run of the same config is a replicate, or a newer one.
func identify(name string, config map[string]json.RawMessage, order []string) identity {
	id := identity{trial: runner.Trial{
		Task: runner.Task{Command: &runner.Command{Name: "xrun.init", Args: []string{"xrun.init"}}},
	}}
	flat := flatten(config, order)
	id.seeded = seedOf(flat)
	for _, s := range flat {
		real, isNumber := asReal(s.Value)
		text := s.Value.Type == plugins.TypeText && s.Value.Text != ""
		switch {
		case s.Path == id.seeded:
			id.trial.Seed = s.Value.Integer
		case s.Path == runner.AxisLR && isNumber:
			id.trial.LR = real
		case s.Path == runner.AxisLambda && isNumber:
			id.trial.Lambda = real
		case s.Path == runner.AxisOptimizer && text:
			id.trial.Optimizer = runner.Choice{Label: s.Value.Text, Component: s.Value.Text}
		case s.Path == runner.AxisRegularizer && text:
			id.trial.Regularizer = &runner.Choice{Label: s.Value.Text, Component: s.Value.Text}
		default:
			s.Path = imported.Path(s.Path)
			id.trial.Axes = append(id.trial.Axes, s)
		}
	}
	id.trial.Axes = distinct(id.trial)
	if id.trial.Optimizer.Component == "" { // runs of two names are two arms
		id.trial.Optimizer = runner.Choice{Label: name, Component: name}
	} else {
		id.trial.Axes = append(id.trial.Axes, runner.Setting{Path: "recorded.name", Value: plugins.Text(name)})
	}
	return id
}

// distinct are the axes of a trial under paths that differ from each other and from all that a trial has anyway.
func distinct(t runner.Trial) []runner.Setting {
	axes := t.Axes
	t.Axes = nil
	used := map[string]bool{"recorded.name": true}
	for _, s := range t.Settings() {
		used[s.Path] = true
	}
	for i := range axes {
		for used[axes[i].Path] {
			axes[i].Path = "config." + axes[i].Path
		}
		used[axes[i].Path] = true
	}
	return axes
}

// seedOf is the name of the setting that is the seed: seed itself, or the first that is called like one and is a whole number.
func seedOf(settings []runner.Setting) (name string) {
	for _, s := range settings {
		if s.Value.Type != plugins.TypeInteger {
			continue
		}
		if s.Path == "seed" {
			return s.Path
		}
		if name == "" && imported.LooksLikeSeed(s.Path) {
			name = s.Path
		}
	}
	return name
}

func asReal(v plugins.Value) (float64, bool) {
	if v.Type == plugins.TypeInteger {
		return float64(v.Integer), true
	}
	return v.Real, v.Type == plugins.TypeReal
}

// flatten makes settings of a config: what lies in tables gets a path with dots, lists are texts.
func flatten(config map[string]json.RawMessage, order []string) (all []runner.Setting) {
	for name := range config {
		if !slices.Contains(order, name) {
			order = append(slices.Clone(order), name)
		}
	}
	for _, name := range order {
		text := strings.TrimSpace(string(config[name]))
		var table map[string]json.RawMessage
		if strings.HasPrefix(text, "{") && json.Unmarshal([]byte(text), &table) == nil {
			var names []string
			for inner := range table {
				names = append(names, inner)
			}
			slices.Sort(names)
			for _, s := range flatten(table, names) {
				s.Path = name + "." + s.Path
				all = append(all, s)
			}
			continue
		}
		if v, ok := valueOf(text); ok {
			all = append(all, runner.Setting{Path: name, Value: v})
		}
	}
	return all
}

// valueOf reads a value of a config. null is none.
func valueOf(text string) (v plugins.Value, ok bool) {
	switch text {
	case "", "null":
		return v, false
	case "true", "false":
		return plugins.Flag(text == "true"), true
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return plugins.Integer(n), true
	}
	if strings.Trim(text, "-0123456789") == "" {
		return plugins.Text(text), true // a larger one, of which every digit counts
	}
	if x, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(x) {
		return plugins.Real(x), true
	}
	var s string
	if json.Unmarshal([]byte(text), &s) == nil {
		return plugins.Text(s), true
	}
	return plugins.Text(text), true
}

// preferred are patterns of the metrics by which a script's runs are compared, the best one first.
var preferred = []*regexp.Regexp{
	regexp.MustCompile(`(?i)^(val|valid|validation|eval|dev)[_./ -]loss$`),
	regexp.MustCompile(`(?i)^(val|valid|validation|eval|dev)[_./ -].*(loss|acc|accuracy|error|auc|f1|rmse|mse|mae|r2|perplexity)$`),
	regexp.MustCompile(`(?i)^(val|valid|validation|eval|dev)[_./ -]`),
	regexp.MustCompile(`(?i)^loss$`),
	regexp.MustCompile(`(?i)loss$`),
	regexp.MustCompile(`(?i)(acc|accuracy|error|auc|f1|rmse|mse|mae|r2|perplexity|score|reward)$`),
}

// chosenMetric is the metric by which runs are compared that have these, if nobody says which; empty without any.
func chosenMetric(names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return strings.HasPrefix(name, systemPrefix) || strings.HasPrefix(name, systemFolder)
	})
	slices.Sort(names)
	for _, pattern := range preferred {
		for _, name := range names {
			if pattern.MatchString(name) && !runner.OfTestData(name) {
				return name
			}
		}
	}
	if len(names) > 0 {
		return names[0]
	}
	return ""
}

// goalOf is the direction in which a metric gets better.
func goalOf(metric, given string) string {
	if given == string(stop.Min) || given == string(stop.Max) {
		return given
	}
	goal, _ := stop.GoalByName(metric)
	return string(goal)
}

// seedNote says what was taken for the seed.
func (id identity) seedNote() string {
	if id.seeded == "" {
		return "a count, where the config has none"
	}
	return fmt.Sprintf("`%s` of the config", id.seeded)
}

// metricsOf are the names of the metrics of a record.
func metricsOf(values journal.Values) (names []string) {
	for _, v := range values {
		names = append(names, v.Metric)
	}
	return names
}
