package question

import (
	"cmp"
	"context"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// mostWords is the most runs whose last words are read: a page groups them, and shows a few.
const mostWords = 5_000

// LastWords are the errors, or else the reasons, of a sweep's runs that failed or diverged, by run. An empty name is the newest
// sweep.
func LastWords(ctx context.Context, db *store.Store, names []string) (map[int64]string, error) {
	if len(names) == 0 {
		names = []string{""}
	}
	words := map[int64]string{}
	for _, name := range names {
		sweep, err := db.FindSweep(ctx, name)
		if err != nil {
			return nil, err
		}
		runs, err := db.Runs(ctx, store.RunQuery{Trials: sweep.ID, Best: true, Status: []runner.Status{runner.StatusFailed, runner.StatusDiverged}, Limit: mostWords})
		if err != nil {
			return nil, err
		}
		for _, r := range runs {
			if text := cmp.Or(r.Error, r.Reason); text != "" {
				words[r.ID] = text
			}
		}
	}
	return words, nil
}
