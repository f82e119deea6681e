package runner_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
)

// curveOf is a curve from epoch 0 on.
func curveOf(values ...float64) (curve []runner.CurvePoint) {
	for epoch, v := range values {
		curve = append(curve, runner.CurvePoint{Epoch: epoch, Value: v})
	}
	return curve
}

func TestValue(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]struct {
		goal   stop.Goal
		at     runner.At
		status runner.Status
		curve  []runner.CurvePoint
		epoch  int
		value  float64
		ok     bool
	}{
		"the least":                        {stop.Min, runner.AtBest, runner.StatusFinished, curveOf(9, 3, 1, 2), 2, 1, true},
		"the greatest":                     {stop.Max, runner.AtBest, runner.StatusFinished, curveOf(9, 3, 1, 2), 1, 3, true},
		"the first of equals":              {stop.Min, runner.AtBest, runner.StatusStopped, curveOf(9, 1, 2, 1), 1, 1, true},
		"before training does not count":   {stop.Min, runner.AtBest, runner.StatusFinished, curveOf(0, 3, 2), 2, 2, true},
		"unless there is nothing else":     {stop.Min, runner.AtBest, runner.StatusFinished, curveOf(7), 0, 7, true},
		"NaN is passed over":               {stop.Min, runner.AtBest, runner.StatusFinished, curveOf(9, nan, 4, nan), 2, 4, true},
		"NaN alone is nothing":             {stop.Min, runner.AtBest, runner.StatusFinished, curveOf(9, nan, nan), 0, 0, false},
		"infinite, and nothing else":       {stop.Min, runner.AtBest, runner.StatusFinished, curveOf(9, inf, inf), 1, inf, true},
		"the last":                         {stop.Min, runner.AtLast, runner.StatusFinished, curveOf(9, 1, 2), 2, 2, true},
		"the last is NaN":                  {stop.Min, runner.AtLast, runner.StatusFinished, curveOf(9, 1, nan), 2, nan, true},
		"an epoch":                         {stop.Min, runner.AtEpoch(1), runner.StatusFinished, curveOf(9, 3, 2), 1, 3, true},
		"an epoch that was not reached":    {stop.Min, runner.AtEpoch(5), runner.StatusFinished, curveOf(9, 3, 2), 0, 0, false},
		"epochs with gaps":                 {stop.Max, runner.AtBest, runner.StatusFinished, []runner.CurvePoint{{Epoch: 5, Value: 1}, {Epoch: 10, Value: 2}}, 10, 2, true},
		"a run that diverged":              {stop.Min, runner.AtBest, runner.StatusDiverged, curveOf(9, 1, inf), 0, 0, false},
		"a run that was pruned":            {stop.Min, runner.AtBest, runner.StatusPruned, curveOf(9, 1, 2), 0, 0, false},
		"a run that failed":                {stop.Min, runner.AtLast, runner.StatusFailed, curveOf(9, 1), 0, 0, false},
		"a run that was interrupted":       {stop.Min, runner.AtLast, runner.StatusInterrupted, curveOf(9, 1), 0, 0, false},
		"a run that goes on":               {stop.Min, runner.AtLast, runner.StatusRunning, curveOf(9, 1), 0, 0, false},
		"a run that has recorded nothing":  {stop.Min, runner.AtBest, runner.StatusFinished, nil, 0, 0, false},
		"its last epoch without a metric ": {stop.Min, runner.AtLast, runner.StatusFinished, nil, 0, 0, false},
	} {
		kept, ok := runner.Keep{Metric: "m", Goal: c.goal, At: c.at}.Value(c.status, c.curve)
		if ok != c.ok || ok && (kept.Epoch != c.epoch || kept.Value != c.value && !(math.IsNaN(kept.Value) && math.IsNaN(c.value))) {
			t.Errorf("%s: %+v, %v; want epoch %d with %v, %v", name, kept, ok, c.epoch, c.value, c.ok)
		}
	}
}

// shortOf is the summary of a curve, made in another way than Value looks at it.
func shortOf(curve []runner.CurvePoint) (s runner.Summary) {
	s = runner.Summary{Min: math.NaN(), Max: math.NaN(), Count: len(curve)}
	trained := curve
	if len(curve) > 1 && curve[0].Epoch == 0 {
		trained = curve[1:]
	}
	for _, p := range curve {
		s.Last = p.Value
	}
	for i := len(trained) - 1; i >= 0; i-- {
		p := trained[i]
		if math.IsNaN(p.Value) {
			continue
		}
		if !(p.Value > s.Min) {
			s.Min, s.MinStep = p.Value, p.Epoch
		}
		if !(p.Value < s.Max) {
			s.Max, s.MaxStep = p.Value, p.Epoch
		}
	}
	return s
}

