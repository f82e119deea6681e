//go:build unix

package host

import (
	"slices"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/runner"
)

// BenchmarkDoorbell is what a step costs beyond its arithmetic: four parameters, one slot,
// through the regularizer and the optimizer with one ring of the bell.
func BenchmarkDoorbell(b *testing.B) {
	for _, inline := range []bool{false, true} {
		b.Run(map[bool]string{false: "shared_memory", true: "messages"}[inline], func(b *testing.B) {
			l2 := choice(b, plugins.KindRegularizer, "l2", nil)
			spec := runner.PluginSpec{DType: plugins.Float64, Layout: layoutOf(4), Examples: 1, Slots: []runner.PluginSlot{
				{Optimizer: choice(b, plugins.KindOptimizer, "sgd", nil), Regularizer: &l2, Lambda: 1},
			}}
			s, err := newWorker(b, newHost(b, "serve-builtin", Options{Inline: inline})).Open(b.Context(), spec)
			if err != nil {
				b.Fatal(err)
			}
			step(b, s, 1)
		})
	}
}

// BenchmarkAdam10M is one step of adam over ten million float32 parameters.
func BenchmarkAdam10M(b *testing.B) {
	spec := runner.PluginSpec{DType: plugins.Float32, Layout: layoutOf(10_000_000), Examples: 1, Slots: []runner.PluginSlot{
		{Optimizer: choice(b, plugins.KindOptimizer, "adam", nil)},
	}}
	places := map[string]runner.Plugins{
		"in_process":     &Local{Components: builtin.Manifest("test").Components},
		"out_of_process": newWorker(b, newHost(b, "serve-builtin", Options{})),
	}
	for _, name := range []string{"in_process", "out_of_process"} {
		b.Run(name, func(b *testing.B) {
			s, err := places[name].Open(b.Context(), spec)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			step(b, s, 1)
		})
	}
}

func step(b *testing.B, s runner.PluginSession, slots int) {
	active, rates := make([]int, slots), make([]float64, slots)
	for i := range active {
		active[i], rates[i] = i, 1e-3
	}
	do := func() {
		if _, failed, err := s.Step(b.Context(), active, runner.StepInputs{Rates: rates}); err != nil || len(failed) > 0 {
			b.Fatal(failed, err)
		}
	}
	do() // touches every page
	var times []time.Duration
	for b.Loop() {
		begin := time.Now()
		do()
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(times[len(times)/2].Nanoseconds())/1e3, "µs-median")
}
