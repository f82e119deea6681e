package runner_test

import (
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
)

// A trial is found by the settings that an earlier version of keys has left, and not by those of another one.
func TestTrialsMatchTheirStoredSettings(t *testing.T) {
	trial := runner.Trial{Task: runner.Task{Model: "softmax", Epochs: 3}, LR: 0.1, Seed: 4, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest},
		Optimizer: runner.Choice{Component: "sgd", Identity: "builtin:sgd@1", Settings: plugins.Settings{"momentum": plugins.Real(0), "new": plugins.Flag(false)},
			Defaults: plugins.Settings{"momentum": plugins.Real(0), "new": plugins.Flag(false)}},
		Stop: stop.Rule{Monitor: "val_loss", Goal: stop.Min, Patience: 3, DivergenceFactor: 10}}
	// As version 1 had it: with restore_best, divergence in [early_stop], and without a setting that came later.
	var old []runner.Setting
	for _, s := range trial.Settings() {
		switch s.Path {
		case "keep.metric", "keep.goal", "keep.at", "arithmetic", "optimizer.new":
			continue
		case "divergence":
			s.Path = "early_stop.divergence"
		case "seed":
			s.Value = plugins.Integer(7)
		}
		old = append(old, s)
	}
	old = append(old, runner.Setting{Path: "early_stop.restore_best", Value: plugins.Flag(false)})
	if !trial.Matches(old) || !trial.Matches(trial.Settings()) {
		t.Error("the trial does not match its own settings")
	}
	for name, change := range map[string]func(*runner.Trial){
		"lr":         func(t *runner.Trial) { t.LR = 0.2 },
		"divergence": func(t *runner.Trial) { t.Stop.DivergenceFactor = 0 },
		"no rule":    func(t *runner.Trial) { t.Stop = stop.Rule{DivergenceFactor: 10} },
		"a setting": func(t *runner.Trial) {
			t.Optimizer.Settings = plugins.Settings{"momentum": plugins.Real(0), "new": plugins.Flag(true)}
		},
		"a penalty": func(t *runner.Trial) { t.Regularizer = &runner.Choice{Component: "l2", Identity: "builtin:l2@1"} },
	} {
		other := trial
		change(&other)
		if other.Matches(old) {
			t.Errorf("a trial with another %s matches", name)
		}
	}
	without := trial
	without.Stop = stop.Rule{}
	var none []runner.Setting // version 1 said nothing of divergence where there was none
	for _, s := range without.Settings() {
		if s.Path != "divergence" {
			none = append(none, s)
		}
	}
	if !without.Matches(none) || trial.Matches(none) {
		t.Error("a trial without a rule is not told from one with a rule")
	}
}
