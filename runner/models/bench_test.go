package models

import (
	"fmt"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// The sizes are those of digits and of a set like MNIST.
func BenchmarkGradient(b *testing.B) {
	digits := Config{Name: "softmax", Kind: data.Classification, Inputs: 64, Classes: 10}
	large := Config{Name: "softmax", Kind: data.Classification, Inputs: 784, Classes: 10}
	mlp := Config{Name: "mlp", Kind: data.Classification, Inputs: 64, Classes: 10, Hidden: []int{32}, Activation: "relu"}
	logistic := Config{Name: "logistic", Kind: data.Classification, Inputs: 30, Classes: 2}
	for _, size := range []struct {
		name         string
		c            Config
		slots, batch int
	}{
		{"digits", digits, 1, 64}, {"digits", digits, 25, 64}, {"digits", digits, 35, 64},
		{"784x10", large, 25, 128}, {"784x10", large, 1, 128},
		{"mlp32", mlp, 25, 64}, {"logistic30", logistic, 35, 64},
	} {
		name := fmt.Sprintf("%s/slots=%d/batch=%d", size.name, size.slots, size.batch)
		benchmarkGradient[float64](b, name, size.c, size.slots, size.batch)
		benchmarkGradient[float32](b, name, size.c, size.slots, size.batch)
	}
}

func benchmarkGradient[F plugins.Float](b *testing.B, name string, c Config, slots, batch int) {
	b.Run(fmt.Sprintf("%s/%s", name, plugins.DTypeOf[F]()), func(b *testing.B) {
		m, part := open[F](b, c), rows[F](c, batch, 1)
		s, active := slab[F](m.Layout().Dim(), slots), make([]int, slots)
		for i := range active {
			active[i] = i
		}
		for b.Loop() {
			m.Gradient(part, s, active)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	})
}

func BenchmarkEvaluate(b *testing.B) {
	c := Config{Name: "softmax", Kind: data.Classification, Inputs: 64, Classes: 10}
	for _, slots := range []int{1, 25, 35} {
		b.Run(fmt.Sprintf("digits/slots=%d/rows=1437", slots), func(b *testing.B) {
			m, part := open[float64](b, c), rows[float64](c, 1437, 1)
			s, active, out := slab[float64](m.Layout().Dim(), slots), make([]int, slots), make([]Score, slots)
			for i := range active {
				active[i] = i
			}
			for b.Loop() {
				m.Evaluate(part, s, active, out)
			}
			b.ReportMetric(float64(slots)*float64(b.N)/b.Elapsed().Seconds(), "trials/s")
		})
	}
}
