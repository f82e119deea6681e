package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/migrations"
	"github.com/xrun-dev/xrun/runner"
)

// childMode makes the test binary a process of its own that uses a database.
const childMode = "XRUN_STORE_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		if err := child(mode, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func start(t *testing.T, mode, path, arg string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], path, arg)
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func child(mode, path, arg string) error {
	ctx := context.Background()
	s, err := Open(ctx, path, Options{Version: "test", Command: mode})
	if err != nil || mode == "open" {
		return err
	}
	trials := grid(40)
	id, err := s.PutSweep(ctx, Sweep{Name: "s", Digest: "s"}, trials)
	if err != nil {
		return err
	}
	r := s.Recorder(id, Environment{}, nil)
	if mode == "forever" {
		return recordForever(ctx, r, trials)
	}
	// Everybody tries every trial, a few at a time, until the time is over.
	until := time.Now().Add(1500 * time.Millisecond)
	for from := 0; from < len(trials) || time.Now().Before(until); from += 4 {
		if from >= len(trials) {
			from = 0
		}
		part := trials[from : from+4]
		runs, err := r.Begin(ctx, part)
		if err != nil {
			return err
		}
		for i, begun := range runs {
			run := begun.Run
			if run == 0 {
				continue
			}
			fmt.Println(part[i].Key())
			for n := range 20 {
				if err := r.Record(ctx, epoch(run, n, float64(n))); err != nil {
					return err
				}
			}
			if err := r.Record(ctx, end(run, runner.StatusFinished)); err != nil {
				return err
			}
		}
		if err := r.Flush(ctx); err != nil {
			return err
		}
		if _, err := s.Results(ctx, id, "loss"); err != nil {
			return err
		}
	}
	return s.Close()
}

// recordForever prints each epoch once it has been acknowledged.
func recordForever(ctx context.Context, r *Recorder, trials []runner.Trial) error {
	runs, err := r.Begin(ctx, trials)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		for _, run := range runs {
			if err := r.Record(ctx, epoch(run.Run, n, float64(n))); err != nil {
				return err
			}
		}
		if n%3 == 0 {
			if err := r.Flush(ctx); err != nil {
				return err
			}
			fmt.Println(n)
		}
	}
}

func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	for round := range 5 {
		path := filepath.Join(t.TempDir(), "xrun.db")
		cmd, out := start(t, "forever", path, "")
		acknowledged := -1
		for out.Scan() {
			acknowledged, _ = strconv.Atoi(out.Text())
			if acknowledged >= 9+10*round {
				break
			}
		}
		time.Sleep(time.Duration(round) * 700 * time.Microsecond)
		cmd.Process.Kill()
		for out.Scan() {
			acknowledged, _ = strconv.Atoi(out.Text())
		}
		cmd.Wait()
		reader, err := OpenReadOnly(t.Context(), path) // before any writer has noted the death
		if err != nil {
			t.Fatal(err)
		}
		if stale, err := reader.Runs(t.Context(), RunQuery{Status: []runner.Status{runner.StatusRunning}}); err != nil || len(stale) > 0 {
			t.Errorf("a reader sees %d runs of a dead process as running, %v", len(stale), err)
		}
		if status, err := reader.Status(t.Context(), []runner.Key{grid(1)[0].Key()}); err != nil || status[grid(1)[0].Key()].Status != runner.StatusInterrupted {
			t.Errorf("a reader sees %+v, %v; want the trial interrupted", status, err)
		}
		reader.Close()
		s := open(t, path)
		if got := query(t, path, `SELECT group_concat(integrity_check) FROM pragma_integrity_check`); got != "ok" {
			t.Errorf("integrity: %s", got)
		}
		runs, err := s.Runs(t.Context(), RunQuery{})
		if err != nil || len(runs) != 40 {
			t.Fatalf("%d runs, %v", len(runs), err)
		}
		for _, run := range runs {
			if run.Status != runner.StatusInterrupted || run.Reason == "" {
				t.Errorf("run %d is %s (%s)", run.ID, run.Status, run.Reason)
			}
			curve, err := s.Curve(t.Context(), run.ID, "loss")
			if err != nil || len(curve) <= acknowledged {
				t.Fatalf("run %d has %d epochs, %d were acknowledged, %v", run.ID, len(curve), acknowledged+1, err)
			}
			for n, p := range curve {
				if p.Epoch != n || p.Value != float64(n) {
					t.Fatalf("run %d: epoch %d is %+v", run.ID, n, p)
				}
			}
			metrics, err := s.Metrics(t.Context(), run.ID)
			if err != nil || len(metrics) != 1 || metrics[0].Count != len(curve) || metrics[0].Last != float64(len(curve)-1) {
				t.Fatalf("run %d: summary %+v of %d epochs, %v", run.ID, metrics, len(curve), err)
			}
		}
	}
}

func TestSeveralProcessesOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xrun.db")
	type process struct {
		cmd *exec.Cmd
		out *bufio.Scanner
	}
	var all []process
	for range 4 {
		cmd, out := start(t, "share", path, "")
		all = append(all, process{cmd, out})
	}
	claimed := map[string]int{}
	for _, p := range all {
		for p.out.Scan() {
			claimed[p.out.Text()]++
		}
		if err := p.cmd.Wait(); err != nil {
			t.Errorf("a process met an error: %v", err)
		}
	}
	if len(claimed) != 40 {
		t.Errorf("%d trials were run, want 40", len(claimed))
	}
	for key, n := range claimed {
		if n != 1 {
			t.Errorf("trial %s was claimed %d times", key, n)
		}
	}
	if got := query(t, path, `SELECT count(*) || ' ' || (SELECT count(*) FROM curves) FROM runs WHERE status = 'finished'`); got != "40 800" {
		t.Errorf("runs and points: %s, want 40 800", got)
	}
}

func TestProcessesCreateOneFile(t *testing.T) {
	for range 5 {
		path := filepath.Join(t.TempDir(), "xrun.db")
		var all []*exec.Cmd
		for range 6 {
			cmd, _ := start(t, "open", path, "")
			all = append(all, cmd)
		}
		for _, cmd := range all {
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		}
		if got := query(t, path, `SELECT user_version FROM pragma_user_version`); got != fmt.Sprint(migrations.Latest(migrations.FS)) {
			t.Errorf("schema %s", got)
		}
		if entries, err := filepath.Glob(path + ".*bak*"); err != nil || len(entries) > 0 {
			t.Errorf("creating a file has left copies: %s, %v", strings.Join(entries, " "), err)
		}
	}
}

func TestStoppedHolderOfTheSidecar(t *testing.T) {
	s := fresh(t)
	f, err := os.OpenFile(sidecarPath(s.Path()), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if ok, err := tryLock(f); !ok || err != nil {
		t.Fatalf("lock: %v, %v", ok, err)
	}
	// The holder never lets go: writing goes on without the queue.
	for i := range 3 {
		put(t, s, grid(i+1))
	}
	if who := s.writer.side.holder(); !strings.Contains(who, "xrun test") {
		t.Errorf("the holder is %q", who)
	}
}
