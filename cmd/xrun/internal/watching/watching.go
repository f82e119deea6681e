// Package watching reads from the database what a sweep has come to, for a view of it: of a sweep that this process
// trains, or another one.
package watching

import (
	"context"
	"os"
	"slices"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// A Watching follows a sweep through its database.
type Watching struct {
	store   *store.Store
	Sweep   store.SweepInfo
	Results []runner.Result // of the latest Poll
	// Only are the trials that State and Others have; nil is all.
	Only     map[runner.Key]bool
	question compare.Question // about the points, which stay the same
	shared   bool             // others trained the sweep at the latest call of Others
}

// New finds a sweep, by a name or an id, and reads its results.
func New(ctx context.Context, db *store.Store, name string) (*Watching, error) {
	sweep, err := db.FindSweep(ctx, name)
	if err != nil {
		return nil, err
	}
	w := &Watching{store: db, Sweep: sweep}
	if err := w.Poll(ctx); err != nil {
		return nil, err
	}
	w.question, err = question.Describe(ctx, db, sweep, w.Results)
	return w, err
}

// Poll reads the progress of the trials.
func (w *Watching) Poll(ctx context.Context) (err error) {
	w.Results, err = w.store.Results(ctx, w.Sweep.ID, w.Sweep.Metric)
	return err
}

// Stage says what the sweep does with its seeds, if they are added in stages: the stage that is under way, or why there is
// none. It is empty for other sweeps.
func (w *Watching) Stage(ctx context.Context) (string, error) {
	s, err := question.FindStaging(ctx, w.store, w.Sweep, nil)
	if err != nil || s == nil {
		return "", err
	}
	if s.Outcome.Next != nil {
		return s.Outcome.Next.String(), nil
	}
	return "no point needs more seeds: " + s.Outcome.Over, nil
}

// Owners are the processes that train the sweep.
func (w *Watching) Owners(ctx context.Context) ([]store.Owner, error) {
	return w.store.Owners(ctx, w.Sweep.ID)
}

// Others reads the results while processes other than this one train some of the sweep, and once more when the last of
// them has ended. Otherwise there are none.
func (w *Watching) Others(ctx context.Context) ([]runner.Result, error) {
	owners, err := w.Owners(ctx)
	if err != nil {
		return nil, err
	}
	before := w.shared
	w.shared = slices.ContainsFunc(owners, func(o store.Owner) bool { return o.PID != os.Getpid() })
	if !w.shared && !before {
		return nil, nil
	}
	results, err := w.store.Results(ctx, w.Sweep.ID, w.Sweep.Metric)
	return w.only(results), err
}

// only are those of results that the view has.
func (w *Watching) only(results []runner.Result) []runner.Result {
	if w.Only == nil {
		return results
	}
	return slices.DeleteFunc(slices.Clone(results), func(r runner.Result) bool { return !w.Only[r.Trial] })
}

// Label names the point of a result.
func (w *Watching) Label(r runner.Result) compare.Label {
	return compare.Label{Optimizer: r.Optimizer, Regularizer: r.Regularizer, LR: r.LR, Lambda: r.Lambda,
		NoLambda: w.question.Command && r.Lambda == 0, Axes: w.question.Axes[r.Point]}
}

// curves is how many stored curves a view has at most. It shows three.
const curves = 100

// State is the state of the sweep from which a view begins.
func (w *Watching) State(ctx context.Context) (live.State, error) {
	stage, err := w.Stage(ctx)
	if err != nil {
		return live.State{}, err
	}
	s := live.State{Stage: stage, Question: w.question, Results: w.only(w.Results), Curves: map[runner.Key][]runner.CurvePoint{}}
	for _, r := range s.Results {
		if !r.Found || r.Status != runner.StatusRunning && r.Status != runner.StatusInterrupted || len(s.Curves) == curves {
			continue
		}
		curve, err := w.store.Curve(ctx, r.RunID, w.Sweep.Metric)
		if err != nil {
			return live.State{}, err
		}
		s.Curves[r.Trial] = curve
	}
	return s, nil
}
