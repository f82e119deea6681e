package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
)

// Merged counts the rows that Merge has added.
type Merged struct {
	Sweeps, Trials, Runs int
	Known                int // runs that existed already
	Running              int // runs that were left out: a process trains them
}

// Merge adds the rows of another database. Sweeps are the same by digest, trials by key, runs by token, so that a merge
// can be repeated. Each run is added in a transaction of its own: a merge that is cut off has added whole runs only.
func (s *Store) Merge(ctx context.Context, from *Store) (Merged, error) {
	m := &merger{to: s, from: from, sweeps: map[int64]int64{}, trials: map[int64]int64{}, owners: map[int64]int64{}, environments: map[int64]int64{},
		plugins: map[int64]int64{}, metrics: map[int64]int64{}, sets: map[int64]int64{}}
	for _, step := range []func(context.Context) error{m.names, m.trialRows, m.sweepRows, m.runRows} {
		if err := step(ctx); err != nil {
			return m.Merged, fmt.Errorf("merge %s: %w", from.path, err)
		}
	}
	return m.Merged, nil
}

// merger copies from one database to another. Its maps lead from the ids there to the ids here.
type merger struct {
	Merged
	to, from *Store

	sweeps, trials, owners, environments, plugins, metrics, sets map[int64]int64
}

// table is a table with a unique key.
type table struct {
	name    string
	columns string // all but the id
	key     string // the columns that are unique together
	ids     map[int64]int64
}

