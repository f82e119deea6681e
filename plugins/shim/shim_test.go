//go:build unix

package shim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/sdk"
	"github.com/xrun-dev/xrun/plugins/shim"
	"github.com/xrun-dev/xrun/runner"
)

// The test binary is what the xrun binary is otherwise: the built-in plugin, and the shim.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "serve-builtin":
			sdk.Serve(builtin.Manifest("test"))
			return
		case "serve-python":
			shim.Serve(os.Args[2])
			return
		case "host":
			hostOf(os.Args[2])
			return
		}
	}
	os.Exit(m.Run())
}

func newHost(t testing.TB, o host.Options) *host.Host {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to run plugins in")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Builtin, o.Python = []string{self, "serve-builtin"}, []string{self, "serve-python"}
	return host.New(o)
}

func newWorker(t testing.TB, h *host.Host) *host.Worker {
	t.Helper()
	w, err := h.Worker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// withNumpy says whether the interpreter of the tests has numpy, and how to do without it.
func withNumpy(t testing.TB) bool {
	return exec.CommandContext(t.Context(), "python3", "-c", "import numpy").Run() == nil
}

func spec(dtype plugins.DType, dim, slots int, optimizer runner.Choice, regularizer *runner.Choice) runner.PluginSpec {
	s := runner.PluginSpec{DType: dtype, Examples: 7, Loss: plugins.LossSquares, Layout: plugins.NewLayout(
		plugins.Tensor{Name: "W1", Shape: []int{dim - 3}, Role: plugins.RoleWeight, Penalized: true},
		plugins.Tensor{Name: "b1", Shape: []int{1}, Role: plugins.RoleBias},
		plugins.Tensor{Name: "W2", Shape: []int{2}, Role: plugins.RoleWeight, Penalized: true},
	)}
	for i := range slots {
		s.Slots = append(s.Slots, runner.PluginSlot{Optimizer: optimizer, Regularizer: regularizer, LR: 0.1, Lambda: float64(i) / 2})
	}
	return s
}

func ofPython(name string, settings plugins.Settings) runner.Choice {
	path, err := filepath.Abs(filepath.Join("testdata", map[bool]string{true: "faults.py", false: "momentum.py"}[name == "faults"]))
	if err != nil {
		panic(err)
	}
	return runner.Choice{Plugin: path, Component: name, Settings: settings}
}

// steps makes the gradient θ + slot + step in every slot, n times from step from on, and returns
// the bytes of the parameters.
func steps[F plugins.Float](t *testing.T, s runner.PluginSession, dim, slots, from, n int) []byte {
	t.Helper()
	params, grads, stride := s.Slabs()
	p, g := elements[F](params), elements[F](grads)
	active := make([]int, slots)
	rates := make([]float64, slots)
	for i := range active {
		active[i], rates[i] = i, 0.1/float64(i+1)
	}
	for step := from; step < from+n; step++ {
		for slot := range slots {
			for i := range dim {
				g[slot*stride+i] = p[slot*stride+i] + F(slot) + F(step)/3
			}
		}
		_, failed, err := s.Step(t.Context(), active, runner.StepInputs{Rates: rates})
		if err != nil || len(failed) > 0 {
			t.Fatalf("step %d: %v %v", step, failed, err)
		}
	}
	var out []byte
	size := dim * int(unsafe.Sizeof(F(0)))
	for slot := range slots {
		out = append(out, params[slot*stride*int(unsafe.Sizeof(F(0))):][:size]...)
	}
	return out
}

func elements[F plugins.Float](b []byte) []F {
	return unsafe.Slice((*F)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(F(0))))
}

// What is written in Python steps to the bits that the built-in gives, in either precision, through
// shared memory and messages, with numpy and without, in one go and restored in the middle.
func TestPythonGivesTheBitsOfTheBuiltin(t *testing.T) {
	t.Run("float64", func(t *testing.T) { equalities[float64](t) })
	t.Run("float32", func(t *testing.T) { equalities[float32](t) })
}

