//go:build unix

package runner_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/models"
)

// pupil is an objective that trains xrun's own softmax regression, as mirror does, on the data that it is given.
var pupil = plugins.NewObjective(plugins.Spec{Name: "pupil", Metrics: mirror.Metrics, Settings: mirror.Settings, Features: []string{plugins.FeatureData}},
	newPupil[float32], newPupil[float64])

func newPupil[F plugins.Float](in plugins.Instance) (plugins.Objective[F], error) {
	d := in.Data
	if d == nil {
		return nil, errors.New("there is no data")
	}
	m := &mirrorState[F]{batch: int(in.Settings.Integer("batch")), fail: int(in.Settings.Integer("fail")), seed: int64(in.Seed), settings: in.Settings}
	for i, into := range []*data.Part[F]{&m.parts.Train, &m.parts.Validation, &m.parts.Test} {
		rows := d.Parts()[i]
		*into = data.Part[F]{N: rows.Len(), D: len(d.Inputs), Classes: len(d.Classes)}
		for _, x := range rows.X {
			into.X = append(into.X, F(x))
		}
		for _, y := range rows.Y {
			into.Labels = append(into.Labels, int32(y))
		}
	}
	var err error
	m.model, err = models.New[F](models.Config{Name: "softmax", Kind: data.Classification, Inputs: len(d.Inputs), Classes: len(d.Classes)})
	return m, err
}

// An objective that is given data trains to the bits of xrun's own model on it, in process, through shared memory and by
// messages, under each seed, whose tables have unlike numbers of inputs, and with trials of several splits on one worker.
func TestAnObjectiveIsGivenWhatModelsTrainOn(t *testing.T) {
	for _, dtype := range []plugins.DType{plugins.Float64, plugins.Float32} {
		var own, behind []runner.Trial
		objective := component(t, plugins.KindObjective, "pupil", nil)
		iris := taskOf(t, "iris", "softmax")
		iris.Test, iris.Standardize = 0.1, false
		for _, task := range []runner.Task{tableTask(t), iris} {
			task.Sampling, task.DType = "sequential", dtype
			for seed := range int64(5) {
				for _, lr := range []float64{0.01, 0.1} {
					trial := runner.Trial{Task: task, LR: lr, Seed: seed, Optimizer: component(t, plugins.KindOptimizer, "adam", nil), Keep: keeps[0]}
					own = append(own, trial)
					trial.Task.Model, trial.Task.Objective, trial.Task.Metrics = "pupil", &objective, pupil.Metrics
					trial.Task.Batch, trial.Task.Sampling = 0, ""
					behind = append(behind, trial)
				}
			}
		}
		want := execute(t, runner.Options{}, own)
		for name, o := range map[string]runner.Options{
			"in process":                {},
			"shared memory":             {Plugins: outOfProcess(t, host.Options{})},
			"messages":                  {Plugins: outOfProcess(t, host.Options{Inline: true})},
			"shared memory, one worker": {Plugins: outOfProcess(t, host.Options{}), Workers: 1},
		} {
			got := execute(t, o, behind)
			for i, trial := range behind {
				if e := got.ends[trial.Key()]; e.Status != runner.StatusFinished || e.Kept == nil {
					t.Fatalf("%s: %s, seed %d: ended as %s: %s", name, trial.Task.Dataset, trial.Seed, e.Status, e.Error)
				}
				for _, metric := range []string{"train_loss", "val_loss", "val_accuracy"} {
					a, b := curve(t, got, trial.Key(), metric), curve(t, want, own[i].Key(), metric)
					if len(a) != len(b) || len(a) == 0 {
						t.Fatalf("%s: %d values of %s, want %d", name, len(a), metric, len(b))
					}
					for epoch := range a {
						if a[epoch] != b[epoch] {
							t.Fatalf("%s, %s: %s, seed %d: %s is %v in epoch %d, of xrun's own model %v", name, dtype, trial.Task.Dataset, trial.Seed, metric, a[epoch], epoch, b[epoch])
						}
					}
				}
			}
		}
	}
}

// What decides the data of an objective is part of its trials' keys, and the path is not.
func TestKeysTellTheDataOfObjectives(t *testing.T) {
	objective := component(t, plugins.KindObjective, "pupil", nil)
	trial := runner.Trial{Task: tableTask(t), LR: 0.1, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil)}
	trial.Task.Model, trial.Task.Objective, trial.Task.Metrics = "pupil", &objective, pupil.Metrics
	for name, change := range map[string]func(*runner.Task){
		"digest": func(t *runner.Task) { t.Digest = "other" }, "target": func(t *runner.Task) { t.Target = "age" }, "kind": func(t *runner.Task) { t.Kind = "regression" },
		"validation": func(t *runner.Task) { t.Validation = 0.3 }, "test": func(t *runner.Task) { t.Test = 0.1 }, "folds": func(t *runner.Task) { t.Folds = 4 },
		"standardize": func(t *runner.Task) { t.Standardize = false }, "rare": func(t *runner.Task) { t.Schema.Rare = 3 }, "group": func(t *runner.Task) { t.Schema.Group = "port" },
	} {
		other := trial
		if change(&other.Task); other.Key() == trial.Key() {
			t.Errorf("%s: the key is the same", name)
		}
	}
	moved := trial
	if moved.Task.Dataset = "elsewhere.csv"; moved.Key() != trial.Key() {
		t.Error("where the data lies changes the key")
	}
	without := trial
	plain := component(t, plugins.KindObjective, "mirror", nil)
	without.Task.Objective = &plain
	for _, s := range without.Settings() {
		if s.Path == "task.digest" {
			t.Error("an objective that reads its own data has a data set among its settings")
		}
	}
}

// Sparse data, and a file that changes, fail the trials that want it and say so.
func TestDataThatCannotBeGiven(t *testing.T) {
	objective := component(t, plugins.KindObjective, "pupil", nil)
	path := writeFile(t, filepath.Join(t.TempDir(), "a.libsvm"), asLIBSVM(numbers(60, 5, 3)))
	task := taskFrom(t, "softmax", path, data.Options{})
	trial := runner.Trial{Task: task, LR: 0.1, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil)}
	trial.Task.Objective, trial.Task.Metrics = &objective, pupil.Metrics
	changed := trial
	changed.Task.Digest = "another"
	for want, of := range map[string]runner.Trial{"is sparse": trial, "changed while the sweep ran": changed} {
		got := execute(t, runner.Options{}, []runner.Trial{of})
		if e := got.ends[of.Key()]; e.Status != runner.StatusFailed || !strings.Contains(e.Error, want) {
			t.Errorf("the trial ended as %s with %q, want %q", e.Status, e.Error, want)
		}
	}
}
