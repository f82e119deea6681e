package store

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// writeEnd closes a run. The first attempt that reaches a result counts; a second one becomes interrupted, without
// points.
func (w *writer) writeEnd(tx *tx, e ending) error {
	const (
		doneElsewhere = `SELECT count(*) FROM run WHERE trial_id = ? AND id <> ? AND deleted_at IS NULL
			AND status IN ('finished', 'stopped', 'diverged')`
		update = `UPDATE run SET status = ?, reason = ?, error = ?, ended_at = ?, epochs = max(epochs, ?), kept_epoch = ?, value = ?,
			steps = ?, gradient_evals = ?, wall_ns = ?, plugin_ns = ?, transport_ns = ?, lasting = ?
			WHERE id = ? AND owner_id = ? AND status = 'running'`
		drop = `UPDATE run SET status = 'interrupted', reason = '` + finishedFirst + `', ended_at = ?,
			points = 0, hash = 0 WHERE id = ? AND owner_id = ? AND status = 'running'`
		replace = `UPDATE run SET deleted_at = ? WHERE trial_id = ? AND id <> ? AND deleted_at IS NULL
			AND status IN ('finished', 'stopped', 'diverged')`
		newer = `SELECT coalesce(max(r.id), 0) FROM run r JOIN run mine ON mine.id = ? WHERE r.trial_id = mine.trial_id AND r.id <> mine.id
			AND r.deleted_at IS NULL AND r.status IN ('finished', 'stopped', 'diverged') AND r.started_at > mine.started_at`
		stepBack    = `UPDATE run SET deleted_at = ? WHERE id = ?`
		coefficient = `INSERT INTO coefficient (run_id, part, value) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`
		constant = `INSERT INTO constant (run_id, metric, value) VALUES (?, ?, ?)
			ON CONFLICT DO UPDATE SET value = excluded.value`
		dropPoints    = `DELETE FROM point WHERE run_id = ?`
		dropSummaries = `DELETE FROM summary WHERE run_id = ?`
	)
	if e.run.lost {
		return nil
	}
	if e.Status.Done() {
		var others int
		if err := tx.one(doneElsewhere, []any{e.run.trial, e.run.id}, &others); err != nil {
			return err
		}
		var over int64 // the run that counts instead
		if others > 0 && e.run.attempt {
			if err := tx.one(newer, []any{e.run.id}, &over); err != nil {
				return err
			}
		}
		if over != 0 {
			if _, err := tx.exec(stepBack, e.At.UnixMicro(), e.run.id); err != nil {
				return err
			}
			if err := replaced(tx, over, e.At); err != nil {
				return err
			}
		} else if others > 0 && e.run.again {
			if _, err := tx.exec(replace, e.At.UnixMicro(), e.run.trial, e.run.id); err != nil {
				return err
			}
			if e.run.attempt {
				if err := replaced(tx, e.run.id, e.At); err != nil {
					return err
				}
			}
		} else if others > 0 {
			if _, err := tx.exec(drop, e.At.UnixMicro(), e.run.id, w.owner.id); err != nil {
				return err
			}
			for _, query := range []string{dropPoints, dropSummaries} {
				if _, err := tx.exec(query, e.run.id); err != nil {
					return err
				}
			}
			if err := w.forgetCheckpoint(tx, e.run.id, ""); err != nil {
				return err
			}
			return sealRun(tx, e.run.id, sealedAtEnd)
		}
	}
	var keptEpoch, value any
	if e.Kept != nil {
		keptEpoch, value = e.Kept.Epoch, e.Kept.Value
	}
	result, err := tx.exec(update, string(e.Status), e.Reason, e.Error, e.At.UnixMicro(), e.Epochs, keptEpoch, value,
		e.Cost.Steps, e.Cost.GradientEvals, int64(e.Cost.Wall), int64(e.Cost.Plugin), int64(e.Cost.Transport), e.Lasting,
		e.run.id, w.owner.id)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if e.Status != runner.StatusInterrupted {
		if err := w.forgetCheckpoint(tx, e.run.id, ""); err != nil {
			return err
		}
	}
	for _, part := range slices.Sorted(maps.Keys(e.Coefficients)) {
		v := e.Coefficients[part]
		if math.IsNaN(v) {
			continue // a plugin's word; SQLite would take it for NULL
		}
		if _, err := tx.exec(coefficient, e.run.id, part, v); err != nil {
			return err
		}
	}
	for _, metric := range slices.Sorted(maps.Keys(e.Constants)) {
		if _, err := tx.exec(constant, e.run.id, metric, e.Constants[metric]); err != nil {
			return err
		}
	}
	for _, a := range e.artifacts {
		if err := a.insert(tx, e.run.id); err != nil {
			return err
		}
	}
	return sealRun(tx, e.run.id, sealedAtEnd)
}

// replaced notes that a run counts instead of an earlier one of the same settings and seed, and seals it anew if it has ended.
func replaced(tx *tx, run int64, at time.Time) error {
	told := []runner.Event{{Run: runner.RunID(run), At: at, Kind: EventReplaced, Message: "it counts instead of an earlier run of the same settings and seed"}}
	if err := writeEvents(tx, told); err != nil {
		return err
	}
	var ended bool
	if err := tx.one(`SELECT ended_at IS NOT NULL FROM run WHERE id = ?`, []any{run}, &ended); err != nil || !ended {
		return err
	}
	return sealRun(tx, run, sealedAtEnd)
}