// names copies the small tables that other tables refer to.
func (m *merger) names(ctx context.Context) error {
	for _, t := range []table{
		{"metric", "name", "name", m.metrics},
		{"metric_set", "names", "names", m.sets},
		{"environment", "digest, host, cpu, cores, os, arch, go_version, blas, xrun_version, git_commit, git_dirty", "digest", m.environments},
		{"plugin", "name, version, digest, protocol, features", "name, version, digest, protocol, features", m.plugins},
		{"owner", "uuid, host, pid, command, version, started_at, closed_at, clean", "uuid", m.owners},
		{"setting_path", "path", "path", map[int64]int64{}},
	} {
		if err := m.table(ctx, t); err != nil {
			return err
		}
	}
	const slots = `SELECT set_id, slot, metric_id FROM metric_slot`
	const insert = `INSERT INTO metric_slot (set_id, slot, metric_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
	return m.copy(ctx, slots, nil, 3, insert, func(row []any) error {
		row[0], row[2] = m.sets[row[0].(int64)], m.metrics[row[2].(int64)]
		return nil
	})
}

// table copies the rows of a table that are missing here, and fills its ids.
func (m *merger) table(ctx context.Context, t table) error {
	width := columnsOf(t.columns)
	insert := `INSERT INTO ` + t.name + ` (` + t.columns + `) VALUES (` + list(width, "?") + `) ON CONFLICT DO NOTHING`
	if err := m.copy(ctx, `SELECT `+t.columns+` FROM `+t.name, nil, width, insert, nil); err != nil {
		return err
	}
	keys := columnsOf(t.key)
	here := map[string]int64{}
	read := func(s *Store, f func(key string, id int64)) error {
		return s.each(ctx, "read "+t.name, `SELECT id, `+t.key+` FROM `+t.name, nil, func(scan scanner) error {
			row, into := holders(keys + 1)
			if err := scan(into...); err != nil {
				return err
			}
			f(fmt.Sprintf("%q", row[1:]), row[0].(int64))
			return nil
		})
	}
	if err := read(m.to, func(key string, id int64) { here[key] = id }); err != nil {
		return err
	}
	return read(m.from, func(key string, id int64) { t.ids[id] = here[key] })
}

func columnsOf(text string) int {
	n := 1
	for _, c := range text {
		if c == ',' {
			n++
		}
	}
	return n
}

// holders are places for the columns of a row.
func holders(n int) (row, into []any) {
	row, into = make([]any, n), make([]any, n)
	for i := range row {
		into[i] = &row[i]
	}
	return row, into
}

// emptied makes empty blobs of what the driver reads of them: slices that are nil, which it would write as NULL.
func emptied(row []any) {
	for i, v := range row {
		if b, ok := v.([]byte); ok && b == nil {
			row[i] = []byte{}
		}
	}
}

// copyRows is how many rows are copied in one transaction.
const copyRows = 5000

// copy inserts rows of the other database here, after change, which may be nil. It holds copyRows rows in memory.
func (m *merger) copy(ctx context.Context, query string, args []any, width int, insert string, change func(row []any) error) error {
	var batch [][]any
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := m.to.writer.do(ctx, "merge", func(_ context.Context, tx *tx) error {
			for _, row := range batch {
				if _, err := tx.exec(insert, row...); err != nil {
					return err
				}
			}
			return nil
		})
		batch = batch[:0]
		return err
	}
	err := m.from.each(ctx, "merge", query, args, func(scan scanner) error {
		row, into := holders(width)
		if err := scan(into...); err != nil {
			return err
		}
		emptied(row)
		if change != nil {
			if err := change(row); err != nil {
				return err
			}
		}
		if batch = append(batch, row); len(batch) < copyRows {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// trialRows copies trials with their settings.
func (m *merger) trialRows(ctx context.Context) error {
	const count = `SELECT count(*) FROM trial`
	var before, after int
	if err := m.to.each(ctx, "count", count, nil, func(scan scanner) error { return scan(&before) }); err != nil {
		return err
	}
	if err := m.table(ctx, table{"trial", "key, point_key, optimizer, regularizer, lr, lambda, seed, key_version, arithmetic, seal", "key", m.trials}); err != nil {
		return err
	}
	if err := m.to.each(ctx, "count", count, nil, func(scan scanner) error { return scan(&after) }); err != nil {
		return err
	}
	m.Trials = after - before
	const settings = `SELECT s.trial_id, p.path, s.type, s.value FROM setting s JOIN setting_path p ON p.id = s.path_id`
	const insert = `INSERT INTO setting (trial_id, path_id, type, value) VALUES (?, (SELECT id FROM setting_path WHERE path = ?), ?, ?) ON CONFLICT DO NOTHING`
	return m.copy(ctx, settings, nil, 4, insert, func(row []any) error {
		row[0] = m.trials[row[0].(int64)]
		return nil
	})
}

// sweepRows copies sweeps with their tags and members, each in one transaction. The row of a sweep that exists here stays
// as it is, but it gets the members that it lacks.
func (m *merger) sweepRows(ctx context.Context) error {
	const list = `SELECT id, digest, coalesce(of_sweep, 0) FROM sweep ORDER BY id`
	type found struct {
		id, of int64
		digest string
	}
	var all []found
	err := m.from.each(ctx, "read sweeps", list, nil, func(scan scanner) error {
		var f found
		err := scan(&f.id, &f.digest, &f.of)
		all = append(all, f)
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range all {
		err := m.to.writer.do(ctx, "merge", func(_ context.Context, tx *tx) error {
			id, added, err := m.sweep(ctx, tx, f.id, f.digest)
			if err == nil && added {
				m.Sweeps++
			}
			m.sweeps[f.id] = id
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, f := range all { // when all of them are here
		if f.of == 0 {
			continue
		}
		err := m.to.writer.do(ctx, "merge", func(_ context.Context, tx *tx) error {
			return m.changeSweep(tx, m.sweeps[f.id], func() error {
				_, err := tx.exec(`UPDATE sweep SET of_sweep = ? WHERE id = ? AND of_sweep IS NULL`, m.sweeps[f.of], m.sweeps[f.id])
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep copies a sweep with its tags and members. A new one keeps its seal, so that what was changed there is found here.
func (m *merger) sweep(ctx context.Context, tx *tx, from int64, digest string) (id int64, added bool, err error) {
	const columns = `digest, name, notes, file, text, resolved, metric, goal, at, created_at, overrides, deleted_at, relation, seal`
	err = tx.one(`SELECT id FROM sweep WHERE digest = ?`, []any{digest}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		row, into := holders(columnsOf(columns))
		if err := m.from.each(ctx, "read sweep", `SELECT `+columns+` FROM sweep WHERE id = ?`, []any{from}, func(scan scanner) error { return scan(into...) }); err != nil {
			return 0, false, err
		}
		emptied(row)
		if err := tx.one(`INSERT INTO sweep (`+columns+`) VALUES (`+list(len(row), "?")+`) RETURNING id`, row, &id); err != nil {
			return 0, false, err
		}
		return id, true, m.members(ctx, tx, from, id)
	}
	if err != nil {
		return 0, false, err
	}
	return id, false, m.changeSweep(tx, id, func() error { return m.members(ctx, tx, from, id) })
}

// members copies the tags and members of a sweep that are missing here.
func (m *merger) members(ctx context.Context, tx *tx, from, to int64) error {
	const (
		tags    = `SELECT tag FROM sweep_tag WHERE sweep_id = ?`
		tag     = `INSERT INTO sweep_tag (sweep_id, tag) VALUES (?, ?) ON CONFLICT DO NOTHING`
		members = `SELECT trial_id, position, optimizer_label, regularizer_label FROM member WHERE sweep_id = ?`
		member  = `INSERT INTO member (sweep_id, trial_id, position, optimizer_label, regularizer_label) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
		events  = `SELECT at, stage, kind, point_key, message FROM sweep_event WHERE sweep_id = ? ORDER BY id`
		event   = `INSERT INTO sweep_event (sweep_id, at, stage, kind, point_key, message) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	)
	copy := func(query, insert string, width int, change func(row []any)) error {
		return m.from.each(ctx, "merge", query, []any{from}, func(scan scanner) error {
			row, into := holders(width)
			if err := scan(into...); err != nil {
				return err
			}
			change(row)
			_, err := tx.exec(insert, append([]any{to}, row...)...)
			return err
		})
	}
	if err := copy(tags, tag, 1, func([]any) {}); err != nil {
		return err
	}
	if err := copy(events, event, 5, func([]any) {}); err != nil {
		return err
	}
	return copy(members, member, 4, func(row []any) { row[0] = m.trials[row[0].(int64)] })
}

// changeSweep changes a sweep that exists here, and seals it again if it was whole before.
func (m *merger) changeSweep(tx *tx, id int64, change func() error) error {
	var stored []byte
	if err := tx.one(`SELECT seal FROM sweep WHERE id = ?`, []any{id}, &stored); err != nil {
		return err
	}
	before, err := sweepSeal(tx.source(), id)
	if err != nil {
		return err
	}
	if err := change(); err != nil || !bytes.Equal(before, stored) {
		return err
	}
	return sealSweep(tx, id)
}

// runRows copies runs that are missing here, one after the other.
func (m *merger) runRows(ctx context.Context) error {
	const query = `SELECT r.id, r.token, r.status, o.uuid FROM run r JOIN owner o ON o.id = r.owner_id ORDER BY r.id`
	type found struct {
		id                  int64
		token, status, uuid string
	}
	var all []found
	err := m.from.each(ctx, "read runs", query, nil, func(scan scanner) error {
		var f found
		err := scan(&f.id, &f.token, &f.status, &f.uuid)
		all = append(all, f)
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.status == "running" && alive(m.from.path, f.uuid) {
			m.Running++
			continue
		}
		var added bool
		err := m.to.writer.do(ctx, "merge", func(_ context.Context, tx *tx) error {
			added = false
			var known int
			if err := tx.one(`SELECT count(*) FROM run WHERE token = ?`, []any{f.token}, &known); err != nil || known > 0 {
				return err
			}
			added = true
			return m.run(ctx, tx, f.id)
		})
		if err != nil {
			return err
		}
		if !added {
			m.Known++
			continue
		}
		m.Runs++
	}
	return nil
}

// run copies one run with its rows in other tables.
func (m *merger) run(ctx context.Context, tx *tx, id int64) error {
	const columns = `token, trial_id, sweep_id, attempt, status, reason, error, owner_id, environment_id, started_at, ended_at, epochs, kept_epoch, value,
		steps, gradient_evals, wall_ns, plugin_ns, transport_ns, points, hash, deleted_at, lasting, seal, seal_kind`
	const (
		sealed = 23 // the column
		kind   = 24
	)
	const attempts = `SELECT coalesce(max(attempt), 0) FROM run WHERE trial_id = ?`
	row, into := holders(columnsOf(columns))
	if err := m.from.each(ctx, "read run", `SELECT `+columns+` FROM run WHERE id = ?`, []any{id}, func(scan scanner) error { return scan(into...) }); err != nil {
		return err
	}
	row[1], row[2], row[7], row[8] = m.trials[row[1].(int64)], m.sweeps[row[2].(int64)], m.owners[row[7].(int64)], m.environments[row[8].(int64)]
	stored, _ := row[sealed].([]byte)
	ran := row[4] == "running"
	if ran {
		row[4], row[5] = "interrupted", "the process that ran it died"
	}
	var attempt int64
	if err := tx.one(attempts, []any{row[1]}, &attempt); err != nil {
		return err
	}
	row[3] = max(attempt+1, row[3].(int64))
	result, err := tx.exec(`INSERT INTO run (`+columns+`) VALUES (`+list(len(row), "?")+`)`, row...)
	if err != nil {
		return err
	}
	here, err := result.LastInsertId()
	if err != nil {
		return err
	}
	for _, part := range []struct {
		table, columns string
		change         func(row []any) error
	}{
		{"point", "run_id, step, set_id, special, v0, v1, v2, v3, v4, v5, v6, v7", func(row []any) error { row[2] = m.sets[row[2].(int64)]; return nil }},
		{"summary", "run_id, metric_id, first, last, min, min_step, max, max_step, mean, count", func(row []any) error { row[1] = m.metrics[row[1].(int64)]; return nil }},
		{"event", "run_id, at, kind, epoch, message, detail", nil},
		{"run_plugin", "run_id, role, plugin_id", func(row []any) error { row[2] = m.plugins[row[2].(int64)]; return nil }},
		{"coefficient", "run_id, part, value", nil},
		{"constant", "run_id, metric, value", nil},
		{"artifact", "run_id, name, digest, epoch, size, content", func(row []any) error { return m.file(row[1].(string), row[2].(string), row[5]) }},
		{"checkpoint", "run_id, epoch, at, digest, size, content", func(row []any) error { return m.file(artifactCheckpoint, row[3].(string), row[5]) }},
	} {
		width := columnsOf(part.columns)
		insert := `INSERT INTO ` + part.table + ` (` + part.columns + `) VALUES (` + list(width, "?") + `)`
		err := m.from.each(ctx, "read "+part.table, `SELECT `+part.columns+` FROM `+part.table+` WHERE run_id = ?`, []any{id}, func(scan scanner) error {
			row, into := holders(width)
			if err := scan(into...); err != nil {
				return err
			}
			row[0] = here
			if part.change != nil {
				if err := part.change(row); err != nil {
					return err
				}
			}
			_, err := tx.exec(insert, row...)
			return err
		})
		if err != nil {
			return err
		}
	}
	if ran {
		return sealRun(tx, here, sealedAtEnd)
	}
	// Here it has another number of its attempt. One that was changed there keeps its seal, so that this is found here.
	if seal, err := runSeal(m.from.source(ctx, "read run"), id); err != nil || !bytes.Equal(seal, stored) {
		return err
	}
	return sealRun(tx, here, int(row[kind].(int64)))
}

// file copies a file beside the database, unless it is missing there.
func (m *merger) file(name, digest string, content any) error {
	if content != nil {
		return nil
	}
	err := copyFile(artifactFile(m.from.path, name, digest), artifactFile(m.to.path, name, digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
