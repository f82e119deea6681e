//go:build linux

package sweeps

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store"
)

// The cohorts of this sweep are trained one after the other, so there is a time between the first
// result and the last. One of them diverges, and some stop early.
const longSweep = `schema = 1
name   = "long"
seeds  = 5

[task]
dataset = "digits"
model   = "softmax"
epochs  = %d
batch   = 32

[grid]
lr        = [0.003, 0.03, 1e30]
lambda    = [0.0, 10.0]
optimizer = ["sgd", "adam"]

[early_stop]
monitor    = "val_loss"
patience   = 3
min_delta  = 1e-3
divergence = { factor = 1e3 }

[run]
workers = 1
`

const longTrials = 5 * 3 * 2 * 2

const longEpochs = 40

// begun starts the sweep, with further lines at its end, in a directory of its own and returns when
// some trials have results.
func begun(t *testing.T, further ...string) (cmd *exec.Cmd, dir string, stderr *strings.Builder) {
	t.Helper()
	dir = t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(longSweep, longEpochs)+strings.Join(further, "\n"))
	cmd, stderr = e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain"), &strings.Builder{}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	path := filepath.Join(dir, "xrun.db")
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatal("no trial has a result after a minute")
		}
		if results(t, path) > 0 {
			return cmd, dir, stderr
		}
	}
}

// results counts the results in a database that another process may be writing.
func results(t *testing.T, path string) int {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		return 0
	}
	db, err := store.OpenReadOnly(t.Context(), path)
	if err != nil {
		return 0 // it is being made
	}
	defer db.Close()
	runs, err := db.Runs(t.Context(), store.RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return e2e.Done(runs)
}

// whole is what the sweep records when nothing happens to it.
var whole struct {
	once sync.Once
	bits map[runner.Key]string
}

// uninterrupted is what the sweep records when nothing happens to it; it is run once for all tests.
func uninterrupted(t *testing.T) map[runner.Key]string {
	t.Helper()
	whole.once.Do(func() {
		dir := t.TempDir()
		e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(longSweep, longEpochs))
		e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
		all := e2e.Recorded(t, filepath.Join(dir, "xrun.db"))
		statuses := map[runner.Status]int{}
		for _, r := range e2e.Runs(t, filepath.Join(dir, "xrun.db")) {
			statuses[r.Status]++
		}
		if len(all) != longTrials || len(statuses) != 3 {
			t.Fatalf("%d trials that ended as %v, want %d that finished, stopped and diverged", len(all), statuses, longTrials)
		}
		whole.bits = all
	})
	if whole.bits == nil {
		t.Fatal("the sweep to which nothing happens has failed, as another test says")
	}
	return whole.bits
}

// finish runs the sweep to its end and compares what was recorded with an uninterrupted one.
func finish(t *testing.T, dir string, want map[runner.Key]string) {
	t.Helper()
	before := results(t, filepath.Join(dir, "xrun.db"))
	if before == 0 || before == longTrials {
		t.Fatalf("%d of %d trials had results when the sweep was stopped; want some", before, longTrials)
	}
	_, stderr := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain"))
	if text := fmt.Sprintf("%d done before", before); !strings.Contains(stderr, text) {
		t.Errorf("going on does not say %q:\n%s", text, stderr)
	}
	check(t, dir, want)
}

// check compares a complete sweep with an uninterrupted one.
func check(t *testing.T, dir string, want map[runner.Key]string) {
	t.Helper()
	path := filepath.Join(dir, "xrun.db")
	e2e.Same(t, e2e.Recorded(t, path), want)
	e2e.Once(t, e2e.Runs(t, path))
	intact(t, path)
}

// raw opens a database without the store, which has to have been the first in this process: it says how
// SQLite locks files.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	locking.Do(func() {
		first, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "first.db"), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		first.Close()
	})
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

var locking sync.Once

