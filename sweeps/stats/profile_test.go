package stats

import (
	"fmt"
	"math"
	"testing"
)

func TestProfilesMatchNumPy(t *testing.T) {
	for _, c := range reference[struct {
		Times []numbers
		Taus  numbers
		Rho   []numbers
		RMax  float64
		Score numbers
	}](t, "profile") {
		for s, rho := range Profile(rows(c.Times), c.Taus.floats()) {
			for k, got := range rho {
				check(t, fmt.Sprintf("ρ of solver %d at %v", s, c.Taus[k]), got, c.Rho[s][k], 1e-12)
			}
		}
		for s, got := range ProfileScore(rows(c.Times), c.RMax) {
			check(t, fmt.Sprintf("score of solver %d", s), got, c.Score[s], 1e-12)
		}
	}
}

func TestProfilesRise(t *testing.T) {
	taus := make([]float64, 100)
	for k := range taus {
		taus[k] = 1 + float64(k)/10
	}
	times := [][]float64{waves(20, 1.1), waves(20, 1.2), waves(20, 1.3)}
	times[0][3], times[1][3] = inf, inf
	for s, rho := range Profile(times, taus) {
		for k := 1; k < len(rho); k++ {
			if rho[k] < rho[k-1] || rho[k] > 1 {
				t.Errorf("solver %d falls from %v to %v", s, rho[k-1], rho[k])
			}
		}
	}
}

func TestProfilesAtTheirLimits(t *testing.T) {
	scores := ProfileScore([][]float64{{1, 0, inf, 2}, {4, 1, inf, 2}}, 4)
	if scores[0] != 0.75 || scores[1] != 0.25 {
		t.Errorf("got %v: four times the best, and any time over 0, score nothing", scores)
	}
	if rho := Profile([][]float64{{1, inf}, {2, inf}}, []float64{2, inf}); rho[1][0] != 0.5 || rho[1][1] != 0.5 {
		t.Errorf("a problem that none solves counts as missed: %v", rho)
	}
	for _, got := range []float64{
		Profile([][]float64{{1, nan}, {1, 2}}, []float64{1})[1][0], Profile([][]float64{{}}, []float64{1})[0][0],
		ProfileScore([][]float64{{1, nan}, {1, 2}}, 4)[1], ProfileScore([][]float64{{1}}, 1)[0], ProfileScore([][]float64{{}}, 4)[0],
	} {
		if !math.IsNaN(got) {
			t.Errorf("got %v", got)
		}
	}
	if got := ProfileScore(nil, 4); len(got) != 0 {
		t.Errorf("of no solvers: %v", got)
	}
}
