package training

import (
	"context"
	"time"

	"github.com/xrun-dev/xrun/store"
)

// Pace is the mean time of a trial that is done. Trials that ran side by side share the time.
func Pace(ctx context.Context, db *store.Store, state State) (time.Duration, error) {
	runs, err := db.Runs(ctx, store.RunQuery{}) // oldest first
	if err != nil {
		return 0, err
	}
	var busy time.Duration
	var until time.Time // everything before has been counted
	n := 0
	for _, r := range runs {
		if !state.Status[r.Trial].Status.Done() || !r.Status.Done() {
			continue
		}
		n++
		from := r.StartedAt
		if from.Before(until) {
			from = until
		}
		if r.EndedAt.After(from) {
			busy += r.EndedAt.Sub(from)
			until = r.EndedAt
		}
	}
	if n == 0 {
		return 0, nil
	}
	return busy / time.Duration(n), nil
}
