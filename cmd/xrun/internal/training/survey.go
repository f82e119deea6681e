package training

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// State is the state of a sweep's trials in the store.
type State struct {
	Open    []runner.Trial // to run, in order
	Done    int
	Fresh   int          // never tried
	Failed  int          // tried and failed, will be tried again
	Lasting int          // tried and failed for good
	resumed int          // interrupted, will go on from a checkpoint
	partial int          // interrupted, will begin again
	rerun   []runner.Key // with a result, will run again
	retry   []runner.Key // failed, will run again
	running int          // by another process
	busy    error        // the reason why the sweep cannot be pruned now; nil if there is none
	pruned  int          // by this sweep's rule
	revived int          // pruned before, but trained on among the trials that the sweep has now
	Status  map[runner.Key]store.TrialStatus
	// pruning is nil if the sweep trains every trial to its end.
	pruning *runner.Pruning
}

// Wishes ask for trials that a sweep does not train by itself, or for some of its trials only.
type Wishes struct {
	Share       Share    // the zero Share is the whole sweep
	RetryFailed bool     // also those that failed for good
	Rerun       []string // beginnings of keys of trials that have a result, or all
	// AcceptChanges takes over results from before a change of the program's files.
	AcceptChanges bool
}

// Again reports whether a trial with a result must run again.
func (w Wishes) Again(key runner.Key) bool {
	return slices.ContainsFunc(w.Rerun, func(name string) bool { return name == "all" || strings.HasPrefix(string(key), name) })
}

// Survey looks up the state of a sweep's trials.
func Survey(ctx context.Context, db *store.Store, spec *sweeps.Spec, trials []runner.Trial, want Wishes) (State, error) {
	keys := make([]runner.Key, len(trials))
	for i, t := range trials {
		keys[i] = t.Key()
	}
	status, err := db.Status(ctx, keys)
	if err != nil {
		return State{}, err
	}
	s := State{Status: status}
	s.pruning = spec.Pruning(nil)
	for i, t := range trials {
		st := status[keys[i]]
		if s.pruning != nil && st.Shared {
			s.busy = &runner.BusyError{Trial: t}
		}
		if s.pruning != nil && !want.Again(keys[i]) && (st.Status.Done() || st.Status == runner.StatusPruned) {
			if err := s.recall(ctx, db, t, st); err != nil {
				return State{}, err
			}
		}
		switch {
		case st.Status.Done() && want.Again(keys[i]):
			s.rerun = append(s.rerun, keys[i])
		case st.Status.Done():
			s.Done++
			continue
		case st.Status == runner.StatusRunning:
			s.running++
			continue
		case st.Status == runner.StatusPruned && s.pruning != nil:
			s.pruned++
			continue
		case st.Status == "":
			s.Fresh++
		case st.Status == runner.StatusFailed && st.Lasting && !want.RetryFailed:
			s.Lasting++
			continue
		case st.Status == runner.StatusFailed:
			s.Failed++
			s.retry = append(s.retry, keys[i])
		case st.Checkpoint > 0:
			s.resumed++
		default:
			s.partial++
		}
		s.Open = append(s.Open, t)
	}
	if s.pruning != nil && len(s.Open) == 0 {
		s.revived = len(s.pruning.Revived())
	}
	return s, nil
}

// recall reads the curve of a trial for pruning.
func (s *State) recall(ctx context.Context, db *store.Store, t runner.Trial, st store.TrialStatus) error {
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
func (s State) idle() bool { return len(s.Open) == 0 && s.revived == 0 }

// Describe counts the trials by what will be done with them.
func (s State) Describe() string {
	total := len(s.Open) + s.Done + s.running + s.pruned + s.Lasting
	parts := []string{stats.Count(total, "trial", "trials")}
	for _, p := range []struct {
		n    int
		text string
	}{{s.Done, "done"}, {s.Fresh, "new"}, {s.resumed, "to go on"}, {s.partial, "to begin again"}, {s.Failed, "to retry"},
		{s.Lasting, "failed for good (--retry-failed)"}, {len(s.rerun), "to run again"}, {s.running, "running elsewhere"},
		{s.pruned - s.revived, "pruned"}, {s.revived, "pruned before, to begin again"}} {
		if p.n > 0 && !(p.n == total && p.text == "new") {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	return strings.Join(parts, " · ")
}

// Check refuses keys that none of the trials has. of says whose trials they are.
func (w Wishes) Check(trials []runner.Trial, of string) error {
	for _, name := range w.Rerun {
		if name == "all" {
			continue
		}
		if !slices.ContainsFunc(trials, func(t runner.Trial) bool { return strings.HasPrefix(string(t.Key()), name) }) || name == "" {
			return advice.Usage(fmt.Errorf("--rerun %q: no trial of %s has a key that begins so", name, of), "xrun plan lists the keys")
		}
	}
	return nil
}