// number is the answer to a query for one.
func number(t *testing.T, path, query string) (n int) {
	t.Helper()
	db := raw(t, path)
	defer db.Close()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func intact(t *testing.T, path string) {
	t.Helper()
	db := raw(t, path)
	defer db.Close()
	var answer string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&answer); err != nil || answer != "ok" {
		t.Errorf("integrity check: %q, %v", answer, err)
	}
}

// Whatever happens to a sweep: run to its end, it holds the bits of one to which nothing happened.
func TestASweepGoesOnToTheSameBits(t *testing.T) {
	t.Parallel()
	want := uninterrupted(t)
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		likeAnother(t)
		cmd, dir, _ := begun(t)
		plugins := e2e.Children(t, cmd.Process.Pid)
		if len(plugins) == 0 {
			t.Fatal("the sweep runs no plugin process")
		}
		cmd.Process.Kill()
		if code := e2e.Ending(cmd.Wait()); code != -1 {
			t.Fatalf("ended with %d before it was killed", code)
		}
		for _, pid := range plugins {
			e2e.Gone(t, pid)
		}
		intact(t, filepath.Join(dir, "xrun.db"))
		finish(t, dir, want)
	})
	t.Run("killed, with checkpoints", func(t *testing.T) {
		t.Parallel()
		cmd, dir, _ := begun(t, "checkpoint = 1")
		plugins := e2e.Children(t, cmd.Process.Pid)
		if len(plugins) == 0 {
			t.Fatal("the sweep runs no plugin process")
		}
		cmd.Process.Kill()
		if code := e2e.Ending(cmd.Wait()); code != -1 {
			t.Fatalf("ended with %d before it was killed", code)
		}
		for _, pid := range plugins {
			e2e.Gone(t, pid)
		}
		db := filepath.Join(dir, "xrun.db")
		before := number(t, db, `SELECT count(*) FROM checkpoint`)
		finish(t, dir, want)
		if resumed := number(t, db, `SELECT count(*) FROM event WHERE kind = 'resumed' AND message LIKE 'goes on from epoch %'`); resumed < before {
			t.Errorf("%d runs went on from a checkpoint, %d had one", resumed, before)
		}
		if left := number(t, db, `SELECT count(*) FROM checkpoint`); left != 0 {
			t.Errorf("%d checkpoints are left at the end", left)
		}
	})
	t.Run("its plugins killed", func(t *testing.T) {
		t.Parallel()
		likeAnother(t)
		cmd, dir, stderr := begun(t)
		before := results(t, filepath.Join(dir, "xrun.db"))
		for _, pid := range e2e.Children(t, cmd.Process.Pid) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		if code := e2e.Ending(cmd.Wait()); code != 0 {
			t.Fatalf("ended with %d\n%s", code, stderr)
		}
		if before == longTrials {
			t.Fatal("all trials had results before the plugins were killed")
		}
		check(t, dir, want)
	})
	t.Run("interrupted", func(t *testing.T) {
		t.Parallel()
		signalled(t, syscall.SIGINT, 130, want)
	})
	t.Run("terminated", func(t *testing.T) {
		t.Parallel()
		likeAnother(t)
		signalled(t, syscall.SIGTERM, 143, want)
	})
	t.Run("two at once", func(t *testing.T) {
		t.Parallel()
		together(t, want)
	})
}

// likeAnother leaves a case to the tests at full length, because a shorter run has one of its kind.
func likeAnother(t *testing.T) {
	t.Helper()
	if !tests.Long() {
		t.Skip("an ordinary run has another case of this kind; -long runs it")
	}
}

