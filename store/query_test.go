package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// ask collects what a query gives.
func ask(ctx context.Context, s *Store, q Query) (columns []string, rows [][]any, err error) {
	err = s.Query(ctx, q, func(names []string) error { columns = names; return nil }, func(row []any) error {
		rows = append(rows, slices.Clone(row))
		return nil
	})
	return columns, rows, err
}

// readOnly opens the motley runs for reading.
func readOnly(t testing.TB) *Store {
	t.Helper()
	s, _ := motley(t)
	r, err := OpenReadOnly(t.Context(), s.Path())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestQuery(t *testing.T) {
	s := readOnly(t)
	for _, c := range []struct {
		text string
		with map[string]any
		rows [][]any
	}{
		{"SELECT count(*) FROM runs;", nil, [][]any{{int64(48)}}},
		{" -- all of them\n/* ; */ select status, count(*) AS n FROM runs GROUP BY 1 ORDER BY 1 ; -- done\n", nil,
			[][]any{{"diverged", int64(12)}, {"failed", int64(12)}, {"finished", int64(12)}, {"stopped", int64(12)}}},
		{"VALUES (1, 2.5), (NULL, ';'), (x'00ff', 1e999)", nil, [][]any{{int64(1), 2.5}, {nil, ";"}, {[]byte{0, 255}, math.Inf(1)}}},
		{"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n", nil, [][]any{{int64(1)}, {int64(2)}, {int64(3)}}},
		{"SELECT run_id FROM runs WHERE optimizer REGEXP '^s' AND run_id < 7", nil, [][]any{{int64(3)}, {int64(6)}}},
		{"SELECT name FROM pragma_table_info('runs') LIMIT 1", nil, [][]any{{"run_id"}}},
		{"SELECT run_id FROM runs WHERE run_id = :id AND lambda >= $least AND error = @what", map[string]any{"id": int64(4), "least": 0.0, "what": "out of memory"}, [][]any{{int64(4)}}},
		{"SELECT 1 WHERE 0", nil, nil},
	} {
		_, rows, err := ask(t.Context(), s, Query{c.text, c.with})
		if err != nil || !reflect.DeepEqual(rows, c.rows) {
			t.Errorf("%s: %v, %v", c.text, rows, err)
		}
	}
	if columns, _, err := ask(t.Context(), s, Query{Text: "EXPLAIN QUERY PLAN SELECT * FROM runs"}); err != nil || len(columns) != 4 {
		t.Errorf("EXPLAIN: %v, %v", columns, err)
	}
}

func TestAQueryOnlyReads(t *testing.T) {
	s := readOnly(t)
	before, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for text, want := range map[string]string{
		"DELETE FROM run":                                     "a statement that begins with DELETE is refused",
		"ATTACH '" + dir + "/new.db' AS other":                "a statement that begins with ATTACH is refused",
		"PRAGMA user_version":                                 "a statement that begins with PRAGMA is refused",
		"VACUUM INTO '" + dir + "/copy.db'":                   "a statement that begins with VACUUM is refused",
		"SELECT 1; DELETE FROM run":                           "there is more than one statement",
		"SELECT 1;;/**/;SELECT 2":                             "there is more than one statement",
		"WITH n AS (SELECT 1) DELETE FROM run":                "DELETE from run is refused",
		"WITH n AS (SELECT 1) INSERT INTO metric SELECT 9, 9": "INSERT into metric is refused",
		"WITH n AS (SELECT 1) UPDATE run SET status = 'x'":    "UPDATE of run is refused",
		"EXPLAIN DELETE FROM run":                             "DELETE from run is refused",
		"EXPLAIN ATTACH '" + dir + "/new.db' AS other":        "ATTACH is refused",
		"SELECT * FROM pragma_journal_mode":                   "PRAGMA journal_mode is refused",
		"SELECT load_extension('x')":                          "the function load_extension is refused",
		"":                                                    "there is no statement",
		" ; -- nothing":                                       "there is no statement",
	} {
		var wrong *QueryError
		if _, rows, err := ask(t.Context(), s, Query{Text: text}); !errors.As(err, &wrong) || wrong.Message != want {
			t.Errorf("%s: %v, %v, want %s", text, rows, err, want)
		}
	}
	after, err := os.ReadFile(s.Path())
	if err != nil || string(after) != string(before) {
		t.Errorf("the file has changed, %v", err)
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
		t.Errorf("made %v, %v", made, err)
	}
	// The others of the pool take no notice.
	for range 2 * readers {
		var mode string
		if err := s.reads.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
			t.Errorf("journal_mode is %q, %v", mode, err)
		}
	}
}

