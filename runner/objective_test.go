//go:build unix

package runner_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/runner/streams"
)

// mirror is an objective that trains what xrun's own softmax regression on iris trains, with
// mini-batches in the order of the rows. It declares its metrics in another order than the runner's.
var mirror = plugins.NewObjective(plugins.Spec{Name: "mirror", Metrics: []string{"val_loss", "train_loss", "train_accuracy", "val_accuracy"},
	Settings: []plugins.Setting{
		plugins.IntegerSetting("batch", 16, "examples a step").AtLeast(1),
		plugins.IntegerSetting("fail", 0, "the epoch in which it reports an error; 0 is none"),
		plugins.IntegerSetting("wild", 0, "the epoch from which on a metric is not finite; 0 is none"),
		plugins.IntegerSetting("metric", 0, "which metric that is"),
		plugins.ChoiceSetting("value", "and what it is", "NaN", "+Inf", "-Inf"),
	}}, newMirror[float32], newMirror[float64])

type mirrorState[F plugins.Float] struct {
	model       models.Model[F]
	parts       data.Parts[F]
	batch, fail int
	seed        int64
	settings    plugins.Settings
	epoch       int // of the newest gradient
}

func newMirror[F plugins.Float](in plugins.Instance) (plugins.Objective[F], error) {
	set, err := data.Open("iris", data.Options{})
	if err != nil {
		return nil, err
	}
	m := &mirrorState[F]{batch: int(in.Settings.Integer("batch")), fail: int(in.Settings.Integer("fail")), seed: int64(in.Seed), settings: in.Settings}
	split, err := set.Split(streams.New(m.seed, streams.Split), 0.2, 0)
	if err != nil {
		return nil, err
	}
	m.parts = data.Prepare[F](set, split, true)
	train := m.parts.Train
	m.model, err = models.New[F](models.Config{Name: "softmax", Kind: set.Kind, Inputs: train.D, Classes: train.Classes})
	return m, err
}

func (m *mirrorState[F]) Problem() plugins.Problem {
	n := m.parts.Train.N
	return plugins.Problem{Layout: m.model.Layout(), Examples: n, Batches: (n + m.batch - 1) / m.batch, Loss: plugins.LossLog}
}

func (m *mirrorState[F]) Init(params []F) error {
	m.model.Init(params, streams.New(m.seed, streams.Init))
	return nil
}

func (m *mirrorState[F]) Gradient(params, grad []F, epoch, batch int) (F, error) {
	if m.epoch = epoch; epoch == m.fail {
		return 0, errors.New("the data is gone")
	}
	t := m.parts.Train
	from, to := batch*m.batch, min((batch+1)*m.batch, t.N)
	part := data.Part[F]{X: t.X[from*t.D : to*t.D], Labels: t.Labels[from:to], N: to - from, D: t.D, Classes: t.Classes}
	slab := models.Slab[F]{Params: params, Grads: grad, Stride: len(params)}
	m.model.Gradient(part, slab, []int{0})
	var score [1]models.Score
	m.model.Evaluate(part, slab, []int{0}, score[:])
	return F(score[0].Loss), nil
}

func (m *mirrorState[F]) Evaluate(params []F, dst []float64) error {
	var score [1]models.Score
	slab := models.Slab[F]{Params: params, Stride: len(params)}
	m.model.Evaluate(m.parts.Train, slab, []int{0}, score[:])
	dst[1], dst[2] = score[0].Loss, score[0].Accuracy
	m.model.Evaluate(m.parts.Validation, slab, []int{0}, score[:])
	dst[0], dst[3] = score[0].Loss, score[0].Accuracy
	if wild := int(m.settings.Integer("wild")); wild > 0 && m.epoch >= wild {
		value, err := strconv.ParseFloat(m.settings["value"].Text, 64)
		if err != nil {
			return err
		}
		dst[m.settings.Integer("metric")] = value
	}
	return nil
}

// mirrored is the grid of xrun's own model, and the same with the model behind a plugin.
func mirrored(t *testing.T) (own, behind []runner.Trial) {
	task := taskOf(t, "iris", "softmax")
	task.Sampling = "sequential"
	own = grid(t, task)
	objective := component(t, plugins.KindObjective, "mirror", nil)
	for _, trial := range own {
		trial.Task = runner.Task{Model: "mirror", Objective: &objective, Metrics: mirror.Metrics, Epochs: task.Epochs, Training: runner.Training{DType: task.DType}}
		behind = append(behind, trial)
	}
	return own, behind
}

