package stats

import (
	"math"
	"testing"
)

// By hand for the differences 1, 2, 3, 4, 5 of five folds: mean 3, s² 2.5, overlap 1/4, so the variance of the
// mean is (1/5 + 1/4)·2.5 = 1.125. With SciPy 1.17: t = 3/√1.125, 2·t.sf(t, 4) and t.ppf(0.975, 4)·√1.125.
func TestFoldsShareData(t *testing.T) {
	a, b := []float64{2, 4, 6, 8, 10}, []float64{1, 2, 3, 4, 5}
	test := CorrectedTTest(a, b, 0.25)
	if math.Abs(test.Statistic-2.8284271247461903) > 1e-12 || math.Abs(test.P-0.04742065558431959) > 1e-12 || test.N != 5 {
		t.Errorf("the test is %+v", test)
	}
	i := Corrected(PairedT(a, b, 0.95), 0.25)
	if i.Value != 3 || math.Abs(i.Half()-2.7764451051977934*math.Sqrt(1.125)) > 1e-12 || i.N != 5 {
		t.Errorf("the interval is %+v", i)
	}
	if one := Corrected(MeanT([]float64{1}, 0.95), 0.25); !math.IsNaN(one.Low) || one.Value != 1 {
		t.Errorf("of one value it is %+v", one)
	}
}
