package store

import "context"

// EventAccepted is the kind of the event of a run that was not trained: its result was that of an earlier trial, and the
// user said that the change between the two makes no difference.
const EventAccepted = "accepted"

// EventSeed is the kind of the event of a script's run that says what was taken for its seed.
const EventSeed = "seed"

// Messages counts the runs of sweeps that have an event of a kind, by its message.
func (s *Store) Messages(ctx context.Context, kind string, sweepIDs ...int64) (map[string]int, error) {
	query := `SELECT e.message, count(DISTINCT e.run_id) FROM event e JOIN present_run r ON r.id = e.run_id JOIN member m ON m.trial_id = r.trial_id
		WHERE e.kind = ? AND m.sweep_id IN (` + list(len(sweepIDs), "?") + `) GROUP BY e.message`
	messages := map[string]int{}
	err := s.each(ctx, "count events", query, append([]any{kind}, anys(sweepIDs)...), func(scan scanner) error {
		var message string
		var runs int
		err := scan(&message, &runs)
		messages[message] = runs
		return err
	})
	return messages, err
}

// CountEvents counts the runs of sweeps that have an event of a kind.
func (s *Store) CountEvents(ctx context.Context, kind string, sweepIDs ...int64) (runs int, err error) {
	query := `SELECT count(DISTINCT e.run_id) FROM event e JOIN present_run r ON r.id = e.run_id JOIN member m ON m.trial_id = r.trial_id
		WHERE e.kind = ? AND m.sweep_id IN (` + list(len(sweepIDs), "?") + `)`
	err = s.each(ctx, "count events", query, append([]any{kind}, anys(sweepIDs)...), func(scan scanner) error { return scan(&runs) })
	return runs, err
}
