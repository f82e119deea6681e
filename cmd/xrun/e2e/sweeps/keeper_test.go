//go:build linux

package sweeps

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// parent is an optimizer that starts a process of its own at its first step, and then waits.
const parent = `
import os, subprocess, time
from xrun_plugin import optimizer, serve

@optimizer("parent")
class Parent:
    def __init__(self, theta):
        pass

    def step(self, theta, grad, lr):
        child = subprocess.Popen(["sleep", "600"])
        with open("child.tmp", "w") as f:
            f.write("%d %d" % (child.pid, os.getpid()))
        os.rename("child.tmp", "child")
        time.sleep(600)

serve()
`

// A kill -9 of xrun ends its plugins, and what those have started.
func TestKillingXrunEndsWhatItsPluginsHaveStarted(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to run the plugin")
	}
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "parent.py"), parent)
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), "[task]\nmodel = \"quadratic\"\n[grid]\nlr = 0.1\n[optimizers.parent]\nplugin = \"./parent.py\"\n[run]\nplugin_timeout = \"10m\"\n")
	cmd := e2e.Xrun(t, dir, "sweep", "sweep.toml")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var text []byte
	for deadline := time.Now().Add(time.Minute); len(text) == 0; time.Sleep(20 * time.Millisecond) {
		text, _ = os.ReadFile(filepath.Join(dir, "child"))
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			t.Fatal("the plugin has started no process")
		}
	}
	pids := e2e.Children(t, cmd.Process.Pid)
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	cmd.Process.Signal(syscall.SIGKILL)
	cmd.Wait()
	for _, pid := range pids {
		e2e.Gone(t, pid)
	}
}
