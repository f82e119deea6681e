package stats

import (
	"fmt"
	"math"
	"testing"
)

func TestFriedmanMatchesSciPyAndScikitPosthocs(t *testing.T) {
	type blocks struct {
		Blocks  []numbers
		Chi, P  number
		Iman    number
		PF      number
		Ranks   numbers
		Nemenyi []numbers
	}
	for at, c := range append(reference[blocks](t, "friedman"), reference[blocks](t, "demsar")...) {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			got := FriedmanTest(rows(c.Blocks))
			check(t, "χ²", got.ChiSquared, c.Chi, 1e-11)
			check(t, "p", got.P, c.P, 1e-9)
			check(t, "F", got.ImanDavenport, c.Iman, 1e-10)
			check(t, "p of F", got.PF, c.PF, 1e-9)
			for k, r := range got.Ranks {
				check(t, "rank", r, c.Ranks[k], 1e-12)
			}
			for i, a := range got.Ranks {
				for j, b := range got.Ranks[:i] {
					// SciPy's integral is good to about 1e-10.
					if p := pairAbove(a-b, got.K, got.N); math.Abs(p-float64(c.Nemenyi[i][j])) > 1e-8 {
						t.Errorf("p of %d and %d is %v, want %v", i, j, p, c.Nemenyi[i][j])
					}
				}
			}
		})
	}
}

func TestCriticalDifferencesMatchSciPy(t *testing.T) {
	for _, c := range reference[struct {
		K, N  int
		Alpha float64
		CD    number
	}](t, "nemenyi") {
		check(t, fmt.Sprintf("CD of %d over %d at %v", c.K, c.N, c.Alpha), NemenyiCD(c.K, c.N, c.Alpha), c.CD, 1e-7)
	}
	// Of two values the range is √2 |Z|.
	if got, want := NemenyiCD(2, 24, 0.05), 1.959963984540054*math.Sqrt(2*3/(6*24.0)); !near(got, want, 1e-12) {
		t.Errorf("CD of two is %v, want %v", got, want)
	}
	if got, want := rangeAbove(12, 2), math.Erfc(6); !near(got, want, 1e-11) {
		t.Errorf("a small chance is %v, want %v", got, want)
	}
}

// pairAbove is the p-value of two of k mean ranks over n blocks, adjusted for all pairs.
func pairAbove(difference float64, k, n int) float64 {
	return rangeAbove(math.Abs(difference)/rankError(k, n), k)
}

func TestTwoRanksACriticalDifferenceApartHaveAlpha(t *testing.T) {
	for k := 2; k < 12; k++ {
		if p := pairAbove(NemenyiCD(k, 9, 0.03), k, 9); !near(p, 0.03, 1e-10) {
			t.Errorf("of %d: %v", k, p)
		}
	}
}

func TestFriedmanAtItsLimits(t *testing.T) {
	agree := FriedmanTest([][]float64{{1, 2, 3}, {4, 5, 6}, {0, 1, inf}})
	if !near(agree.ChiSquared, 6, 1e-12) || agree.ImanDavenport != inf || !near(agree.PF, 1./36, 1e-12) {
		t.Errorf("blocks that agree: %+v", agree)
	}
	if same := FriedmanTest([][]float64{{1, 1, 1}, {2, 2, 2}}); same.P != 1 || same.PF != 1 || same.Ranks[0] != 2 {
		t.Errorf("blocks that say nothing: %+v", same)
	}
	if one := FriedmanTest([][]float64{{1, 2, 3}}); !math.IsNaN(one.P) || one.Ranks[2] != 3 || one.N != 1 {
		t.Errorf("one block: %+v", one)
	}
	if missing := FriedmanTest([][]float64{{1, 2, 3}, {1, nan, 3}}); !math.IsNaN(missing.P) || !math.IsNaN(missing.Ranks[0]) {
		t.Errorf("with NaN: %+v", missing)
	}
	if none := FriedmanTest(nil); !math.IsNaN(none.P) || none.N != 0 {
		t.Errorf("no blocks: %+v", none)
	}
	for _, cd := range []float64{NemenyiCD(1, 5, 0.05), NemenyiCD(3, 0, 0.05), NemenyiCD(3, 5, 0), NemenyiCD(3, 5, nan)} {
		if !math.IsNaN(cd) {
			t.Errorf("a critical difference of nothing is %v", cd)
		}
	}
}