func TestMistakesInAQueryHaveAPlace(t *testing.T) {
	s := readOnly(t)
	for text, want := range map[string]string{
		"SELECT nix FROM runs":                "no such column: nix @nix",
		"SELECT r.nix FROM runs r":            "no such column: r.nix @nix",
		"SELECT * FROM rnus":                  "no such table: rnus @rnus",
		"SELECT * FROM runs WHER lr < 1":      `near "lr": syntax error @lr`,
		"SELECT * FORM runs FORM":             `near "FORM": syntax error @`,
		"SELECT nope(1)":                      "no such function: nope @nope",
		"SELECT * FROM":                       "incomplete input @",
		"SELECT 'a":                           `unrecognized token: "'a" @`,
		"SELECT lr FROM runs WHERE lr = :low": `missing named argument "low" @`,
		"SELECT 'a' REGEXP '['":               "error parsing regexp: missing closing ]: `[` @",
	} {
		_, _, err := ask(t.Context(), s, Query{Text: text})
		var wrong *QueryError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := wrong.Message + " @" + text[wrong.From:wrong.To]; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAQueryIsInterrupted(t *testing.T) {
	s := readOnly(t)
	stopped := errors.New("stopped")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, stopped)
	defer cancel()
	begun := time.Now()
	_, _, err := ask(ctx, s, Query{Text: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"})
	if !errors.Is(err, stopped) || time.Since(begun) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
	full := errors.New("full")
	if err := s.Query(t.Context(), Query{Text: "SELECT 1"}, func([]string) error { return nil }, func([]any) error { return full }); err != full {
		t.Errorf("what the caller says becomes %v", err)
	}
}

func TestViewsAreDocumented(t *testing.T) {
	s := readOnly(t)
	var want, got []string
	_, rows, err := ask(t.Context(), s, Query{Text: `SELECT v.name, (SELECT group_concat(name) FROM pragma_table_info(v.name))
		FROM sqlite_schema v WHERE v.type = 'view' AND v.name <> 'present_run' ORDER BY v.name`})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		want = append(want, fmt.Sprint(row...))
	}
	for _, v := range Views() {
		var names []string
		for _, c := range v.Columns {
			names = append(names, c.Name)
		}
		got = append(got, fmt.Sprint(v.Name, strings.Join(names, ",")))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the views are\n%s\nand are said to be\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

func FuzzQueryOnlyReads(f *testing.F) {
	for _, text := range []string{"SELECT 1; DROP TABLE run", "WITH x AS (SELECT 1) DELETE FROM run", "EXPLAIN UPDATE run SET status = 1", "SELECT '\\'; DELETE FROM run --'",
		"SELECT [a]]; DELETE FROM run", "SELECT 1 /* */; /* */ ATTACH 'x' AS y", "VALUES (1)\x00; DELETE FROM run", "SELECT * FROM pragma_user_version(7)", "SELECT 1 -- \r; DELETE FROM run"} {
		f.Add(text)
	}
	s, _ := motley(f) // which may write
	before := query(f, s.Path(), `SELECT group_concat(status || lr, ',') || (SELECT count(*) FROM sqlite_schema) || (SELECT user_version FROM pragma_user_version) FROM runs`)
	f.Fuzz(func(t *testing.T, text string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n := 0
		s.Query(ctx, Query{Text: text}, func([]string) error { return nil }, func([]any) error {
			if n++; n > 100 {
				return context.Canceled
			}
			return nil
		})
		if got := query(t, s.Path(), `SELECT group_concat(status || lr, ',') || (SELECT count(*) FROM sqlite_schema) || (SELECT user_version FROM pragma_user_version) FROM runs`); got != before {
			t.Fatalf("%q changed the database", text)
		}
	})
}
