// Package watching follows a sweep that another process trains, through its database.
package watching

import (
	"context"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// A Watching follows a sweep through its database.
type Watching struct {
	store   *store.Store
	Sweep   store.SweepInfo
	Axes    map[runner.Key][]runner.Setting // further ones, by point
	epochs  int                             // of each trial; 0 if they differ, or are not known
	Results []runner.Result
	seen    map[int64]runner.Result // by run
}

// describe looks up what does not change while the sweep runs.
func (w *Watching) describe(ctx context.Context) error {
	varying, same, err := w.store.Varying(ctx, w.Sweep.ID)
	if err != nil {
		return err
	}
	for _, s := range same {
		if s.Path == "task.epochs" {
			w.epochs = int(s.Value.Integer)
		}
	}
	axes, err := w.store.Axes(ctx, varying, w.Sweep.ID)
	w.Axes, _ = runner.ShowAxes(axes)
	return err
}

// Poll reads how far the trials are, and who is at work on them.
func (w *Watching) Poll(ctx context.Context) ([]store.Owner, error) {
	owners, err := w.store.Owners(ctx, w.Sweep.ID)
	if err == nil {
		w.Results, err = w.store.Results(ctx, w.Sweep.ID, w.Sweep.Metric)
	}
	return owners, err
}

// Show tells the view what has changed since the last time.
func (w *Watching) Show(view *live.View) {
	for _, r := range w.Results {
		before, known := w.seen[r.RunID]
		if r.RunID == 0 || known && before.Epochs == r.Epochs && before.Status == r.Status {
			continue
		}
		w.seen[r.RunID] = r
		p := runner.Progress{Trial: w.trial(r), Run: runner.RunID(r.RunID), Epoch: r.Epochs, Metrics: []string{w.Sweep.Metric}, Values: []float64{r.Summary.Last}}
		if r.Found {
			view.Observe(p)
		}
		if ended(r) {
			p.End = &runner.End{Run: p.Run, Status: r.Status, Reason: r.Reason, Epochs: r.Epochs}
			if r.Keeps {
				p.End.Kept = &r.Kept
			}
			view.Observe(p)
		}
	}
}

// ended reports whether a trial has come to an end that a sweep does not take up again by itself.
func ended(r runner.Result) bool {
	return r.Status.Done() || r.Status == runner.StatusFailed || r.Status == runner.StatusPruned
}

// trial is as much of a trial as a view shows.
func (w *Watching) trial(r runner.Result) runner.Trial {
	t := runner.Trial{Task: runner.Task{Epochs: w.epochs, Native: runner.Native{Supervised: runner.Supervised{Digest: string(r.Point)}}}, Optimizer: runner.Choice{Label: r.Optimizer},
		LR: r.LR, Lambda: r.Lambda, Seed: r.Seed, Axes: w.Axes[r.Point]}
	if r.Regularizer != "" {
		t.Regularizer = &runner.Choice{Label: r.Regularizer}
	}
	return t
}

// New begins to follow a sweep.
func New(ctx context.Context, db *store.Store, name string) (*Watching, error) {
	sweep, err := db.FindSweep(ctx, name)
	if err != nil {
		return nil, err
	}
	w := &Watching{store: db, Sweep: sweep, seen: map[int64]runner.Result{}}
	return w, w.describe(ctx)
}

// Begin passes over what has ended already, and counts it.
func (w *Watching) Begin() (done int) {
	for _, r := range w.Results {
		if ended(r) {
			done++
			w.seen[r.RunID] = r
		}
	}
	return done
}
