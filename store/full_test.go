//go:build linux

package store

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// A full disk: everything waits, and goes on when there is space again; whoever is in a hurry gets an error, and keeps
// what was acknowledged.
func TestFault43DiskFull(t *testing.T) {
	if dir := os.Getenv("XRUN_TEST_TINY"); dir != "" {
		onATinyDisk(t, dir)
		return
	}
	dir := t.TempDir()
	if text, err := exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=4m", "none", dir).CombinedOutput(); err != nil {
		t.Skipf("no file system of a few megabytes can be made here: %v %s", err, text)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "-rm", "sh", "-c", `mount -t tmpfs -o size=4m none "$1" && exec "$2" -test.run '^TestFault43DiskFull$' -test.v`, "sh", dir, self)
	cmd.Env = append(os.Environ(), "XRUN_TEST_TINY="+dir)
	text, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(text), "--- PASS: TestFault43DiskFull") {
		t.Errorf("on a tiny disk: %v\n%s", err, text)
	}
}

func onATinyDisk(t *testing.T, dir string) {
	ballast := filepath.Join(dir, "ballast")
	fill := func() {
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for {
			if _, err := f.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}
	// A database that does not fit is not made, wherever in its making the space ends.
	for kilobytes := 50; kilobytes < 700; kilobytes += 50 {
		path := filepath.Join(dir, "none.db")
		fill()
		if err := os.Truncate(ballast, 4<<20-int64(kilobytes)<<10); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path, Options{})
		if err == nil {
			s.Close() // which may find the disk full
		} else if left, _ := filepath.Glob(path + ".creating*"); len(left) > 0 || !Unavailable(err) || !strings.Contains(err.Error(), "full") {
			t.Errorf("with %d kB: %v, left are %v", kilobytes, err, left)
		}
		if _, there := os.Stat(path); there == nil {
			if r, err := OpenReadOnly(t.Context(), path); err != nil {
				t.Errorf("with %d kB there is a part of a database: %v", kilobytes, err)
			} else if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		for _, file := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
			os.Remove(file)
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 10)
	s, err := Open(t.Context(), filepath.Join(dir, "xrun.db"), Options{Full: func(err error, _ time.Duration) { told <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.full.again = 10 * time.Millisecond
	trials := grid(2)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	first := take(t, r, trials[0])
	epochs(t, r, first.Run, 0, 3)
	flush(t, r)

	fill()
	recorded := make(chan error, 1)
	go func() {
		for n := 4; n < 300; n++ {
			if err := r.Record(t.Context(), runner.Update{Points: []runner.Points{{Run: first.Run, Epoch: n, Metrics: manyMetrics, Values: manyValues(n)}}}); err != nil {
				recorded <- err
				return
			}
		}
		recorded <- r.Flush(t.Context())
	}()
	select {
	case err := <-told:
		t.Logf("told: %v", err)
	case err := <-recorded:
		t.Fatalf("a full disk is not noticed: %v", err)
	}
	if got := query(t, s.Path(), `SELECT max(step) FROM point`); got != "3" {
		t.Errorf("while the disk is full, the file has epoch %s", got)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := <-recorded; err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if got := query(t, s.Path(), `SELECT count(DISTINCT step) || ' ' || max(step) FROM point`); got != "300 299" {
		t.Errorf("of epochs 0 to 299 there are %s", got)
	}

	fill()
	for n := 300; ; n++ {
		err := r.Record(t.Context(), runner.Update{Points: []runner.Points{{Run: first.Run, Epoch: n, Metrics: manyMetrics, Values: manyValues(n)}}})
		if err == nil && n == 400 {
			s.Hurry()
			err = r.Flush(t.Context())
		}
		if err != nil {
			if !Unavailable(err) || !strings.Contains(fmt.Sprint(err), "full") {
				t.Errorf("in a hurry it says: %v", err)
			}
			break
		}
	}
	if err := os.Remove(ballast); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if audit := verify(t, s); len(audit.Findings) > 0 {
		t.Errorf("afterwards: %v", audit.Findings)
	}
}
