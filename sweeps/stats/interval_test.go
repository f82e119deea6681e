package stats

import (
	"math"
	"testing"
)

// The expected values were computed with SciPy 1.17: stats.t.interval(0.95, n−1, mean, sem).
func TestMeanTMatchesSciPy(t *testing.T) {
	for _, c := range []struct {
		xs         []float64
		mean, half float64
	}{
		{[]float64{1, 2}, 1.5, 6.353102368087347},
		{[]float64{0.27, 0.28, 0.26, 0.275, 0.265}, 0.27, 0.009816215807387792},
		{[]float64{3, 3, 3, 3}, 3, 0},
		{[]float64{-1, 4, 0.5, 12, 7, 7, 7, -2, 3, 1}, 3.85, 3.145627845750343},
	} {
		got := MeanT(c.xs, 0.95)
		if math.Abs(got.Value-c.mean) > 1e-12 || math.Abs(got.Half()-c.half) > 1e-12 || got.N != len(c.xs) {
			t.Errorf("MeanT(%v) = %+v, want %v ± %v", c.xs, got, c.mean, c.half)
		}
	}
}

func TestFewValuesPromiseNothing(t *testing.T) {
	if got := MeanT(nil, 0.95); !math.IsNaN(got.Value) || !math.IsNaN(got.Half()) {
		t.Errorf("MeanT of nothing = %+v", got)
	}
	one := MeanT([]float64{2}, 0.95)
	if one.Value != 2 || !math.IsNaN(one.Half()) || one.Includes(2) {
		t.Errorf("MeanT of one value = %+v; it has no interval", one)
	}
	if got := MeanT([]float64{1, math.NaN()}, 0.95); !math.IsNaN(got.Value) {
		t.Errorf("NaN is lost: %+v", got)
	}
}

func TestPairedTSeesWhatTheMeansHide(t *testing.T) {
	a, b := []float64{1, 2, 3, 4}, []float64{1.1, 2.12, 3.09, 4.11}
	if d := PairedT(a, b, 0.95); d.Includes(0) {
		t.Errorf("the differences are all near −0.1, yet %+v includes 0", d)
	}
}
