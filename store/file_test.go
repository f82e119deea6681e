package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/xrun-dev/xrun/migrations"
	"github.com/xrun-dev/xrun/runner"
)

var writeFixture = flag.Bool("write-fixture", false, "write testdata/v1.db, once, before its schema is released")

func TestSettingsAreInForce(t *testing.T) {
	s := fresh(t) // Open reads its own settings back
	if got := query(t, s.Path(), `SELECT application_id || ' ' || (SELECT user_version FROM pragma_user_version) FROM pragma_application_id`); got != fmt.Sprint("2020767086 ", migrations.Latest(migrations.FS)) {
		t.Errorf("application_id and user_version are %s", got)
	}
	conn, err := s.reads.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `DELETE FROM run`); code(err) != 8 {
		t.Errorf("a write through the reading pool: %v", err)
	}
	db, err := openPool(s.Path(), strings.Replace(writerSettings, "FULL", "NORMAL", 1), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	weak, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer weak.Close()
	if err := checkSettings(t.Context(), weak); err == nil || !strings.Contains(err.Error(), "synchronous") {
		t.Errorf("a weaker setting was not noticed: %v", err)
	}
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a b.db", "a#b.db", "a?mode=ro.db", "a%41.db", "-a.db", "ü.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path)
		put(t, s, grid(1))
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusedFilesStayUntouched(t *testing.T) {
	raw := func(path string, statements ...string) {
		db, err := sql.Open("sqlite", dataSource(path, "mode=rwc"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, q := range statements {
			if _, err := db.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := prepareProcess(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		make func(path string)
		want string
	}{
		"newer": {func(p string) {
			s := open(t, p)
			s.Close()
			raw(p, `PRAGMA user_version = 9`)
		}, "was written by xrun test (schema 9); this is xrun"},
		"foreign": {func(p string) { raw(p, `PRAGMA application_id = 42`, `CREATE TABLE a (b)`) }, "belongs to another application"},
		"unnamed": {func(p string) { raw(p, `CREATE TABLE a (b)`) }, "belongs to another application"},
		"text":    {func(p string) { os.WriteFile(p, bytes.Repeat([]byte("no database\n"), 1000), 0o600) }, "is not an xrun database"},
		"folder":  {func(p string) { os.Mkdir(p, 0o700) }, "is not a regular file"},
	} {
		path := filepath.Join(t.TempDir(), "x.db")
		c.make(path)
		before, _ := os.ReadFile(path)
		_, errWrite := Open(t.Context(), path, Options{Version: "0.1"})
		_, errRead := OpenReadOnly(t.Context(), path)
		for _, err := range []error{errWrite, errRead} {
			if err == nil || !strings.Contains(err.Error(), c.want) || !Unavailable(err) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
		after, _ := os.ReadFile(path)
		if sha256.Sum256(before) != sha256.Sum256(after) {
			t.Errorf("%s: the file was changed", name)
		}
		for _, suffix := range []string{"-wal", "-shm", "-journal"} {
			if _, err := os.Stat(path + suffix); err == nil {
				t.Errorf("%s: left a %s behind", name, suffix)
			}
		}
	}
}

func TestOpenReadOnlyCreatesNothing(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenReadOnly(t.Context(), filepath.Join(dir, "xrun.db"))
	if !errors.Is(err, ErrNotFound) || !Unavailable(err) {
		t.Errorf("opening nothing: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestReadWhileWriting(t *testing.T) {
	s := fresh(t)
	trials := grid(2)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	reader, err := OpenReadOnly(t.Context(), s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	run := begin(t, r, trials)[0]
	for n := range 3 {
		record(t, r, epoch(run, n, 1))
		flush(t, r)
		if curve, err := reader.Curve(t.Context(), int64(run), "loss"); err != nil || len(curve) != n+1 {
			t.Errorf("after epoch %d a reader sees %v, %v", n, curve, err)
		}
	}
}

func TestReadInAReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write to any directory")
	}
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "xrun.db"))
	put(t, s, grid(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	reader, err := OpenReadOnly(t.Context(), filepath.Join(dir, "xrun.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if sweeps, err := reader.Sweeps(t.Context()); err != nil || len(sweeps) != 1 {
		t.Errorf("sweeps %v, %v", sweeps, err)
	}
}

func TestMovedFileIsRescued(t *testing.T) {
	for name, do := range map[string]func(path string) error{
		"deleted":     os.Remove,
		"renamed":     func(p string) error { return os.Rename(p, p+".old") },
		"wal deleted": func(p string) error { return os.Remove(p + "-wal") },
		"replaced": func(p string) error {
			return errors.Join(os.Remove(p), os.WriteFile(p, []byte("mine"), 0o600))
		},
	} {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), "xrun.db"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		trials := grid(1)
		r := s.Recorder(put(t, s, trials), Environment{}, nil)
		run := begin(t, r, trials)[0]
		record(t, r, epoch(run, 1, 1))
		flush(t, r)
		if err := do(s.Path()); err != nil {
			t.Fatal(err)
		}
		record(t, r, epoch(run, 2, 1))
		moved, ok := errors.AsType[*movedError](r.Flush(t.Context()))
		if !ok {
			t.Fatalf("%s: not noticed: %v", name, moved)
		}
		if got := query(t, moved.Rescue, `SELECT count(*) FROM curves`); got != "2" {
			t.Errorf("%s: the rescued file has %s points, want 2", name, got)
		}
		if info, err := os.Stat(moved.Rescue); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode of the rescued file: %v, %v", name, info.Mode(), err)
		}
		if err := s.Close(); !Unavailable(err) {
			t.Errorf("%s: Close gave %v", name, err)
		}
		if name == "replaced" {
			if text, _ := os.ReadFile(s.Path()); string(text) != "mine" {
				t.Errorf("the file that took the name was changed to %q", text)
			}
		}
	}
}

func TestMigrationSavesACopyFirst(t *testing.T) {
	s := fresh(t)
	put(t, s, grid(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	latest := migrations.Latest(migrations.FS)
	next := fstest.MapFS{fmt.Sprintf("%05d_more.sql", latest+1): {
		Data: fmt.Appendf(nil, "-- +goose Up\nCREATE TABLE more (a INTEGER) STRICT;\nPRAGMA user_version = %d;\n", latest+1)}}
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := migrations.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		next[name] = &fstest.MapFile{Data: content}
	}
	db, err := openPool(s.Path(), writerSettings, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 2 {
		if err := migrate(t.Context(), db, s.Path(), "2", next); err != nil {
			t.Fatal(err)
		}
	}
	if got := query(t, s.Path(), `SELECT user_version FROM pragma_user_version`); got != fmt.Sprint(latest+1) {
		t.Errorf("schema %s after the migration", got)
	}
	if got := query(t, fmt.Sprintf("%s.v%d.bak", s.Path(), latest), `SELECT count(*) || ' ' || (SELECT user_version FROM pragma_user_version) FROM trial`); got != fmt.Sprint("1 ", latest) {
		t.Errorf("the copy has trials and schema %s, want 1 and %d", got, latest)
	}
}

// TestReleasedSchemas opens a file as each released xrun has left it.
func TestReleasedSchemas(t *testing.T) {
	const fixture = "testdata/v1.db"
	if *writeFixture {
		makeFixture(t, fixture)
	}
	content, err := os.ReadFile(fixture)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "xrun.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	results, err := s.Results(t.Context(), 1, "loss")
	if err != nil || len(results) != 3 {
		t.Fatalf("results %+v, %v", results, err)
	}
	if got := results[0]; got.Status != runner.StatusFinished || got.Summary.Min != 1 || got.Summary.Count != 4 {
		t.Errorf("the finished trial: %+v", got)
	}
	if got := results[1]; got.Status != runner.StatusInterrupted {
		t.Errorf("the trial that was running: %+v", got)
	}
	if got := query(t, path, `SELECT group_concat(integrity_check) FROM pragma_integrity_check`); got != "ok" {
		t.Errorf("integrity: %s", got)
	}
}

func makeFixture(t *testing.T, fixture string) {
	s := fresh(t)
	trials := grid(3)
	r := s.Recorder(put(t, s, trials), Environment{Host: "h"}, []PluginUse{{Role: "optimizer", Name: "adam", Digest: "builtin:adam@1"}})
	runs := begin(t, r, trials[:2])
	for n := range 4 {
		record(t, r, epoch(runs[0], n, float64(4-n)))
		record(t, r, epoch(runs[1], n, float64(4-n)))
	}
	record(t, r, runner.Update{Events: []runner.Event{{Run: runs[0], Kind: "early_stop", Message: "m"}},
		Ends: []runner.End{{Run: runs[0], Status: runner.StatusFinished, Epochs: 3, Kept: &runner.Kept{Epoch: 3}, Parameters: []byte("p")}}})
	flush(t, r)
	os.MkdirAll(filepath.Dir(fixture), 0o755)
	os.Remove(fixture)
	if _, err := saveCopy(context.Background(), s.writer.tx.conn, fixture); err != nil {
		t.Fatal(err)
	}
}
