package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// surveyed is the state of a sweep's trials in the store.
type surveyed struct {
	open    []runner.Trial // to run, in order
	done    int
	fresh   int          // never tried
	failed  int          // tried, failed, to be tried again
	lasting int          // tried, failed of what would fail again
	resumed int          // interrupted, to go on from a checkpoint
	partial int          // interrupted, to be begun again
	rerun   []runner.Key // with a result, to be run again
	running int          // by another process
	busy    error        // why the sweep cannot be pruned now; nil if it can, or need not be
	pruned  int          // left behind by others of this sweep
	revived int          // of the pruned ones: to be trained on among the trials that the sweep has now
	status  map[runner.Key]store.TrialStatus
	// pruning is nil when the sweep trains every trial to its end.
	pruning *runner.Pruning
}

// wishes are for trials that a sweep leaves alone by itself.
type wishes struct {
	retryFailed bool     // also what would fail again
	rerun       []string // beginnings of keys of trials that have a result, or all
}

func wishFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "retry-failed", Usage: "try failed trials again, too, whose fault would come again"},
		&cli.StringSliceFlag{Name: "rerun", Usage: "run the trial of this `KEY`, or its beginning, again although it has a result; all is every one"},
	}
}

// wishesOf reads the flags.
func wishesOf(c *cli.Context, trials []runner.Trial) (wishes, error) {
	w := wishes{retryFailed: c.Bool("retry-failed"), rerun: c.StringSlice("rerun")}
	for _, name := range w.rerun {
		if name == "all" {
			continue
		}
		if !slices.ContainsFunc(trials, func(t runner.Trial) bool { return strings.HasPrefix(string(t.Key()), name) }) || name == "" {
			return w, advice.Usage(fmt.Errorf("--rerun %q: no trial of the sweep has a key that begins so", name), "xrun plan lists the keys")
		}
	}
	return w, nil
}

func (w wishes) again(key runner.Key) bool {
	return slices.ContainsFunc(w.rerun, func(name string) bool { return name == "all" || strings.HasPrefix(string(key), name) })
}

// survey looks up what a sweep's trials have come to.
func survey(ctx context.Context, db *store.Store, spec *sweeps.Spec, trials []runner.Trial, want wishes) (surveyed, error) {
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
		if s.pruning != nil && !want.again(keys[i]) && (st.Status.Done() || st.Status == runner.StatusPruned) {
			if err := s.recall(ctx, db, t, st); err != nil {
				return surveyed{}, err
			}
		}
		switch {
		case st.Status.Done() && want.again(keys[i]):
			s.rerun = append(s.rerun, keys[i])
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
		case st.Status == runner.StatusFailed && st.Lasting && !want.retryFailed:
			s.lasting++
			continue
		case st.Status == runner.StatusFailed:
			s.failed++
		case st.Checkpoint > 0:
			s.resumed++
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
	total := len(s.open) + s.done + s.running + s.pruned + s.lasting
	parts := []string{count(total, "trial", "trials")}
	for _, p := range []struct {
		n    int
		text string
	}{{s.done, "done"}, {s.fresh, "new"}, {s.resumed, "to go on"}, {s.partial, "to begin again"}, {s.failed, "to retry"},
		{s.lasting, "failed for good (--retry-failed)"}, {len(s.rerun), "to run again"}, {s.running, "running elsewhere"},
		{s.pruned - s.revived, "pruned"}, {s.revived, "pruned before, to begin again"}} {
		if p.n > 0 && !(p.n == total && p.text == "new") {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	return strings.Join(parts, " · ")
}
