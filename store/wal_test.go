package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// cutOff is a database as a process leaves it behind that is killed: the file, and a log with results.
func cutOff(t *testing.T) string {
	t.Helper()
	s := fresh(t)
	trials := grid(4)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	for _, run := range begin(t, r, trials) {
		for n := range 4 {
			record(t, r, epoch(run, n, float64(n)))
		}
		record(t, r, end(run, runner.StatusFinished))
		flush(t, r)
	}
	path := filepath.Join(t.TempDir(), "xrun.db")
	for _, suffix := range []string{"", "-wal"} {
		copied(t, s.Path()+suffix, path+suffix)
	}
	if info, err := os.Stat(walPath(path)); err != nil || info.Size() == 0 {
		t.Fatalf("there is nothing in the log: %v", err)
	}
	return path
}

func copied(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// alone counts the values in a copy of the file without its log.
func alone(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "alone.db")
	copied(t, path, to)
	s, err := OpenReadOnly(t.Context(), to)
	if err != nil {
		return err.Error()
	}
	defer s.Close()
	return query(t, to, `SELECT count(*) || ' runs ' || (SELECT count(*) FROM curves) || ' values' FROM runs`)
}

func noLog(t *testing.T, path string) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s remains: %v", suffix, err)
		}
	}
}

// Whoever closes after writing leaves a file that is whole without its log, also while others read it; and the last one
// of all leaves no log.
func TestTheFileIsWholeWithoutItsLog(t *testing.T) {
	s := fresh(t)
	trials := grid(2)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	for _, run := range begin(t, r, trials) {
		record(t, r, epoch(run, 1, 1))
		record(t, r, end(run, runner.StatusFinished))
	}
	flush(t, r)
	reader, err := OpenReadOnly(t.Context(), s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Results(t.Context(), 1, "loss"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := alone(t, s.Path()); got != "2 runs 2 values" {
		t.Errorf("while somebody reads, the file alone has %s", got)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	noLog(t, s.Path())
	for range 2 { // readers alone leave none either
		reader, err := OpenReadOnly(t.Context(), s.Path())
		if err != nil {
			t.Fatal(err)
		}
		if sweeps, err := reader.Sweeps(t.Context()); err != nil || len(sweeps) != 1 {
			t.Errorf("%d sweeps, %v", len(sweeps), err)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		noLog(t, s.Path())
	}
}

// After a kill the log is folded in by the next one that writes, when it begins, and by the last reader.
func TestALogThatRemainsIsFoldedIn(t *testing.T) {
	path := cutOff(t)
	if got := alone(t, path); strings.Contains(got, "16 values") {
		t.Fatalf("without its log the file has %s already", got)
	}
	s := open(t, path)
	if got := alone(t, path); got != "4 runs 16 values" {
		t.Errorf("after the file was opened for writing it alone has %s", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	noLog(t, path)

	path = cutOff(t)
	reader, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if got := alone(t, path); got != "4 runs 16 values" {
		t.Errorf("after it was read the file alone has %s", got)
	}
	noLog(t, path)
}

// What another program is reading stays in the log, and who closes is told.
func TestResultsThatStayInTheLogAreSaid(t *testing.T) {
	for _, reading := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "xrun.db")
		var notices []string
		s, err := Open(t.Context(), path, Options{Notice: func(text string) { notices = append(notices, text) }})
		if err != nil {
			t.Fatal(err)
		}
		if reading { // as of now, before there are results
			other, err := openPool(path, readerSettings, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			tx, err := other.Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback()
			if err := tx.QueryRow(`SELECT count(*) FROM run`).Scan(new(int)); err != nil {
				t.Fatal(err)
			}
		}
		put(t, s, grid(4))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(strings.Join(notices, "\n"), "still in "+walPath(s.Path())); said != reading {
			t.Errorf("while another program reads: %v, notices %q", reading, notices)
		}
	}
}

func TestAnEmptyCopyNamesTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy.db")
	db, err := openPool(path, writerSettings, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE a (b)`); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	copied(t, path, to)
	_, err = OpenReadOnly(t.Context(), to)
	var empty *emptyError
	if !errors.As(err, &empty) || !Unavailable(err) || !strings.Contains(empty.Hint(), "-wal") || !strings.Contains(empty.Hint(), "xrun db backup") {
		t.Errorf("a copy without the log: %v", err)
	}
}

// A file that was put beside the log of another one is refused, and neither is changed.
func TestAForeignLogIsRefused(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, path string){
		"a backup of it": func(t *testing.T, path string) {
			whole := filepath.Join(t.TempDir(), "whole.db")
			copied(t, path, whole)
			copied(t, walPath(path), walPath(whole))
			s := open(t, whole)
			backup := filepath.Join(t.TempDir(), "backup.db")
			if err := s.Backup(t.Context(), backup); err != nil {
				t.Fatal(err)
			}
			copied(t, backup, path)
		},
		"a backup of it that was opened since": func(t *testing.T, path string) {
			whole := filepath.Join(t.TempDir(), "whole.db")
			copied(t, path, whole)
			copied(t, walPath(path), walPath(whole))
			s := open(t, whole)
			backup := filepath.Join(t.TempDir(), "backup.db")
			if err := s.Backup(t.Context(), backup); err != nil {
				t.Fatal(err)
			}
			if err := open(t, backup).Close(); err != nil {
				t.Fatal(err)
			}
			copied(t, backup, path)
		},
		"a copy from before the process began that was killed": func(t *testing.T, path string) {
			s := fresh(t)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			before := filepath.Join(t.TempDir(), "before.db")
			copied(t, s.Path(), before)
			again := open(t, s.Path())
			put(t, again, grid(4))
			copied(t, walPath(s.Path()), walPath(path))
			copied(t, before, path)
		},
		"another database with as many changes": func(t *testing.T, path string) {
			copied(t, fresh(t).Path(), path)
		},
		"another database": func(t *testing.T, path string) {
			s := fresh(t)
			trials := grid(30)
			r := s.Recorder(put(t, s, trials), Environment{}, nil)
			fill(t, r, trials, 30, fourMetrics)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			copied(t, s.Path(), path)
		},
		"an empty file": func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		},
		"a text": func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		path := cutOff(t)
		replace(t, path)
		before := [2][]byte{}
		read := func(into *[2][]byte) {
			for i, suffix := range []string{"", "-wal"} {
				var err error
				if into[i], err = os.ReadFile(path + suffix); err != nil {
					t.Fatal(err)
				}
			}
		}
		read(&before)
		_, reading := OpenReadOnly(t.Context(), path)
		_, writing := Open(t.Context(), path, Options{})
		for _, err := range []error{reading, writing} {
			var foreign *foreignLogError
			if !errors.As(err, &foreign) || !Unavailable(err) || !strings.Contains(foreign.Hint(), walPath(path)+".old") {
				t.Errorf("%s: %v", name, err)
			}
		}
		var after [2][]byte
		read(&after)
		if !bytes.Equal(before[0], after[0]) || !bytes.Equal(before[1], after[1]) {
			t.Errorf("%s: a file was changed", name)
		}
	}
}

// A log belongs to its file whatever part of it is in the file already, and whoever has written it.
func TestALogBelongsToItsFile(t *testing.T) {
	s := fresh(t)
	trials := grid(40)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	look := func(when string) {
		t.Helper()
		if reason, err := foreignLog(s.Path()); err != nil || reason != "" {
			t.Errorf("%s: %s, %v", when, reason, err)
		}
	}
	for i, run := range begin(t, r, trials) {
		for n := range 6 {
			record(t, r, runner.Update{Points: []runner.Points{{Run: run, Epoch: n, Metrics: manyMetrics, Values: manyValues(n)}}})
			flush(t, r)
		}
		record(t, r, end(run, runner.StatusFinished))
		flush(t, r)
		look(fmt.Sprint("after run ", i))
		mode := []string{"PASSIVE", "FULL", "RESTART", "TRUNCATE"}[i%4]
		if err := s.writer.ask(t.Context(), job{op: mode, reply: make(chan error, 1), bare: func(tx *tx) error {
			_, err := tx.conn.ExecContext(t.Context(), `PRAGMA wal_checkpoint(`+mode+`)`)
			return err
		}}); err != nil {
			t.Fatal(err)
		}
		look("after " + mode)
		if i%5 == 0 {
			if err := s.DeleteRuns(t.Context(), []int64{int64(run)}); err != nil {
				t.Fatal(err)
			}
			look("after a run was deleted")
		}
		if i%10 == 0 { // another connection
			if err := open(t, s.Path()).Close(); err != nil {
				t.Fatal(err)
			}
			look("after another one wrote")
		}
	}
}

// SQLite reads nothing behind a damaged frame and says nothing. A check does, and the log is kept before it is overwritten.
func TestADamagedLogIsFound(t *testing.T) {
	path := cutOff(t)
	if d, err := damagedLog(path); err != nil || d != nil {
		t.Fatalf("a log that is whole: %v, %v", d, err)
	}
	log, err := os.ReadFile(walPath(path))
	if err != nil {
		t.Fatal(err)
	}
	frames := (len(log) - walHeaderSize) / (walFrameSize + 4096)
	for _, c := range []struct {
		at   int // a byte to change
		want bool
	}{
		{20, true}, {walHeaderSize + 2*(walFrameSize+4096) + 1000, true}, {walHeaderSize + 3*(walFrameSize+4096) + 17, true},
		{1, true}, {10, true}, {6, true}, // the header: SQLite takes the log as empty
		{walHeaderSize + 2*(walFrameSize+4096) + 9, true}, {walHeaderSize + (frames-2)*(walFrameSize+4096) + 15, true}, // a frame as of an earlier log
		{len(log) - 100, false}, // of the last transaction, as after a power cut
	} {
		damaged := bytes.Clone(log)
		damaged[c.at] ^= 1
		if err := os.WriteFile(walPath(path), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := damagedLog(path); err != nil || (d != nil) != c.want {
			t.Errorf("a bit of byte %d of %d frames: %v, %v", c.at, frames, d, err)
		}
	}
	if err := os.WriteFile(walPath(path), make([]byte, len(log)), 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := damagedLog(path); err != nil || d != nil {
		t.Errorf("a log of zeros, as a power cut leaves it: %v, %v", d, err)
	}
	damaged := bytes.Clone(log)
	damaged[walHeaderSize+(frames/2)*(walFrameSize+4096)+500] ^= 4
	if err := os.WriteFile(walPath(path), damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	found := func(s *Store, want string) {
		t.Helper()
		audit, err := s.Verify(t.Context(), nil)
		if err != nil || len(audit.Findings) == 0 || !strings.Contains(fmt.Sprint(audit.Findings), want) {
			t.Errorf("a check finds %v, %v; want %q", audit.Findings, err, want)
		}
	}
	found(reader, fmt.Sprintf("frame %d of the log is damaged", frames/2+1))
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if still, err := os.ReadFile(walPath(path)); err != nil || !bytes.Equal(still, damaged) {
		t.Errorf("reading has changed the damaged log: %v", err)
	}
	var told string
	s, err := Open(t.Context(), path, Options{Notice: func(text string) { told = text }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kept, _ := filepath.Glob(escapeGlob(walPath(path)) + ".damaged-*")
	if len(kept) != 1 || !strings.Contains(told, kept[0]) {
		t.Fatalf("kept are %v, and told was %q", kept, told)
	}
	if content, err := os.ReadFile(kept[0]); err != nil || !bytes.Equal(content, damaged) {
		t.Errorf("the copy of the log differs: %v", err)
	}
	found(s, kept[0])
}

// Locks lie beside the file that a link leads to, also before the file is there.
func TestLinksLeadToOneDatabase(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dir, "real", "x.db")
	if err := os.Mkdir(filepath.Dir(real), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"relative.db": "real/x.db", "absolute.db": real, "second.db": "relative.db",
		"folder": "real", "up.db": "folder/../real/x.db", "loop.db": "pool.db", "pool.db": "loop.db", "none.db": "none/x.db"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	for _, path := range []string{"relative.db", "absolute.db", "second.db", "folder/x.db", "up.db"} {
		if got, err := resolve(filepath.Join(dir, path)); err != nil || got != real {
			t.Errorf("before it is there, %s is %s, %v", path, got, err)
		}
	}
	if got, err := resolve(filepath.Join(dir, "loop.db")); err == nil {
		t.Errorf("a loop of links leads to %s", got)
	}
	var folder *folderError
	for _, path := range []string{"none.db", "missing/x.db"} {
		if _, err := Open(t.Context(), filepath.Join(dir, path), Options{}); !errors.As(err, &folder) || !strings.Contains(folder.Hint(), "mkdir -p") {
			t.Errorf("%s, whose folder is missing: %v", path, err)
		}
	}
	s := open(t, filepath.Join(dir, "second.db"))
	if s.Path() != real {
		t.Errorf("the database is %s", s.Path())
	}
	other := open(t, filepath.Join(dir, "folder", "x.db"))
	if owners, err := other.Info(t.Context()); err != nil || len(owners.Owners) != 2 {
		t.Errorf("of two that write, %d are known, %v", len(owners.Owners), err)
	}
	for _, suffix := range []string{".lock", "-wal"} {
		if found, _ := filepath.Glob(filepath.Join(dir, "*"+suffix)); len(found) > 0 {
			t.Errorf("beside the links lie %v", found)
		}
	}
}

// A database appears with all its tables. What a killed process has left is removed by the next one.
func TestADatabaseAppearsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xrun.db")
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if err := os.WriteFile(path+".creating"+suffix, []byte("a part"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(path + ".creating*"); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the database has the mode %v, %v", info.Mode(), err)
	}
	// An empty file that another program has made becomes a database in its place. Before that, a reader gets an error that
	// describes it.
	empty := filepath.Join(t.TempDir(), "xrun.db")
	db, err := openPool(empty, writerSettings, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`PRAGMA application_id = 2020767086`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = OpenReadOnly(t.Context(), empty)
	var old *OldSchemaError
	if !errors.As(err, &old) || !strings.Contains(err.Error(), "its creation was interrupted") || !strings.Contains(old.Hint(), "the next xrun sweep completes it") {
		t.Errorf("a database without tables: %v", err)
	}
	if err := open(t, empty).Close(); err != nil {
		t.Fatal(err)
	}
	if s, err := OpenReadOnly(t.Context(), empty); err != nil {
		t.Errorf("after it was completed: %v", err)
	} else {
		s.Close()
	}
}
