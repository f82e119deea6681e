package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// surveyed is the state of a sweep's trials in the store.
type surveyed struct {
	open    []runner.Trial // to run, in order
	done    int
	fresh   int // never tried
	failed  int // tried, failed, to be tried again
	partial int // interrupted, to be run again
	running int // by another process
	status  map[runner.Key]store.TrialStatus
}

func survey(ctx context.Context, db *store.Store, trials []runner.Trial) (surveyed, error) {
	keys := make([]runner.Key, len(trials))
	for i, t := range trials {
		keys[i] = t.Key()
	}
	status, err := db.Status(ctx, keys)
	if err != nil {
		return surveyed{}, err
	}
	s := surveyed{status: status}
	for i, t := range trials {
		switch st := status[keys[i]].Status; {
		case st.Done():
			s.done++
			continue
		case st == runner.StatusRunning:
			s.running++
			continue
		case st == "":
			s.fresh++
		case st == runner.StatusFailed:
			s.failed++
		default:
			s.partial++
		}
		s.open = append(s.open, t)
	}
	return s, nil
}

func (s surveyed) describe() string {
	total := len(s.open) + s.done + s.running
	parts := []string{count(total, "trial", "trials")}
	for _, p := range []struct {
		n    int
		text string
	}{{s.done, "done"}, {s.fresh, "new"}, {s.partial, "to go on with"}, {s.failed, "to retry"}, {s.running, "running elsewhere"}} {
		if p.n > 0 && !(p.n == total && p.text == "new") {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.text))
		}
	}
	return strings.Join(parts, " · ")
}
