package stats

import (
	"math"
	"testing"
)

func TestUpperTIsStudentsQuantile(t *testing.T) {
	for _, df := range []float64{1, 2, 2.5, 3, 4, 7.3, 30, 1000, math.Inf(1)} {
		for _, level := range []float64{0.5, 0.9, 0.95, 0.999, 0.999999} {
			want := normalQuantile((1 + level) / 2)
			if !math.IsInf(df, 1) {
				want = tQuantile((1+level)/2, df)
			}
			if got := UpperT((1-level)/2, df); math.Abs(got/want-1) > 1e-8 {
				t.Errorf("level %g with %g degrees of freedom: %.12g, want %.12g", level, df, got, want)
			}
		}
	}
	if got := UpperT(0.025, 0); !math.IsNaN(got) {
		t.Errorf("without degrees of freedom: %g", got)
	}
}
