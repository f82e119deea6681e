//go:build linux

package sweeps

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
)

// In an ordinary run the torture tests are short. At full length each goes on for its budget:
// go test ./cmd/xrun/e2e/sweeps -run Torture -long -budget 1h -timeout 0.
var kills = flag.Int("kills", 0, "with -long: end TestTortureKills after so many kills, however long they take; 0 is as many as fit the budget")

// tortured are sweeps with something of everything that a trial remembers.
var tortured = map[string]string{
	"grid": `seeds = 2
[task]
dataset = "digits"
model   = "softmax"
epochs  = 12
[grid]
lr     = [0.003, 0.03, 1e30]
lambda = [0.0, 10.0]
batch  = [32, 96]
[optimizers.sgd]
momentum = 0.9
schedule = { kind = "plateau", patience = 1 }
[optimizers.adam]
schedule = { kind = "cosine", warmup = 2 }
[early_stop]
monitor   = "val_loss"
patience  = 3
min_delta = 1e-3
divergence = { factor = 1e3 }
`,
	"pruned": `seeds = 2
[task]
dataset  = "digits"
model    = "mlp"
hidden   = [16]
epochs   = 9
sampling = "replacement"
dtype    = "float32"
[grid]
lr = { log = [1e-4, 1.0], n = 8 }
optimizer = ["rmsprop", "nadam"]
[prune]
rule = "halving"
eta  = 2
`,
}

// points are all rows of points of a database, by run, epoch and set of metrics, bit for bit.
func points(t *testing.T, path string) map[string]string {
	t.Helper()
	db := raw(t, path)
	defer db.Close()
	rows, err := db.Query(`SELECT run_id || ' ' || step || ' ' || set_id,
		quote(special) || quote(v0) || quote(v1) || quote(v2) || quote(v3) || quote(v4) || quote(v5) || quote(v6) || quote(v7) FROM point`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var key, values string
		if err := rows.Scan(&key, &values); err != nil {
			t.Fatal(err)
		}
		all[key] = values
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// A sweep is killed, with its plugins or without, or loses its plugins, again and again at random moments. No
// epoch that anybody could have seen is lost, no trial gets two results, and in the end there is to the bit what there is of a
// sweep that was left alone.
func TestTortureKills(t *testing.T) {
	t.Parallel()
	r := tests.Random(t)
	until := tests.Deadline()
	killed, resumed := 0, 0
	for round := 0; round == 0 || goesOn(killed, until); round++ {
		names := []string{"grid", "pruned"}
		if one := r.IntN(len(names)); !tests.Long() {
			names = names[one : one+1]
		}
		for _, name := range names {
			text := tortured[name]
			dir := t.TempDir()
			e2e.Write(t, filepath.Join(dir, "left-alone.toml"), "name = 'x'\n"+text)
			began := time.Now()
			e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "left-alone.toml", "--progress", "none", "--store", "alone.db"))
			took := time.Since(began)
			want := e2e.Recorded(t, filepath.Join(dir, "alone.db"))
			checkpoint := []string{"1", `"10ms"`, `"off"`}[r.IntN(3)]
			e2e.Write(t, filepath.Join(dir, "sweep.toml"), "name = 'x'\n"+text+"[run]\ncheckpoint = "+checkpoint+"\n")
			n := killing(t, r, dir, took, func(n int) bool {
				return n < tests.Either(2, 40) && (!tests.Long() || goesOn(killed+n, until))
			})
			db := filepath.Join(dir, "xrun.db")
			e2e.Same(t, e2e.Recorded(t, db), want)
			e2e.Once(t, e2e.Runs(t, db))
			e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
			resumed += number(t, db, `SELECT count(*) FROM event WHERE kind = 'resumed' AND message LIKE 'goes on from epoch %'`)
			killed += n
			if t.Failed() {
				t.Fatalf("after %d kills of %s, checkpoint %s", n, name, checkpoint)
			}
		}
	}
	t.Logf("%d kills, %d runs went on from a checkpoint", killed, resumed)
	if killed >= 100 && resumed == 0 {
		t.Error("no run went on from a checkpoint")
	}
}

// goesOn reports whether a torture at full length goes on after so many kills.
func goesOn(killed int, until time.Time) bool {
	if *kills > 0 && tests.Long() {
		return killed < *kills
	}
	return time.Now().Before(until)
}

