//go:build unix

package runner_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/runner/tests"
)

// inPieces executes trials until all have ended, and stops each time after a few epochs: politely or,
// every other time, at once.
func inPieces(t *testing.T, o runner.Options, trials []runner.Trial, epochs int) *log {
	t.Helper()
	l := newLog()
	o.Recorder = l
	for piece := 0; ; piece++ {
		if piece > 1000 {
			t.Fatal("the sweep does not come to an end")
		}
		drain := make(chan struct{})
		ctx, cancel := context.WithCancelCause(t.Context())
		var seen atomic.Int32
		o.Drain = drain
		o.Observe = func(p runner.Progress) {
			if p.End == nil && p.Epoch > 0 && int(seen.Add(1)) == epochs*(1+piece%3) {
				if piece%2 == 0 {
					close(drain)
				} else {
					cancel(errors.New("cut off"))
				}
			}
		}
		err := runner.Execute(ctx, options(t, o), trials)
		cut := ctx.Err() != nil
		cancel(nil)
		if err != nil && !cut {
			t.Fatal(err)
		}
		if done(l, trials) {
			return l
		}
	}
}

func done(l *log, trials []runner.Trial) bool {
	return !slices.ContainsFunc(trials, func(t runner.Trial) bool {
		e, ended := l.ends[t.Key()]
		return !ended || e.Status == runner.StatusInterrupted
	})
}

// everyOptimizer is a trial of each of the built-in optimizers, every other one with a schedule.
func everyOptimizer(t *testing.T, task runner.Task) []runner.Trial {
	var trials []runner.Trial
	l2 := component(t, plugins.KindRegularizer, "l2", nil)
	for i, c := range builtin.Manifest("test").Components {
		if c.Kind != plugins.KindOptimizer {
			continue
		}
		trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, c.Name, nil), LR: 0.01, Seed: 3,
			Stop: stop.Rule{Monitor: "val_loss", Goal: stop.Min, Patience: 4, Delta: stop.Absolute}}
		if slices.Contains(c.Features, plugins.FeatureBase) {
			base := component(t, plugins.KindOptimizer, "adam", nil)
			trial.Optimizer.Base = &base
		}
		if !slices.Contains(c.Features, plugins.FeatureOwnPenalty) {
			trial.Regularizer, trial.Lambda = &l2, 0.1
		}
		if i%2 == 0 {
			trial.Optimizer.Schedule = schedules()[i/2%len(schedule.Kinds)]
		}
		trials = append(trials, trial)
	}
	return trials
}

// A trial that goes on from its checkpoints, however often it is cut off, gives the bits that it gives
// when it is left alone.
func TestResumedTrialsGiveTheBitsOfUninterruptedOnes(t *testing.T) {
	single := taskOf(t, "digits", "softmax")
	single.DType, single.Batch, single.Epochs = plugins.Float32, 256, 6
	mlp := taskOf(t, "wine", "mlp")
	mlp.Hidden, mlp.Activation, mlp.Sampling, mlp.Epochs = []int{7, 5}, "tanh", "replacement", 9
	for name, task := range map[string]runner.Task{"mlp on wine": mlp, "softmax on digits, float32": single} {
		trials := everyOptimizer(t, task)
		want := execute(t, runner.Options{Workers: 2}, trials)
		for how, open := range map[string]func(runner.Share) (runner.Plugins, error){
			"in process": nil, "through shared memory": outOfProcess(t, host.Options{}), "through messages": outOfProcess(t, host.Options{Inline: true}),
		} {
			for _, checkpoint := range []runner.Checkpointing{{Epochs: 1}, {Epochs: 2}, {Every: time.Hour}} {
				if how != "in process" && checkpoint.Epochs != 2 {
					continue
				}
				if !tests.Long() && (checkpoint.Epochs != 2 || name != "mlp on wine" && how != "in process") {
					continue
				}
				t.Run(fmt.Sprint(name, " ", how, " ", checkpoint), func(t *testing.T) {
					got := inPieces(t, runner.Options{Workers: 2, Plugins: open, Checkpoint: checkpoint}, trials, 40)
					for _, trial := range trials {
						if key := trial.Key(); got.text(key) != want.text(key) {
							t.Errorf("%s gives other bits when it is cut off:\n%.600s\nwant\n%.600s", trial.Optimizer.Component, got.text(key), want.text(key))
						}
					}
					if len(got.twice) > 0 {
						t.Errorf("%d points or ends are recorded twice, the first for %s", len(got.twice), got.twice[0])
					}
					if got.resumed == 0 {
						t.Error("no run went on from a checkpoint")
					}
				})
			}
		}
	}
}

// A sweep that prunes and is cut off, between rungs or at them, ends every trial as it does when it is
// left alone.
func TestAPrunedSweepGoesOnFromCheckpoints(t *testing.T) {
	trials := pruningGrid(t)
	want := execute(t, runner.Options{Prune: halving(), Workers: 2}, trials)
	l := newLog()
	for piece := 0; !settled(l, trials); piece++ {
		if piece > 200 {
			t.Fatal("the sweep does not come to an end")
		}
		drain := make(chan struct{})
		var seen atomic.Int32
		rules := halving()
		rules.Known = known(t, l, slices.DeleteFunc(slices.Clone(trials), func(trial runner.Trial) bool { return !final(l, trial) }))
		left := slices.DeleteFunc(slices.Clone(trials), func(trial runner.Trial) bool { return final(l, trial) })
		o := options(t, runner.Options{Prune: rules, Workers: 2, Recorder: l, Drain: drain, Checkpoint: runner.Checkpointing{Epochs: 2},
			Observe: func(p runner.Progress) {
				if p.End == nil && p.Epoch > 0 && int(seen.Add(1)) == 30 {
					close(drain)
				}
			}})
		if err := runner.Execute(t.Context(), o, left); err != nil {
			t.Fatal(err)
		}
	}
	if ends(l, trials) != ends(want, trials) {
		t.Error("a pruned sweep that is cut off ends in another way")
	}
	if l.resumed == 0 || len(l.twice) > 0 {
		t.Errorf("%d runs went on from a checkpoint; recorded twice: %v", l.resumed, l.twice)
	}
}

