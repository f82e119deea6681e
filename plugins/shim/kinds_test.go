//go:build unix

package shim_test

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// An objective, an optimizer with every feature and a proximal map, all in Python, train to the
// same bits through shared memory and messages, with numpy and without, in either precision.
func TestKindsAreAlikeHoweverTheyAreReached(t *testing.T) {
	for _, mode := range []string{plugins.ModeSubgradient, plugins.ModeProximal} {
		t.Run(mode+" float64", func(t *testing.T) { alike[float64](t, mode) })
		t.Run(mode+" float32", func(t *testing.T) { alike[float32](t, mode) })
	}
}

func alike[F plugins.Float](t *testing.T, mode string) {
	var want []byte
	for _, numpy := range []bool{true, false} {
		if numpy && !withNumpy(t) {
			continue
		}
		for _, inline := range []bool{false, true} {
			if !numpy {
				t.Setenv("PYTHONPATH", withoutNumpy(t))
			}
			got := trained[F](t, host.Options{Inline: inline}, mode)
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("with numpy %v and messages %v it trains to\n%swant\n%s", numpy, inline, got, want)
			}
		}
	}
}

// trained trains two trials for two epochs and writes down all that can be seen of them.
func trained[F plugins.Float](t *testing.T, o host.Options, mode string) []byte {
	path, err := filepath.Abs(filepath.Join("testdata", "kinds.py"))
	if err != nil {
		t.Fatal(err)
	}
	h := newHost(t, o)
	d, err := h.Describe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	choose := func(kind plugins.Kind, name string, given plugins.Settings) runner.Choice {
		c, err := d.Component(kind, name)
		if err != nil {
			t.Fatal(err)
		}
		settings, err := c.Complete(given)
		if err != nil {
			t.Fatal(err)
		}
		return runner.Choice{Plugin: path, Component: name, Settings: settings, Features: c.Features}
	}
	line := choose(plugins.KindObjective, "line", nil)
	averaged := choose(plugins.KindOptimizer, "averaged", nil)
	shift := choose(plugins.KindRegularizer, "shift", plugins.Settings{plugins.SettingMode: plugins.Choice(mode)})
	s := runner.PluginSpec{DType: plugins.DTypeOf[F](), Objective: &line, ObjectiveSeed: 3}
	for _, lambda := range []float64{0, 0.25} {
		s.Slots = append(s.Slots, runner.PluginSlot{Optimizer: averaged, Regularizer: &shift, LR: 0.1, Lambda: lambda})
	}
	session, err := newWorker(t, h).Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	problem := session.Problem()
	if problem.Examples != 6 || problem.Batches != 3 || problem.Loss != plugins.LossSquares || problem.Layout.Dim() != 2 || len(problem.Layout.Penalized()) != 1 {
		t.Fatalf("the problem is %+v", problem)
	}
	check := func(failed []*runner.SlotError, err error) {
		t.Helper()
		if err != nil || len(failed) > 0 {
			t.Fatal(failed, err)
		}
	}
	slabs, _, stride := session.Slabs()
	params := elements[F](slabs)
	active, losses, penalties := []int{0, 1}, make([]float64, 2), make([]float64, 2)
	metrics := [][]float64{make([]float64, 2), make([]float64, 2)}
	check(session.Init(t.Context(), active))
	if params[0] != 3./8 || params[stride+1] != -1 {
		t.Fatalf("training starts from %v", params)
	}
	var out bytes.Buffer
	for step := range 6 {
		epoch, batch := 1+step/3, step%3
		with := runner.StepInputs{Rates: []float64{0.1, 0.1}, Losses: losses}
		for evaluations := 1; ; evaluations++ {
			check(session.Gradient(t.Context(), active, epoch, batch, losses))
			again, failed, err := session.Step(t.Context(), active, with)
			check(failed, err)
			if len(again) == 0 {
				if evaluations != 2 {
					t.Fatalf("a step takes %d evaluations", evaluations)
				}
				break
			}
		}
		check(session.Penalty(t.Context(), penalties, active))
		fmt.Fprintf(&out, "%b %b %b %b\n", params[:2], params[stride:stride+2], losses, penalties)
	}
	before := slices.Clone(params)
	check(session.Evaluate(t.Context(), active))
	check(session.Metrics(t.Context(), active, metrics))
	if params[0] == before[0] || math.IsNaN(metrics[0][0]) || metrics[0][0] == metrics[1][0] {
		t.Errorf("the average is %v after %v, the metrics are %v", params, before, metrics)
	}
	fmt.Fprintf(&out, "%b %b %b\n", params[:2], params[stride:stride+2], metrics)
	return out.Bytes()
}

// A cohort steps to the bits that its trials give one at a time.
func TestSlotsAreAsOneByOne(t *testing.T) {
	const dim, slots, n = 9, 3, 5
	momentum := ofPython("momentum", plugins.Settings{"momentum": plugins.Real(0.9)})
	ridge := ofPython("ridge", nil)
	train := func(groups ...[]int) []byte {
		session, err := newWorker(t, newHost(t, host.Options{})).Open(t.Context(), spec(plugins.Float64, dim, slots, momentum, &ridge))
		if err != nil {
			t.Fatal(err)
		}
		params, grads, stride := session.Slabs()
		p, g := elements[float64](params), elements[float64](grads)
		for range n {
			for i := range p {
				g[i] = p[i] + float64(i/stride) + 1
			}
			for _, active := range groups {
				rates := slices.Repeat([]float64{0.1}, len(active))
				if _, failed, err := session.Step(t.Context(), active, runner.StepInputs{Rates: rates}); err != nil || len(failed) > 0 {
					t.Fatal(failed, err)
				}
			}
		}
		return bytes.Clone(params)
	}
	together, apart := train([]int{0, 1, 2}), train([]int{2}, []int{0}, []int{1})
	if !bytes.Equal(together, apart) {
		t.Errorf("together they are at %v, one by one at %v", elements[float64](together), elements[float64](apart))
	}
}