// counted is a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// signalled stops a sweep by a signal, and lets it go on.
func signalled(t *testing.T, signal syscall.Signal, want int, bits map[runner.Key]string) {
	t.Helper()
	cmd, dir, stderr := begun(t)
	cmd.Process.Signal(signal)
	if code := e2e.Ending(cmd.Wait()); code != want {
		t.Fatalf("ended with %d, want %d\n%s", code, want, stderr)
	}
	n := results(t, filepath.Join(dir, "xrun.db"))
	for _, text := range []string{
		"stopping after the running epochs",
		"; once more stops at once\n",
		"stopped: " + counted(n, "trial with a result is", "trials with results are") + " kept in ",
		"to go on, run the same command again: xrun sweep sweep.toml --progress plain\n",
	} {
		if !strings.Contains(stderr.String(), text) {
			t.Errorf("does not say %q:\n%s", text, stderr)
		}
	}
	for _, r := range e2e.Runs(t, filepath.Join(dir, "xrun.db")) {
		if r.Status == runner.StatusRunning {
			t.Errorf("run %d is still running", r.ID)
		}
	}
	finish(t, dir, bits)
}

// atOnce runs sweep.toml twice at the same time, and returns what both said.
func atOnce(t *testing.T, dir, progress string) *[2]strings.Builder {
	t.Helper()
	var both [2]*exec.Cmd
	said := new([2]strings.Builder)
	for i := range both {
		both[i] = e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", progress)
		both[i].Stdout, both[i].Stderr = &said[i], &said[i]
		if err := both[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, cmd := range both {
		if code := e2e.Ending(cmd.Wait()); code != 0 {
			t.Errorf("sweep %d ended with %d\n%s", i+1, code, &said[i])
		}
	}
	return said
}

// together runs two sweeps of one file at the same time, and compares their numbers with those of one sweep alone.
func together(t *testing.T, want map[runner.Key]string) {
	t.Helper()
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(longSweep, longEpochs))
	said := atOnce(t, dir, "plain")
	for i := range said {
		for _, word := range []string{"BUSY", "locked", "in use"} {
			if strings.Contains(said[i].String(), word) {
				t.Errorf("sweep %d speaks of %q:\n%s", i+1, word, &said[i])
			}
		}
	}
	check(t, dir, want)
	if runs := e2e.Runs(t, filepath.Join(dir, "xrun.db")); len(runs) != longTrials {
		t.Errorf("%d runs of %d trials", len(runs), longTrials)
	}
}

// Rungs are decided among all trials, so a sweep waits while another process has some.
func TestASweepThatPrunesWaitsForTrialsOfAnotherProcess(t *testing.T) {
	t.Parallel()
	first, dir, _ := begun(t)
	e2e.Write(t, filepath.Join(dir, "pruned.toml"), fmt.Sprintf(longSweep, longEpochs)+"[prune]\n")
	suspend(t, first.Process, filepath.Join(dir, "xrun.db")) // or it might be done before the other one begins
	second, stderr := e2e.Xrun(t, dir, "sweep", "pruned.toml", "--progress", "none"), &locked{b: &strings.Builder{}}
	second.Stderr = stderr
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Process.Kill() })
	for begin := time.Now(); !strings.Contains(stderr.String(), "waiting for "); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("it does not wait:\n%s", stderr)
		}
	}
	first.Process.Signal(syscall.SIGCONT)
	if code := e2e.Ending(second.Wait()); code != 0 {
		t.Fatalf("the sweep that waited ended with %d:\n%s", code, stderr)
	}
	if err := first.Wait(); err != nil {
		t.Fatal(err)
	}
	runs := e2e.Runs(t, filepath.Join(dir, "xrun.db"))
	if len(runs) != longTrials || e2e.Done(runs) != longTrials {
		t.Errorf("of %d trials there are %d runs, %d of them with a result", longTrials, len(runs), e2e.Done(runs))
	}
}

// Two sweeps that prune the same trials and begin at the same time do so one after the other.
func TestTwoSweepsThatPruneDoNotMeet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(longSweep, longEpochs)+"[prune]\n")
	said := atOnce(t, dir, "none")
	if waits := strings.Count(said[0].String()+said[1].String(), "waiting for another process that prunes this sweep"); waits != 1 {
		t.Errorf("%d sweeps waited:\n%s\n%s", waits, &said[0], &said[1])
	}
	if n := number(t, filepath.Join(dir, "xrun.db"), `SELECT count(*) FROM run`); n != longTrials {
		t.Errorf("%d runs of %d trials", n, longTrials)
	}
}

