// Package runner defines trials and runs, and trains cohorts of trials.
//
// It knows nothing of files, databases, processes or the command line. It takes trials, opens plugins through
// [Plugins], and hands results to a [Recorder].
package runner

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
)

// A Key identifies a trial by everything that determines its result: 32 hexadecimal digits.
type Key string

// Short is the beginning of the key, for people.
func (k Key) Short() string { return string(k[:min(len(k), 10)]) }

// A Choice is a plugin component with its settings, as a sweep file names it.
type Choice struct {
	Label     string // the table's name in the sweep file: a name for people, not part of the key
	Plugin    string // how the plugin is found: a name, or a path
	Component string // the component's own name
	// Identity pins the numbers that the component computes: the SHA-256 of a plugin's content, or
	// "builtin:NAME@REVISION".
	Identity string
	Settings plugins.Settings // complete
	// Defaults are the values of settings that a sweep file omits. A setting with its default is not part of the
	// key, so that keys stay the same when a component gains a setting. The identity pins the defaults.
	Defaults plugins.Settings
	// Features are the features that the component declares. The identity pins them.
	Features []string
	// Schedule changes the learning rate of an optimizer while it trains. The zero value keeps it.
	Schedule schedule.Schedule
	// Base is the optimizer that steps for one with plugins.FeatureBase; nil for others.
	Base *Choice
}

// Has reports whether the component declares a feature, or its base does.
func (c *Choice) Has(feature string) bool {
	return c != nil && (slices.Contains(c.Features, feature) || c.Base.Has(feature))
}

// Proximal reports whether a regularizer is a proximal map after the step instead of a part of the gradient.
func (c *Choice) Proximal() bool {
	return c != nil && c.Settings[plugins.SettingMode].Text == plugins.ModeProximal
}

// Stepper is the choice that takes the steps: the base if there is one.
func (c *Choice) Stepper() *Choice {
	if c.Base != nil {
		return c.Base
	}
	return c
}

// A Trial is one point of a grid with one seed. Equal trials have equal keys and equal results.
type Trial struct {
	Task        Task
	Optimizer   Choice
	Regularizer *Choice // nil without a penalty
	LR          float64
	Lambda      float64 // 0 without a penalty
	Stop        stop.Rule
	// Keep chooses the kept epoch. It is no part of a program's content: programs keep their parameters themselves,
	// so Keep only reads their curves.
	Keep Keep
	Seed int64
	// Arithmetic is the revision of xrun's own arithmetic, see [ArithmeticRevision]; programs have none.
	Arithmetic int
	// LaneBlock is how many slots share a block of lanes; 0 without lanes.
	LaneBlock int
	// Axes are the values of a command's axes, whose names have no dots.
	Axes []Setting
	// Spelled makes the key of a command's trial from its values as they are written, as earlier versions of xrun did:
	// 1 and 1.0 were two trials.
	Spelled bool
}

// ArithmeticRevision is the revision of the numbers that this xrun computes. Results of different revisions differ in
// the last digits, but belong to the same point. Revision 0 computed dense products by OpenBLAS, Accelerate or gonum, and
// its bits depended on the machine. Those of revision 1 are the same on every machine.
const ArithmeticRevision = 1

// A Setting is one fact of a trial, under its dotted path in the sweep file.
type Setting struct {
	Path  string
	Value plugins.Value
}

// Settings lists everything that determines the trial's result, the seed too, sorted by path.
func (t Trial) Settings() []Setting { return t.settings(func(Choice, string) bool { return true }) }

// keyed lists the settings that make up the key.
func (t Trial) keyed() []Setting {
	all := t.settings(func(c Choice, name string) bool {
		def, ok := c.Defaults[name]
		return !ok || def != c.Settings[name]
	})
	if t.Task.Command != nil && !t.Spelled {
		t.unspell(all)
	}
	return all
}

