package stats

import (
	"math"
	"testing"
)

// Without degrees of freedom nothing is known, and nothing panics.
func TestTailsWithoutDegreesOfFreedom(t *testing.T) {
	for _, df := range []float64{0, -1, math.NaN()} {
		for name, got := range map[string]float64{"TwoSidedT": TwoSidedT(2, df), "tQuantile": tQuantile(0.9, df), "chiSquaredAbove": chiSquaredAbove(2, df),
			"UpperT": UpperT(0.1, df), "tAbove": tAbove(2, df)} {
			if !math.IsNaN(got) {
				t.Errorf("%s with %v degrees of freedom is %v", name, df, got)
			}
		}
	}
}