// A sweep that has no trial left to take waits for those of another process, and takes them over when
// that one dies; one that is only stopped keeps them.
func TestASweepTakesOverFromAProcessThatDied(t *testing.T) {
	t.Parallel()
	want := uninterrupted(t)
	first, dir, _ := begun(t)
	db := filepath.Join(dir, "xrun.db")
	suspend(t, first.Process, db)
	second, stderr := e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"), &strings.Builder{}
	second.Stderr = &locked{b: stderr}
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	waiting := fmt.Sprintf("that pid %d on ", first.Process.Pid)
	for begin := time.Now(); !strings.Contains(second.Stderr.(*locked).String(), waiting); time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("it does not wait:\n%s", second.Stderr.(*locked).String())
		}
	}
	if n := number(t, db, `SELECT count(*) FROM run WHERE status = 'running'`); n == 0 {
		t.Error("the trials of a process that is stopped were taken away")
	}
	first.Process.Kill()
	first.Wait()
	if code := e2e.Ending(second.Wait()); code != 0 {
		t.Fatalf("the second sweep ended with %d:\n%s", code, stderr)
	}
	check(t, dir, want)
}

// suspend stops a process for a while, at a moment at which it is not writing to the database: nobody else could write then.
func suspend(t *testing.T, p *os.Process, path string) {
	t.Helper()
	db := raw(t, path)
	defer db.Close()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(20 * time.Millisecond) {
		p.Signal(syscall.SIGSTOP)
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 500; BEGIN IMMEDIATE; ROLLBACK")
		conn.Close()
		if err == nil {
			return
		}
		p.Signal(syscall.SIGCONT)
	}
	t.Fatal("the process is always writing")
}

// locked is a Builder for two goroutines.
type locked struct {
	mu sync.Mutex
	b  *strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestASweepIsWatchedAndStoppedFromAnotherShell(t *testing.T) {
	t.Parallel()
	sweep, dir, stderr := begun(t)
	// Between one cohort's end and the next one's beginning no trial runs.
	var state string
	var missing []string
	for begin := time.Now(); time.Since(begin) < time.Minute; {
		state, _ = e2e.Run(t, 0, e2e.Xrun(t, dir, "watch", "--once"))
		missing = nil
		for _, text := range []string{fmt.Sprintf("long: %d trials", longTrials), fmt.Sprintf("run by pid %d on ", sweep.Process.Pid), "running", "for instance "} {
			if !strings.Contains(state, text) {
				missing = append(missing, text)
			}
		}
		if len(missing) == 0 || !strings.Contains(state, "run by pid") {
			break
		}
	}
	if len(missing) > 0 {
		t.Errorf("watch does not say %q:\n%s", missing, state)
	}
	watch := e2e.Xrun(t, dir, "watch", "--progress", "plain")
	var followed strings.Builder
	watch.Stderr, watch.Stdout = &followed, &followed
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	said, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "stop"))
	if code := e2e.Ending(sweep.Wait()); code != 130 {
		t.Errorf("the sweep ended with %d\n%s", code, stderr)
	}
	n := results(t, filepath.Join(dir, "xrun.db"))
	if want := fmt.Sprintf("long is stopped: %s of %d kept", counted(n, "trial with a result", "trials with results"), longTrials); !strings.Contains(said, want) {
		t.Errorf("stop does not say %q:\n%s", want, said)
	}
	if err := watch.Wait(); err != nil || !strings.Contains(followed.String(), "nobody runs it now") {
		t.Errorf("watch ended with %v:\n%s", err, &followed)
	}
	if _, text := e2e.Run(t, 5, e2e.Xrun(t, dir, "stop")); !strings.Contains(text, "nobody runs long now") {
		t.Errorf("a sweep that does not run is stopped:\n%s", text)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".xrun", "owners", "*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}