// settings lists the trial's settings; want chooses among the settings of components.
func (t Trial) settings(want func(c Choice, name string) bool) []Setting {
	if t.Task.Command != nil {
		return t.commandSettings(want)
	}
	all := make([]Setting, 0, 40)
	add := func(path string, v plugins.Value) { all = append(all, Setting{path, v}) }
	var addChoice func(prefix string, c Choice)
	addChoice = func(prefix string, c Choice) {
		if c.Base != nil {
			addChoice(prefix+".base", *c.Base)
		}
		add(prefix+".component", plugins.Text(c.Component))
		add(prefix+".identity", plugins.Text(c.Identity))
		for _, name := range c.Settings.Names() {
			if want(c, name) {
				add(prefix+"."+name, c.Settings[name])
			}
		}
	}
	if t.Task.Objective != nil {
		addChoice("task.objective", *t.Task.Objective)
		if t.Task.Objective.Has(plugins.FeatureData) {
			t.Task.Supervised.settings(add)
		}
	} else {
		t.Task.dataSettings(add)
	}
	task := t.Task
	add("task.epochs", plugins.Integer(int64(task.Epochs)))
	add("task.dtype", plugins.Text(string(task.DType)))
	add("task.penalize_bias", plugins.Flag(task.PenalizeBias))
	if len(task.Report) > 0 {
		add("task.report", plugins.Text(strings.Join(task.Report, ",")))
	}
	add("lr", plugins.Real(t.LR))
	add("lambda", plugins.Real(t.Lambda))
	add("seed", plugins.Integer(t.Seed))
	add(PathArithmetic, plugins.Integer(int64(t.Arithmetic)))
	if t.LaneBlock > 0 {
		add("lanes.block", plugins.Integer(int64(t.LaneBlock)))
	}
	add(keepPrefix+"metric", plugins.Text(t.Keep.Metric))
	add(keepPrefix+"goal", plugins.Text(string(t.Keep.Goal)))
	add(PathKeepAt, plugins.Text(string(t.Keep.At)))
	addChoice("optimizer", t.Optimizer)
	all = append(all, t.scheduleSettings()...)
	if t.Regularizer != nil {
		addChoice("regularizer", *t.Regularizer)
	}
	all = append(all, t.stopSettings()...)
	slices.SortFunc(all, func(a, b Setting) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// dataSettings lists the settings of a task whose model and data are xrun's own.
func (task Task) dataSettings(add func(path string, v plugins.Value)) {
	task.Supervised.settings(add)
	add("task.model", plugins.Text(task.Model))
	if len(task.Hidden) > 0 {
		add("task.hidden", plugins.Text(strings.Trim(strings.Join(strings.Fields(fmt.Sprint(task.Hidden)), ","), "[]")))
		add("task.activation", plugins.Text(task.Activation))
	}
	if task.ClassWeight != "" {
		add(pathClassWeight, plugins.Text(task.ClassWeight))
	}
	if task.Batch == 0 {
		add("task.batch", plugins.Text("full"))
	} else {
		add("task.batch", plugins.Integer(int64(task.Batch)))
		if task.Sampling != "" {
			add("task.sampling", plugins.Text(task.Sampling))
		}
	}
	if task.Dimension > 0 {
		add("task.dimension", plugins.Integer(int64(task.Dimension)))
	}
	if task.Condition > 0 {
		add("task.condition", plugins.Real(task.Condition))
	}
	if task.Noise > 0 {
		add("task.noise", plugins.Real(task.Noise))
	}
}

// settings lists what decides which rows with which inputs and targets train, validate and test.
func (task Supervised) settings(add func(path string, v plugins.Value)) {
	add("task.dataset", plugins.Text(task.Dataset))
	add("task.digest", plugins.Text(task.Digest))
	add("task.target", plugins.Text(task.Target))
	add("task.kind", plugins.Text(task.Kind))
	add("task.validation", plugins.Real(task.Validation))
	add("task.test", plugins.Real(task.Test))
	if task.Folds > 0 {
		add("task.folds", plugins.Integer(int64(task.Folds)))
	}
	if task.ValidationPath != "" {
		add("task.validation_path", plugins.Text(task.ValidationPath))
		add("task.validation_digest", plugins.Text(task.ValidationDigest))
	}
	if task.TestPath != "" {
		add("task.test_path", plugins.Text(task.TestPath))
		add("task.test_digest", plugins.Text(task.TestDigest))
	}
	if task.DataRevision > 0 {
		add(PathDataRevision, plugins.Integer(int64(task.DataRevision)))
	}
	add("task.standardize", plugins.Flag(task.Standardize))
	for _, s := range task.Schema.Settings() {
		value := plugins.Text(s.Value)
		if s.Name == data.SettingRare {
			value = plugins.Integer(int64(task.Schema.Rare))
		}
		add("task."+s.Name, value)
	}
	if task.Joined {
		add("task.joined", plugins.Flag(true))
	}
}

// stopSettings lists the settings that end a trial early: the divergence limit and the stopping rule.
func (t Trial) stopSettings() (all []Setting) {
	r := t.Stop
	all = append(all, Setting{PathDivergence, plugins.Real(r.DivergenceFactor)})
	if r.Monitor == "" {
		return all
	}
	add := func(path string, v plugins.Value) { all = append(all, Setting{"early_stop." + path, v}) }
	add("monitor", plugins.Text(r.Monitor))
	add("goal", plugins.Text(string(r.Goal)))
	switch r.Name {
	case "", stop.Patience: // the default is omitted, so that keys stay the same
		add("patience", plugins.Integer(int64(r.Patience)))
		add("min_delta", plugins.Real(r.MinDelta))
		add("delta", plugins.Text(string(r.Delta)))
		if r.BestUpdate == stop.OnAny {
			add("best_update", plugins.Text(string(r.BestUpdate)))
		}
	case stop.GL:
		add("rule", plugins.Text(string(r.Name)))
		add("alpha", plugins.Real(r.Alpha))
	case stop.PQ:
		add("rule", plugins.Text(string(r.Name)))
		add("alpha", plugins.Real(r.Alpha))
		add("strip", plugins.Integer(int64(r.Strip)))
	case stop.UP:
		add("rule", plugins.Text(string(r.Name)))
		add("strips", plugins.Integer(int64(r.Strips)))
		add("strip", plugins.Integer(int64(r.Strip)))
	}
	add("start_from", plugins.Integer(int64(r.StartFrom)))
	if r.HasTarget {
		add("target", plugins.Real(r.Target))
	}
	return all
}

// Key is the trial's identity.
func (t Trial) Key() Key { return digest(t.keyed()) }

// Point is the identity of the trial without its seed and the revision of the arithmetic. Trials with equal points are
// replicates.
func (t Trial) Point() Key { return digest(t.keyed(), "seed", PathArithmetic) }

// KeyVersion is the version of the keys that [Trial.Key] and [Trial.Point] make. It changes with the form of the
// content: equal trials then have other keys than before.
const KeyVersion = 2

// Paths of settings that code names.
const (
	PathArithmetic = "arithmetic"
	PathDivergence = "divergence"
	// PathDataRevision is a setting of data that earlier versions of xrun understood otherwise, see
	// [Supervised.DataRevision].
	PathDataRevision = "task.data_revision"
	PathKeepAt       = keepPrefix + "at"
	keepPrefix       = "keep."
)

// places are settings outside the key: the paths of data, whose content is in the key, and the metrics that a program
// declares, because all reported metrics are recorded.
var places = []string{"task.dataset", "task.validation_path", "task.test_path", "task.files", "task.metrics"}

// digest hashes settings in an unambiguous form. The content of data is part of it, its path is not.
func digest(settings []Setting, without ...string) Key {
	text := make([]byte, 0, 2048)
	text = fmt.Appendf(text, "xrun trial %d\n", KeyVersion)
	for _, s := range settings {
		if slices.Contains(without, s.Path) || slices.Contains(places, s.Path) {
			continue
		}
		text = append(append(text, s.Path...), ' ')
		text = append(append(text, s.Value.Type...), ' ')
		text = append(strconv.AppendQuote(text, s.Value.String()), '\n')
	}
	sum := sha256.Sum256(text)
	return Key(hex.EncodeToString(sum[:16]))
}

// A Status is the state of a run, which is one attempt at a trial.
type Status string

// The states of a run. Finished, stopped and diverged are results: the trial is done. Pruned is a result only in the
// sweep that pruned it: another sweep may train the trial to its end.
const (
	StatusRunning     Status = "running"
	StatusFinished    Status = "finished"    // all epochs
	StatusStopped     Status = "stopped"     // early, by the stopping rule
	StatusPruned      Status = "pruned"      // early, because other trials did better
	StatusDiverged    Status = "diverged"    // NaN, Inf, or past the divergence limit
	StatusFailed      Status = "failed"      // a plugin or xrun could not continue
	StatusInterrupted Status = "interrupted" // stopped from outside
)

// Done reports whether the status is a result: the trial is not run again.
func (s Status) Done() bool {
	return s == StatusFinished || s == StatusStopped || s == StatusDiverged
}

// Ended reports whether a trial has ended, and its sweep does not go on with it by itself.
func (s Status) Ended() bool { return s.Done() || s == StatusFailed || s == StatusPruned }

// CountsOver reports whether of two attempts at a trial the later one, of status s, counts instead of the earlier one:
// done before running before pruned before the rest.
func (s Status) CountsOver(earlier Status) bool { return s.rank() >= earlier.rank() }

func (s Status) rank() int {
	switch {
	case s.Done():
		return 4
	case s == StatusRunning:
		return 3
	case s == StatusPruned:
		return 2
	case s != "":
		return 1
	}
	return 0
}
