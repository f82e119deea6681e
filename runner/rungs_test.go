//go:build unix

package runner_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/runner/stop"
)

// pruningGrid is 24 points × 2 seeds of 9 epochs; one point diverges, some stop early.
func pruningGrid(t *testing.T) []runner.Trial {
	task := taskOf(t, "iris", "softmax")
	task.Epochs = 9
	l2 := component(t, plugins.KindRegularizer, "l2", nil)
	var trials []runner.Trial
	for _, seed := range []int64{0, 1} {
		for _, o := range []runner.Choice{
			component(t, plugins.KindOptimizer, "sgd", plugins.Settings{"momentum": plugins.Real(0.9)}),
			component(t, plugins.KindOptimizer, "adam", nil),
		} {
			for _, lr := range []float64{0.001, 0.003, 0.01, 0.03, 0.1, 1e6} {
				for _, lambda := range []float64{0, 1} {
					trial := runner.Trial{Task: task, Optimizer: o, LR: lr, Lambda: lambda, Seed: seed,
						Stop: stop.Rule{Monitor: "val_loss", Goal: stop.Min, Patience: 2, Delta: stop.Absolute}}
					if lambda > 0 {
						trial.Regularizer = &l2
					}
					trials = append(trials, trial)
				}
			}
		}
	}
	return trials
}

func halving() *runner.Pruning {
	return &runner.Pruning{Rule: prune.Rule{Name: prune.Halving, Monitor: "val_loss", Goal: stop.Min, First: 1, Eta: 2}}
}

// ends writes down how every trial ended.
func ends(l *log, trials []runner.Trial) string {
	var text strings.Builder
	for _, trial := range trials {
		text.WriteString(l.text(trial.Key()) + "\n")
	}
	return text.String()
}

func TestPruningDependsOnTheSettingsAlone(t *testing.T) {
	trials := pruningGrid(t)
	want := execute(t, runner.Options{Prune: halving()}, trials)
	counts := map[runner.Status]int{}
	for _, e := range want.ends {
		counts[e.Status]++
	}
	if counts[runner.StatusPruned] == 0 || counts[runner.StatusFinished]+counts[runner.StatusStopped] == 0 || len(want.ends) != len(trials) {
		t.Fatalf("of %d trials came %v", len(trials), counts)
	}
	backwards := slices.Clone(trials)
	slices.Reverse(backwards)
	for how, got := range map[string]*log{
		"with 4 workers":        execute(t, runner.Options{Prune: halving(), Workers: 4}, trials),
		"in another order":      execute(t, runner.Options{Prune: halving(), Workers: 2}, backwards),
		"through shared memory": execute(t, runner.Options{Prune: halving(), Workers: 2, Plugins: outOfProcess(t, host.Options{})}, trials),
	} {
		if ends(got, trials) != ends(want, trials) {
			t.Errorf("%s other trials are pruned, or they give other bits", how)
		}
	}
	// What was not pruned has the bits that it has without pruning, and what was has a part of them.
	whole := execute(t, runner.Options{}, trials)
	for _, trial := range trials {
		key := trial.Key()
		if want.ends[key].Status == runner.StatusPruned {
			if !strings.HasPrefix(whole.points[key], want.points[key]) {
				t.Errorf("the curve of %s up to its pruning is not the one it has without", key.Short())
			}
		} else if whole.text(key) != want.text(key) {
			t.Errorf("%s, which was paused at rungs, gives other bits than without:\n%.300s\nwant\n%.300s", key.Short(), want.text(key), whole.text(key))
		}
	}
	// All seeds of a point share its fate.
	fates := map[runner.Key]map[bool]bool{}
	for _, trial := range trials {
		if e := want.ends[trial.Key()]; e.Status == runner.StatusPruned || e.Status == runner.StatusFinished {
			if fates[trial.Point()] == nil {
				fates[trial.Point()] = map[bool]bool{}
			}
			fates[trial.Point()][e.Status == runner.StatusPruned] = true
		}
	}
	for point, fate := range fates {
		if len(fate) > 1 {
			t.Errorf("point %s was pruned for one seed and not for another", point.Short())
		}
	}
}