func final(l *log, trial runner.Trial) bool {
	e, ended := l.ends[trial.Key()]
	return ended && e.Status != runner.StatusInterrupted
}

func settled(l *log, trials []runner.Trial) bool {
	return !slices.ContainsFunc(trials, func(trial runner.Trial) bool { return !final(l, trial) })
}

// A checkpoint that cannot be read, or not by this plugin, costs the time it would have saved.
func TestAnUnusableCheckpointBeginsTheTrialAgain(t *testing.T) {
	trials := everyOptimizer(t, taskOf(t, "iris", "softmax"))[:6]
	want := execute(t, runner.Options{}, trials)
	for name, spoil := range map[string]func(c runner.Checkpoint) runner.Checkpoint{
		"cut short":        func(c runner.Checkpoint) runner.Checkpoint { c.Content = c.Content[:len(c.Content)/2]; return c },
		"empty":            func(c runner.Checkpoint) runner.Checkpoint { c.Content = nil; return c },
		"of another epoch": func(c runner.Checkpoint) runner.Checkpoint { c.Epoch = 1000; return c },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLog()
			drain := make(chan struct{})
			var once atomic.Bool
			o := runner.Options{Recorder: l, Drain: drain, Checkpoint: runner.Checkpointing{Epochs: 1}, Observe: func(p runner.Progress) {
				if p.Epoch == 2 && once.CompareAndSwap(false, true) {
					close(drain)
				}
			}}
			if err := runner.Execute(t.Context(), options(t, o), trials); err != nil {
				t.Fatal(err)
			}
			if len(l.kept) == 0 {
				t.Fatal("there is no checkpoint")
			}
			for run, c := range l.kept {
				l.kept[run] = spoil(c)
			}
			if err := runner.Execute(t.Context(), options(t, runner.Options{Recorder: l}), trials); err != nil {
				t.Fatal(err)
			}
			for _, trial := range trials {
				key := trial.Key()
				if l.text(key) != want.text(key) {
					t.Errorf("%s gives other bits:\n%.300s\nwant\n%.300s", trial.Optimizer.Component, l.text(key), want.text(key))
				}
			}
			var again int
			for _, events := range l.events {
				for _, e := range events {
					if e.Kind == "resumed" && strings.Contains(e.Message, "begins again") {
						again++
					}
				}
			}
			if again == 0 || len(l.twice) > 0 {
				t.Errorf("%d runs say that they begin again; recorded twice: %v", again, l.twice)
			}
		})
	}
}

// A trial whose optimizer cannot tell its state goes on without checkpoints and gives the bits that it gives with them,
// also where it is cut off and where a sweep prunes.
func TestATrialThatCannotBeSavedGoesOn(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	task.Epochs = 9
	under := func(fails bool, trials []runner.Trial) []runner.Trial {
		trials = slices.Clone(trials)
		for i := range trials {
			trials[i].Optimizer = component(t, plugins.KindOptimizer, "shy", plugins.Settings{"fails": plugins.Flag(fails)})
		}
		seen := map[runner.Key]bool{} // trials that only their optimizers told apart are one now
		return slices.DeleteFunc(trials, func(trial runner.Trial) bool {
			known := seen[trial.Key()]
			seen[trial.Key()] = true
			return known
		})
	}
	grid := grid(t, task)[:4]
	for i := range grid {
		grid[i].LR = 0.01 * float64(i+1)
	}
	for how, c := range map[string]struct {
		trials []runner.Trial
		o      runner.Options
	}{
		"after every epoch":      {grid, runner.Options{Checkpoint: runner.Checkpointing{Epochs: 1}}},
		"all the time":           {grid, runner.Options{Checkpoint: runner.Checkpointing{Every: 1}, Plugins: outOfProcess(t, host.Options{})}},
		"in a sweep that prunes": {pruningGrid(t), runner.Options{Prune: halving(), Workers: 2}},
	} {
		able, unable := under(false, c.trials), under(true, c.trials)
		want, got := execute(t, c.o, able), execute(t, c.o, unable)
		for i := range able {
			if g, w := got.text(unable[i].Key()), want.text(able[i].Key()); g != w {
				t.Errorf("%s: trial %d gives\n%.400s\nwant\n%.400s", how, i, g, w)
			}
			said := 0
			for _, e := range got.events[unable[i].Key()] {
				if e.Kind == "warning" && strings.Contains(e.Message, "goes on without checkpoints") && strings.Contains(e.Message, "an open file cannot be saved") {
					said++
				}
			}
			if said != 1 {
				t.Errorf("%s: trial %d says it %d times: %+v", how, i, said, got.events[unable[i].Key()])
			}
		}
	}
	able, unable := under(false, grid), under(true, grid)
	want, got := execute(t, runner.Options{}, able), inPieces(t, runner.Options{Checkpoint: runner.Checkpointing{Epochs: 1}}, unable, 60)
	for i := range able {
		if g, w := got.text(unable[i].Key()), want.text(able[i].Key()); g != w {
			t.Errorf("cut off: trial %d gives\n%.400s\nwant\n%.400s", i, g, w)
		}
	}
}
