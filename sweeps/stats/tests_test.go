package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestPairedTestsMatchSciPy(t *testing.T) {
	for k, c := range reference[struct {
		A, B  numbers
		T     number
		TP    number `json:"t_p"`
		TLow  number `json:"t_low"`
		THigh number `json:"t_high"`
		W     number
		WP    number `json:"w_p"`
		N     int
		FlipP number `json:"flip_p"`
	}](t, "paired") {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			a, b := c.A.floats(), c.B.floats()
			student := CorrectedTTest(a, b, 0)
			check(t, "t", student.Statistic, c.T, 1e-10)
			check(t, "p of t", student.P, c.TP, 1e-9)
			interval := PairedT(a, b, 0.9)
			check(t, "low end", interval.Low, c.TLow, 1e-9)
			check(t, "high end", interval.High, c.THigh, 1e-9)
			signed := Wilcoxon(a, b)
			check(t, "W", signed.Statistic, c.W, 1e-12)
			check(t, "p of W", signed.P, c.WP, 1e-11)
			if signed.N != c.N || signed.Exact != (c.N <= 25) {
				t.Errorf("N %d, exact %v, want N %d", signed.N, signed.Exact, c.N)
			}
			if !math.IsNaN(float64(c.FlipP)) {
				check(t, "p of sign flips", SignFlip(a, b, 1).P, c.FlipP, 1e-12)
			}
		})
	}
}

func TestUnpairedTestsMatchSciPy(t *testing.T) {
	for k, c := range reference[struct {
		A, B  numbers
		T     number
		TP    number `json:"t_p"`
		TLow  number `json:"t_low"`
		THigh number `json:"t_high"`
		U     number
		UP    number `json:"u_p"`
		A12   number
	}](t, "unpaired") {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			a, b := c.A.floats(), c.B.floats()
			welch := WelchTest(a, b)
			check(t, "t", welch.Statistic, c.T, 1e-10)
			check(t, "p of t", welch.P, c.TP, 1e-9)
			interval := WelchT(a, b, 0.9)
			check(t, "low end", interval.Low, c.TLow, 1e-9)
			check(t, "high end", interval.High, c.THigh, 1e-9)
			ranked := MannWhitney(a, b)
			check(t, "U", ranked.Statistic, c.U, 1e-12)
			check(t, "p of U", ranked.P, c.UP, 1e-11)
			if exact := max(len(a), len(b)) <= 25; ranked.Exact != exact {
				t.Errorf("exact is %v", ranked.Exact)
			}
			check(t, "A12", A12(a, b), c.A12, 1e-12)
			if back := A12(b, a); !near(back, 1-float64(c.A12), 1e-12) {
				t.Errorf("A12 turned round is %v, want 1 − %v", back, c.A12)
			}
		})
	}
}

func TestHolmMatchesStatsmodels(t *testing.T) {
	for _, c := range reference[struct{ PS, Adjusted numbers }](t, "holm") {
		for k, got := range Holm(c.PS.floats()) {
			check(t, fmt.Sprintf("p %d of %v", k, c.PS), got, c.Adjusted[k], 1e-13)
		}
	}
}

func TestHolmDoesNotCountTestsThatWereNotMade(t *testing.T) {
	got := Holm([]float64{0.03, nan, 0.01})
	if got[0] != 0.03 || !math.IsNaN(got[1]) || got[2] != 0.02 {
		t.Errorf("got %v", got)
	}
	if got := Holm(nil); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}

func pairedT(a, b []float64) Test { return CorrectedTTest(a, b, 0) }

// every test of two samples of equal size.
var every = map[string]func(a, b []float64) Test{
	"paired t": pairedT, "Welch": WelchTest, "Wilcoxon": Wilcoxon, "Mann-Whitney": MannWhitney,
	"sign flips": func(a, b []float64) Test { return SignFlip(a, b, 7) },
	"bootstrap":  func(a, b []float64) Test { return BootstrapTest(a, b, 7) },
}

func TestFewOrMissingValuesDecideNothing(t *testing.T) {
	for name, test := range every {
		for _, c := range [][2][]float64{
			{nil, nil}, {{1}, {2}}, {{1, 2, nan}, {1, 3, 4}}, {{1, 2, 3}, {nan, 3, 4}},
		} {
			if got := test(c[0], c[1]); !math.IsNaN(got.P) || !math.IsNaN(got.Statistic) {
				t.Errorf("%s of %v gives %+v", name, c, got)
			}
		}
	}
}

func TestInfiniteValuesHaveARankButNoMean(t *testing.T) {
	for name, test := range every {
		for _, c := range [][2][]float64{
			{{1, 2, inf}, {1, 3, 4}}, {{1, 2, inf}, {0, 3, inf}}, {{1, -inf, 3}, {2, 1, inf}},
		} {
			ranked := name == "Wilcoxon" || name == "Mann-Whitney"
			if got := test(c[0], c[1]); math.IsNaN(got.P) == ranked {
				t.Errorf("%s of %v gives %+v", name, c, got)
			}
		}
	}
	if got := Wilcoxon([]float64{1, 2, inf}, []float64{2, 4, inf}); got.N != 2 {
		t.Errorf("two runs that diverged alike do not differ: %+v", got)
	}
}