// known is what a store would know of trials that a log has recorded.
func known(t *testing.T, l *log, trials []runner.Trial) []runner.Known {
	var all []runner.Known
	for _, trial := range trials {
		k := runner.Known{Trial: trial, Status: l.ends[trial.Key()].Status}
		k.Curve = curve(t, l, trial.Key(), "val_loss")[1:]
		all = append(all, k)
	}
	return all
}

func TestPruningGoesOnWhereItWasInterrupted(t *testing.T) {
	trials := pruningGrid(t)
	want := execute(t, runner.Options{Prune: halving(), Workers: 2}, trials)
	// Some trials have their results from before, the others are run now.
	var before, now []runner.Trial
	for i, trial := range trials {
		if i%3 == 0 {
			now = append(now, trial)
		} else {
			before = append(before, trial)
		}
	}
	again := halving()
	again.Known = known(t, want, before)
	got := execute(t, runner.Options{Prune: again, Workers: 2}, now)
	if ends(got, now) != ends(want, now) {
		t.Error("trials that go on beside known ones end in another way")
	}
	if len(got.ends) != len(now) {
		t.Errorf("%d trials were run, %d were missing", len(got.ends), len(now))
	}
	all := halving()
	all.Known = known(t, want, trials)
	if revived := all.Revived(); len(revived) > 0 {
		t.Errorf("%d pruned trials would be run again although nothing has changed", len(revived))
	}
}

// A sweep that is stopped, at a rung or between two, ends every run once, and goes on to the same
// ends.
func TestPruningIsStoppedCleanly(t *testing.T) {
	trials := pruningGrid(t)
	want := execute(t, runner.Options{Prune: halving(), Workers: 2}, trials)
	for name, moment := range map[string]func(runner.Progress) bool{
		"at a rung":    func(p runner.Progress) bool { return p.End != nil && p.End.Status == runner.StatusPruned },
		"between two":  func(p runner.Progress) bool { return p.End == nil && p.Epoch == 3 },
		"on the way":   func(p runner.Progress) bool { return p.End == nil && p.Epoch == 4 },
		"at the start": func(p runner.Progress) bool { return p.End == nil && p.Epoch == 1 },
	} {
		drain := make(chan struct{})
		var once sync.Once
		got := execute(t, runner.Options{Prune: halving(), Workers: 2, Drain: drain, Observe: func(p runner.Progress) {
			if moment(p) {
				once.Do(func() { close(drain) })
			}
		}}, trials)
		var done, left []runner.Trial
		for _, trial := range trials {
			switch e, begun := got.ends[trial.Key()]; {
			case e.Status.Done() || e.Status == runner.StatusPruned:
				done = append(done, trial)
			case e.Status == runner.StatusInterrupted || !begun:
				left = append(left, trial)
			default:
				t.Errorf("%s: trial %s ended as %q", name, trial.Key().Short(), e.Status)
			}
		}
		if len(left) == 0 {
			t.Fatalf("%s: nothing is interrupted", name)
		}
		p := halving()
		p.Known = known(t, got, done)
		again := execute(t, runner.Options{Prune: p, Workers: 2}, left)
		if ends(again, left) != ends(want, left) {
			t.Errorf("%s: trials that were interrupted end in another way than without", name)
		}
	}
}

// When the points that left others behind are taken out of the sweep, the others are trained on.
func TestPrunedTrialsAreTrainedOnInAnotherSweep(t *testing.T) {
	trials := pruningGrid(t)
	first := execute(t, runner.Options{Prune: halving()}, trials)
	var weak []runner.Trial
	for _, trial := range trials {
		if e := first.ends[trial.Key()]; e.Status == runner.StatusPruned && e.Epochs == 1 {
			weak = append(weak, trial)
		}
	}
	p := halving()
	p.Known = known(t, first, weak)
	revived := p.Revived()
	if len(revived) == 0 || len(revived) >= len(weak) {
		t.Fatalf("%d of %d trials that were pruned at the first rung go on, want some of them", len(revived), len(weak))
	}
	got := execute(t, runner.Options{Prune: p, Workers: 2}, nil)
	want := execute(t, runner.Options{Prune: halving()}, weak)
	for _, trial := range revived {
		if key := trial.Key(); got.text(key) != want.text(key) {
			t.Errorf("revived trial %s gives other bits than in a sweep of its own", key.Short())
		}
	}
}