// However a run is looked at, by its curve, by its summary, or while it goes on and is paused in between, the same
// epoch counts.
func TestValuesAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		var curve []runner.CurvePoint
		for epoch := random.IntN(2); len(curve) < random.IntN(8); epoch++ {
			v := float64(random.IntN(4)) // ties are frequent
			if random.IntN(6) == 0 {
				v = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[random.IntN(3)]
			}
			curve = append(curve, runner.CurvePoint{Epoch: epoch, Value: v})
		}
		keep := runner.Keep{Metric: "m", Goal: []stop.Goal{stop.Min, stop.Max}[random.IntN(2)],
			At: []runner.At{runner.AtBest, runner.AtLast, runner.AtEpoch(1 + random.IntN(5))}[random.IntN(3)]}
		status := []runner.Status{runner.StatusFinished, runner.StatusStopped, runner.StatusDiverged, runner.StatusPruned}[random.IntN(4)]
		want, ok := keep.Value(status, curve)
		epochs := 0
		if len(curve) > 0 {
			epochs = curve[len(curve)-1].Epoch
		}
		same := func(how string, got runner.Kept, found bool) {
			if found != ok || ok && (got.Epoch != want.Epoch || math.Float64bits(got.Value) != math.Float64bits(want.Value)) {
				t.Fatalf("%+v of a run that is %s: %+v, %v by its curve %v, and %+v, %v %s", keep, status, want, ok, curve, got, found, how)
			}
		}
		if got, found, known := keep.ValueInShort(status, epochs, shortOf(curve)); known {
			same("by its summary", got, found)
		} else if _, named := keep.At.Epoch(); !named {
			t.Fatalf("%s is not known of a summary", keep.At)
		}
		keeper := keep.Start()
		for _, p := range curve {
			counts := keeper.Observe(p.Epoch, p.Value)
			if now, _ := keeper.Kept(); counts != (now.Epoch == p.Epoch && keeper.Found) {
				t.Fatalf("epoch %d of %v counts: %v, and %+v is kept", p.Epoch, curve, counts, now)
			}
			keeper = keep.Resume(keeper.KeeperState)
		}
		got, found := keeper.Kept()
		same("while it goes on", got, found && status.Keeps())
	}
}

// What is kept is part of a trial's content, but of a program's; the revision of the arithmetic is no part of its
// point.
func TestKeysSayWhatIsKept(t *testing.T) {
	trial := runner.Trial{Task: runner.Task{Model: "softmax", Epochs: 3}, LR: 0.1, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}
	changed := func(change func(*runner.Trial)) runner.Trial {
		other := trial
		change(&other)
		return other
	}
	for name, other := range map[string]runner.Trial{
		"metric":     changed(func(t *runner.Trial) { t.Keep.Metric = "train_loss" }),
		"goal":       changed(func(t *runner.Trial) { t.Keep.Goal = stop.Max }),
		"at":         changed(func(t *runner.Trial) { t.Keep.At = runner.AtLast }),
		"divergence": changed(func(t *runner.Trial) { t.Stop.DivergenceFactor = 10 }),
		"lanes":      changed(func(t *runner.Trial) { t.LaneBlock = 8 }),
		"target":     changed(func(t *runner.Trial) { t.Stop = stop.Rule{Monitor: "J", Target: 1, HasTarget: true} }),
	} {
		if other.Key() == trial.Key() || other.Point() == trial.Point() {
			t.Errorf("another %s, and the same trial", name)
		}
	}
	later := changed(func(t *runner.Trial) { t.Arithmetic = 1 })
	if later.Key() == trial.Key() || later.Point() != trial.Point() {
		t.Errorf("another arithmetic: the keys are %s and %s, the points %s and %s", trial.Key(), later.Key(), trial.Point(), later.Point())
	}
	program := changed(func(t *runner.Trial) { t.Task.Command = &runner.Command{Args: []string{"train"}} })
	kept := program
	kept.Keep, kept.Arithmetic = runner.Keep{Metric: "other", Goal: stop.Max, At: runner.AtLast}, 1
	if kept.Key() != program.Key() {
		t.Error("what counts of a program's run is part of its key")
	}
}
