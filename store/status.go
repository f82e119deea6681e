package store

import (
	"context"
	"slices"

	"github.com/xrun-dev/xrun/runner"
)

// A TrialStatus is how far a trial is: its best attempt.
type TrialStatus struct {
	Status   runner.Status // empty: never run
	Run      int64         // of which Status is
	Attempts int
	Reason   string
	Owner    string // for a running trial: who runs it
	// Checkpoint is the epoch from which an interrupted run can go on; 0 without one.
	Checkpoint int
	// Lasting says of a failed run that it would fail again.
	Lasting bool
	// Shared says that another process which is at work now has run it, or is running it.
	Shared bool
}

// Status says how far trials are. Trials the database does not know have the zero TrialStatus.
func (s *Store) Status(ctx context.Context, keys []runner.Key) (map[runner.Key]TrialStatus, error) {
	const query = `SELECT t.key, r.id, r.status, r.reason,
		CASE WHEN o.closed_at IS NULL THEN o.uuid ELSE '' END,
		CASE WHEN r.status = 'running' THEN 'pid ' || o.pid || ' on ' || o.host || ' (` + "`' || o.command || '`" + `)' ELSE '' END,
		CASE WHEN r.status = 'interrupted' THEN coalesce(c.epoch, 0) ELSE 0 END, r.lasting
		FROM trial t JOIN present_run r ON r.trial_id = t.id JOIN owner o ON o.id = r.owner_id LEFT JOIN checkpoint c ON c.run_id = r.id WHERE t.key IN `
	settled, err := s.settled(ctx, query)
	if err != nil {
		return nil, err
	}
	all := make(map[runner.Key]TrialStatus, len(keys))
	for _, key := range keys {
		all[key] = TrialStatus{}
	}
	living := map[string]bool{}
	for chunk := range slices.Chunk(keys, keysAtOnce) {
		err := s.each(ctx, "read trials", settled+keyList+" ORDER BY r.id", chunked(chunk), func(scan scanner) error {
			var key, status, reason, uuid, owner string
			var run int64
			var checkpoint int
			var lasting bool
			if err := scan(&key, &run, &status, &reason, &uuid, &owner, &checkpoint, &lasting); err != nil {
				return err
			}
			now := all[runner.Key(key)]
			now.Attempts++
			now.Checkpoint = max(now.Checkpoint, checkpoint)
			now.Shared = now.Shared || s.others(living, uuid)
			if better(runner.Status(status), now.Status) {
				now.Status, now.Run, now.Reason, now.Owner, now.Lasting = runner.Status(status), run, reason, owner, lasting
			}
			all[runner.Key(key)] = now
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// others reports whether an owner that has not closed the file is another process, and lives. What
// is found out about an owner is kept in living.
func (s *Store) others(living map[string]bool, uuid string) bool {
	if uuid == "" || s.owner != nil && s.owner.uuid == uuid {
		return false
	}
	lives, known := living[uuid]
	if !known {
		lives = alive(s.path, uuid)
		living[uuid] = lives
	}
	return lives
}

// better reports whether a later attempt of status a says more about a trial than one of b.
func better(a, b runner.Status) bool { return rank(a) >= rank(b) }

func rank(s runner.Status) int {
	switch {
	case s.Done():
		return 4
	case s == runner.StatusRunning:
		return 3
	case s == runner.StatusPruned:
		return 2
	case s != "":
		return 1
	}
	return 0
}
