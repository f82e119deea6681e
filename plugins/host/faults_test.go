//go:build linux

package host

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/runner"
)

// Each case is a process that does it, and what the user sees: the message, and what is quoted of
// what the process printed.
func TestFaultsAreNamedAndContained(t *testing.T) {
	const timeout = 700 * time.Millisecond
	for _, c := range []struct{ behaviour, message, words string }{
		{"exit", "plugin builtin exited with status 7", "goodbye from evil"},
		{"kill", "plugin builtin was killed by SIGKILL (killed)", "about to be killed"},
		{"crash", "plugin builtin exited with status 2", "panic: evil crashes"},
		{"hang", "plugin builtin did not answer within 700ms and was stopped", "hanging"},
		{"stop", "plugin builtin did not answer within 700ms and was stopped", "stopping"},
		{"child", "plugin builtin exited with status 8", "left a child"},
		{"pipes", "plugin builtin exited with status 12", "left a child that holds the pipes"},
		{"flood", "plugin builtin exited with status 9", "flooded"},
		{"scribble", fmt.Sprintf("plugin builtin answered command %d when asked 1", uint64(math.MaxUint64)), ""},
		{"close", "plugin builtin closed its connection, and has not ended since: it, or what it has started, goes on running", ""},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, newHost(t, "serve-evil", Options{CallTimeout: timeout}))
			s, err := w.Open(t.Context(), evilSpec(c.behaviour, 3))
			if err != nil {
				t.Fatal(err)
			}
			leash := w.processes[BuiltinRef].leash
			_, _, err = s.Step(t.Context(), []int{1, 2}, runner.StepInputs{Rates: []float64{1, 1}})
			var fault *runner.Fault
			if !errors.As(err, &fault) {
				t.Fatalf("Step gives %v, want a fault", err)
			}
			if fault.Error() != c.message {
				t.Errorf("the fault says %q, want %q", fault, c.message)
			}
			if !strings.Contains(fault.LastWords, c.words) {
				t.Errorf("the last words are %q, want %q", fault.LastWords, c.words)
			}
			if want := map[bool]int{true: -1, false: 1}[c.behaviour == "scribble"]; fault.Slot != want {
				t.Errorf("slot %d is named, want %d", fault.Slot, want)
			}
			groupIsEmpty(t, leash.Pid())
			// The worker is as good as new.
			s, err = w.Open(t.Context(), evilSpec("none", 1))
			if err != nil {
				t.Fatal(err)
			}
			if _, failed, err := s.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{1}}); err != nil || len(failed) > 0 {
				t.Errorf("after the fault: %v, %v", failed, err)
			}
			params, _, _ := s.Slabs()
			if got := *(*float64)(unsafe.Pointer(&params[0])); got != 1 {
				t.Errorf("after the fault a step gives %v, want 1", got)
			}
		})
	}
}

// groupIsEmpty fails the test if a process of a group goes on running. One that was killed dies a moment later.
func groupIsEmpty(t *testing.T, group int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := running(t, group)
		if left == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("of the plugin's group are left: %s", strings.Join(left, ", "))
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// running lists the processes of a group, with their states, that have not ended.
func running(t *testing.T, group int) (left []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // no process, or gone
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest) // state, parent, group
		if len(fields) > 2 && fields[2] == fmt.Sprint(group) && fields[0] != "Z" && fields[0] != "X" {
			left = append(left, "process "+e.Name()+" in state "+fields[0])
		}
	}
	return left
}

// What is odd but no fault: the step is taken, and the process is kept.
func TestOddPluginsJustWork(t *testing.T) {
	for _, c := range []struct {
		behaviour string
		want      float64
	}{
		{"chatter", 1},
		{"slow", 1},
		{"truncate", 1},     // the seals of the memory refuse it
		{"nan", math.NaN()}, // a number like another: the runner finds divergence
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			t.Parallel()
			w := newWorker(t, newHost(t, "serve-evil", Options{CallTimeout: 10 * time.Second}))
			s, err := w.Open(t.Context(), evilSpec(c.behaviour, 2))
			if err != nil {
				t.Fatal(err)
			}
			pid := w.processes[BuiltinRef].leash.ID()
			if _, failed, err := s.Step(t.Context(), []int{1}, runner.StepInputs{Rates: []float64{1}}); err != nil || len(failed) > 0 {
				t.Fatalf("Step gives %v, %v", failed, err)
			}
			params, _, stride := s.Slabs()
			if got := *(*float64)(unsafe.Pointer(&params[stride*8])); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
				t.Errorf("the step gives %v, want %v", got, c.want)
			}
			if inside, _ := s.Cost(); c.behaviour == "slow" && inside < 200*time.Millisecond {
				t.Errorf("the plugin is said to have taken %v, but it slept for 200ms", inside)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err = w.Open(t.Context(), evilSpec("none", 2)); err != nil {
				t.Fatal(err)
			}
			if got := w.processes[BuiltinRef].leash.ID(); got != pid {
				t.Error("the process was replaced")
			}
		})
	}
}

