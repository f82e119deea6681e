//go:build unix

package runner_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
)

// schedules are one of every kind.
func schedules() []schedule.Schedule {
	var all []schedule.Schedule
	for i, kind := range schedule.Kinds {
		s := schedule.New(kind)
		s.Warmup, s.StepSize, s.Milestones = 1, 2, []int{1, 3}
		s.Patience, s.Monitor = 0, "val_loss"
		if i%2 == 0 {
			s.Per, s.Warmup = schedule.PerStep, 5
		}
		all = append(all, s)
	}
	return all
}

func scheduledTrials(t testing.TB, task runner.Task, optimizer string, lr float64) []runner.Trial {
	var trials []runner.Trial
	for _, s := range schedules() {
		trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, optimizer, nil), LR: lr, Seed: 1,
			Stop: stop.Rule{Monitor: "val_loss", Goal: stop.Min, Patience: 9}}
		trial.Optimizer.Schedule = s
		trials = append(trials, trial)
	}
	return trials
}

// curves keeps a metric of every trial by epoch.
func curves(t testing.TB, trials []runner.Trial, metric string) map[runner.Key][]float64 {
	t.Helper()
	all := map[runner.Key][]float64{}
	o := options(t, runner.Options{Recorder: newLog(), Observe: func(p runner.Progress) {
		if i := slices.Index(p.Metrics, metric); p.End == nil && i >= 0 {
			all[p.Trial.Key()] = append(all[p.Trial.Key()], p.Values[i])
		}
	}})
	if err := runner.Execute(t.Context(), o, trials); err != nil {
		t.Fatal(err)
	}
	return all
}

// Trials of different schedules train together, and none shows in a bit of another.
func TestScheduledTrialsDependOnThemselvesAlone(t *testing.T) {
	trials := scheduledTrials(t, taskOf(t, "iris", "softmax"), "adam", 0.05)
	if n := len(runner.Plan(trials, 1)); n != 1 {
		t.Errorf("%d schedules make %d cohorts, want one", len(trials), n)
	}
	constant := trials[0]
	constant.Optimizer.Schedule = schedule.Schedule{}
	if n := len(runner.Plan(append(slices.Clone(trials), constant), 1)); n != 2 {
		t.Errorf("with a constant rate among them, %d cohorts, want 2", n)
	}
	want := execute(t, runner.Options{}, trials)
	for how, o := range map[string]runner.Options{
		"with 3 workers":        {Workers: 3},
		"through shared memory": {Plugins: outOfProcess(t, host.Options{})},
	} {
		got := execute(t, o, trials)
		for _, trial := range trials {
			if key := trial.Key(); got.text(key) != want.text(key) {
				t.Errorf("%s, %s gives other bits", how, trial.Optimizer.Schedule.Kind)
			}
		}
	}
	for _, trial := range trials {
		got := execute(t, runner.Options{}, []runner.Trial{trial})
		if key := trial.Key(); got.text(key) != want.text(key) {
			t.Errorf("alone, %s gives other bits", trial.Optimizer.Schedule.Kind)
		}
	}
}

// The metric lr is the rate of the epoch's last step, and at first that of the first step.
func TestRatesAreReported(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	perEpoch := (120 + task.Batch - 1) / task.Batch // 120 of iris's 150 flowers are left to train on
	trials := scheduledTrials(t, task, "sgd", 0.5)
	rates := curves(t, trials, "lr")
	for _, trial := range trials {
		s := trial.Optimizer.Schedule
		got := rates[trial.Key()]
		if len(got) != task.Epochs+1 {
			t.Errorf("%s: %d rates, want %d", s.Kind, len(got), task.Epochs+1)
			continue
		}
		for epoch, rate := range got {
			at, total := max(epoch-1, 0), task.Epochs
			if s.Per == schedule.PerStep {
				at, total = max(epoch*perEpoch-1, 0), task.Epochs*perEpoch
			}
			if want := 0.5 * s.Multiplier(at, total); s.Kind != schedule.Plateau && rate != want {
				t.Errorf("%s per %s: lr at epoch %d is %v, want %v", s.Kind, s.Per, epoch, rate, want)
			}
		}
	}
	constant := trials[:1:1]
	constant[0].Optimizer.Schedule = schedule.Schedule{}
	if got := curves(t, constant, "lr"); len(got) != 0 {
		t.Errorf("a constant rate is reported: %v", got)
	}
}

// A rate that falls is one that is used: the parameters move as with that rate from the start.
func TestRatesAreUsed(t *testing.T) {
	task := runner.Task{Model: "quadratic", Epochs: 6, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{TestFunction: runner.TestFunction{Dimension: 4, Condition: 10}}}
	trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), LR: 0.05}
	loss := curves(t, []runner.Trial{trial}, "train_loss")[trial.Key()]
	doubled := trial
	doubled.LR = 0.1
	other := curves(t, []runner.Trial{doubled}, "train_loss")[doubled.Key()]
	if math.Abs(other[1]-loss[1]) < 1e-6 {
		t.Fatalf("twice the rate gives the same loss %v", loss[1])
	}
	doubled.Optimizer.Schedule = schedule.Schedule{Kind: schedule.Polynomial, Power: 1, EndFactor: 0.5, TMax: 1}
	late := curves(t, []runner.Trial{doubled}, "train_loss")[doubled.Key()]
	if late[1] != other[1] || late[2] == other[2] {
		t.Errorf("a rate halved after the first epoch gives %v, want the first epoch as in %v and then not", late, other)
	}
}

