package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// surveyed is the state of a sweep's trials in the store.
type surveyed struct {
	open    []runner.Trial // to run, in order
	done    int
	fresh   int   // never tried
	failed  int   // tried, failed, to be tried again
	partial int   // interrupted, to be run again
	running int   // by another process
	busy    error // why the sweep cannot be pruned now; nil if it can, or need not be
	pruned  int   // left behind by others of this sweep
	revived int   // of the pruned ones: to be trained on among the trials that the sweep has now
	status  map[runner.Key]store.TrialStatus
	// pruning is nil when the sweep trains every trial to its end.
	pruning *runner.Pruning
}

// survey looks up what a sweep's trials have come to.
func survey(ctx context.Context, db *store.Store, spec *sweeps.Spec, trials []runner.Trial) (surveyed, error) {
	keys := make([]runner.Key, len(trials))
	for i, t := range trials {
		keys[i] = t.Key()
	}
	status, err := db.Status(ctx, keys)
	if err != nil {
		return surveyed{}, err
	}
	s := surveyed{status: status}
	s.pruning = spec.Pruning(nil)
	for i, t := range trials {
		st := status[keys[i]]
		if s.pruning != nil && st.Shared {
			s.busy = &runner.BusyError{Trial: t}
		}
		if s.pruning != nil && (st.Status.Done() || st.Status == runner.StatusPruned) {
			if err := s.recall(ctx, db, t, st); err != nil {
				return surveyed{}, err
			}
		}
		switch {
		case st.Status.Done():
			s.done++
			continue
		case st.Status == runner.StatusRunning:
			s.running++
			continue
		case st.Status == runner.StatusPruned && s.pruning != nil:
			s.pruned++
			continue
		case st.Status == "":
			s.fresh++
		case st.Status == runner.StatusFailed:
			s.failed++
		default:
			s.partial++
		}
		s.open = append(s.open, t)
	}
	if s.pruning != nil && len(s.open) == 0 {
		s.revived = len(s.pruning.Revived())
	}
	return s, nil
}

// recall reads the curve of a trial that pruning has to know.
func (s *surveyed) recall(ctx context.Context, db *store.Store, t runner.Trial, st store.TrialStatus) error {
	curve, err := db.Curve(ctx, st.Run, s.pruning.Rule.Monitor)
	if err != nil {
		return err
	}
	known := runner.Known{Trial: t, Status: st.Status}
	for _, point := range curve {
		for len(known.Curve) < point.Epoch-1 { // programs need not report each epoch
			known.Curve = append(known.Curve, math.NaN())
		}
		if point.Epoch > 0 {
			known.Curve = append(known.Curve, point.Value)
		}
	}
	s.pruning.Known = append(s.pruning.Known, known)
	return nil
}

// idle reports whether there is nothing to train.
func (s surveyed) idle() bool { return len(s.open) == 0 && s.revived == 0 }

func (s surveyed) describe() string {
	total := len(s.open) + s.done + s.running + s.pruned
	parts := []string{count(total, "trial", "trials")}
	for _, p := range []struct {
		n    int
		text string
	}{{s.done, "done"}, {s.fresh, "new"}, {s.partial, "to begin again"}, {s.failed, "to retry"}, {s.running, "running elsewhere"},
		{s.pruned - s.revived, "pruned"}, {s.revived, "pruned before, to begin again"}} {
		if p.n > 0 && !(p.n == total && p.text == "new") {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	return strings.Join(parts, " · ")
}