func TestComponentErrorsCostTheirSlotOnly(t *testing.T) {
	for _, c := range []struct{ behaviour, message string }{
		{"error", "evil says no"},
		{"panic", "panic: evil panics"},
		{"write_gradient", "panic: runtime error"}, // an optimizer has it for reading only
		{"write_control", "panic: runtime error"},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			h := newHost(t, "serve-evil", Options{})
			if _, err := h.Describe(t.Context(), BuiltinRef); err != nil { // known to supply optimizers only
				t.Fatal(err)
			}
			w := newWorker(t, h)
			spec := evilSpec("none", 3)
			spec.Slots[1] = evilSpec(c.behaviour, 1).Slots[0]
			s, err := w.Open(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			_, failed, err := s.Step(t.Context(), []int{0, 1, 2}, runner.StepInputs{Rates: []float64{1, 1, 1}})
			if err != nil {
				t.Fatal(err)
			}
			if len(failed) != 1 || failed[0].Slot != 1 || !strings.Contains(failed[0].Error(), c.message) {
				t.Errorf("failed = %v, want slot 1 with %q", failed, c.message)
			}
			params, _, stride := s.Slabs()
			for _, slot := range []int{0, 2} {
				if got := *(*float64)(unsafe.Pointer(&params[slot*stride*8])); got != 1 {
					t.Errorf("slot %d has parameter %v after the step, want 1", slot, got)
				}
			}
		})
	}
}

// A script is what a plugin does at its start; SELF in it is a sound plugin.
func script(t *testing.T, text string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/p"
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+strings.ReplaceAll(text, "SELF", self+" serve-builtin")), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStartFaultsSayWhy(t *testing.T) {
	for _, c := range []struct{ name, script, message, words string }{
		{"dies", "echo cannot find my library >&2\nexit 3\n", "exited with status 3 before it was ready", "cannot find my library"},
		{"is killed", "echo here >&2\nkill -9 $$\n", "was killed by SIGKILL (killed) before it was ready", "here"},
		{"garbage", "head -c 1000000 /dev/zero | tr '\\0' x\necho\necho still here\nexit 0\n", "exited with status 0 before it was ready", "still here"},
		{"garbage on stderr", "head -c 1000000 /dev/zero | tr '\\0' x >&2\necho >&2\necho '{\"@message\": 5}' >&2\nexit 4\n", "exited with status 4 before it was ready", `{"@message": 5}`},
		{"endless garbage", "yes\n", "printed no handshake: is it a plugin of xrun?", "y"},
		{"silent", "sleep 60\n", "did not start: timeout while waiting for plugin to start", ""},
		{"stopped", "echo stopping >&2\nkill -STOP $$\n", "did not start: timeout while waiting for plugin to start", "stopping"},
		{"version", "echo '1|99|unix|/tmp/none|grpc'\nsleep 60\n", "speaks version 99 of the protocol, and this xrun version 1: another version of one of them may fit", ""},
		{"go-plugin's version", "echo '9|1|unix|/tmp/none|grpc'\nsleep 60\n", "did not start: incompatible core API version", ""},
		{"leaves children", "sleep 60 &\nsleep 60 &\nexit 5\n", "exited with status 5 before it was ready", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := newHost(t, "serve-builtin", Options{StartTimeout: 1500 * time.Millisecond}).Describe(t.Context(), script(t, c.script))
			var fault *runner.Fault
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), c.message) {
				t.Fatalf("error %v, want a fault with %q", err, c.message)
			}
			if !strings.Contains(fault.LastWords, c.words) {
				t.Errorf("last words %q, want %q", fault.LastWords, c.words)
			}
		})
	}
}

func TestPrintsBeforeTheHandshakeAreHarmless(t *testing.T) {
	path := script(t, "echo import banner\nprintf 'a progress bar\\r'\necho '{\"@message\": 5}' >&2\nhead -c 524288 /dev/zero | tr '\\0' x\necho\nexec SELF\n")
	if _, err := newHost(t, "serve-builtin", Options{}).Describe(t.Context(), path); err != nil {
		t.Error(err)
	}
}

// A real process has seen none of what xrun knows and it does not need.
func TestSecretsDoNotReachPlugins(t *testing.T) {
	for _, name := range []string{"AWS_SECRET_ACCESS_KEY", "WANDB_API_KEY", "SSH_AUTH_SOCK", "XRUN_STORE", "LD_PRELOAD_SECRET"} {
		t.Setenv(name, "canary")
	}
	t.Setenv("OMP_NUM_THREADS", "3")
	seen := t.TempDir() + "/seen"
	if _, err := newHost(t, "serve-builtin", Options{}).Describe(t.Context(), script(t, "env > "+seen+"\nexec SELF\n")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "canary") {
		t.Errorf("the plugin saw a secret:\n%s", text)
	}
	for _, want := range []string{"PATH=", "OMP_NUM_THREADS=3\n", protocol.EnvLifeline + "="} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the plugin did not see %s", want)
		}
	}
}
