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
	epochs  int                             // of each trial; 0 if they differ or are unknown
	Results []runner.Result
	seen    map[int64]runner.Result // by run
}

// describe reads what does not change while the sweep runs.
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

// Poll reads the progress of the trials and the processes that train them.
func (w *Watching) Poll(ctx context.Context) ([]store.Owner, error) {
	owners, err := w.store.Owners(ctx, w.Sweep.ID)
	if err == nil {
		w.Results, err = w.store.Results(ctx, w.Sweep.ID, w.Sweep.Metric)
	}
	return owners, err
}

// Show passes to the view what has changed since the last call.
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

// ended reports whether a trial has ended and its sweep will not go on with it by itself.
func ended(r runner.Result) bool {
	return r.Status.Done() || r.Status == runner.StatusFailed || r.Status == runner.StatusPruned
}

// trial is a trial with what a view shows of it.
func (w *Watching) trial(r runner.Result) runner.Trial {
	t := runner.Trial{Task: runner.Task{Epochs: w.epochs, Native: runner.Native{Supervised: runner.Supervised{Digest: string(r.Point)}}}, Optimizer: runner.Choice{Label: r.Optimizer},
		LR: r.LR, Lambda: r.Lambda, Seed: r.Seed, Axes: w.Axes[r.Point]}
	if r.Regularizer != "" {
		t.Regularizer = &runner.Choice{Label: r.Regularizer}
	}
	return t
}

// New follows a sweep.
func New(ctx context.Context, db *store.Store, name string) (*Watching, error) {
	sweep, err := db.FindSweep(ctx, name)
	if err != nil {
		return nil, err
	}
	w := &Watching{store: db, Sweep: sweep, seen: map[int64]runner.Result{}}
	return w, w.describe(ctx)
}

// Begin skips the trials that have ended already, and counts them.
func (w *Watching) Begin() (done int) {
	for _, r := range w.Results {
		if ended(r) {
			done++
			w.seen[r.RunID] = r
		}
	}
	return done
}
