//go:build linux

package sweeps

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
)

// A terminal that is closed ends a sweep as a system that shuts down does: what runs is finished, and kept.
func TestFault33AClosedTerminal(t *testing.T) {
	t.Parallel()
	sweep, dir, stderr := begun(t)
	sweep.Process.Signal(syscall.SIGHUP)
	if code := e2e.Ending(sweep.Wait()); code != 129 {
		t.Errorf("it ended with %d:\n%s", code, stderr)
	}
	if !strings.Contains(stderr.String(), "stopping after the running epochs, within 8s") {
		t.Errorf("it says:\n%s", stderr)
	}
	for _, r := range e2e.Runs(t, filepath.Join(dir, "xrun.db")) {
		if r.Status == runner.StatusRunning {
			t.Errorf("run %d is still running", r.ID)
		}
	}
}

// A reader of the output that goes away ends the output, and not the sweep.
func TestFault33AClosedPipe(t *testing.T) {
	t.Parallel()
	want := uninterrupted(t)
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(longSweep, longEpochs))
	path, err := exec.LookPath("xrun")
	if err != nil {
		t.Fatal(err)
	}
	sh := e2e.Xrun(t, dir)
	sh.Path, sh.Args = "/bin/sh", []string{"sh", "-c", `{ "$1" sweep sweep.toml --progress plain; echo $? >code; } 2>&1 | true; while [ ! -s code ]; do sleep 0.05; done`, "sh", path}
	if text, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	e2e.Same(t, e2e.Recorded(t, filepath.Join(dir, "xrun.db")), want)
}

// A limit on the size of files is met like a disk that refuses: with exit code 6, and what was recorded stays.
func TestFault44AFileSizeLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(longSweep, longEpochs))
	path, err := exec.LookPath("xrun")
	if err != nil {
		t.Fatal(err)
	}
	sh := e2e.Xrun(t, dir)
	sh.Path, sh.Args = "/bin/sh", []string{"sh", "-c", `ulimit -f 1200; exec "$1" sweep sweep.toml --progress none`, "sh", path}
	_, stderr := e2e.Run(t, 6, sh)
	if !strings.Contains(stderr, "xrun.db") {
		t.Errorf("it says:\n%s", stderr)
	}
	intact(t, filepath.Join(dir, "xrun.db"))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	check(t, dir, uninterrupted(t))
}
