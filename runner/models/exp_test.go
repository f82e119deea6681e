package models

import (
	"math"
	"testing"
)

func exp(x float64) float64 {
	xs := []float64{x}
	exponentiate(xs)
	return xs[0]
}

func TestExpIsNearTheExponential(t *testing.T) {
	worst := 0.0
	for i := range 400000 {
		x := -float64(i) * 0.00176
		if i%2 == 1 {
			x /= 1000
		}
		worst = max(worst, math.Abs(exp(x)/math.Exp(x)-1))
	}
	if worst > 5e-16 {
		t.Errorf("the relative error is %v", worst)
	}
	for _, c := range [][2]float64{{0, 1}, {math.Inf(-1), 0}, {-800, 0}, {math.Copysign(0, -1), 1}, {-1e-300, 1}} {
		if got := exp(c[0]); got != c[1] {
			t.Errorf("exp(%v) is %v, want %v", c[0], got, c[1])
		}
	}
	if got := exp(math.NaN()); got == got {
		t.Errorf("exp(NaN) is %v", got)
	}
}

func BenchmarkExponentiate(b *testing.B) {
	xs := make([]float64, 1000)
	for b.Loop() {
		for i := range xs {
			xs[i] = -float64(i) / 30
		}
		exponentiate(xs)
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(len(xs)*b.N), "ns/exp")
}
