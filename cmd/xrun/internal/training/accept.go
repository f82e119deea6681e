package training

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// Trials lists the trials of a sweep. A program's trial that has no result keeps the key by which an earlier version of
// xrun stored one, if it did: that key was of the values as they are written.
func Trials(ctx context.Context, db *store.Store, spec *sweeps.Spec) ([]runner.Trial, error) {
	trials := spec.Trials()
	if spec.Task.Command == nil {
		return trials, nil
	}
	keys := make([]runner.Key, 0, 2*len(trials))
	spelled := make([]runner.Key, len(trials))
	for i, t := range trials {
		keys = append(keys, t.Key())
		t.Spelled = true
		if key := t.Key(); key != keys[len(keys)-1] {
			keys, spelled[i] = append(keys, key), key
		}
	}
	if len(keys) == len(trials) {
		return trials, nil
	}
	status, err := db.Status(ctx, keys)
	for i, key := range spelled {
		if key != "" && status[key].Status.Done() && !status[trials[i].Key()].Status.Done() {
			trials[i].Spelled = true
		}
	}
	return trials, err
}

// accept gives trials without a result the results that trials had of an earlier form of the sweep, which differ in nothing
// but the content of their program's files. It returns how many.
func accept(ctx context.Context, db *store.Store, id int64, spec *sweeps.Spec, trials []runner.Trial) (accepted int, err error) {
	if spec.Task.Command == nil {
		return 0, advice.Usage(errors.New("--accept-changes is for files of a program that is the task"), "data and plugins are part of what xrun computes")
	}
	all, err := db.Sweeps(ctx)
	if err != nil {
		return 0, err
	}
	keys := make([]runner.Key, len(trials))
	for i, t := range trials {
		keys[i] = t.Key()
	}
	status, err := db.Status(ctx, keys)
	if err != nil {
		return 0, err
	}
	open := map[int64][]runner.Trial{} // by seed
	for i, t := range trials {
		if status[keys[i]].Status == "" {
			open[t.Seed] = append(open[t.Seed], t)
		}
	}
	for _, earlier := range all { // the newest first
		if earlier.Name != spec.Name || earlier.ID == id {
			continue
		}
		results, err := db.Results(ctx, earlier.ID, spec.Metric.Name)
		if err != nil {
			return accepted, err
		}
		settings, err := db.Settings(ctx, earlier.ID, nil)
		if err != nil {
			return accepted, err
		}
		for _, r := range results {
			if !r.Status.Done() {
				continue
			}
			old := runner.TrainingSettings(settings[r.Trial])
			i := slices.IndexFunc(open[r.Seed], func(t runner.Trial) bool {
				return t.LR == r.LR && t.Lambda == r.Lambda && slices.Equal(difference(old, runner.TrainingSettings(t.Settings())), []string{otherFiles})
			})
			if i < 0 {
				continue
			}
			if err := takeOver(ctx, db, id, open[r.Seed][i], r); err != nil {
				return accepted, err
			}
			open[r.Seed] = slices.Delete(open[r.Seed], i, i+1)
			accepted++
		}
	}
	return accepted, nil
}

// takeOver records the result of an earlier trial as that of another one.
func takeOver(ctx context.Context, db *store.Store, sweep int64, t runner.Trial, r runner.Result) error {
	env, err := db.EnvironmentOf(ctx, r.RunID)
	if err != nil {
		return err
	}
	run, err := db.Run(ctx, r.RunID)
	if err != nil {
		return err
	}
	recorder := db.Recorder(sweep, env, nil)
	begun, err := recorder.Begin(ctx, []runner.Trial{t})
	if err != nil || begun[0].Run == 0 { // another process has it
		return err
	}
	id := begun[0].Run
	var u runner.Update
	points := map[int]*runner.Points{}
	var epochs []int
	metrics, err := db.Metrics(ctx, r.RunID)
	if err != nil {
		return err
	}
	var judged []runner.CurvePoint
	for _, m := range metrics {
		curve, err := db.Curve(ctx, r.RunID, m.Metric)
		if err != nil {
			return err
		}
		if m.Metric == t.Keep.Metric {
			judged = curve
		}
		for _, p := range curve {
			if points[p.Epoch] == nil {
				points[p.Epoch] = &runner.Points{Run: id, Epoch: p.Epoch}
				epochs = append(epochs, p.Epoch)
			}
			of := points[p.Epoch]
			of.Metrics, of.Values = append(of.Metrics, m.Metric), append(of.Values, p.Value)
		}
	}
	slices.Sort(epochs)
	for _, epoch := range epochs {
		u.Points = append(u.Points, *points[epoch])
	}
	events, err := db.Events(ctx, r.RunID)
	if err != nil {
		return err
	}
	for _, e := range events {
		u.Events = append(u.Events, runner.Event{Run: id, At: e.At, Kind: e.Kind, Epoch: e.Epoch, Message: e.Message, Detail: e.Detail})
	}
	u.Events = append(u.Events, runner.Event{Run: id, At: time.Now(), Kind: store.EventAccepted, Epoch: r.Epochs,
		Message: fmt.Sprintf("the result of run %d of trial %s is taken over: since then the content of the program's files has changed, and --accept-changes says that nothing that matters has", r.RunID, r.Trial.Short())})
	end := runner.End{Run: id, At: time.Now(), Status: r.Status, Reason: r.Reason, Epochs: r.Epochs, Cost: run.Cost}
	if kept, ok := t.Keep.Value(r.Status, judged); ok {
		end.Kept = &kept
	}
	switch output, err := db.OutputOf(ctx, r.RunID); {
	case err == nil:
		end.Output = output.Content
	case !question.Missing(err):
		return err
	}
	u.Ends = []runner.End{end}
	if err := recorder.Record(ctx, u); err != nil {
		return err
	}
	return recorder.Flush(ctx)
}
