//go:build linux

package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
)

// A terminal that is closed ends a sweep as a system that shuts down does: what runs is finished, and kept.
func TestFault33AClosedTerminal(t *testing.T) {
	sweep, dir, stderr := begun(t)
	sweep.Process.Signal(syscall.SIGHUP)
	if code := ending(sweep.Wait()); code != 129 {
		t.Errorf("it ended with %d:\n%s", code, stderr)
	}
	if !strings.Contains(stderr.String(), "stopping after the running epochs, within 8s") {
		t.Errorf("it says:\n%s", stderr)
	}
	for _, r := range runsOf(t, filepath.Join(dir, "xrun.db")) {
		if r.Status == runner.StatusRunning {
			t.Errorf("run %d is still running", r.ID)
		}
	}
}

// A reader of the output that goes away ends the output, and not the sweep.
func TestFault33AClosedPipe(t *testing.T) {
	want := uninterrupted(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(longSweep, longEpochs))
	path, err := exec.LookPath("xrun")
	if err != nil {
		t.Fatal(err)
	}
	sh := xrun(t, dir)
	sh.Path, sh.Args = "/bin/sh", []string{"sh", "-c", `{ "$1" sweep sweep.toml --progress plain; echo $? >code; } 2>&1 | true; while [ ! -s code ]; do sleep 0.05; done`, "sh", path}
	if text, err := sh.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	same(t, recorded(t, filepath.Join(dir, "xrun.db")), want)
}

// A limit on the size of files is met like a disk that refuses: with exit code 6, and what was recorded stays.
func TestFault44AFileSizeLimit(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(longSweep, longEpochs))
	path, err := exec.LookPath("xrun")
	if err != nil {
		t.Fatal(err)
	}
	sh := xrun(t, dir)
	sh.Path, sh.Args = "/bin/sh", []string{"sh", "-c", `ulimit -f 600; exec "$1" sweep sweep.toml --progress none`, "sh", path}
	_, stderr := run(t, advice.ExitStore, sh)
	if !strings.Contains(stderr, "xrun.db") {
		t.Errorf("it says:\n%s", stderr)
	}
	intact(t, filepath.Join(dir, "xrun.db"))
	run(t, 0, xrun(t, dir, "db", "check"))
	run(t, 0, xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	check(t, dir, uninterrupted(t))
}