func TestPlateauLowersTheRate(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	task.Epochs = 12
	trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), LR: 3, Seed: 1}
	s := schedule.New(schedule.Plateau)
	s.Monitor, s.Patience, s.Factor, s.Warmup = "val_loss", 1, 0.5, 2
	trial.Optimizer.Schedule = s
	rates := curves(t, []runner.Trial{trial}, "lr")[trial.Key()]
	values := curves(t, []runner.Trial{trial}, "val_loss")[trial.Key()]
	var state schedule.State
	for epoch := 1; epoch <= task.Epochs; epoch++ {
		if want := 3 * s.Multiplier(epoch-1, task.Epochs) * state.Multiplier(s); rates[epoch] != want {
			t.Errorf("lr at epoch %d is %v, want %v", epoch, rates[epoch], want)
		}
		if epoch > s.Warmup {
			state.Observe(s, values[epoch])
		}
	}
	if state.Changes == 0 {
		t.Error("the rate never falls, which tells nothing")
	}
}

func TestAMonitorThatIsNotReportedIsRefused(t *testing.T) {
	trial := scheduledTrials(t, taskOf(t, "iris", "softmax"), "sgd", 0.1)[10]
	trial.Optimizer.Schedule.Monitor = "val_r2"
	l := execute(t, runner.Options{}, []runner.Trial{trial})
	want := "the schedule monitors val_r2, which this task does not report; it reports train_loss, train_accuracy, val_loss, val_accuracy, penalty, J, lr"
	if e := l.ends[trial.Key()]; e.Status != runner.StatusFailed || e.Reason != want {
		t.Errorf("%s: %s", e.Status, e.Reason)
	}
}

func TestAScheduleWithoutMeaningIsRefused(t *testing.T) {
	trial := scheduledTrials(t, taskOf(t, "iris", "softmax"), "sgd", 0.1)[1]
	trial.Optimizer.Schedule.StepSize = 0
	l := execute(t, runner.Options{}, []runner.Trial{trial})
	if e := l.ends[trial.Key()]; e.Status != runner.StatusFailed || e.Reason != "schedule step: step_size is 0, out of its range [1, 2147483647]" {
		t.Errorf("%s: %s", e.Status, e.Reason)
	}
}

// What a schedule adds to a trial is what its kind uses; a constant rate adds nothing.
func TestSchedulesAreSettings(t *testing.T) {
	trial := runner.Trial{LR: 1}
	plain := trial.Key()
	trial.Optimizer.Schedule = schedule.New(schedule.Constant)
	if trial.Key() != plain {
		t.Error("a constant schedule changes the key")
	}
	trial.Optimizer.Schedule = schedule.New(schedule.Multistep)
	trial.Optimizer.Schedule.Milestones = []int{3, 5}
	var got []string
	for _, s := range trial.Settings() {
		if len(s.Path) > 9 && s.Path[:9] == "schedule." {
			got = append(got, s.Path+"="+s.Value.String())
		}
	}
	want := "[schedule.gamma=0.1 schedule.kind=multistep schedule.milestones=3,5 schedule.per=epoch schedule.warmup=0]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	before := trial.Key()
	trial.Optimizer.Schedule.Cooldown, trial.Optimizer.Schedule.Per = 7, "" // not used, and the default
	if trial.Key() != before {
		t.Error("a field that the kind does not use changes the key")
	}
	keys := map[runner.Key]bool{plain: true}
	for _, s := range schedules() {
		trial.Optimizer.Schedule = s
		keys[trial.Key()] = true
	}
	if len(keys) != len(schedule.Kinds)+1 {
		t.Errorf("%d kinds have %d keys", len(schedule.Kinds), len(keys)-1)
	}
}

// eventLog keeps events besides.
type eventLog struct {
	*log
	events []runner.Event
}

func (l *eventLog) Record(ctx context.Context, u runner.Update) error {
	l.events = append(l.events, u.Events...)
	return l.log.Record(ctx, u)
}

func TestDecisionsAreRecordedWithTheirFacts(t *testing.T) {
	rule, err := stop.Parse("up:1,strip=1")
	if err != nil {
		t.Fatal(err)
	}
	rule.Monitor, rule.Goal = "val_accuracy", stop.Max
	task := taskOf(t, "iris", "softmax")
	task.Epochs = 50
	trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), LR: 3, Seed: 1, Stop: rule}
	l := &eventLog{log: newLog()}
	if err := runner.Execute(t.Context(), options(t, runner.Options{Recorder: l}), []runner.Trial{trial}); err != nil {
		t.Fatal(err)
	}
	e := l.ends[trial.Key()]
	if e.Status != runner.StatusStopped || len(l.events) != 1 {
		t.Fatalf("%s with the events %+v, want one of a stop", e.Status, l.events)
	}
	want := fmt.Sprintf(`{"rule":"up:1,strip=1","cause":"rule","metric":"val_accuracy","epoch":%d,`, e.Epochs)
	if got := l.events[0]; got.Kind != "early_stop" || got.Epoch != e.Epochs || got.Message != e.Reason || got.Detail[:len(want)] != want {
		t.Errorf("the event is %+v, want its detail to begin with %s", got, want)
	}
}
