//go:build unix

package host

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/plugins/sdk"
	"github.com/xrun-dev/xrun/runner"
)

// The test binary is its own plugin: started as one of these, it serves instead of testing.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "serve-builtin":
			sdk.Serve(builtin.Manifest("test"))
			return
		case "serve-wrong":
			serveWrong()
			return
		case "guard":
			process.Guard(os.Args[2:])
		case "serve-wide":
			serveWide()
			return
		case "serve-evil":
			serveEvil()
			return
		}
	}
	os.Exit(m.Run())
}

func newHost(t testing.TB, serve string, o Options) *Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Builtin = []string{self, serve}
	return New(o)
}

func newWorker(t testing.TB, h *Host) *Worker {
	t.Helper()
	w, err := h.Worker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// choice is a built-in component with some settings.
func choice(t testing.TB, kind plugins.Kind, name string, given plugins.Settings) runner.Choice {
	t.Helper()
	for _, c := range builtin.Manifest("test").Components {
		if c.Kind == kind && c.Name == name {
			settings, err := c.Complete(given)
			if err != nil {
				t.Fatal(err)
			}
			return runner.Choice{Plugin: BuiltinRef, Component: name, Settings: settings, Features: c.Features}
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return runner.Choice{}
}

func layoutOf(dim int) plugins.Layout {
	return plugins.Layout{
		{Name: "W", Shape: []int{dim - 1}, Role: plugins.RoleWeight, Penalized: true},
		{Name: "b", Shape: []int{1}, Role: plugins.RoleBias, Offset: dim - 1},
	}
}

// mixedSpec has every built-in component among its slots, optimizers under each convention.
func mixedSpec(t testing.TB, dtype plugins.DType) runner.PluginSpec {
	spec := runner.PluginSpec{DType: dtype, Layout: layoutOf(37), Examples: 11, Loss: plugins.LossSquares, NullGradient: 0.7}
	optimizers := []runner.Choice{
		choice(t, plugins.KindOptimizer, "sgd", plugins.Settings{"momentum": plugins.Real(0.9), "nesterov": plugins.Flag(true)}),
		choice(t, plugins.KindOptimizer, "rmsprop", plugins.Settings{"centered": plugins.Flag(true), "momentum": plugins.Real(0.5)}),
	}
	var regularizers []*runner.Choice
	for _, c := range builtin.Manifest("test").Components {
		given := []plugins.Settings{nil}
		for _, convention := range c.Conventions {
			if convention.Name == "inverse_C" {
				continue // for other losses
			}
			given = append(given, plugins.Settings{plugins.SettingConvention: plugins.Choice(convention.Name)})
		}
		for _, settings := range given {
			one := choice(t, c.Kind, c.Name, settings)
			if c.Kind == plugins.KindRegularizer {
				regularizers = append(regularizers, &one)
				continue
			}
			if c.Has(plugins.FeatureBase) {
				base := choice(t, plugins.KindOptimizer, "adam", nil)
				one.Base = &base
			}
			optimizers = append(optimizers, one)
		}
	}
	l1 := choice(t, plugins.KindRegularizer, "l1", plugins.Settings{"mode": plugins.Choice("proximal")})
	for i, o := range optimizers {
		first := []*runner.Choice{nil, &l1}[i%2]
		for _, r := range []*runner.Choice{first, regularizers[i%len(regularizers)]} {
			spec.Slots = append(spec.Slots, runner.PluginSlot{Optimizer: o, Regularizer: r, LR: 0.1, Lambda: 0.3})
		}
	}
	for _, r := range regularizers {
		spec.Slots = append(spec.Slots, runner.PluginSlot{Optimizer: optimizers[0], Regularizer: r, LR: 0.1, Lambda: 0.3})
	}
	return spec
}

// trajectory runs 20 steps with pseudo-random gradients and losses, and returns every byte of the
// parameters, every penalty and what would be evaluated on the way.
func trajectory(t testing.TB, p runner.Plugins, spec runner.PluginSpec, active []int) string {
	t.Helper()
	return pausedTrajectory(t, p, spec, active, -1)
}

// pausedTrajectory is trajectory, but before the given step all slots are saved, the session is
// closed, and they go on in another one.
func pausedTrajectory(t testing.TB, p runner.Plugins, spec runner.PluginSpec, active []int, pause int) string {
	t.Helper()
	s, err := p.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	params, grads, stride := s.Slabs()
	width, dim := spec.DType.Size(), spec.Layout.Dim()
	fill := func(slab []byte, slot int, rng *rand.Rand) {
		for i := range dim {
			at := slab[(slot*stride+i)*width:]
			if spec.DType == plugins.Float32 {
				*(*float32)(unsafe.Pointer(&at[0])) = float32(rng.NormFloat64())
			} else {
				*(*float64)(unsafe.Pointer(&at[0])) = rng.NormFloat64()
			}
		}
	}
	of := func(slab []byte, slot int) []byte { return slab[slot*stride*width:][:dim*width] }
	check := func(failed []*runner.SlotError, err error) {
		t.Helper()
		if err != nil || len(failed) > 0 {
			t.Fatal(failed, err)
		}
	}
	for _, slot := range active {
		fill(params, slot, rand.New(rand.NewPCG(1, uint64(slot))))
	}
	var log strings.Builder
	var evaluated []int
	for _, slot := range active {
		if spec.Slots[slot].Optimizer.Has(plugins.FeatureEval) {
			evaluated = append(evaluated, slot)
		}
	}
	values := make([]float64, len(active))
	for step := range 20 {
		if step == pause {
			s, params, grads, stride = reopened(t, p, spec, s, active)
		}
		for round, slots := 0, active; len(slots) > 0; round++ {
			with := runner.StepInputs{}
			for _, slot := range slots {
				rng := rand.New(rand.NewPCG(uint64(step)+2, uint64(slot+1000*round)))
				fill(grads, slot, rng)
				with.Rates, with.Losses = append(with.Rates, 0.01*float64(slot%7+1)), append(with.Losses, rng.ExpFloat64())
			}
			again, failed, err := s.Step(t.Context(), slots, with)
			check(failed, err)
			slots = again
		}
		check(s.Penalty(t.Context(), values, active))
		if step%5 == 4 {
			kept := map[int]string{}
			for _, slot := range evaluated {
				kept[slot] = string(of(params, slot))
			}
			check(s.Evaluate(t.Context(), evaluated))
			for _, slot := range evaluated {
				fmt.Fprintf(&log, "%d %d evaluates %x\n", step, slot, of(params, slot))
				copy(of(params, slot), kept[slot])
			}
			check(s.AddPenalty(t.Context(), active))
			for _, slot := range active {
				fmt.Fprintf(&log, "%d %d gradient %x\n", step, slot, of(grads, slot))
			}
		}
		for i, slot := range active {
			fmt.Fprintf(&log, "%d %d %x %x\n", step, slot, math.Float64bits(values[i]), of(params, slot))
		}
	}
	for _, slot := range active {
		fmt.Fprintln(&log, s.Coefficients(slot))
	}
	return log.String()
}

// reopened saves the active slots of a session and puts them into a new one.
func reopened(t testing.TB, p runner.Plugins, spec runner.PluginSpec, s runner.PluginSession, active []int) (_ runner.PluginSession, params, grads []byte, stride int) {
	t.Helper()
	states := map[int]runner.SlotState{}
	for _, slot := range active {
		state, err := s.Save(t.Context(), slot)
		if err != nil {
			t.Fatal(err)
		}
		states[slot] = state
	}
	params, _, _ = s.Slabs()
	kept := string(params)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := p.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	params, grads, stride = s.Slabs()
	copy(params, kept)
	for _, slot := range active {
		if err := s.Restore(t.Context(), slot, states[slot]); err != nil {
			t.Fatal(err)
		}
	}
	return s, params, grads, stride
}

func TestInProcessSharedMemoryAndMessagesGiveTheSameBits(t *testing.T) {
	for _, dtype := range []plugins.DType{plugins.Float32, plugins.Float64} {
		t.Run(string(dtype), func(t *testing.T) {
			spec := mixedSpec(t, dtype)
			all := make([]int, len(spec.Slots))
			for i := range all {
				all[i] = i
			}
			want := trajectory(t, &Local{Components: builtin.Manifest("test").Components}, spec, all)
			shared := newWorker(t, newHost(t, "serve-builtin", Options{}))
			if got := trajectory(t, shared, spec, all); got != want {
				t.Error("shared memory gives other bits than in process")
			}
			if len(shared.processes) != 1 || shared.processes[BuiltinRef].arena == nil {
				t.Error("the plugin did not use shared memory")
			}
			inline := newWorker(t, newHost(t, "serve-builtin", Options{Inline: true}))
			if got := trajectory(t, inline, spec, all); got != want {
				t.Error("messages give other bits than in process")
			}
			for _, slot := range []int{0, 8, len(all) - 1} {
				alone := trajectory(t, shared, spec, []int{slot})
				for _, line := range strings.Split(strings.TrimSpace(alone), "\n") {
					if !strings.Contains(want, line+"\n") {
						t.Fatalf("slot %d alone differs from slot %d among others", slot, slot)
					}
				}
			}
		})
	}
}

// Memory that is saved and put back into another session, or another process, goes on with the
// same bits, in every mode.
func TestPausedIsUninterrupted(t *testing.T) {
	for _, dtype := range []plugins.DType{plugins.Float64, plugins.Float32} {
		spec := mixedSpec(t, dtype)
		var all []int
		for i := range spec.Slots {
			all = append(all, i)
		}
		want := trajectory(t, &Local{Components: builtin.Manifest("test").Components}, spec, all)
		for name, p := range map[string]runner.Plugins{
			"in process":    &Local{Components: builtin.Manifest("test").Components},
			"shared memory": newWorker(t, newHost(t, "serve-builtin", Options{})),
			"messages":      newWorker(t, newHost(t, "serve-builtin", Options{Inline: true})),
		} {
			if got := pausedTrajectory(t, p, spec, all, 7); got != want {
				t.Errorf("%s %s: %s", dtype, name, firstDifference(got, want))
			}
		}
	}
}

// firstDifference shows the first lines in which two logs differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d is\n%.120s, want\n%.120s", i, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func TestDescribeKeepsWhatThePluginSays(t *testing.T) {
	h := newHost(t, "serve-builtin", Options{})
	d, err := h.Describe(t.Context(), BuiltinRef)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range builtin.Manifest("test").Components {
		got, err := d.Component(want.Kind, want.Name)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got.Spec) != fmt.Sprint(want.Spec) {
			t.Errorf("%s arrived as\n%v\nwant\n%v", want.Name, got.Spec, want.Spec)
		}
	}
	if _, err := d.Component(plugins.KindOptimizer, "nope"); err == nil {
		t.Error("an unknown component was found")
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	dir, err := os.MkdirTemp("", "x") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	t.Setenv("TMPDIR", dir)
	w := newWorker(t, newHost(t, "serve-builtin", Options{}))
	s, err := w.Open(t.Context(), mixedSpec(t, plugins.Float64))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("while a plugin runs the temporary directory holds %v, %v; a killed xrun would leave it", entries, err)
	}
	p := w.processes[BuiltinRef]
	s.Close()
	w.Close()
	if !p.leash.Within(0) {
		t.Error("the plugin process outlives its worker")
	}
}

// oneSlot is a cohort of n equal trials for the evil plugin.
func evilSpec(behaviour string, n int) runner.PluginSpec {
	spec := runner.PluginSpec{DType: plugins.Float64, Layout: layoutOf(4), Examples: 1}
	for range n {
		spec.Slots = append(spec.Slots, runner.PluginSlot{Optimizer: runner.Choice{
			Plugin: BuiltinRef, Component: "evil", Settings: plugins.Settings{"behaviour": plugins.Choice(behaviour)},
		}})
	}
	return spec
}

func TestFilesAnyoneCanChangeAreNotRun(t *testing.T) {
	path := t.TempDir() + "/xrun-plugin-open"
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, "serve-builtin", Options{})
	if _, err := h.Find(path); err == nil || !strings.Contains(err.Error(), "chmod o-w") {
		t.Errorf("Find gives %v, want a refusal that says what to do", err)
	}
}