func TestKeptTrialsAreNotPruned(t *testing.T) {
	trials := pruningGrid(t)
	p := halving()
	p.Keep = func(trial runner.Trial) bool { return trial.LR == 0.001 }
	got := execute(t, runner.Options{Prune: p, Workers: 2}, trials)
	for _, trial := range trials {
		if e := got.ends[trial.Key()]; p.Keep(trial) && e.Status == runner.StatusPruned {
			t.Errorf("%s lr %v is pruned: %s", trial.Optimizer.Label, trial.LR, e.Reason)
		}
	}
}

func TestAPointIsKeptForAnyOfItsSeeds(t *testing.T) {
	trials := pruningGrid(t)
	p := halving()
	p.Keep = func(trial runner.Trial) bool { return trial.LR == 0.001 && trial.Seed == 1 }
	got := execute(t, runner.Options{Prune: p}, trials)
	for _, trial := range trials {
		if e := got.ends[trial.Key()]; trial.LR == 0.001 && e.Status == runner.StatusPruned {
			t.Errorf("%s lr %v seed %d is pruned: %s", trial.Optimizer.Label, trial.LR, trial.Seed, e.Reason)
		}
	}
}

// Sums of the same numbers in two orders differ in their last bits, which would decide on ties.
func TestPruningDoesNotDependOnTheOrderOfSeeds(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	var all []runner.Known
	for _, lr := range []float64{0.1, 0.2} {
		for seed, v := range []float64{0.1, 0.2, 0.3} {
			trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), LR: lr, Seed: int64(seed)}
			all = append(all, runner.Known{Trial: trial, Status: runner.StatusPruned, Curve: []float64{v}})
		}
	}
	slices.Reverse(all[3:])
	p := halving()
	if p.Known = all; len(p.Revived()) != len(all) {
		t.Errorf("%d trials go on, want all %d of two points that are equally good", len(p.Revived()), len(all))
	}
}

// endings counts how often each run is ended.
type endings struct {
	*log
	mu    sync.Mutex
	count map[runner.RunID]int
}

func (e *endings) Record(ctx context.Context, u runner.Update) error {
	e.mu.Lock()
	for _, end := range u.Ends {
		e.count[end.Run]++
	}
	e.mu.Unlock()
	return e.log.Record(ctx, u)
}

// A sweep that is stopped between two rungs has trials that are paused there and trials that wait.
func TestPausedTrialsAreInterruptedOnceAndWithTheirCost(t *testing.T) {
	trials := pruningGrid(t)
	e := &endings{log: newLog(), count: map[runner.RunID]int{}}
	drain := make(chan struct{})
	var once sync.Once
	o := runner.Options{Prune: halving(), Recorder: e, Drain: drain, Observe: func(p runner.Progress) {
		if p.Epoch == 2 && p.End == nil {
			once.Do(func() { close(drain) })
		}
	}}
	if err := runner.Execute(t.Context(), options(t, o), trials); err != nil {
		t.Fatal(err)
	}
	interrupted := 0
	for _, trial := range trials {
		end := e.ends[trial.Key()]
		if n := e.count[end.Run]; n != 1 {
			t.Errorf("run %d is ended %d times", end.Run, n)
		}
		if end.Status == runner.StatusInterrupted {
			interrupted++
			if end.Cost.Steps == 0 || end.Cost.Wall == 0 {
				t.Errorf("run %d was interrupted after epoch %d at the cost of %d steps in %v", end.Run, end.Epochs, end.Cost.Steps, end.Cost.Wall)
			}
		}
	}
	if interrupted == 0 {
		t.Error("no trial was interrupted")
	}
}
