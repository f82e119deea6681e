package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/runner"
)

// A seal is the SHA-256 of all that a run, a trial, a sweep or an optimum says; README.md has the encoding. It finds
// what was changed by accident or by hand. Who changes a row and its seal together is not found: there is no secret.

// How the seal of a run came about.
const (
	sealedAtEnd       = 1
	sealedByMigration = 2 // what was changed before is not found
)

// appendField appends a value as a field of a seal: n for NULL, i for an integer, r for a real by the bits of IEEE 754,
// t for a text and b for bytes, both with their length.
func appendField(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		dst = append(dst, 'n')
	case bool:
		return appendField(dst, map[bool]int64{true: 1}[v])
	case int:
		return appendField(dst, int64(v))
	case int64:
		dst = strconv.AppendInt(append(dst, 'i'), v, 10)
	case float64:
		if v == 0 {
			v = 0 // a column of reals loses the sign of zero
		}
		var bits [8]byte
		binary.BigEndian.PutUint64(bits[:], math.Float64bits(v))
		dst = hex.AppendEncode(append(dst, 'r'), bits[:])
	case string:
		dst = strconv.AppendInt(append(dst, 't'), int64(len(v)), 10)
		dst = append(append(dst, ':'), v...)
	case []byte:
		dst = strconv.AppendInt(append(dst, 'b'), int64(len(v)), 10)
		dst = append(append(dst, ':'), v...)
	default:
		panic(fmt.Sprintf("store: a field of a seal is a %T", v))
	}
	return append(dst, ';')
}

func appendFields(dst []byte, values ...any) []byte {
	for _, v := range values {
		dst = appendField(dst, v)
	}
	return dst
}

