//go:build linux

package plugins

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
)

const villainSweep = `schema = 1
name   = "villain"
seeds  = 2

[task]
dataset = "iris"
model   = "softmax"
epochs  = 3
batch   = 32

[grid]
lr     = [0.001, 0.01]
lambda = [0.0, 1.0]

[optimizers.sgd]
%s
[run]
workers        = 1
plugin_timeout = %q
plugin_memory  = "600MB"
`

// Whatever a plugin does in a sweep: the exit code says whether trials failed, standard error what
// of, once, and the trials without it have the bits that they have when it is not there.
func TestPluginsThatMisbehaveInASweep(t *testing.T) {
	t.Parallel()
	villain, err := exec.LookPath("xrun-plugin-villain")
	if err != nil {
		t.Fatal(err)
	}
	sweep := func(t *testing.T, code int, with string) (db, stderr string) {
		t.Helper()
		dir, timeout := t.TempDir(), "1m"
		if strings.Contains(with, "hang") {
			timeout = "1s"
		}
		e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf(villainSweep, with, timeout))
		_, stderr = e2e.Run(t, code, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain", "--plugin-dir", filepath.Dir(villain)))
		return filepath.Join(dir, "xrun.db"), stderr
	}
	alone, _ := sweep(t, 0, "")
	want := e2e.Recorded(t, alone)
	for _, c := range []struct {
		does, message string
		status        runner.Status
		long          bool
	}{
		{"nothing", "", runner.StatusFinished, false},
		{"chatter", "", runner.StatusFinished, true},
		{"slow", "", runner.StatusFinished, true},
		{"nan", "", runner.StatusDiverged, false}, // a result, not a failure
		{"crash", "plugin villain exited with status 2", runner.StatusFailed, false},
		{"hang", "plugin villain did not answer within 1s and was stopped", runner.StatusFailed, false},
		{"flood", "plugin villain exited with status 9", runner.StatusFailed, true},
		{"memory", "plugin villain ran out of memory: it may take 600 MB, and more with plugin_memory in [run]: exited with status ", runner.StatusFailed, true},
	} {
		if c.long && !tests.Long() {
			continue
		}
		t.Run(c.does, func(t *testing.T) {
			t.Parallel()
			code := 0
			if c.status == runner.StatusFailed {
				code = 3
			}
			db, stderr := sweep(t, code, fmt.Sprintf("[optimizers.villain]\ndoes = %q\n", c.does))
			if c.message != "" {
				if n := strings.Count(stderr, "    "+c.message); n != 1 {
					t.Errorf("says %q %d times, want once:\n%s", c.message, n, stderr)
				}
				if text := "\n5 trials were not tried, as plugin villain was set aside\n"; !strings.Contains(stderr, text) {
					t.Errorf("does not say %q:\n%s", text, stderr)
				}
			}
			got, villains := e2e.Recorded(t, db), 0
			for _, r := range e2e.Runs(t, db) {
				if r.Optimizer != "villain" {
					continue
				}
				villains++
				delete(got, r.Trial)
				if r.Status != c.status {
					t.Errorf("a trial of the villain ended as %s: %s; want %s", r.Status, r.Reason, c.status)
				}
				if c.does == "slow" && r.Cost.Plugin < 10*time.Millisecond {
					t.Errorf("a trial that slept among eight for 100ms each is said to have cost %v in plugins", r.Cost.Plugin)
				}
			}
			if villains != 8 {
				t.Errorf("%d trials of the villain, want 8", villains)
			}
			e2e.Same(t, got, want)
		})
	}
	t.Run("a penalty that is no number", func(t *testing.T) {
		t.Parallel()
		db, stderr := sweep(t, 3, "[regularizers.unnumbered]\nplugin = \"villain\"\n")
		statuses := map[runner.Status]int{}
		for _, r := range e2e.Runs(t, db) {
			statuses[r.Status]++
		}
		if !maps.Equal(statuses, map[runner.Status]int{runner.StatusFinished: 4, runner.StatusFailed: 4}) {
			t.Errorf("the trials ended as %v, want those with the penalty to fail", statuses)
		}
		if text := "plugin villain: gives a penalty that is not a number, at finite parameters"; strings.Count(stderr, text) != 1 {
			t.Errorf("does not say %q once:\n%s", text, stderr)
		}
	})
}

// A killed xrun leaves no process, also of a plugin that has not come up, and what it left on disk
// is removed by the next.
func TestXrunKilledWhileAPluginStarts(t *testing.T) {
	t.Parallel()
	tmp, err := os.MkdirTemp("", "k") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	dir := t.TempDir()
	path := filepath.Join(dir, "xrun-plugin-sleeper")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec sleep 1000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := e2e.WithEnv(e2e.Xrun(t, dir, "plugin", "info", path), "TMPDIR="+tmp)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var plugins []int
	for begin := time.Now(); len(plugins) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatal("no plugin is started")
		}
		plugins = e2e.Children(t, cmd.Process.Pid)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for _, pid := range plugins {
		e2e.Gone(t, pid)
	}
	e2e.Run(t, 0, e2e.WithEnv(e2e.Xrun(t, dir, "plugin", "info", "builtin"), "TMPDIR="+tmp))
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 0 {
		t.Errorf("the temporary directory holds %v, %v", left, err)
	}
}

// A plugin that hangs is asked where, behind the process that guards it, too.
func TestAHangSaysWhere(t *testing.T) {
	t.Parallel()
	e2e.Need(t, "python3")
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sleepy.py"), `import time
from xrun_plugin import optimizer, serve

@optimizer("sleepy")
class Sleepy:
    def __init__(self, theta):
        pass

    def step(self, theta, grad, lr):
        time.sleep(600)

serve()
`)
	stdout, _ := e2e.Run(t, 1, e2e.Xrun(t, dir, "plugin", "check", "./sleepy.py", "--short", "--timeout", "2s"))
	if said := strings.Join(strings.Fields(stdout), " "); !strings.Contains(said, "it hangs here") || !strings.Contains(said, "line 10 in step") {
		t.Errorf("the check says\n%s", stdout)
	}
}
