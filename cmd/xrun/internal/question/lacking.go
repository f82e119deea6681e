package question

import (
	"context"
	"fmt"
	"strings"

	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// partsOf are the parts of a sweep that were trained in the database, or in those that were merged into it: "shard 3/8". It is
// empty for a sweep that was trained as a whole, and where all its shards have come together.
func partsOf(ctx context.Context, db *store.Store, sweep int64) ([]string, error) {
	events, err := db.SweepEvents(ctx, sweep)
	if err != nil {
		return nil, err
	}
	var parts []string
	shards := map[int]int{} // how many of so many there are
	for _, e := range events {
		if e.Kind != store.EventShare {
			continue
		}
		parts = append(parts, e.Message)
		var number, of int
		if n, _ := fmt.Sscanf(e.Message, "shard %d/%d", &number, &of); n == 2 {
			if shards[of]++; shards[of] == of {
				return nil, nil
			}
		}
	}
	return parts, nil
}

// Lacking says what the database lacks of a sweep of which it was to have a part; empty if it lacks nothing, or was to have all.
func Lacking(ctx context.Context, db *store.Store, sweep store.SweepInfo) (string, error) {
	n := sweep.Trials - sweep.Done()
	if n == 0 {
		return "", nil
	}
	parts, err := partsOf(ctx, db, sweep.ID)
	if err != nil || len(parts) == 0 {
		return "", err
	}
	return fmt.Sprintf("note: %d of the %s of %s have no result in this database, which is for a part: %s; xrun db merge adds the others'",
		n, stats.Count(sweep.Trials, "trial", "trials"), sweep.Title, strings.Join(parts, ", ")), nil
}
