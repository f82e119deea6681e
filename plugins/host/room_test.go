//go:build unix

package host

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/sdk"
	"github.com/xrun-dev/xrun/runner"
)

// serveWide serves an objective of as many parameters as its setting says.
func serveWide() {
	sdk.Serve(plugins.Manifest{Name: "wide", Version: "0", Components: []plugins.Component{
		plugins.NewObjective(plugins.Spec{Name: "wide", Metrics: []string{plugins.MetricTrainLoss}, Settings: []plugins.Setting{
			plugins.IntegerSetting("dim", 4, "parameters"),
		}}, newWide[float32], newWide[float64]),
	}})
}

type wide[F plugins.Float] int

func newWide[F plugins.Float](in plugins.Instance) (plugins.Objective[F], error) {
	return wide[F](in.Settings.Integer("dim")), nil
}

func (w wide[F]) Problem() plugins.Problem {
	return plugins.Problem{Layout: layoutOf(int(w)), Examples: 1, Batches: 1, Loss: plugins.LossFunction}
}

func (w wide[F]) Init(params []F) error {
	for i := range params {
		params[i] = F(i % 7)
	}
	return nil
}

func (w wide[F]) Gradient(params, grad []F, _, _ int) (F, error) {
	copy(grad, params)
	return params[len(params)-1], nil
}

func (w wide[F]) Evaluate(params []F, metrics []float64) error {
	metrics[0] = float64(params[len(params)-1])
	return nil
}

// The memory that plugins share is as large as a cohort needs. A larger cohort costs a new process, and gives the bits
// that it gives elsewhere; a smaller one finds room.
func TestMemoryIsAsLargeAsTheCohort(t *testing.T) {
	w := newWorker(t, newHost(t, "serve-builtin", Options{}))
	spec := runner.PluginSpec{DType: plugins.Float32, Examples: 1, Slots: []runner.PluginSlot{{Optimizer: choice(t, plugins.KindOptimizer, "adam", nil), LR: 0.1}}}
	local := &Local{Components: builtin.Manifest("test").Components}
	pids := map[int]bool{}
	for i, dim := range []int{5, 5_000_001, 9, 5_000_001} {
		spec.Layout = layoutOf(dim)
		if dim < 100 {
			if got, want := trajectory(t, w, spec, []int{0}), trajectory(t, local, spec, []int{0}); got != want {
				t.Errorf("%d parameters: %s", dim, firstDifference(got, want))
			}
		} else {
			s, err := w.Open(t.Context(), spec)
			if err != nil {
				t.Fatal(err)
			}
			params, grads, _ := s.Slabs()
			params[len(params)-1], grads[len(grads)-1] = 0, 0
			if _, failed, err := s.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{1}}); err != nil || len(failed) > 0 {
				t.Fatal(failed, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		pids[w.processes[BuiltinRef].leash.Pid()] = true
		if want := min(i, 1) + 1; len(pids) != want {
			t.Errorf("after cohort %d there have been %d processes, want %d", i, len(pids), want)
		}
		need := int64(leastSlabs)
		if i > 0 {
			need = 5_000_001*4 + protocol.SlabsOffset
		}
		for _, f := range []*os.File{w.arena.gradientsFile, w.arena.parametersFile} {
			if info, err := f.Stat(); err != nil || info.Size() < need || info.Size() > need+2<<20 {
				t.Errorf("after cohort %d a region has %d bytes, %d are needed", i, info.Size(), need)
			}
		}
	}
}

// How many parameters an objective has, its process says first.
func TestObjectivesFindRoom(t *testing.T) {
	h := newHost(t, "serve-wide", Options{})
	opened := 0
	open := func(w *Worker, dim int64) {
		t.Helper()
		objective := runner.Choice{Plugin: BuiltinRef, Component: "wide", Settings: plugins.Settings{"dim": plugins.Integer(dim)}}
		s, err := w.Open(t.Context(), runner.PluginSpec{DType: plugins.Float64, Objective: &objective, Slots: []runner.PluginSlot{{}, {}}})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		opened++
		if failed, err := s.Init(t.Context(), []int{0, 1}); err != nil || len(failed) > 0 {
			t.Fatal(failed, err)
		}
		losses := make([]float64, 2)
		if failed, err := s.Gradient(t.Context(), []int{0, 1}, 1, 0, losses); err != nil || len(failed) > 0 {
			t.Fatal(failed, err)
		}
		if want := float64((dim - 1) % 7); losses[0] != want || losses[1] != want {
			t.Errorf("%d parameters: the losses are %v, want %v", dim, losses, want)
		}
		if got := int64(s.Problem().Layout.Dim()); got != dim {
			t.Errorf("the layout has %d parameters, want %d", got, dim)
		}
	}
	w := newWorker(t, h)
	for _, dim := range []int64{10, 2_000_003, 12, 2_000_004} {
		open(w, dim)
	}
	// The next worker knows.
	next := newWorker(t, h)
	if err := next.room(h.needs(BuiltinRef, 0)); err != nil {
		t.Fatal(err)
	}
	arena := next.arena
	open(next, 2_000_003)
	if next.arena != arena || !next.arena.holds(2*2_000_004*8) {
		t.Error("the second worker does not begin with the memory that the first one came to need")
	}
	inline := newWorker(t, newHost(t, "serve-wide", Options{Inline: true}))
	open(inline, 2_000_003)
}

// What is shared counts, so that a cohort which leaves a plugin nothing is too large.
func TestACohortThatIsTooLargeForTheLimit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory is limited on Linux only")
	}
	w := newWorker(t, newHost(t, "serve-builtin", Options{PluginMemory: 600e6}))
	spec := runner.PluginSpec{DType: plugins.Float64, Layout: layoutOf(36_000_000), Examples: 1, Slots: []runner.PluginSlot{{Optimizer: choice(t, plugins.KindOptimizer, "sgd", nil)}}}
	_, err := w.Open(t.Context(), spec)
	var slot *runner.SlotError
	want := "the cohort needs 577 MB that plugins share with xrun, and a plugin may take 600 MB, with some of it for itself: plugin_memory in [run] allows more"
	if !errors.As(err, &slot) || slot.Slot != -1 || !strings.Contains(err.Error(), want) {
		t.Errorf("Open gives %v, want %q", err, fmt.Sprint(want))
	}
	spec.Layout = layoutOf(1000)
	s, err := w.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