func equalities[F plugins.Float](t *testing.T) {
	const dim, slots = 11, 3
	dtype := plugins.DTypeOf[F]()
	own := spec(dtype, dim, slots, builtinChoice(t, plugins.KindOptimizer, "sgd", plugins.Settings{"momentum": plugins.Real(0.9)}),
		ptr(builtinChoice(t, plugins.KindRegularizer, "l2", nil)))
	session, err := newWorker(t, newHost(t, host.Options{})).Open(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	want := steps[F](t, session, dim, slots, 0, 10)
	momentum := ofPython("momentum", plugins.Settings{"momentum": plugins.Real(0.9)})
	ridge := ofPython("ridge", nil)
	ways := map[string]host.Options{"shared memory": {}, "messages": {Inline: true}}
	for how, o := range ways {
		for _, numpy := range []bool{true, false} {
			if numpy && !withNumpy(t) {
				t.Logf("%s with numpy: the interpreter has none", how)
				continue
			}
			t.Run(fmt.Sprintf("%s, numpy %v", how, numpy), func(t *testing.T) {
				if !numpy {
					t.Setenv("PYTHONPATH", withoutNumpy(t))
				}
				h := newHost(t, o)
				python := spec(dtype, dim, slots, momentum, &ridge)
				w := newWorker(t, h)
				session, err := w.Open(t.Context(), python)
				if err != nil {
					t.Fatal(err)
				}
				if got := steps[F](t, session, dim, slots, 0, 10); !bytes.Equal(got, want) {
					t.Fatalf("parameters are %v, want %v", elements[F](got), elements[F](want))
				}
				session.Close()
				session, err = w.Open(t.Context(), python)
				if err != nil {
					t.Fatal(err)
				}
				steps[F](t, session, dim, slots, 0, 4)
				var states []runner.SlotState
				for slot := range slots {
					state, err := session.Save(t.Context(), slot)
					if err != nil {
						t.Fatal(err)
					}
					states = append(states, state)
				}
				params, _, _ := session.Slabs()
				kept := bytes.Clone(params)
				again, err := newWorker(t, h).Open(t.Context(), python) // in another process
				if err != nil {
					t.Fatal(err)
				}
				params, _, _ = again.Slabs()
				copy(params, kept)
				for slot, state := range states {
					if err := again.Restore(t.Context(), slot, state); err != nil {
						t.Fatal(err)
					}
				}
				if got := steps[F](t, again, dim, slots, 4, 6); !bytes.Equal(got, want) {
					t.Errorf("after a pause parameters are %v, want %v", elements[F](got), elements[F](want))
				}
				states[0][1][len(states[0][1])-3] ^= 1
				var refused *runner.SlotError
				if err := again.Restore(t.Context(), 0, states[0]); !errors.As(err, &refused) {
					t.Errorf("a damaged state gives %v, want it refused", err)
				}
			})
		}
	}
}

// withoutNumpy is a directory in which numpy cannot be imported.
func withoutNumpy(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "numpy.py"), []byte("raise ImportError('hidden')\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func ptr[T any](v T) *T { return &v }

func builtinChoice(t *testing.T, kind plugins.Kind, name string, given plugins.Settings) runner.Choice {
	t.Helper()
	for _, c := range builtin.Manifest("test").Components {
		if c.Kind == kind && c.Name == name {
			settings, err := c.Complete(given)
			if err != nil {
				t.Fatal(err)
			}
			return runner.Choice{Plugin: host.BuiltinRef, Component: name, Settings: settings, Features: c.Features}
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return runner.Choice{}
}

func TestPythonDescribesItself(t *testing.T) {
	d, err := newHost(t, host.Options{}).Describe(t.Context(), ofPython("momentum", nil).Plugin)
	if err != nil {
		t.Fatal(err)
	}
	ridge, err := d.Component(plugins.KindRegularizer, "ridge")
	if err != nil {
		t.Fatal(err)
	}
	mode, _ := ridge.Setting(plugins.SettingMode)
	if d.Name != "momentum" || d.Version != "1.2.3" || !strings.HasPrefix(d.SDK, "python ") || !ridge.Has(plugins.FeatureProx) || mode.Default.Text != plugins.ModeSubgradient {
		t.Errorf("it describes itself as %s %s, made with %s, and ridge as %+v", d.Name, d.Version, d.SDK, ridge.Spec)
	}
}

// What goes wrong in Python is said with Python's words, and costs what it has to.
func TestPythonFaults(t *testing.T) {
	for _, c := range []struct {
		what string
		want []string // parts of the error; none: the steps succeed
		slot bool     // it is the slot's error, and the process goes on
	}{
		{what: "print"},
		{what: "fork"},
		{what: "fall"}, // a child that comes back does not answer in its parent's place
		{what: "pool"},
		{what: "interrupt"},
		{what: "return", slot: true, want: []string{"change theta in place"}},
		{what: "stop", want: []string{"exited with status 70", "KeyboardInterrupt", "faults.py"}},
		{what: "raise", slot: true, want: []string{"RuntimeError: out of luck", "faults.py\", line ", "in step"}},
		{what: "refuse", slot: true, want: []string{"what: it is refused"}},
		{what: "fail", slot: true, want: []string{"KeyError: 'no such thing'", "faults.py"}},
		{what: "exit", want: []string{"exited with status 9", "the plugin ended itself by sys.exit(9)"}},
		{what: "segfault", want: []string{"was killed by SIGSEGV", "Segmentation fault", "faults.py"}},
		{what: "kill", want: []string{"was killed by SIGKILL", "about to die"}},
		{what: "hang", want: []string{"did not answer within", "it hangs here, the innermost call first:", "faults.py\", line ", "in step"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			timeout := time.Minute
			if c.what == "hang" {
				timeout = 3 * time.Second
			}
			w := newWorker(t, newHost(t, host.Options{CallTimeout: timeout}))
			s := spec(plugins.Float64, 5, 1, ofPython("faults", plugins.Settings{"what": plugins.Choice(c.what)}), nil)
			text, isSlot := "", false
			session, err := w.Open(t.Context(), s)
			if err == nil {
				var failed []*runner.SlotError
				_, failed, err = session.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{1}})
				if len(failed) > 0 {
					err = failed[0]
				}
			}
			if err != nil {
				var fault *runner.Fault
				var slot *runner.SlotError
				isSlot = errors.As(err, &slot)
				text = err.Error()
				if errors.As(err, &fault) {
					text += "\n" + fault.LastWords
				}
			}
			if isSlot != c.slot || (text == "") != (len(c.want) == 0) {
				t.Errorf("it gives %q, as an error of the slot: %v", text, isSlot)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("it says\n%s\nwant %q in it", text, want)
				}
			}
			fine := spec(plugins.Float64, 5, 1, ofPython("faults", plugins.Settings{"what": plugins.Choice("nothing")}), nil)
			session, err = w.Open(t.Context(), fine)
			if err != nil {
				t.Fatalf("open it once more: %v", err)
			}
			if _, failed, err := session.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{1}}); err != nil || len(failed) > 0 {
				t.Errorf("step once more: %v %v", failed, err)
			}
		})
	}
}

