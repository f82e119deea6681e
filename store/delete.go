package store

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// A busyRunError refuses to delete a run that a process trains.
type busyRunError struct {
	Run   int64
	Owner string
}

func (e *busyRunError) Error() string { return fmt.Sprintf("run %d is running, by %s", e.Run, e.Owner) }

// Hint says what to do.
func (e *busyRunError) Hint() string { return "xrun stop ends its sweep" }

// DeleteRuns deletes runs. RestoreRuns brings them back until Purge. A sweep runs the trial of a deleted result
// again.
func (s *Store) DeleteRuns(ctx context.Context, ids []int64) error {
	const mark = `UPDATE run SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL`
	return s.writer.do(ctx, "delete", func(_ context.Context, tx *tx) error {
		now := time.Now().UnixMicro()
		for _, id := range ids {
			if err := deletable(tx, id); err != nil {
				return err
			}
			if n, err := affected(tx, mark, now, id); err != nil {
				return err
			} else if n == 0 {
				return &notFoundError{What: "run", Name: strconv.FormatInt(id, 10)}
			}
		}
		return nil
	})
}

// RestoreRuns brings deleted runs back. Of several results of a trial the newest counts.
func (s *Store) RestoreRuns(ctx context.Context, ids []int64) error {
	const unmark = `UPDATE run SET deleted_at = NULL WHERE id = ? AND deleted_at IS NOT NULL`
	return s.writer.do(ctx, "restore", func(_ context.Context, tx *tx) error {
		for _, id := range ids {
			if n, err := affected(tx, unmark, id); err != nil {
				return err
			} else if n == 0 {
				return &notFoundError{What: "deleted run", Name: strconv.FormatInt(id, 10)}
			}
		}
		return nil
	})
}

// DeleteSweep deletes a sweep, and the runs whose trials no other sweep has. It returns the number of those runs.
func (s *Store) DeleteSweep(ctx context.Context, id int64) (runs int64, err error) {
	const (
		markSweep = `UPDATE sweep SET deleted_at = ? WHERE id = ? AND deleted_at IS NULL`
		own       = ` FROM member m WHERE m.sweep_id = ?1 AND NOT EXISTS (SELECT 1 FROM member o JOIN sweep s ON s.id = o.sweep_id
			WHERE o.trial_id = m.trial_id AND o.sweep_id <> ?1 AND s.deleted_at IS NULL)`
		running = `SELECT id FROM run WHERE status = 'running' AND trial_id IN (SELECT m.trial_id` + own + `)`
		mark    = `UPDATE run SET deleted_at = ?2 WHERE deleted_at IS NULL AND trial_id IN (SELECT m.trial_id` + own + `)`
	)
	err = s.writer.do(ctx, "delete", func(_ context.Context, tx *tx) error {
		now := time.Now().UnixMicro()
		at, err := ids(tx, running, id)
		if err != nil {
			return err
		}
		for _, run := range at {
			if err := deletable(tx, run); err != nil {
				return err
			}
		}
		if runs, err = affected(tx, mark, id, now); err != nil {
			return err
		}
		n, err := affected(tx, markSweep, now, id)
		if err == nil && n == 0 {
			err = &notFoundError{What: "sweep", Name: strconv.FormatInt(id, 10)}
		}
		return err
	})
	return runs, err
}

// RestoreSweep brings back a deleted sweep and the runs that were deleted with it.
func (s *Store) RestoreSweep(ctx context.Context, id int64) (runs int64, err error) {
	const (
		when    = `SELECT coalesce(deleted_at, 0) FROM sweep WHERE id = ?`
		unmark  = `UPDATE sweep SET deleted_at = NULL WHERE id = ?`
		restore = `UPDATE run SET deleted_at = NULL WHERE deleted_at = ? AND trial_id IN (SELECT trial_id FROM member WHERE sweep_id = ?)`
	)
	err = s.writer.do(ctx, "restore", func(_ context.Context, tx *tx) error {
		var at int64
		if err := tx.one(when, []any{id}, &at); err != nil || at == 0 {
			return &notFoundError{What: "deleted sweep", Name: strconv.FormatInt(id, 10)}
		}
		if runs, err = affected(tx, restore, at, id); err != nil {
			return err
		}
		_, err = tx.exec(unmark, id)
		return err
	})
	return runs, err
}

// Outdone reads which results of the settings and seed of a run its end has replaced, and which newer one counts instead of it: none and 0 if
// it is the only one.
func (s *Store) Outdone(ctx context.Context, runID int64) (older []int64, newer int64, err error) {
	const query = `SELECT o.id, o.deleted_at IS NULL FROM run r JOIN run o ON o.trial_id = r.trial_id AND o.id <> r.id
		WHERE r.id = ? AND o.status IN ('finished', 'stopped', 'diverged')
		AND (o.deleted_at = r.ended_at AND r.deleted_at IS NULL OR r.deleted_at = r.ended_at AND o.deleted_at IS NULL) ORDER BY o.id`
	err = s.each(ctx, "read replaced runs", query, []any{runID}, func(scan scanner) error {
		var id int64
		var counts bool
		if err := scan(&id, &counts); err != nil {
			return err
		}
		if counts {
			newer = id
		} else {
			older = append(older, id)
		}
		return nil
	})
	return older, newer, err
}

// A Deleted is a run or a sweep that can be restored.
type Deleted struct {
	ID   int64
	Name string // of the sweep; empty for a run
	At   time.Time
}

// DeletedSweeps lists the sweeps that can be restored, newest first.
func (s *Store) DeletedSweeps(ctx context.Context) ([]Deleted, error) {
	return s.deleted(ctx, `SELECT id, name, deleted_at FROM sweep WHERE deleted_at IS NOT NULL ORDER BY id DESC`)
}

// DeletedRuns lists the runs that can be restored.
func (s *Store) DeletedRuns(ctx context.Context) ([]Deleted, error) {
	return s.deleted(ctx, `SELECT id, '', deleted_at FROM run WHERE deleted_at IS NOT NULL ORDER BY id`)
}

func (s *Store) deleted(ctx context.Context, query string) (all []Deleted, err error) {
	err = s.each(ctx, "read what is deleted", query, nil, func(scan scanner) error {
		var d Deleted
		var at int64
		err := scan(&d.ID, &d.Name, &at)
		d.At = moment(at)
		all = append(all, d)
		return err
	})
	return all, err
}

// deletable refuses a run that a living process trains.
func deletable(tx *tx, run int64) error {
	const query = `SELECT o.uuid, 'pid ' || o.pid || ' on ' || o.host FROM run r JOIN owner o ON o.id = r.owner_id WHERE r.id = ? AND r.status = 'running'`
	rows, err := tx.query(query, run)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var uuid, who string
		if err := rows.Scan(&uuid, &who); err != nil {
			return err
		}
		if alive(tx.path, uuid) {
			return &busyRunError{Run: run, Owner: who}
		}
	}
	return rows.Err()
}

// affected executes a statement and returns the number of rows that it changed.
func affected(tx *tx, query string, args ...any) (int64, error) {
	result, err := tx.exec(query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// ids reads a column of ids.
func ids(tx *tx, query string, args ...any) (all []int64, err error) {
	rows, err := tx.query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rows.Err()
}
