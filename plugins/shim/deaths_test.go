//go:build unix

package shim_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// hanging is a cohort of one trial whose optimizer hangs in its first step, after it has written the
// numbers of the shim and of the worker to a file.
func hanging(file string) runner.PluginSpec {
	return spec(plugins.Float64, 5, 1, ofPython("faults", plugins.Settings{"what": plugins.Choice("hang"), "file": plugins.Text(file)}), nil)
}

// hostOf is what the process of the host in a test does: it hangs in a plugin until it is killed.
func hostOf(file string) {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	w, err := host.New(host.Options{Builtin: []string{self, "serve-builtin"}, Python: []string{self, "serve-python"}}).Worker()
	if err != nil {
		panic(err)
	}
	session, err := w.Open(context.Background(), hanging(file))
	if err != nil {
		panic(err)
	}
	session.Step(context.Background(), []int{0}, runner.StepInputs{Rates: []float64{1}})
}

// processes waits for the numbers of the shim and of the worker.
func processes(t *testing.T, file string) (shim, worker int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil {
			if _, err := fmt.Sscan(string(text), &shim, &worker); err != nil {
				t.Fatal(err)
			}
			return shim, worker
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("the plugin has not begun its step after a minute")
		}
	}
}

func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("what becomes of processes is read in Linux's /proc; elsewhere a worker that hangs ends with its process group only")
	}
}

// gone waits until a process has ended.
func gone(t *testing.T, what string, pid int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return
		}
		if fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:])); fields[0] == "Z" {
			return
		}
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("the %s goes on half a minute after the others have ended", what)
		}
	}
}

// Whichever of the two processes of a plugin is killed, the host learns how it ended, and nothing is left.
func TestKilledProcesses(t *testing.T) {
	onLinux(t)
	for _, what := range []string{"worker", "shim"} {
		t.Run(what, func(t *testing.T) {
			w := newWorker(t, newHost(t, host.Options{}))
			file := filepath.Join(t.TempDir(), "pids")
			session, err := w.Open(t.Context(), hanging(file))
			if err != nil {
				t.Fatal(err)
			}
			stepped := make(chan error)
			go func() {
				_, _, err := session.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{1}})
				stepped <- err
			}()
			shim, worker := processes(t, file)
			syscall.Kill(map[string]int{"worker": worker, "shim": shim}[what], syscall.SIGKILL)
			if err := <-stepped; err == nil || !strings.Contains(err.Error(), "was killed by SIGKILL") {
				t.Errorf("the step says %v, want it to name the signal", err)
			}
			gone(t, "worker", worker)
			gone(t, "shim", shim)
		})
	}
}

// When xrun is killed, neither process outlives it, even in the middle of a step that hangs.
func TestAKilledHostLeavesNothing(t *testing.T) {
	onLinux(t)
	newHost(t, host.Options{}) // skips without Python
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pids")
	cmd := exec.CommandContext(t.Context(), self, "host", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	shim, worker := processes(t, file)
	cmd.Process.Kill()
	cmd.Wait()
	gone(t, "shim", shim)
	gone(t, "worker", worker)
}
