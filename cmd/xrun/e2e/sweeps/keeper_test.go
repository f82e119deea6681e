//go:build linux

package sweeps

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/plugins/sandbox"
)

// parent is an optimizer that starts processes at its first step, and then waits: in its own group, in a session
// without its environment, and in a session that nobody waits for.
const parent = `
import subprocess, time
from xrun_plugin import optimizer, serve

@optimizer("parent")
class Parent:
    def __init__(self, theta):
        pass

    def step(self, theta, grad, lr):
        subprocess.Popen(["sleep", "600"])
        subprocess.Popen(["sleep", "600"], start_new_session=True, env={"PATH": "/usr/bin:/bin"})
        subprocess.run(["sh", "-c", "setsid sleep 600 > /dev/null 2>&1 &"], check=True)
        time.sleep(600)

serve()
`

// below are the processes below one, and how many of them sleep.
func below(t *testing.T, parent int) (pids []int, asleep int) {
	t.Helper()
	pids = e2e.Children(t, parent)
	for i := 0; i < len(pids); i++ {
		pids = append(pids, e2e.Children(t, pids[i])...)
		if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pids[i])); err == nil && strings.TrimSpace(string(name)) == "sleep" {
			asleep++
		}
	}
	return pids, asleep
}

// A kill -9 of xrun ends its plugins, and what those have started, in whatever sessions.
func TestKillingXrunEndsWhatItsPluginsHaveStarted(t *testing.T) {
	t.Parallel()
	e2e.Need(t, "python3")
	e2e.Need(t, "setsid")
	for _, flags := range [][]string{nil, {"--sandbox"}} {
		t.Run(fmt.Sprint(flags), func(t *testing.T) {
			t.Parallel()
			if err := sandbox.Available(); flags != nil && err != nil {
				t.Skip(err)
			}
			dir := t.TempDir()
			e2e.Write(t, filepath.Join(dir, "parent.py"), parent)
			e2e.Write(t, filepath.Join(dir, "sweep.toml"), "[task]\nmodel = \"quadratic\"\n[grid]\nlr = 0.1\n[optimizers.parent]\nplugin = \"./parent.py\"\n[run]\nplugin_timeout = \"10m\"\n")
			cmd := e2e.Xrun(t, dir, append([]string{"sweep", "sweep.toml"}, flags...)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var pids []int
			for deadline, asleep := time.Now().Add(time.Minute), 0; asleep < 3; time.Sleep(20 * time.Millisecond) {
				if pids, asleep = below(t, cmd.Process.Pid); time.Now().After(deadline) {
					cmd.Process.Kill()
					t.Fatalf("of the processes of the plugin there are %d below xrun, want 3", asleep)
				}
			}
			cmd.Process.Signal(syscall.SIGKILL)
			cmd.Wait()
			for _, pid := range pids {
				e2e.Gone(t, pid)
			}
		})
	}
}
