package runner

import (
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/runner/stop"
)

// What models compute and what [Metrics] lists are the same, so that a metric that is added to a model is known
// to sweep files, stopping rules and comparisons, and the other way round.
func TestMetricsOfModelsAreListed(t *testing.T) {
	computed := map[string]bool{}
	for _, name := range models.Names() {
		kinds := []data.Kind{""}
		if _, isFunction := Function(name); !isFunction {
			kinds = []data.Kind{data.Regression, data.Classification}
		}
		for _, kind := range kinds {
			config := models.Config{Name: name, Kind: kind, Inputs: 3, Classes: 2, Dimension: 2, Condition: 2, Noise: 1}
			if kind == data.Regression {
				config.Classes = 0
			}
			m, err := models.New[float64](config)
			if err != nil {
				continue // a model for the other kind
			}
			var want []string
			for _, part := range []string{PartTrain, PartValidation, PartTest} {
				if kind == "" && part != PartTrain {
					continue
				}
				for _, metric := range m.Metrics() {
					want = append(want, part+metric)
					computed[metric] = true
					if _, ok := (models.Score{}).Value(metric); !ok {
						t.Errorf("a score has no value for %s, which %s reports", metric, name)
					}
					if _, ok := FindMetric(part + metric); !ok {
						t.Errorf("%s reports %s, which runner.Metrics does not list", name, metric)
					}
				}
			}
			want = append(want, plugins.MetricPenalty, plugins.MetricJ, Zeros)
			task := Task{Model: name}
			task.Kind, task.Report = string(kind), []string{Zeros}
			if kind != "" {
				task.Validation, task.Test = 0.2, 0.2
			}
			if got := task.Reported(); !slices.Equal(got, want) {
				t.Errorf("%s for %q reports %q, want %q: rows of runner.Metrics are in the order of the model's", name, kind, got, want)
			}
		}
	}
	for _, m := range Metrics {
		if m.Rows && !m.OnRequest && !computed[m.Name] {
			t.Errorf("no model reports %s", m.Name)
		}
	}
}

// The goal of a metric has to follow from its name as well: programs, imported results and databases say no more.
func TestMetricsAreComplete(t *testing.T) {
	for i, m := range Metrics {
		if m.Meaning == "" || slices.ContainsFunc(Metrics[:i], func(other Metric) bool { return other.Name == m.Name }) {
			t.Errorf("%s has no meaning, or is there twice", m.Name)
		}
		names := []string{m.Name}
		if m.Rows {
			names = []string{PartTrain + m.Name, PartValidation + m.Name, PartTest + m.Name}
		}
		for _, name := range names {
			found, ok := FindMetric(name)
			if !ok || found.Name != m.Name {
				t.Errorf("%s is found as %q", name, found.Name)
			}
			if goal, known := stop.GoalByName(name); known != (m.Goal != "") || known && goal != m.Goal {
				t.Errorf("by its name, the goal of %s is %s (known: %v), want %q: runner/stop/goal.go has the words", name, goal, known, m.Goal)
			}
		}
		if added := slices.Contains(plugins.AddedMetrics, m.Name); added != (!m.Rows && !m.OnRequest) {
			t.Errorf("%s is reserved in plugins: %v", m.Name, added)
		}
		for _, model := range m.Models {
			if !slices.Contains(models.Names(), model) {
				t.Errorf("%s is known for %s, which is no model", m.Name, model)
			}
		}
		task := Task{Model: "linear", Objective: &Choice{}}
		if unknown := m.Unknown(task); m.OnRequest && (unknown == "") != m.Objectives {
			t.Errorf("%s for an objective: %q", m.Name, unknown)
		}
		task.Objective = nil
		for _, model := range models.Names() {
			task.Model = model
			if unknown := m.Unknown(task); (unknown == "") != (m.Models == nil || slices.Contains(m.Models, model)) || unknown != "" && !strings.HasPrefix(unknown, m.Name+" is not known") {
				t.Errorf("%s for %s: %q", m.Name, model, unknown)
			}
		}
	}
	if _, ok := FindMetric("val_" + Zeros); ok {
		t.Error("zeros are found for a part of the data")
	}
}
