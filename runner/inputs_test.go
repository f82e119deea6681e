//go:build unix

package runner_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
)

var namesSetting = plugins.TextSetting("names", "", "what the columns of the first tensor have to be called, with | between them")

// speller is a ridge that differs by the length of an input's name, and refuses other names than its setting has.
var speller = plugins.NewRegularizer(plugins.Spec{Name: "speller", Features: []string{plugins.FeatureInputs}, Settings: []plugins.Setting{namesSetting}},
	newSpeller[float32], newSpeller[float64])

// plainer is the same, but does not ask for names.
var plainer = plugins.NewRegularizer(plugins.Spec{Name: "plainer", Settings: []plugins.Setting{namesSetting}}, newSpeller[float32], newSpeller[float64])

type spellerState[F plugins.Float] struct{ factors []F }

func newSpeller[F plugins.Float](in plugins.Instance) (plugins.Regularizer[F], error) {
	s := &spellerState[F]{factors: make([]F, in.Layout.Dim())}
	for n, t := range in.Layout {
		if got := strings.Join(t.Inputs, "|"); n == 0 && got != in.Settings.Text("names") || n > 0 && got != "" {
			return nil, fmt.Errorf("tensor %s has the inputs %q", t.Name, got)
		}
		for i := range t.Inputs {
			for j := t.Offset + i; j < t.Offset+t.Size(); j += len(t.Inputs) {
				s.factors[j] = F(in.Lambda) * F(len(t.Inputs[i]))
			}
		}
	}
	return s, nil
}

func (s *spellerState[F]) Value(params []F) (sum F) {
	for i, x := range params {
		sum += F(s.factors[i] * F(x*x) / 2)
	}
	return sum
}

func (s *spellerState[F]) AddGradient(params, grad []F) {
	for i, x := range params {
		grad[i] += F(s.factors[i] * x)
	}
}

// A component that asks is told what the columns of the first layer are called, under each seed, and no other is. In
// process, through shared memory and by messages that gives the same bits.
func TestComponentsAreToldTheInputsTheyAskFor(t *testing.T) {
	table := tableTask(t)
	network := table
	network.Model, network.Hidden, network.Activation = "mlp", []int{3}, "tanh"
	plain := taskOf(t, "iris", "softmax")
	sparse := taskFrom(t, "softmax", writeFile(t, filepath.Join(t.TempDir(), "a.libsvm"), asLIBSVM(numbers(60, 5, 3))), data.Options{})
	var trials []runner.Trial
	widths := map[int]bool{}
	for _, task := range []runner.Task{table, network, plain, sparse} {
		for seed := range int64(6) {
			trial := runner.Trial{Task: task, LR: 0.05, Lambda: 0.02, Seed: seed, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil)}
			set, err := data.Open(task.Dataset, task.DataOptions())
			if err != nil {
				t.Fatal(err)
			}
			names, _, _, _, err := trial.Inputs(set)
			if err != nil {
				t.Fatal(err)
			}
			if task.Model != "mlp" && task.Dataset == table.Dataset {
				widths[len(names)] = true
				if !slices.Contains(names, "age=(missing)") || !slices.Contains(names, "port=Cork") {
					t.Fatalf("the table has the inputs %q", names)
				}
			}
			for _, asks := range []bool{true, false} {
				r := component(t, plugins.KindRegularizer, "plainer", nil)
				if asks {
					r = component(t, plugins.KindRegularizer, "speller", plugins.Settings{"names": plugins.Text(strings.Join(names, "|"))})
				}
				trial.Regularizer = &r
				trials = append(trials, trial)
			}
		}
	}
	if len(widths) < 2 {
		t.Errorf("the table has %v inputs under all seeds", widths)
	}
	want := execute(t, runner.Options{}, trials)
	for _, trial := range trials {
		if e := want.ends[trial.Key()]; e.Status != runner.StatusFinished {
			t.Fatalf("%s of %s ended as %s: %s", trial.Regularizer.Component, trial.Task.Dataset, e.Status, e.Error)
		}
	}
	for name, o := range map[string]host.Options{"shared memory": {}, "messages": {Inline: true}} {
		got := execute(t, runner.Options{Plugins: outOfProcess(t, o)}, trials)
		for _, trial := range trials {
			if got.text(trial.Key()) != want.text(trial.Key()) {
				t.Fatalf("%s of %s by %s gives other bits than in process:\n%s\nwant\n%s", trial.Regularizer.Component, trial.Task.Dataset, name, got.text(trial.Key()), want.text(trial.Key()))
			}
		}
	}
}
