package recording

import (
	"encoding/json"
	"fmt"
	"math"
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
func identify(name string, config map[string]json.RawMessage, order []string) (id identity) {
	task := runner.Task{Command: &runner.Command{Name: "xrun.init", Args: []string{"xrun.init"}}}
	settings := flatten(config, order)
	id.seeded = imported.SeedOf(settings)
	id.trial, _ = imported.Trial(task, name, settings, imported.ByName(settings))
	return id
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

// chosenMetric is the metric by which runs are compared that have these, if nobody says which; empty without any.
func chosenMetric(names []string) string {
	return imported.MetricOf(slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return strings.HasPrefix(name, systemPrefix) || strings.HasPrefix(name, systemFolder)
	}))
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