// killing runs a sweep until it ends, and kills it before as often as again says.
func killing(t *testing.T, r *rand.Rand, dir string, took time.Duration, again func(int) bool) (n int) {
	t.Helper()
	db := filepath.Join(dir, "xrun.db")
	var before map[string]string
	for ; again(n); n++ {
		cmd := e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Int64N(int64(took))))
		plugins := e2e.Children(t, cmd.Process.Pid)
		what := r.IntN(3)
		if what > 0 {
			for _, pid := range plugins {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if what < 2 {
			cmd.Process.Kill()
		}
		code := e2e.Ending(cmd.Wait())
		for _, pid := range plugins {
			e2e.Gone(t, pid)
		}
		if _, err := os.Stat(db); err == nil && number(t, db, `SELECT count(*) FROM sqlite_schema WHERE name = 'point'`) > 0 {
			intact(t, db)
			now := points(t, db)
			for key, values := range before {
				if now[key] != values {
					t.Errorf("the point %s was %s and is %q", key, values, now[key])
				}
			}
			before = now
		}
		if code == 0 || t.Failed() {
			return n
		}
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	return n
}

// A machine that loses its power keeps what has reached the disk: the log is cut, or its end is zeros or garbage. Whatever
// is left is a sound database, and of every run it has the epochs up to one.
func TestTorturePowerCuts(t *testing.T) {
	t.Parallel()
	r := tests.Random(t)
	until, n := tests.Deadline(), 0
	more := func() bool { return n < 10 || time.Now().Before(until) }
	for more() {
		dir := t.TempDir()
		e2e.Write(t, filepath.Join(dir, "sweep.toml"), tortured["grid"]+"[run]\ncheckpoint = 1\n")
		cmd := e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		var unfolded []byte // the file before any of the log has been folded into it
		for running := true; running && more(); {
			select {
			case <-ended:
				running = false
				continue
			case <-time.After(time.Duration(5+r.IntN(40)) * time.Millisecond):
			}
			if _, err := os.Stat(filepath.Join(dir, "xrun.db-wal")); err != nil {
				continue
			}
			image := filepath.Join(t.TempDir(), "xrun.db")
			cmd.Process.Signal(syscall.SIGSTOP)
			// By another process: closing the files in this one could take SQLite's locks away.
			main := exec.Command("cp", filepath.Join(dir, "xrun.db"), image).Run()
			wal := exec.Command("cp", filepath.Join(dir, "xrun.db-wal"), image+"-wal").Run()
			cmd.Process.Signal(syscall.SIGCONT)
			if main != nil || wal != nil {
				continue // it has just ended
			}
			n++
			file, err := os.ReadFile(image)
			if err != nil {
				t.Fatal(err)
			}
			if unfolded == nil {
				unfolded = file
			}
			// SQLite brings the log to the disk before it folds it in: from then on, no power cut takes any of it.
			if bytes.Equal(file, unfolded) {
				spoil(t, r, image+"-wal")
			}
			intact(t, image)
			if number(t, image, `SELECT count(*) FROM sqlite_schema WHERE name = 'checkpoint'`) == 0 { // it was being made
				continue
			}
			const holes = `SELECT count(*) FROM (SELECT run_id FROM point GROUP BY run_id, set_id HAVING min(step) <> 0 OR max(step) <> count(*) - 1)`
			if h := number(t, image, holes); h != 0 {
				t.Errorf("%d runs lack an epoch before their last", h)
			}
			const ahead = `SELECT count(*) FROM checkpoint c WHERE c.epoch > (SELECT coalesce(max(step), -1) FROM point WHERE run_id = c.run_id)`
			if h := number(t, image, ahead); h != 0 {
				t.Errorf("%d checkpoints are ahead of their runs", h)
			}
		}
		cmd.Process.Kill()
		<-ended
	}
}

// spoil makes of the end of a file what a power cut may make of it.
func spoil(t *testing.T, r *rand.Rand, name string) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(content) == 0 {
		return
	}
	at := r.IntN(len(content))
	switch r.IntN(3) {
	case 0:
		content = content[:at]
	case 1:
		clear(content[at:])
	case 2:
		for i := at; i < len(content); i++ {
			content[i] = byte(r.Uint32())
		}
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Several processes write one file, the same sweep among them twice, while others read it: nobody hears of it, and nothing is
// lost or done twice.
func TestTortureManyProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "a.toml"), "name = 'a'\n"+tortured["grid"])
	e2e.Write(t, filepath.Join(dir, "b.toml"), "name = 'b'\n"+strings.Replace(tortured["grid"], "seeds = 2", "seeds = 3", 1))
	until := tests.Deadline()
	for round := 0; round == 0 || time.Now().Before(until); round++ {
		store := fmt.Sprintf("round%d.db", round)
		var wg sync.WaitGroup
		done := make(chan struct{})
		for _, file := range []string{"a.toml", "b.toml", "a.toml", "b.toml"} {
			wg.Go(func() {
				cmd := e2e.Xrun(t, dir, "sweep", file, "--progress", "none", "--store", store)
				if text, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("sweep %s: %v\n%s", file, err, text)
				}
			})
		}
		var readers sync.WaitGroup
		for range 2 {
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					case <-time.After(tests.Either(200*time.Millisecond, 20*time.Millisecond)):
					}
					text, err := e2e.Xrun(t, dir, "compare", "--store", store).CombinedOutput()
					if code := e2e.Ending(err); code != 0 && code != 5 && code != 6 {
						t.Errorf("compare ended with %d:\n%s", code, text)
					}
					if strings.Contains(string(text), "locked") || strings.Contains(string(text), "in use") {
						t.Errorf("compare says:\n%s", text)
					}
				}
			})
		}
		wg.Wait()
		close(done)
		readers.Wait()
		db := filepath.Join(dir, store)
		e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check", "--store", store))
		runs := e2e.Runs(t, db)
		e2e.Once(t, runs)
		if want := 3 * 3 * 2 * 2 * 2; len(runs) != want {
			t.Errorf("%d runs of %d trials", len(runs), want)
		}
		for _, r := range runs {
			if r.Status == runner.StatusFailed || r.Status == runner.StatusRunning || r.Status == runner.StatusInterrupted {
				t.Errorf("run %d is %s: %s", r.ID, r.Status, r.Reason)
			}
		}
	}
}
