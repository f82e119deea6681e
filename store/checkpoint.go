package store

import (
	"database/sql"
	"errors"
	"os"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// artifactCheckpoint names the files of large checkpoints.
const artifactCheckpoint = "checkpoint"

// A checkpointed is about to be recorded. Its file, if it needs one, is on disk already.
type checkpointed struct {
	run *openRun
	runner.Checkpoint
	kept *artifact
}

// writeCheckpoint replaces the checkpoint of a run. The file of the former one is removed after the transaction.
func (w *writer) writeCheckpoint(tx *tx, c checkpointed) error {
	const upsert = `INSERT INTO checkpoint (run_id, epoch, at, digest, size, content) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET epoch = excluded.epoch, at = excluded.at, digest = excluded.digest, size = excluded.size, content = excluded.content`
	if c.run.lost {
		return nil
	}
	if err := w.forgetCheckpoint(tx, c.run.id, c.kept.digest); err != nil {
		return err
	}
	var content any
	if c.kept.content != nil {
		content = c.kept.content
	}
	_, err := tx.exec(upsert, c.run.id, c.Epoch, time.Now().UnixMicro(), c.kept.digest, c.kept.size, content)
	return err
}

// forgetCheckpoint removes the checkpoint of a run, unless it has the digest but.
func (w *writer) forgetCheckpoint(tx *tx, run int64, but string) error {
	const (
		find   = `SELECT digest, content IS NULL FROM checkpoint WHERE run_id = ? AND digest <> ?`
		others = `SELECT count(*) FROM checkpoint WHERE digest = ? AND run_id <> ?`
		remove = `DELETE FROM checkpoint WHERE run_id = ?`
	)
	var digest string
	var filed bool
	err := tx.one(find, []any{run, but}, &digest, &filed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if filed {
		var n int
		if err := tx.one(others, []any{digest, run}, &n); err != nil {
			return err
		}
		if n == 0 {
			w.litter = append(w.litter, artifactFile(w.path, artifactCheckpoint, digest))
		}
	}
	_, err = tx.exec(remove, run)
	return err
}

// sweepUp removes the files that no row names after a committed transaction. `xrun db gc` removes files that remain.
func (w *writer) sweepUp(committed bool) {
	for _, file := range w.litter {
		if committed {
			os.Remove(file)
		}
	}
	w.litter = nil
}

// takeUp continues the newest interrupted run of a trial whose checkpoint the same xrun has made. The result is empty if there is
// none. What xrun computes itself has the same bits on every machine; with other plugins the machine must be the same, too.
func (r *Recorder) takeUp(tx *tx, trial int64) (claimed, error) {
	const query = `SELECT r.id, c.epoch, c.digest, c.size, c.content
		FROM run r JOIN checkpoint c ON c.run_id = r.id JOIN environment e ON e.id = r.environment_id
		WHERE r.trial_id = ? AND r.status = 'interrupted' AND r.deleted_at IS NULL
		AND e.xrun_version = ? AND (e.cpu = ? AND e.os = ? AND e.arch = ? AND e.go_version = ?
			OR NOT EXISTS (SELECT 1 FROM run_plugin u JOIN plugin p ON p.id = u.plugin_id WHERE u.run_id = r.id AND p.digest NOT LIKE 'builtin:%'))
		ORDER BY r.id DESC LIMIT 1`
	e := r.environment
	a := Artifact{Name: artifactCheckpoint}
	var id int64
	var size int
	err := tx.one(query, []any{trial, e.XrunVersion, e.CPU, e.OS, e.Arch, e.GoVersion}, &id, &a.Epoch, &a.Digest, &size, &a.Content)
	if errors.Is(err, sql.ErrNoRows) {
		return claimed{}, nil
	}
	if err != nil {
		return claimed{}, err
	}
	if a.complete(r.store.path, size) != nil {
		return claimed{}, nil // its file is gone or damaged: the trial begins again
	}
	run := &openRun{id: id, trial: trial, lastEpoch: -1}
	if err := r.reopen(tx, run); err != nil {
		return claimed{}, err
	}
	return claimed{run, &runner.Checkpoint{Run: runner.RunID(id), Epoch: a.Epoch, Content: a.Content}}, nil
}

// reopen gives an interrupted run to this process.
func (r *Recorder) reopen(tx *tx, run *openRun) error {
	const update = `UPDATE run SET status = 'running', reason = '', ended_at = NULL, owner_id = ?, seal = NULL, seal_kind = 0 WHERE id = ? AND status = 'interrupted'`
	if _, err := tx.exec(update, r.store.owner.id, run.id); err != nil {
		return err
	}
	var err error
	run.lastEpoch, err = run.recall(tx)
	return err
}

const recallPoints = `SELECT p.step, p.special, s.slot, m.id, m.name,
	CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
	            WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END
	FROM point p JOIN metric_slot s ON s.set_id = p.set_id JOIN metric m ON m.id = s.metric_id
	WHERE p.run_id = ? ORDER BY p.step`

// recall computes the summaries and the hash of a run from its points in the file. It returns the last epoch, −1 for a
// run without points.
func (r *openRun) recall(tx *tx) (last int, err error) {
	last = -1
	rows, err := tx.query(recallPoints, r.id)
	if err != nil {
		return last, err
	}
	row := r.recallRow(map[int64]*series{})
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return last, errors.Join(err, rows.Close())
		}
	}
	if r.points > 0 {
		last = r.epochs
	}
	return last, errors.Join(rows.Err(), rows.Close())
}

// recallRow observes a row of recallPoints. known are the run's series by metric.
func (r *openRun) recallRow(known map[int64]*series) func(scanner) error {
	return func(scan scanner) error {
		var step, slot int
		var packed []byte
		var metric int64
		var name string
		var stored real
		if err := scan(&step, &packed, &slot, &metric, &name, &stored); err != nil {
			return err
		}
		v := stored.float()
		exact, ok, err := special(packed, slot)
		if err != nil {
			return err
		}
		if ok && !alike(v, exact) {
			return errSpecial // views show the column
		}
		if ok {
			v = exact
		}
		s := known[metric]
		if s == nil {
			s = newSeries(metric, name)
			known[metric] = s
			r.series = append(r.series, s)
		}
		r.see(s, step, v)
		return nil
	}
}