// sealOf is the seal of a record and of the records that belong to it, which are sorted by their bytes.
func sealOf(record []byte, parts [][]byte) []byte {
	slices.SortFunc(parts, bytes.Compare)
	h := sha256.New()
	h.Write(record)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

// A source runs a query and calls row for every row of it: of the writer's transaction, or of a reading connection.
type source func(query string, args []any, row func(scanner) error) error

func (t *tx) source() source {
	return func(query string, args []any, row func(scanner) error) error {
		rows, err := t.query(query, args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			if err := row(rows.Scan); err != nil {
				return errors.Join(err, rows.Close())
			}
		}
		return errors.Join(rows.Err(), rows.Close())
	}
}

func (s *Store) source(ctx context.Context, op string) source {
	return func(query string, args []any, row func(scanner) error) error {
		return s.each(ctx, op, query, args, row)
	}
}

// records reads the rows of a query as records.
func records(read source, query string, columns int, args ...any) (all [][]byte, err error) {
	row, into := holders(columns)
	err = read(query, args, func(scan scanner) error {
		err := scan(into...)
		if err == nil {
			all = append(all, appendFields(nil, row...))
		}
		return err
	})
	return all, err
}

const (
	sealedRun = `SELECT 'xrun run 1', r.seal_kind, r.token, t.seal, s.digest, r.attempt, r.status, r.reason, r.error, r.started_at, r.ended_at,
		r.epochs, r.kept_epoch, r.value, r.steps, r.gradient_evals, r.wall_ns, r.plugin_ns, r.transport_ns, r.points, r.hash, r.lasting,
		o.uuid, o.host, o.pid, o.command, o.version, o.started_at,
		e.digest, e.host, e.cpu, e.cores, e.os, e.arch, e.go_version, e.blas, e.xrun_version, e.git_commit, e.git_dirty
		FROM run r JOIN trial t ON t.id = r.trial_id JOIN sweep s ON s.id = r.sweep_id JOIN owner o ON o.id = r.owner_id
		JOIN environment e ON e.id = r.environment_id WHERE r.id = ?`
	sealedRunColumns = 39
	partsOfRun       = `SELECT 'plugin', u.role, p.name, p.version, p.digest, p.protocol, p.features
			FROM run_plugin u JOIN plugin p ON p.id = u.plugin_id WHERE u.run_id = ?1
		UNION ALL SELECT 'coefficient', part, value, NULL, NULL, NULL, NULL FROM coefficient WHERE run_id = ?1
		UNION ALL SELECT 'constant', metric, value, NULL, NULL, NULL, NULL FROM constant WHERE run_id = ?1
		UNION ALL SELECT 'artifact', name, digest, epoch, size, NULL, NULL FROM artifact WHERE run_id = ?1
		UNION ALL SELECT 'checkpoint', epoch, at, digest, size, NULL, NULL FROM checkpoint WHERE run_id = ?1
		UNION ALL SELECT 'event', at, kind, epoch, message, detail, NULL FROM event WHERE run_id = ?1`
	partsOfRunColumns = 7

	sealedTrial         = `SELECT 'xrun trial 1', key, point_key, optimizer, regularizer, lr, lambda, seed, key_version, arithmetic FROM trial WHERE id = ?`
	sealedTrialColumns  = 10
	partsOfTrial        = `SELECT 'setting', p.path, s.type, s.value FROM setting s JOIN setting_path p ON p.id = s.path_id WHERE s.trial_id = ?`
	partsOfTrialColumns = 4

	sealedSweep = `SELECT 'xrun sweep 1', w.digest, w.name, w.notes, w.file, w.text, w.resolved, w.metric, w.goal, w.at, w.created_at, w.overrides, w.relation,
		(SELECT o.digest FROM sweep o WHERE o.id = w.of_sweep) FROM sweep w WHERE w.id = ?`
	sealedSweepColumns = 14
	partsOfSweep       = `SELECT 'member', t.key, m.position, m.optimizer_label, m.regularizer_label
			FROM member m JOIN trial t ON t.id = m.trial_id WHERE m.sweep_id = ?1
		UNION ALL SELECT 'tag', tag, NULL, NULL, NULL FROM sweep_tag WHERE sweep_id = ?1
		UNION ALL SELECT 'event', at, stage, kind || ' ' || point_key, message FROM sweep_event WHERE sweep_id = ?1`
	partsOfSweepColumns = 5

	sealedOptimum        = `SELECT 'xrun optimum 1', key, value, violation, problem, created_at FROM optimum WHERE key = ?`
	sealedOptimumColumns = 6
)

// computeSeal is the seal of the row of a query, and of the rows of another one, if there is one. It is nil if the row
// does not exist.
func computeSeal(read source, row string, columns int, parts string, partColumns int, id any) ([]byte, error) {
	record, err := records(read, row, columns, id)
	if err != nil || len(record) == 0 {
		return nil, err
	}
	var all [][]byte
	if parts != "" {
		if all, err = records(read, parts, partColumns, id); err != nil {
			return nil, err
		}
	}
	return sealOf(record[0], all), nil
}

func runSeal(read source, id int64) ([]byte, error) {
	return computeSeal(read, sealedRun, sealedRunColumns, partsOfRun, partsOfRunColumns, id)
}

func trialSeal(read source, id int64) ([]byte, error) {
	return computeSeal(read, sealedTrial, sealedTrialColumns, partsOfTrial, partsOfTrialColumns, id)
}

func sweepSeal(read source, id int64) ([]byte, error) {
	return computeSeal(read, sealedSweep, sealedSweepColumns, partsOfSweep, partsOfSweepColumns, id)
}

func optimumSeal(read source, key string) ([]byte, error) {
	return computeSeal(read, sealedOptimum, sealedOptimumColumns, "", 0, key)
}

// sealOfTrial is the seal of a trial that is about to be entered, as trialSeal computes it of its rows.
func sealOfTrial(row []any, settings []storedSetting) []byte {
	parts := make([][]byte, len(settings))
	for i, s := range settings {
		parts[i] = appendFields(nil, "setting", s.path, s.kind, s.value)
	}
	return sealOf(appendFields(nil, append([]any{"xrun trial 1"}, row...)...), parts)
}

// A storedSetting is a setting as the database has it.
type storedSetting struct {
	path  string
	kind  int
	value any
}

// sealRun seals a run that has ended. Nothing that the seal is about may change afterwards.
func sealRun(tx *tx, id int64, kind int) error {
	const (
		mark = `UPDATE run SET seal_kind = ? WHERE id = ?`
		put  = `UPDATE run SET seal = ? WHERE id = ?`
	)
	if _, err := tx.exec(mark, kind, id); err != nil {
		return err
	}
	seal, err := runSeal(tx.source(), id)
	if err != nil {
		return err
	}
	_, err = tx.exec(put, seal, id)
	return err
}

// sealSweep seals a sweep again after it was changed.
func sealSweep(tx *tx, id int64) error {
	seal, err := sweepSeal(tx.source(), id)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE sweep SET seal = ? WHERE id = ?`, seal, id)
	return err
}

// isPending reports whether a migration has left a step to the program.
const isPending = `SELECT count(*) FROM pending WHERE step = 'seal'`

// completeMigration seals what has no seal, once, in one transaction.
func completeMigration(ctx context.Context, db *sql.DB, path string) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	tx := &tx{path: path, conn: conn, stmts: map[string]*sql.Stmt{}}
	defer func() {
		for _, s := range tx.stmts {
			err = errors.Join(err, s.Close())
		}
		err = errors.Join(err, conn.Close())
	}()
	var tables int
	if err := tx.one(`SELECT count(*) FROM sqlite_schema WHERE name = 'pending'`, nil, &tables); err != nil || tables == 0 {
		return err
	}
	var pending int
	if err := tx.one(isPending, nil, &pending); err != nil || pending == 0 {
		return err
	}
	if _, err := tx.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	return tx.finish(sealEverything(ctx, tx))
}

func sealEverything(ctx context.Context, tx *tx) error {
	all := func(query string, seal func(id int64) error) error {
		found, err := ids(tx, query)
		for _, id := range found {
			if err == nil {
				err = seal(id)
			}
			if err == nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
		}
		return err
	}
	const (
		trials = `SELECT id FROM trial WHERE seal IS NULL`
		sweeps = `SELECT id FROM sweep`
		optima = `SELECT key FROM optimum WHERE seal IS NULL`
		runs   = `SELECT id FROM run WHERE seal IS NULL AND status <> 'running'`
	)
	err := all(trials, func(id int64) error {
		seal, err := trialSeal(tx.source(), id)
		if err == nil {
			_, err = tx.exec(`UPDATE trial SET seal = ? WHERE id = ?`, seal, id)
		}
		return err
	})
	if err == nil {
		err = all(sweeps, func(id int64) error { return sealSweep(tx, id) })
	}
	if err == nil {
		err = all(runs, func(id int64) error { return sealRun(tx, id, sealedByMigration) })
	}
	if err != nil {
		return err
	}
	var keys []string
	if err := tx.source()(optima, nil, func(scan scanner) error {
		var key string
		err := scan(&key)
		keys = append(keys, key)
		return err
	}); err != nil {
		return err
	}
	for _, key := range keys {
		if err := sealOptimum(tx, key); err != nil {
			return err
		}
	}
	_, err = tx.exec(`DELETE FROM pending WHERE step = 'seal'`)
	return err
}

func sealOptimum(tx *tx, key string) error {
	seal, err := optimumSeal(tx.source(), key)
	if err == nil {
		_, err = tx.exec(`UPDATE optimum SET seal = ? WHERE key = ?`, seal, key)
	}
	return err
}

// seals compares every run, trial, sweep and optimum with its seal.
func (v *verifier) seals(ctx context.Context) error {
	read := v.store.source(ctx, "check")
	var pending int
	if err := read(isPending, nil, func(scan scanner) error { return scan(&pending) }); err != nil {
		return err
	}
	if pending > 0 {
		v.find(0, "its migration was interrupted, and runs are not sealed: xrun db migrate completes it")
		return nil
	}
	const runs = `SELECT id, seal, status, seal_kind FROM run WHERE id > ? ORDER BY id LIMIT 1000`
	for last := int64(0); ; {
		type row struct {
			id     int64
			seal   []byte
			status string
			kind   int
		}
		var some []row
		err := read(runs, []any{last}, func(scan scanner) error {
			var r row
			err := scan(&r.id, &r.seal, &r.status, &r.kind)
			some = append(some, r)
			return err
		})
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		for _, r := range some {
			last = r.id
			if r.status == string(runner.StatusRunning) {
				if r.seal != nil || r.kind != 0 {
					v.find(r.id, "it has a seal although it is running")
				}
				continue
			}
			if r.kind == sealedByMigration {
				v.SealedLater++
			}
			err := v.compare(read, r.id, r.seal, `SELECT seal FROM run WHERE id = ?`, r.id, func() ([]byte, error) { return runSeal(read, r.id) },
				"its row, its trial, its plugins, artifacts, events, coefficients or constants were changed: they differ from its seal")
			if err != nil {
				return err
			}
		}
	}
	for _, kind := range []struct {
		list, again, what string
		seal              func(id any) ([]byte, error)
	}{
		{`SELECT id, seal, 'the trial ' || substr(key, 1, 10) FROM trial`, `SELECT seal FROM trial WHERE id = ?`, "or its settings",
			func(id any) ([]byte, error) { return trialSeal(read, id.(int64)) }},
		{`SELECT id, seal, 'the sweep ' || name FROM sweep`, `SELECT seal FROM sweep WHERE id = ?`, "its trials or its tags",
			func(id any) ([]byte, error) { return sweepSeal(read, id.(int64)) }},
		{`SELECT key, seal, 'the optimum of ' || problem FROM optimum`, `SELECT seal FROM optimum WHERE key = ?`, "",
			func(id any) ([]byte, error) { return optimumSeal(read, id.(string)) }},
	} {
		type row struct {
			id   any
			seal []byte
			name string
		}
		var all []row
		err := read(kind.list, nil, func(scan scanner) error {
			var r row
			err := scan(&r.id, &r.seal, &r.name)
			all = append(all, r)
			return err
		})
		if err != nil {
			return err
		}
		for _, r := range all {
			what := r.name + " was changed: it differs from its seal"
			if kind.what != "" {
				what = r.name + " " + kind.what + " were changed: they differ from its seal"
			}
			if err := v.compare(read, 0, r.seal, kind.again, r.id, func() ([]byte, error) { return kind.seal(r.id) }, what); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare adds a finding unless a seal is what its rows come to. Rows may change meanwhile: then their seal does too.
func (v *verifier) compare(read source, run int64, seal []byte, again string, id any, compute func() ([]byte, error), what string) error {
	for range 3 {
		got, err := compute()
		if err != nil || got != nil && bytes.Equal(got, seal) {
			return err
		}
		now, there := seal, false
		if err := read(again, []any{id}, func(scan scanner) error { there = true; return scan(&now) }); err != nil || !there {
			return err
		}
		if bytes.Equal(now, seal) {
			if seal == nil && got != nil {
				what += ", which is gone"
			}
			v.find(run, "%s", what)
			return nil
		}
		seal = now
	}
	return nil
}
