package host

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/runner"
)

// A plugin that eats memory ends at its limit, long before the machine has none left, and the
// message says what the limit is and where it is set.
func TestAMemoryBombEndsAtItsLimit(t *testing.T) {
	w := newWorker(t, newHost(t, "serve-evil", Options{PluginMemory: 600e6}))
	s, err := w.Open(t.Context(), evilSpec("memory", 2))
	if err != nil {
		t.Fatal(err)
	}
	leash := w.processes[BuiltinRef].leash
	_, _, err = s.Step(t.Context(), []int{0, 1}, runner.StepInputs{Rates: []float64{1, 1}})
	var fault *runner.Fault
	if !errors.As(err, &fault) || fault.Slot != 0 {
		t.Fatalf("Step gives %v, want a fault of slot 0", err)
	}
	want := "plugin builtin ran out of memory: it may take 600 MB, and more with plugin_memory in [run]: exited with status "
	if !strings.HasPrefix(fault.Error(), want) { // 2, or 66 under the race detector
		t.Errorf("the fault says %q, want %q", fault, want)
	}
	if !strings.Contains(fault.LastWords, "out of memory") && !strings.Contains(fault.LastWords, "failed to allocate") {
		t.Errorf("the last words are %q", fault.LastWords)
	}
	if kB := leash.State().SysUsage().(*syscall.Rusage).Maxrss; kB > 700e3 {
		t.Errorf("it took %d kB, want no more than its limit and what it shares", kB)
	}
}

func TestAPluginProcessIsConfined(t *testing.T) {
	h := newHost(t, "serve-builtin", Options{})
	h.SetPluginMemory(3e9)
	w := newWorker(t, h)
	if _, err := w.Open(t.Context(), mixedSpec(t, "float64")); err != nil {
		t.Fatal(err)
	}
	read := func(file string) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%s/%s", w.processes[BuiltinRef].leash.ID(), file))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	if got := read("oom_score_adj"); got != "1000" {
		t.Errorf("oom_score_adj is %s, want 1000: the kernel would take xrun", got)
	}
	own := int64(3e9) - w.arena.bytes() // what it shares counts, too
	limits := map[string]string{"Max data size": fmt.Sprintf("%d %d bytes", own, own), "Max core file size": "0 0 bytes"}
	for line := range strings.Lines(read("limits")) {
		for name, want := range limits {
			if rest, ok := strings.CutPrefix(line, name); ok {
				if got := strings.Join(strings.Fields(rest), " "); got != want {
					t.Errorf("%s is %s, want %s", name, got, want)
				}
				delete(limits, name)
			}
		}
	}
	if len(limits) > 0 {
		t.Errorf("there are no limits %v", limits)
	}
}

func TestTheDefaultLimitIsAPartOfTheMachine(t *testing.T) {
	if got := newHost(t, "serve-builtin", Options{}).memoryLimit(); got < 1e6 || got > process.MachineMemory() {
		t.Errorf("the limit is %d bytes of the %d there are", got, process.MachineMemory())
	}
}

// What is refused memory says so in its own language's words.
func TestErrorsThatSpeakOfMemoryNameTheLimit(t *testing.T) {
	p := &peer{memory: 4e9}
	for _, text := range []string{
		"fatal error: runtime: out of memory", "MemoryError", "std::bad_alloc",
		"numpy._core._exceptions._ArrayMemoryError: Unable to allocate 7.45 GiB for an array with shape (1000000000,)",
		"RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes",
	} {
		if got := p.limited(errors.New("ended"), text).Error(); !strings.Contains(got, "it may take 4 GB") {
			t.Errorf("after %q the user sees %q", text, got)
		}
	}
	if got := p.limited(errors.New("ended"), "index out of range").Error(); got != "ended" {
		t.Errorf("an error of another kind becomes %q", got)
	}
}