// An objective behind a plugin is trained to the bits that the same model of xrun's own is, and
// however it is reached. Polyak's steps depend on the loss of a mini-batch, which takes part in it.
func TestAnObjectiveIsTrainedAsAModelIs(t *testing.T) {
	own, behind := mirrored(t)
	want := execute(t, runner.Options{}, own)
	sorted := func(text string) string { // the metrics stand in another order
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			words := strings.Fields(line)
			if len(words) > 2 && words[0] == "epoch" {
				lines[i] = strings.Join(append(words[:2], slices.Sorted(slices.Values(words[2:]))...), " ")
			}
		}
		return strings.Join(lines, "\n")
	}
	for how, o := range map[string]runner.Options{
		"in process":            {},
		"through shared memory": {Workers: 2, Plugins: outOfProcess(t, host.Options{})},
		"through messages":      {Plugins: outOfProcess(t, host.Options{Inline: true})},
	} {
		got := execute(t, o, behind)
		for i := range own {
			if g, w := sorted(got.text(behind[i].Key())), sorted(want.text(own[i].Key())); g != w {
				t.Errorf("%s, trial %d (%s) gives\n%.400s\nwant\n%.400s", how, i, own[i].Optimizer.Component, g, w)
				break
			}
		}
	}
	alone := execute(t, runner.Options{Plugins: outOfProcess(t, host.Options{})}, behind[3:4])
	if g, w := sorted(alone.text(behind[3].Key())), sorted(want.text(own[3].Key())); g != w {
		t.Errorf("alone it gives\n%.400s\nwant\n%.400s", g, w)
	}
}

// An error of an objective costs the trials of its task, with its words, and no others.
func TestAnObjectiveThatReportsAnErrorFailsItsTrials(t *testing.T) {
	_, behind := mirrored(t)
	failing := component(t, plugins.KindObjective, "mirror", plugins.Settings{"fail": plugins.Integer(2)})
	bad := behind[0]
	bad.Task.Objective = &failing
	got := execute(t, runner.Options{Plugins: outOfProcess(t, host.Options{})}, []runner.Trial{bad, behind[1]})
	if e := got.ends[bad.Key()]; e.Status != runner.StatusFailed || !strings.Contains(e.Error, "the data is gone") || e.Epochs != 1 {
		t.Errorf("the failing trial ends %s after %d epochs: %q", e.Status, e.Epochs, e.Error)
	}
	if e := got.ends[behind[1].Key()]; !e.Status.Done() {
		t.Errorf("the other ends %s: %s", e.Status, e.Error)
	}
}

// A value of the judged metric that is not finite is no result, whichever way the metric gets better. One of another
// metric is recorded, and told once, also where the trial goes on from a checkpoint.
func TestAnObjectiveIsJudgedByFiniteValues(t *testing.T) {
	_, behind := mirrored(t)
	with := func(metric int, value string, judged string, goal stop.Goal) runner.Trial {
		objective := component(t, plugins.KindObjective, "mirror", plugins.Settings{"wild": plugins.Integer(2), "metric": plugins.Integer(int64(metric)), "value": plugins.Text(value)})
		trial := behind[0]
		trial.Task.Objective, trial.Stop, trial.Keep = &objective, stop.Rule{}, runner.Keep{Metric: judged, Goal: goal, At: runner.AtBest}
		return trial
	}
	for _, value := range []string{"NaN", "+Inf", "-Inf"} {
		for _, goal := range []stop.Goal{stop.Min, stop.Max} {
			for how, o := range map[string]runner.Options{"in process": {}, "through shared memory": {Workers: 2, Plugins: outOfProcess(t, host.Options{})}} {
				judged, other := with(0, value, "val_loss", goal), with(3, value, "val_loss", goal)
				got := execute(t, o, []runner.Trial{judged, other})
				e, want := got.ends[judged.Key()], fmt.Sprintf("val_loss is %s at epoch 2", value)
				if e.Status != runner.StatusDiverged || e.Epochs != 2 || !strings.Contains(e.Reason, want) || e.Kept != nil {
					t.Errorf("%s, %s under %s: it ends %s after %d epochs, %q, and keeps %v", how, value, goal, e.Status, e.Epochs, e.Reason, e.Kept)
				}
				e, want = got.ends[other.Key()], fmt.Sprintf("val_accuracy is %s at epoch 2", value)
				events := got.events[other.Key()]
				if e.Status != runner.StatusFinished || e.Kept == nil || len(events) != 1 || events[0].Kind != "warning" || !strings.Contains(events[0].Message, want) {
					t.Errorf("%s, another metric %s under %s: it ends %s, %q, with the events %+v", how, value, goal, e.Status, e.Reason, events)
				}
			}
		}
	}
}
