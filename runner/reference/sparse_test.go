package reference

import (
	"math"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
)

// Rows whose zeros are left out have the optimum of the same rows written out.
func TestSparseRowsHaveTheSameOptimum(t *testing.T) {
	for i, p := range problems() {
		p.L1, p.L2 = []float64{0.05, 0, 0.02, 0.05, 0}[i], []float64{0, 0.1, 0.1, 0, 0.1}[i]
		dense := p
		dense.Train.X = append([]float64(nil), p.Train.X...)
		sparse := p
		sparse.Train.X = nil
		rows := data.CSR[float64]{}
		for i := range p.Train.N {
			rows.RowStart = append(rows.RowStart, len(rows.Value))
			for j := range p.Train.D {
				if (i+2*j)%3 == 0 {
					dense.Train.X[i*p.Train.D+j] = 0
					continue
				}
				rows.Column = append(rows.Column, int32(j))
				rows.Value = append(rows.Value, p.Train.X[i*p.Train.D+j])
			}
			rows.RowEnd = append(rows.RowEnd, len(rows.Value))
		}
		sparse.Train.Sparse = rows
		want, got := solve(t, dense), solve(t, sparse)
		if math.Abs(got.Value-want.Value) > 1e-12*math.Abs(want.Value) {
			t.Errorf("%s l1 %g l2 %g: J* is %.15g, and %.15g with zeros written out", p.Model, p.L1, p.L2, got.Value, want.Value)
		}
		if a, b := NullGradient(p.Model, sparse.Train, p.Weights), NullGradient(p.Model, dense.Train, p.Weights); math.Abs(a-b) > 1e-12*b {
			t.Errorf("%s: the gradient without weights is %g, and %g with zeros written out", p.Model, a, b)
		}
	}
}