func TestACancelledContextEndsACall(t *testing.T) {
	w := newWorker(t, newHost(t, "serve-evil", Options{}))
	s, err := w.Open(t.Context(), evilSpec("hang", 1))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := s.Step(ctx, []int{0}, runner.StepInputs{Rates: []float64{1}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Step gives %v, want the context's error", err)
	}
}

func TestAStartEndsWithItsContext(t *testing.T) {
	path := t.TempDir() + "/silent"
	if err := os.WriteFile(path, []byte("#!/bin/sh\nsleep 1000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	// An hour: the test would reach its own limit if the context were not heeded.
	if _, err := newHost(t, "serve-builtin", Options{StartTimeout: time.Hour}).Describe(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Describe gives %v, want the context's error", err)
	}
}

func TestAPluginThatChangesIsNotStartedAgain(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := t.TempDir() + "/plugin"
	write := func(comment string) {
		if err := os.WriteFile(path, []byte("#!/bin/sh\nexec "+self+" serve-builtin # "+comment+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	h := newHost(t, "serve-builtin", Options{})
	if _, err := h.Describe(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	write("two")
	spec := mixedSpec(t, plugins.Float64)
	for i := range spec.Slots {
		spec.Slots[i].Optimizer.Plugin = path
	}
	if _, err := newWorker(t, h).Open(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "changed while xrun ran") {
		t.Errorf("Open gives %v, want a refusal", err)
	}
}

func TestAProcessThatDiesBetweenCohortsIsReplaced(t *testing.T) {
	w := newWorker(t, newHost(t, "serve-evil", Options{}))
	s, err := w.Open(t.Context(), evilSpec("none", 1))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	syscall.Kill(w.processes[BuiltinRef].leash.Pid(), syscall.SIGKILL)
	s, err = w.Open(t.Context(), evilSpec("none", 1))
	if err != nil {
		t.Fatalf("the next cohort pays for it: %v", err)
	}
	if _, failed, err := s.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{1}}); err != nil || len(failed) > 0 {
		t.Errorf("Step gives %v, %v", failed, err)
	}
}
