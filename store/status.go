package store

import (
	"context"
	"slices"

	"github.com/xrun-dev/xrun/runner"
)

// A TrialStatus describes the best attempt at a trial.
type TrialStatus struct {
	Status   runner.Status // empty: never run
	Run      int64         // the attempt
	Attempts int
	Reason   string
	Owner    string // the process of a running trial
	// Checkpoint is the epoch from which an interrupted run can continue; 0 without one.
	Checkpoint int
	// Lasting reports whether a failed run would fail again.
	Lasting bool
	// Shared reports whether the attempt belongs to another living process.
	Shared bool
}

// Status reads the status of trials. Unknown trials have the zero TrialStatus.
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
			if runner.Status(status).CountsOver(now.Status) {
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

// others reports whether an owner is another living process. living caches the answer.
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
