package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xrun-dev/xrun/runner"
)

// A Finding is something wrong with the database.
type Finding struct {
	Run  int64  // 0 if it is about no run
	What string // for people
}

// An Audit is the result of Verify: what it checked, and its findings.
type Audit struct {
	Runs, Points, Files int64
	SealedLater         int64 // runs that an older xrun has recorded: what was changed before their seal is not found
	Findings            []Finding
}

// maxFindings limits the list for a file that is broken everywhere.
const maxFindings = 100

// Verify checks the structure of the file, every value against its run's hash, every summary against the values, and
// every file beside the database against its digest. It calls seen for each run, unless seen is nil.
func (s *Store) Verify(ctx context.Context, seen func(run int64)) (Audit, error) {
	v := &verifier{store: s, seen: seen}
	for _, step := range []func(context.Context) error{v.logs, v.structure, v.runs, v.values, v.seals, v.files} {
		if err := step(ctx); err != nil {
			return v.Audit, err
		}
	}
	return v.Audit, nil
}

type verifier struct {
	Audit
	store *Store
	seen  func(run int64)
}

func (v *verifier) find(run int64, format string, args ...any) {
	if len(v.Findings) < maxFindings {
		v.Findings = append(v.Findings, Finding{run, fmt.Sprintf(format, args...)})
	}
}

// logs looks for damage in the log, and for logs that were damaged when the file was opened for writing.
func (v *verifier) logs(context.Context) error {
	d, err := damagedLog(v.store.path)
	if err != nil {
		return explainFile(v.store.path, "check", err)
	}
	if d != nil {
		v.find(0, "%v", d)
	}
	kept, _ := filepath.Glob(escapeGlob(walPath(v.store.path)) + ".damaged-*")
	for _, file := range kept {
		v.find(0, "%s is a log that was damaged, so results may be lost; remove it once their trials have run again", file)
	}
	return nil
}