func TestEqualValuesAreNoEvidence(t *testing.T) {
	same := []float64{0.3, 0.1, 0.3, 0.3, 0.2, 0.7}
	constant := []float64{0.1, 0.1, 0.1, 0.1, 0.1, 0.1}
	for name, test := range every {
		if got := test(constant, constant); got.P != 1 {
			t.Errorf("%s of nothing but one value gives %+v", name, got)
		}
		if got := test(same, same); got.P != 1 {
			t.Errorf("%s of a sample and itself gives %+v", name, got)
		}
	}
	shifted := []float64{0.6, 0.6, 0.6, 0.6, 0.6, 0.6}
	for _, name := range []string{"paired t", "Welch"} {
		if got := every[name](shifted, constant); got.P != 0 || !math.IsInf(got.Statistic, 1) {
			t.Errorf("%s of a constant difference gives %+v", name, got)
		}
	}
	// The mean of three times 0.1 is not that of four times 0.1.
	if got := WelchTest([]float64{0.1, 0.1, 0.1}, constant); got.P != 1 || got.Statistic != 0 {
		t.Errorf("Welch of one value in different numbers gives %+v", got)
	}
	if got := pairedT([]float64{0.1, 0.1, 0.1}, []float64{0, 0, 0}); got.P != 0 || got.Statistic != inf {
		t.Errorf("paired t of three times 0.1 gives %+v", got)
	}
	for _, name := range []string{"Wilcoxon", "sign flips", "Mann-Whitney"} {
		got := every[name](shifted, constant)
		if got.P != got.Least {
			t.Errorf("%s of a constant difference gives %+v, not its least", name, got)
		}
	}
}

func TestLeastIsWhatTheClearestValuesGive(t *testing.T) {
	for n := 2; n <= 20; n++ {
		a, b := make([]float64, n), make([]float64, n)
		for k := range a {
			a[k], b[k] = float64(k)*float64(k)+100, -float64(k)
		}
		for _, name := range []string{"Wilcoxon", "sign flips", "Mann-Whitney"} {
			got := every[name](a, b)
			if !got.Exact || !near(got.P, got.Least, 1e-12) || got.Least <= 0 {
				t.Errorf("%s of %d clear pairs: %+v", name, n, got)
			}
		}
	}
	if five, six := Wilcoxon(waves(5, 9), waves(5, 1)), Wilcoxon(waves(6, 9), waves(6, 1)); five.P != 0.0625 || six.P != 0.03125 {
		t.Errorf("five pairs give %v, six %v", five.P, six.P)
	}
}

func TestPIsAProbabilityWithoutAPreferredSide(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 2 + rng.IntN(8)
		a, b := make([]float64, n), make([]float64, n)
		for k := range a {
			a[k], b[k] = float64(rng.IntN(6)), float64(rng.IntN(6))
		}
		for name, test := range every {
			one, other := test(a, b), test(b, a)
			if !(one.P >= 0 && one.P <= 1) {
				t.Errorf("%s of %v and %v has p = %v", name, a, b, one.P)
			}
			if !near(one.P, other.P, 1e-12) && name != "bootstrap" {
				t.Errorf("%s of %v and %v: %v, turned round %v", name, a, b, one.P, other.P)
			}
			if one.P < one.Least*(1-1e-12) && name != "Welch" {
				t.Errorf("%s of %v and %v: p %v is below the least, %v", name, a, b, one.P, one.Least)
			}
		}
	}
}

// Decimal fractions make sums that are equal on paper and not in floating point.
func TestSignFlipSeesTiesThroughRounding(t *testing.T) {
	a := []float64{0.91, 0.92, 0.93, 0.9, 0.95, 0.89}
	b := []float64{0.9, 0.9, 0.9, 0.91, 0.91, 0.94}
	whole := SignFlip([]float64{91, 92, 93, 90, 95, 89}, []float64{90, 90, 90, 91, 91, 94}, 1)
	if got := SignFlip(a, b, 1); got.P != whole.P {
		t.Errorf("in hundredths p = %v, in units %v", got.P, whole.P)
	}
}

func TestRandomFlipsComeNearTheExactTest(t *testing.T) {
	a, b := waves(20, 1), waves(20, 1.3)
	exact := SignFlip(a, b, 1)
	a, b = append(a, 5), append(b, 5) // no difference: every p stays, but 21 pairs are drawn
	for seed := range uint64(5) {
		drawn := SignFlip(a, b, seed)
		error := math.Sqrt(exact.P * (1 - exact.P) / randomFlips)
		if drawn.Exact || math.Abs(drawn.P-exact.P) > 5*error {
			t.Errorf("drawn %v, exact %v ± %v", drawn.P, exact.P, error)
		}
		if again := SignFlip(a, b, seed); again != drawn {
			t.Errorf("seed %d gives %v and %v", seed, drawn, again)
		}
	}
	if SignFlip(a, b, 1).P == SignFlip(a, b, 2).P && SignFlip(a, b, 1).P == SignFlip(a, b, 3).P {
		t.Error("the seed changes nothing")
	}
}

func TestBootstrapTestComesNearAllResamples(t *testing.T) {
	for k, c := range reference[struct {
		A, B numbers
		P    number
	}](t, "shifted") {
		want := float64(c.P)
		for seed := range uint64(4) {
			got := BootstrapTest(c.A.floats(), c.B.floats(), seed)
			if error := math.Sqrt(want*(1-want)/resampledTests) + 1.0/resampledTests; math.Abs(got.P-want) > 5*error {
				t.Errorf("case %d: p = %v, of all resamples %v ± %v", k, got.P, want, error)
			}
			if again := BootstrapTest(c.A.floats(), c.B.floats(), seed); again != got {
				t.Errorf("seed %d gives %v and %v", seed, got, again)
			}
		}
	}
}

func TestDifferencesEqualUpToRoundingHaveNoSpread(t *testing.T) {
	got := BootstrapTest([]float64{0.3, 0.2, 0.9, 1.1}, []float64{0.2, 0.1, 0.8, 1.0}, 1)
	if got.P != got.Least || got.Statistic != inf {
		t.Errorf("got %+v", got)
	}
}

func TestUnequalLengthsAreABug(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two values were paired with one")
		}
	}()
	Wilcoxon([]float64{1, 2}, []float64{1})
}
