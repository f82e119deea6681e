package models

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
)

func TestSparseDataGiveWhatTheSameDataGiveDense(t *testing.T) {
	for name, c := range configs() {
		if !c.Sparse {
			continue
		}
		sparse := rows[float64](c, 600, 4) // more than two chunks
		full := sparse
		full.Sparse, full.X = data.CSR[float64]{}, make([]float64, full.N*full.D)
		for i := range full.N {
			columns, values := sparse.Sparse.Row(i)
			for k, j := range columns {
				full.X[i*full.D+int(j)] = values[k]
			}
		}
		m := open[float64](t, c)
		c.Sparse = false
		dense := open[float64](t, c)
		dim, active := m.Layout().Dim(), []int{0, 2, 3}
		got, want := slab[float64](dim, 4), slab[float64](dim, 4)
		near := func(what string, got, want float64) {
			t.Helper()
			if !(math.Abs(got-want) <= 1e-12*(1+math.Abs(want))) {
				t.Errorf("%s: %s is %v, want %v", name, what, got, want)
			}
		}
		var scores, wanted [3]Score
		for range 20 { // steps of gradient descent
			m.Gradient(sparse, got, active)
			dense.Gradient(full, want, active)
			m.Evaluate(sparse, got, active, scores[:])
			dense.Evaluate(full, want, active, wanted[:])
			for i, slot := range active {
				for k, g := range want.grads(slot, dim) {
					near(fmt.Sprintf("element %d of the gradient of slot %d", k, slot), got.grads(slot, dim)[k], g)
					got.params(slot, dim)[k] -= 0.01 * got.grads(slot, dim)[k]
					want.params(slot, dim)[k] -= 0.01 * g
				}
				near("loss", scores[i].Loss, wanted[i].Loss)
				if scores[i].Accuracy != wanted[i].Accuracy {
					t.Errorf("%s: accuracy is %v, want %v", name, scores[i].Accuracy, wanted[i].Accuracy)
				}
			}
		}
	}
}

// BenchmarkSparse is an epoch of logistic regression: the gradients of all mini-batches of 64 rows. At
// the same number of values that are not 0, wider data cost little more: parameters are dense,
// and each gradient is cleared before it is added to.
func BenchmarkSparse(b *testing.B) {
	const n, batch = 20_000, 64
	for _, size := range []struct{ d, values int }{{50_000, 25}, {50_000, 50}, {50_000, 100}, {5_000, 50}, {500_000, 50}} {
		for _, slots := range []int{1, 25} {
			b.Run(fmt.Sprintf("rows=%d/features=%d/values=%d/slots=%d", n, size.d, n*size.values, slots), func(b *testing.B) {
				c := Config{Name: "logistic", Kind: data.Classification, Inputs: size.d, Classes: 2, Sparse: true}
				rng := rand.New(rand.NewPCG(1, 2))
				part := data.Part[float64]{N: n, D: size.d, Classes: 2, Labels: make([]int32, n)}
				for i := range n {
					part.Labels[i] = int32(rng.IntN(2))
					part.Sparse.RowStart = append(part.Sparse.RowStart, i*size.values)
					part.Sparse.RowEnd = append(part.Sparse.RowEnd, (i+1)*size.values)
					for k := range size.values { // one in each stretch of columns, so that they ascend
						stretch := size.d / size.values
						part.Sparse.Column = append(part.Sparse.Column, int32(k*stretch+rng.IntN(stretch)))
						part.Sparse.Value = append(part.Sparse.Value, rng.NormFloat64())
					}
				}
				m := open[float64](b, c)
				s, active := slab[float64](size.d+1, slots), make([]int, slots)
				for i := range active {
					active[i] = i
				}
				b.ReportAllocs()
				for b.Loop() {
					for from := 0; from < n; from += batch {
						to := min(from+batch, n)
						m.Gradient(data.Part[float64]{N: to - from, D: size.d, Classes: 2, Labels: part.Labels[from:to], Sparse: part.Sparse.Rows(from, to)}, s, active)
					}
				}
				b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*slots), "ms/epoch/trial")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