func TestPythonThatCannotStartSaysWhy(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"syntax.py":   {"def step(:\n", "SyntaxError"},
		"import.py":   {"import no_such_module\n", "No module named 'no_such_module'"},
		"no_serve.py": {"x = 1\n", "has ended without a call of serve()"},
		"empty.py":    {"from xrun_plugin import serve\nserve()\n", "the plugin has no components"},
		"wants.py":    {"from xrun_plugin import *\n@optimizer('a')\nclass A:\n    def __init__(self, theta, momentum): pass\n    def step(self, t, g, lr): pass\nserve()\n", "wants 'momentum'"},
		"method.py":   {"from xrun_plugin import *\n@optimizer('a')\nclass A: pass\nserve()\n", "has no method step"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := newHost(t, host.Options{}).Describe(t.Context(), path)
			var fault *runner.Fault
			if !errors.As(err, &fault) || !strings.Contains(err.Error(), "exited with status 1 before it was ready") || !strings.Contains(fault.LastWords, c.want) {
				t.Errorf("it says %v\n%s\nwant %q", err, fault.Hint(), c.want)
			}
		})
	}
	t.Setenv("XRUN_PYTHON", "/no/such/python")
	_, err := newHost(t, host.Options{}).Describe(t.Context(), ofPython("momentum", nil).Plugin)
	var fault *runner.Fault
	if !errors.As(err, &fault) || !strings.Contains(fault.LastWords, "XRUN_PYTHON names another") {
		t.Errorf("without an interpreter it says %v", err)
	}
}

// The digest is that of the file and of the modules beside it that it imports.
func TestADigestCoversImportedModules(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("plugin.py", "import os, near\n")
	put("near.py", "from far import x\n")
	put("far.py", "x = 1\n")
	put("stranger.py", "x = 1\n")
	digest := func() string {
		src, err := newHost(t, host.Options{}).Find(filepath.Join(dir, "plugin.py"))
		if err != nil {
			t.Fatal(err)
		}
		return src.Digest
	}
	before := digest()
	put("stranger.py", "x = 2\n")
	if digest() != before {
		t.Error("a file that is not imported changes the digest")
	}
	put("far.py", "x = 2\n")
	after := digest()
	if after == before {
		t.Error("a module that a module imports does not change the digest")
	}
	if err := os.Chmod(filepath.Join(dir, "far.py"), 0o606); err != nil {
		t.Fatal(err)
	}
	if _, err := newHost(t, host.Options{}).Find(filepath.Join(dir, "plugin.py")); err == nil || !strings.Contains(err.Error(), "chmod o-w") {
		t.Errorf("a module that anyone can change gives %v", err)
	}
}

// A step of little work, in Python: what is left is the bell and the interpreter.
func BenchmarkPythonDoorbell(b *testing.B) {
	w := newWorker(b, newHost(b, host.Options{}))
	session, err := w.Open(context.Background(), spec(plugins.Float64, 8, 1, ofPython("momentum", plugins.Settings{"momentum": plugins.Real(0)}), nil))
	if err != nil {
		b.Fatal(err)
	}
	rates := []float64{0}
	var times []time.Duration
	for b.Loop() {
		begin := time.Now()
		if _, _, err := session.Step(context.Background(), []int{0}, runner.StepInputs{Rates: rates}); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1e3, "µs-median")
}
