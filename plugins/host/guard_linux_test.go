package host

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/runner"
)

// guardedPath is a host with guards, and a plugin at a path that is the test binary serving something.
func guardedPath(t *testing.T, serve string, o Options) (h *Host, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Guard = []string{self, "guard"}
	path = t.TempDir() + "/plugin"
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec "+self+" "+serve+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return newHost(t, "serve-builtin", o), path
}

// A guard stands beside what is done at each step: the bits are the same, and it is the plugin that shares the memory.
func TestAGuardedPluginGivesTheSameBits(t *testing.T) {
	h, path := guardedPath(t, "serve-builtin", Options{PluginMemory: 2e9})
	spec := mixedSpec(t, plugins.Float64)
	all := make([]int, len(spec.Slots))
	for i := range all {
		all[i] = i
	}
	want := trajectory(t, &Local{Components: builtin.Manifest("test").Components}, spec, all)
	for i, slot := range spec.Slots {
		spec.Slots[i].Optimizer.Plugin = path
		if base := slot.Optimizer.Base; base != nil {
			base.Plugin = path
		}
		if slot.Regularizer != nil {
			regularizer := *slot.Regularizer
			regularizer.Plugin = path
			spec.Slots[i].Regularizer = &regularizer
		}
	}
	w := newWorker(t, h)
	if got := trajectory(t, w, spec, all); got != want {
		t.Error(firstDifference(got, want))
	}
	p := w.processes[path]
	if p.arena == nil {
		t.Error("the plugin did not use shared memory")
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.leash.Pid()))
	if err != nil || !strings.Contains(string(limits), fmt.Sprint(int64(2e9)-p.arena.bytes())) {
		t.Errorf("the limits of the plugin are %s, %v", limits, err)
	}
}

func TestAGuardedPluginDiesLikeOthers(t *testing.T) {
	for _, c := range []struct{ behaviour, message, words string }{
		{"exit", " exited with status 7", "goodbye from evil"},
		{"kill", " was killed by SIGKILL (killed)", "about to be killed"},
		{"crash", " exited with status 2", "panic: evil crashes"},
		{"hang", " did not answer within 700ms and was stopped", "hanging"},
		{"stop", " did not answer within 700ms and was stopped", "stopping"},
		{"child", " exited with status 8", "left a child"},
		{"close", " closed its connection, and has not ended since: it, or what it has started, goes on running", ""},
		{"pipes", " exited with status 12", "left a child that holds the pipes"},
		{"session", " exited with status 11", "left a session"},
	} {
		t.Run(c.behaviour, func(t *testing.T) {
			t.Parallel()
			h, path := guardedPath(t, "serve-evil", Options{CallTimeout: 700 * time.Millisecond})
			w := newWorker(t, h)
			spec := evilSpec(c.behaviour, 1)
			spec.Slots[0].Optimizer.Plugin = path
			s, err := w.Open(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			leash := w.processes[path].leash
			_, _, err = s.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{1}})
			var fault *runner.Fault
			if !errors.As(err, &fault) || !strings.HasSuffix(fault.Error(), c.message) || !strings.Contains(fault.LastWords, c.words) {
				t.Errorf("Step gives %v with the last words %q", err, fault.LastWords)
			}
			groupIsEmpty(t, leash.Pid())
			if _, number, found := strings.Cut(fault.LastWords, "left a session "); found {
				number, _, _ = strings.Cut(number, "\n")
				if stat, err := os.ReadFile("/proc/" + number + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
					t.Errorf("process %s goes on: %s", number, stat)
				}
			}
		})
	}
}