// structure checks the file with SQLite's own means.
func (v *verifier) structure(ctx context.Context) error {
	const sets = `SELECT t.id FROM metric_set t WHERE t.names IS NOT (SELECT json_group_array(m.name ORDER BY s.slot)
		FROM metric_slot s JOIN metric m ON m.id = s.metric_id WHERE s.set_id = t.id)`
	err := v.store.each(ctx, "check", sets, nil, func(scan scanner) error {
		var id int64
		err := scan(&id)
		if err == nil {
			v.find(0, "the metric set %d names other metrics than its columns", id)
		}
		return err
	})
	if err != nil {
		return err
	}
	err = v.store.each(ctx, "check", `PRAGMA integrity_check(20)`, nil, func(scan scanner) error {
		var text string
		err := scan(&text)
		if err == nil && text != "ok" {
			v.find(0, "%s", text)
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.store.each(ctx, "check", `PRAGMA foreign_key_check`, nil, func(scan scanner) error {
		var table, parent string
		var row sql.NullInt64
		var constraint int
		err := scan(&table, &row, &parent, &constraint)
		if err == nil {
			v.find(0, "row %d of %s names a row of %s that is not there", row.Int64, table, parent)
		}
		return err
	})
}

// runs computes the hash and the summaries of every run again.
func (v *verifier) runs(ctx context.Context) error {
	const list = `SELECT id, points, hash, epochs, status FROM run ORDER BY id`
	type row struct {
		id, points, hash, epochs int64
		status                   string
	}
	var all []row
	err := v.store.each(ctx, "check", list, nil, func(scan scanner) error {
		var r row
		err := scan(&r.id, &r.points, &r.hash, &r.epochs, &r.status)
		all = append(all, r)
		return err
	})
	if err != nil {
		return err
	}
	if err := v.orphans(ctx); err != nil {
		return err
	}
	if err := v.unnamed(ctx); err != nil {
		return err
	}
	for _, r := range all {
		if v.seen != nil {
			v.seen(r.id)
		}
		run := &openRun{id: r.id}
		err := v.store.each(ctx, "check", recallPoints, []any{r.id}, run.recallRow(map[int64]*series{}))
		if err != nil {
			v.find(r.id, "its points cannot be read: %v", err)
			continue
		}
		v.Runs++
		v.Points += run.points
		if run.points != r.points || int64(run.hash) != r.hash {
			if r.status == "running" { // a running run may have grown meanwhile
				continue
			}
			v.find(r.id, "%d values with the hash %016x are recorded, and there are %d with %016x", r.points, uint64(r.hash), run.points, run.hash)
			continue
		}
		if err := v.summaries(ctx, run, r.status == "running"); err != nil {
			return err
		}
	}
	return nil
}

// orphans looks for values and summaries of runs that are not there. Those tables have no foreign keys.
func (v *verifier) orphans(ctx context.Context) error {
	for _, table := range []string{"point", "summary"} {
		// From one run to the next, by the index: a run may have millions of rows.
		query := `WITH RECURSIVE of (run) AS (SELECT min(run_id) FROM ` + table + ` UNION ALL
			SELECT (SELECT min(run_id) FROM ` + table + ` WHERE run_id > of.run) FROM of WHERE of.run IS NOT NULL)
			SELECT run FROM of WHERE run IS NOT NULL AND run NOT IN (SELECT id FROM run)`
		err := v.store.each(ctx, "check", query, nil, func(scan scanner) error {
			var run int64
			err := scan(&run)
			if err == nil {
				v.find(run, "the table %s has rows of it, and the run is not there", table)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unnamed looks for values in columns that the set of a point does not name. No hash has them, for nobody reads them.
func (v *verifier) unnamed(ctx context.Context) error {
	const query = `SELECT p.run_id, p.special, s.last, CASE WHEN p.v7 IS NOT NULL THEN 7 WHEN p.v6 IS NOT NULL THEN 6 WHEN p.v5 IS NOT NULL THEN 5
			WHEN p.v4 IS NOT NULL THEN 4 WHEN p.v3 IS NOT NULL THEN 3 WHEN p.v2 IS NOT NULL THEN 2 WHEN p.v1 IS NOT NULL THEN 1 ELSE 0 END AS used
		FROM point p LEFT JOIN (SELECT set_id, max(slot) AS last FROM metric_slot GROUP BY set_id) s ON s.set_id = p.set_id
		WHERE p.special IS NOT NULL OR s.last IS NULL OR used > s.last`
	found := map[int64]bool{}
	return v.store.each(ctx, "check", query, nil, func(scan scanner) error {
		var run, used int64
		var packed []byte
		var last sql.NullInt64
		if err := scan(&run, &packed, &last, &used); err != nil {
			return err
		}
		wrong := !last.Valid || used > last.Int64
		for before := -1; len(packed) >= 9; packed = packed[9:] { // errSpecial tells of other lengths
			wrong = wrong || int(packed[0]) <= before || int64(packed[0]) > last.Int64
			before = int(packed[0])
		}
		if wrong && !found[run] {
			found[run] = true
			v.find(run, "it has values that no metric names")
		}
		return nil
	})
}

// values compares the value of every run with its curve at the kept epoch.
func (v *verifier) values(ctx context.Context) error {
	const query = `SELECT r.id, s.slot, p.special,
		CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
		            WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END, r.value, r.kept_epoch
		FROM run r JOIN sweep w ON w.id = r.sweep_id JOIN metric k ON k.name = w.metric JOIN metric_slot s ON s.metric_id = k.id
		JOIN point p ON p.run_id = r.id AND p.step = r.kept_epoch AND p.set_id = s.set_id WHERE r.kept_epoch IS NOT NULL`
	return v.store.each(ctx, "check", query, nil, func(scan scanner) error {
		var run, epoch int64
		var value real
		at, err := scanPoint(func(into ...any) error { return scan(append(into, &value, &epoch)...) }, &run)
		if err == nil && !alike(at, value.float()) {
			v.find(run, "its value is %v, and its curve has %v at epoch %d, which is kept", value.float(), at, epoch)
		}
		return err
	})
}

// summaries compares the summaries of a run with its values.
func (v *verifier) summaries(ctx context.Context, run *openRun, running bool) error {
	const query = `SELECT metric_id, first, last, min, min_step, max, max_step, mean, count FROM summary WHERE run_id = ?`
	want := map[int64]*series{}
	for _, s := range run.series {
		want[s.metric] = s
	}
	err := v.store.each(ctx, "check", query, []any{run.id}, func(scan scanner) error {
		var metric int64
		var first, last, low, high, mean real
		var got runner.Summary
		if err := scan(&metric, &first, &last, &low, &got.MinStep, &high, &got.MaxStep, &mean, &got.Count); err != nil {
			return err
		}
		s := want[metric]
		delete(want, metric)
		if running {
			return nil
		}
		if s == nil || s.Count != got.Count || !alike(s.Last, last.float()) || !alike(s.First, first.float()) ||
			!alike(s.Min, low.float()) || !alike(s.Max, high.float()) || !alike(s.mean(), mean.float()) || s.MinStep != got.MinStep || s.MaxStep != got.MaxStep {
			v.find(run.id, "the summary of metric %d differs from its values", metric)
		}
		return nil
	})
	if err == nil && len(want) > 0 && !running {
		v.find(run.id, "%d metrics have no summary", len(want))
	}
	return err
}

// alike reports whether values are equal to SQLite: NaN is NULL, and -0.0 is 0.0.
func alike(a, b float64) bool { return a == b || a != a && b != b }

// files compares artifacts, in the database and beside it, with their digests.
func (v *verifier) files(ctx context.Context) error {
	const query = `SELECT run_id, name, digest, size, content FROM artifact UNION ALL
		SELECT run_id, 'checkpoint', digest, size, content FROM checkpoint`
	type item struct {
		run                int64
		name, digest, file string
	}
	var filed []item
	err := v.store.each(ctx, "check", query, nil, func(scan scanner) error {
		var i item
		var size int64
		var content []byte
		if err := scan(&i.run, &i.name, &i.digest, &size, &content); err != nil {
			return err
		}
		v.Files++
		if content == nil && size > 0 {
			i.file = artifactFile(v.store.path, i.name, i.digest)
			filed = append(filed, i)
			return nil
		}
		if size != int64(len(content)) {
			v.find(i.run, "its %s is damaged: it has %d bytes, and %d are recorded", i.name, len(content), size)
		} else if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != i.digest {
			v.find(i.run, "its %s is damaged", i.name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, i := range filed {
		switch digest, err := digestOf(i.file); {
		case err != nil:
			v.find(i.run, "its %s cannot be read: %v", i.name, err)
		case digest != i.digest:
			v.find(i.run, "its %s is damaged: the SHA-256 of %s is %s", i.name, i.file, digest)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// digestOf is the SHA-256 of a file, hex.
func digestOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// String is the finding in one line.
func (f Finding) String() string {
	what := strings.TrimSpace(f.What)
	if f.Run == 0 {
		return what
	}
	return fmt.Sprintf("run %d: %s", f.Run, what)
}
