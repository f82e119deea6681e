package store

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// complete is a closed database that has rows in every table: runs that finished, failed, were cut off with a checkpoint,
// and deleted; two related sweeps that share trials; tags, an optimum, plugins, coefficients, events, artifacts inside and
// beside it.
func complete(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "xrun.db")
	s := open(t, path)
	trials := grid(6)
	grid := Sweep{Name: "grid", Digest: "g", Notes: "n", Tags: []string{"a", "b"}, File: "g.toml", Text: []byte("[task]"), Resolved: "r",
		Metric: manyMetrics[0], Goal: "min", At: "best", Overrides: []string{"a=1"}}
	first, err := s.PutSweep(t.Context(), grid, trials[:5])
	if err != nil {
		t.Fatal(err)
	}
	confirm := grid
	confirm.Name, confirm.Digest, confirm.Relation, confirm.Of = "grid-confirm", "c", Confirms, first
	if _, err := s.PutSweep(t.Context(), confirm, trials[3:]); err != nil {
		t.Fatal(err)
	}
	if err := s.PutStage(t.Context(), first, nil, []SweepEvent{{At: time.UnixMicro(3), Stage: 1, Kind: EventGivenUp, Point: trials[0].Point(), Message: "m"}}); err != nil {
		t.Fatal(err)
	}
	r := s.Recorder(first, Environment{Host: "h", CPU: "c", Cores: 2, OS: "o", Arch: "a", GoVersion: "g", BLAS: "gonum", XrunVersion: "v", GitCommit: "abc", GitDirty: true},
		[]PluginUse{{Role: "optimizer", Name: "adam", Version: "1", Digest: "builtin:adam@1", Protocol: "p", Features: []string{"f"}}})
	for i, run := range begin(t, r, trials[:5]) {
		epochs(t, r, run, 0, 5+i)
		record(t, r, runner.Update{Events: []runner.Event{{Run: run, At: time.UnixMicro(5), Kind: "early_stop", Epoch: 2, Message: "m", Detail: "d"}}})
		switch i {
		case 2:
			record(t, r, runner.Update{Ends: []runner.End{{Run: run, At: time.UnixMicro(9), Status: runner.StatusFailed, Reason: "r", Error: "e", Epochs: 3, Lasting: true}}})
		case 4:
			record(t, r, cut(run, 4, []byte("checkpoint")))
		default:
			record(t, r, runner.Update{Ends: []runner.End{{Run: run, At: time.UnixMicro(7), Status: runner.StatusFinished, Reason: "r", Epochs: 5,
				Kept: &runner.Kept{Epoch: 3, Value: manyValues(3)[0]}, Parameters: bytes.Repeat([]byte("p"), 10+i*inlineLimit), Output: []byte("o"),
				Coefficients: map[string]float64{"l2": 0.5}, Constants: map[string]float64{"val_accuracy": 0.75}, Cost: runner.Cost{Steps: 1, GradientEvals: 2, Wall: 3, Plugin: 4, Transport: 5}}}})
		}
	}
	flush(t, r)
	if err := s.PutOptimum(t.Context(), runner.Optimum{Key: "k", Value: 1, Violation: 2, Problem: "p"}); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteRuns(t.Context(), []int64{4}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// audited checks a copy of a database after a change by hand.
func audited(t *testing.T, path string, statements ...string) []Finding {
	t.Helper()
	to := filepath.Join(t.TempDir(), "xrun.db")
	copied(t, path, to)
	if err := os.Symlink(path+".artifacts", to+".artifacts"); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	db, err := sql.Open("sqlite", dataSource(to, "mode=rw&_pragma=ignore_check_constraints(1)&_pragma=foreign_keys(0)&_pragma=synchronous(0)"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := OpenReadOnly(t.Context(), to)
	if err != nil {
		return []Finding{{0, err.Error()}}
	}
	defer s.Close()
	audit, err := s.Verify(t.Context(), nil)
	if err != nil {
		return []Finding{{0, err.Error()}}
	}
	return audit.Findings
}

// freeColumns are the columns whose change Verify does not find, with the reasons, which README.md has too.
var freeColumns = map[string]string{
	"goose_db_version.id":         "says which migrations were applied, and when: no result",
	"goose_db_version.version_id": "likewise",
	"goose_db_version.is_applied": "likewise",
	"goose_db_version.tstamp":     "likewise",
	"sqlite_sequence.name":        "the next id; a wrong one is refused when a row is added",
	"sqlite_sequence.seq":         "likewise",
	"run.deleted_at":              "what is deleted can be restored: xrun db restore lists it",
	"sweep.deleted_at":            "likewise",
	"owner.closed_at":             "of a process, after its runs have ended",
	"owner.clean":                 "likewise",
	"event.id":                    "a number that nothing refers to",
	"sweep_event.id":              "likewise",
	"setting_path.id":             "", // found, or no longer referred to
	"sweep.id":                    "",
}

// Every column of every table of a finished database is changed, one at a time: each change is found, but for those of free
// columns.
func TestEveryChangeIsFound(t *testing.T) {
	path := complete(t)
	if found := audited(t, path); len(found) > 0 {
		t.Fatalf("without any change: %v", found)
	}
	db, err := openPool(path, readerSettings, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var changes []struct{ table, column, statement string }
	rows, err := db.Query(`SELECT m.name, x.name, x.type FROM sqlite_schema m JOIN pragma_table_info(m.name) x WHERE m.type = 'table' ORDER BY 1, x.cid`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var table, column, kind string
		if err := rows.Scan(&table, &column, &kind); err != nil {
			t.Fatal(err)
		}
		// The first row in which it is set, or the first one. A row with the same key may exist: no number of the test is near.
		where := fmt.Sprintf(`(SELECT * FROM %s ORDER BY %s IS NULL LIMIT 1)`, table, column)
		keys := primaryKey(t, db, table)
		match := make([]string, len(keys))
		for i, key := range keys {
			match[i] = fmt.Sprintf("%s.%s IS x.%[2]s", table, key)
		}
		value := map[string]string{"INTEGER": "coalesce(%[1]s, 0) + 1000003", "REAL": "coalesce(%[1]s, 0) + 0.001", "TEXT": "coalesce(%[1]s, '') || 'x'",
			"BLOB": "CAST(coalesce(%[1]s, x'') || x'00' AS BLOB)", "ANY": "CASE typeof(%[1]s) WHEN 'text' THEN %[1]s || 'x' ELSE %[1]s + 1 END", "TIMESTAMP": "'1999'"}[kind]
		if value == "" {
			if value = "7"; table != "sqlite_sequence" {
				t.Errorf("%s.%s has the type %q", table, column, kind)
			}
		}
		value = strings.ReplaceAll(value, "%[1]s", table+"."+column)
		changes = append(changes, struct{ table, column, statement string }{table, column,
			fmt.Sprintf(`UPDATE %s SET %s = %s FROM %s x WHERE %s`, table, column, value, where, strings.Join(match, " AND "))})
	}
	if err := rows.Err(); err != nil || len(changes) < 100 {
		t.Fatalf("%d columns, %v", len(changes), err)
	}
	found := 0
	for _, c := range changes {
		if c.table == "pending" {
			continue // it is empty
		}
		name := c.table + "." + c.column
		findings := audited(t, path, c.statement)
		reason, free := freeColumns[name]
		switch {
		case len(findings) > 0:
			found++
			if free && reason != "" {
				t.Errorf("%s is found, and is said to be free", name)
			}
		case !free:
			t.Errorf("%s is not found", c.statement)
		}
	}
	t.Logf("%d of %d changes are found", found, len(changes))
}

func primaryKey(t *testing.T, db *sql.DB, table string) (keys []string) {
	t.Helper()
	if table == "sqlite_sequence" {
		return []string{"name"}
	}
	rows, err := db.Query(`SELECT name FROM pragma_table_info(?) WHERE pk > 0`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		t.Fatalf("%s has no key", table)
	}
	return keys
}

// What is exchanged, removed or added is found.
func TestExchangedRowsAreFound(t *testing.T) {
	path := complete(t)
	swap := func(table, column, key string, a, b any) string {
		return fmt.Sprintf(`UPDATE %s SET %s = CASE %s WHEN %v THEN (SELECT %[2]s FROM %[1]s WHERE %[3]s = %[5]v) ELSE (SELECT %[2]s FROM %[1]s WHERE %[3]s = %[4]v) END
			WHERE %[3]s IN (%[4]v, %[5]v)`, table, column, key, a, b)
	}
	for name, statements := range map[string][]string{
		"the trials of two runs":         {swap("run", "trial_id", "id", 1, 2)},
		"the numbers of two runs":        {`UPDATE run SET id = -1 WHERE id = 1`, `UPDATE run SET id = 1 WHERE id = 2`, `UPDATE run SET id = 2 WHERE id = -1`},
		"the values of two runs":         {`UPDATE point SET run_id = -1 WHERE run_id = 1`, `UPDATE point SET run_id = 1 WHERE run_id = 2`, `UPDATE point SET run_id = 2 WHERE run_id = -1`},
		"the learning rates of trials":   {`UPDATE trial SET lr = 7 WHERE id = 1`},
		"the seeds of two trials":        {swap("trial", "seed", "id", 1, 2)},
		"the settings of two trials":     {`UPDATE setting SET trial_id = -1 WHERE trial_id = 1 AND path_id = 1`, `UPDATE setting SET trial_id = 1, value = value || 'x' WHERE trial_id = 2 AND path_id = 1`},
		"the members of two sweeps":      {`UPDATE member SET sweep_id = 2 WHERE sweep_id = 1 AND trial_id = 1`},
		"the order of a sweep":           {`UPDATE member SET position = 1 - position WHERE sweep_id = 1 AND position < 2`},
		"a removed member":               {`DELETE FROM member WHERE sweep_id = 2 AND trial_id = 4`},
		"an added member":                {`INSERT INTO member SELECT 2, 1, 9, 'a', NULL`},
		"a removed artifact":             {`DELETE FROM artifact WHERE run_id = 1 AND name = 'best'`},
		"a removed event":                {`DELETE FROM event WHERE run_id = 1`},
		"a removed plugin":               {`DELETE FROM run_plugin WHERE run_id = 1`},
		"a removed coefficient":          {`DELETE FROM coefficient WHERE run_id = 1`},
		"a removed constant":             {`DELETE FROM constant WHERE run_id = 1`},
		"a removed checkpoint":           {`DELETE FROM checkpoint`},
		"a removed setting":              {`DELETE FROM setting WHERE trial_id = 1 AND path_id = 2`},
		"a removed tag":                  {`DELETE FROM sweep_tag WHERE tag = 'b'`},
		"a removed summary":              {`DELETE FROM summary WHERE run_id = 1 AND metric_id = 1`},
		"a removed run":                  {`DELETE FROM run WHERE id = 1`},
		"a removed relation":             {`UPDATE sweep SET of_sweep = NULL`},
		"a removed seal":                 {`UPDATE run SET seal = NULL WHERE id = 2`},
		"a removed seal of a trial":      {`UPDATE trial SET seal = NULL WHERE id = 2`},
		"a run that finishes afterwards": {`UPDATE run SET status = 'finished' WHERE id = 3`},
		"a run that runs again":          {`UPDATE run SET status = 'running' WHERE id = 1`},
		"a value of no metric":           {`UPDATE point SET v7 = 0.5 WHERE run_id = 1 AND step = 2 AND v7 IS NULL`},
		"a point of no metrics":          {`INSERT INTO point (run_id, step, set_id, v0) VALUES (1, 2, 99, 0.5)`},
		"special bits of no metric":      {`UPDATE point SET special = CAST(coalesce(special, x'') || x'087ff8000000000001' AS BLOB) WHERE run_id = 1 AND step = 2`},
		"a number with the bits of NaN":  {`UPDATE point SET v3 = 0.5 WHERE hex(special) LIKE '037FF8%'`},
		"a value that is not its own":    {`UPDATE run SET value = value + 1e-9 WHERE id = 1`},
	} {
		if len(audited(t, path, statements...)) == 0 {
			t.Errorf("not found: %s", name)
		}
	}
	found := fmt.Sprint(audited(t, path, `UPDATE run SET value = value + 1 WHERE id = 1`))
	if !strings.Contains(found, "its curve has") {
		t.Errorf("a value unlike its curve: %s", found)
	}
}

// Another program computes a seal by README.md.
func TestSealsAreAsDocumented(t *testing.T) {
	s := fresh(t)
	if err := s.PutOptimum(t.Context(), runner.Optimum{Key: "kä", Value: -0.5, Violation: math.Copysign(0, -1), Problem: ""}); err != nil {
		t.Fatal(err)
	}
	at := query(t, s.Path(), `SELECT created_at FROM optimum`)
	sum := sha256.Sum256([]byte("t14:xrun optimum 1;t3:kä;rbfe0000000000000;r0000000000000000;t0:;i" + at + ";"))
	if got := query(t, s.Path(), `SELECT lower(hex(seal)) FROM optimum`); got != hex.EncodeToString(sum[:]) {
		t.Errorf("the seal is %s, want %x", got, sum)
	}
	if got := string(appendFields(nil, nil, true, 3, int64(-4), 1.5, "a;b", []byte{0, 255})); got != "n;i1;i-4;"[:2]+"i1;i3;i-4;r3ff8000000000000;t3:a;b;b2:\x00\xff;" {
		t.Errorf("the fields are %q", got)
	}
}

// A sweep that comes later and shares trials leaves the seals of earlier runs as they are.
func TestALaterSweepLeavesSealsAsTheyAre(t *testing.T) {
	path := complete(t)
	const seals = `SELECT group_concat(hex(coalesce(seal, ''))) FROM (SELECT seal FROM run UNION ALL SELECT seal FROM trial UNION ALL SELECT seal FROM sweep WHERE id < 3)`
	before := query(t, path, seals)
	s := open(t, path)
	if _, err := s.PutSweep(t.Context(), Sweep{Name: "later", Digest: "l", Metric: "val_loss", Goal: "min", At: "last"}, grid(6)[:3]); err != nil {
		t.Fatal(err)
	}
	if after := query(t, path, seals); after != before {
		t.Error("seals have changed")
	}
	// A deleted run comes back, a run is taken up again, a related sweep is purged.
	if err := s.RestoreRuns(t.Context(), []int64{4}); err != nil {
		t.Fatal(err)
	}
	r := s.Recorder(1, Environment{CPU: "c", OS: "o", Arch: "a", GoVersion: "g", BLAS: "gonum", XrunVersion: "v"}, nil)
	again := take(t, r, grid(6)[4])
	if again.From == nil {
		t.Fatal("the run that was cut off begins again")
	}
	if found := verify(t, s).Findings; len(found) > 0 {
		t.Errorf("while it runs: %v", found)
	}
	epochs(t, r, again.Run, again.Recorded+1, again.Recorded+2)
	record(t, r, end(again.Run, runner.StatusFinished))
	flush(t, r)
	if _, err := s.DeleteSweep(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Purge(t.Context(), time.Now().Add(time.Second), false); err != nil {
		t.Fatal(err)
	}
	if audit := verify(t, s); len(audit.Findings) > 0 || audit.SealedLater > 0 {
		t.Errorf("afterwards: %+v", audit)
	}
}

// A merge copies what was changed with the seal that shows it, and seals anew what it numbers anew.
func TestMergingKeepsSeals(t *testing.T) {
	from := complete(t)
	db, err := sql.Open("sqlite", dataSource(from, "mode=rw"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`UPDATE run SET steps = steps + 1 WHERE id = 3`, `UPDATE sweep SET notes = 'x' WHERE id = 2`} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	source, err := OpenReadOnly(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	to := fresh(t)
	first := to.Recorder(put(t, to, grid(6)[1:]), Environment{}, nil) // with attempts of its own
	for _, run := range begin(t, first, grid(6)[1:3]) {
		record(t, first, end(run, runner.StatusFailed))
	}
	flush(t, first)
	if _, err := to.PutSweep(t.Context(), Sweep{Name: "g", Digest: "g", Metric: manyMetrics[0], Goal: "min", At: "best"}, grid(6)[5:]); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := to.Merge(t.Context(), source); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range verify(t, to).Findings {
			got = append(got, f.String())
		}
		if len(got) != 2 || !strings.Contains(got[0], "run 5: its row") || !strings.Contains(got[1], "the sweep grid-confirm") {
			t.Errorf("after the merge: %s", strings.Join(got, "\n"))
		}
	}
}

// What older versions have recorded is sealed by the migration, and says so; a migration that is cut off is completed.
func TestTheMigrationSealsWhatIsThere(t *testing.T) {
	s := version3(t)
	if audit := verify(t, s); len(audit.Findings) > 0 || audit.SealedLater != audit.Runs || audit.Runs == 0 {
		t.Errorf("%d of %d runs are sealed by the migration, with %v", audit.SealedLater, audit.Runs, audit.Findings)
	}
	if got := query(t, s.Path(), `SELECT (SELECT count(*) FROM trial WHERE seal IS NULL) || (SELECT count(*) FROM sweep WHERE seal IS NULL) || (SELECT count(*) FROM pending)`); got != "000" {
		t.Errorf("trials and sweeps without seal, and steps: %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(t.TempDir(), "xrun.db") // killed between the two transactions of the migration
	copied(t, s.Path(), half)
	db, err := sql.Open("sqlite", dataSource(half, "mode=rw"))
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{`UPDATE run SET seal = NULL, seal_kind = 0`, `UPDATE trial SET seal = NULL`, `UPDATE sweep SET seal = NULL`, `INSERT INTO pending VALUES ('seal')`} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	reader, err := OpenReadOnly(t.Context(), half)
	if err != nil {
		t.Fatal(err)
	}
	if found := fmt.Sprint(verify(t, reader).Findings); !strings.Contains(found, "migration was interrupted") {
		t.Errorf("a migration that was cut off: %s", found)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if audit := verify(t, open(t, half)); len(audit.Findings) > 0 || audit.SealedLater != audit.Runs {
		t.Errorf("after it was completed: %+v", audit)
	}
}

// README.md says of every free column that it is.
func TestFreeColumnsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range freeColumns {
			if !yield(name) {
				return
			}
		}
	}) {
		table, _, _ := strings.Cut(name, ".")
		if freeColumns[name] != "" && !strings.Contains(string(text), "`"+name+"`") && !strings.Contains(string(text), "`"+table+"`") {
			t.Errorf("README.md does not say that %s is free", name)
		}
	}
}
