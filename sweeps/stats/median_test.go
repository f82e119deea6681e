package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/xrun-dev/xrun/runner/tests"
)

func TestMedianIntervalsMatchSciPy(t *testing.T) {
	for _, c := range reference[struct {
		XS        numbers
		Low, High number
	}](t, "median") {
		got := MedianExact(c.XS.floats(), 0.95)
		what := fmt.Sprintf("of %d values the", len(c.XS))
		check(t, what+" low end", got.Low, c.Low, 0)
		check(t, what+" high end", got.High, c.High, 0)
	}
}

func TestSignTestsMatchSciPy(t *testing.T) {
	for _, c := range reference[struct {
		Above, Below int
		P            number
	}](t, "signs") {
		check(t, fmt.Sprintf("p of %d above and %d below", c.Above, c.Below), SignsOf(c.Above, c.Below).P, c.P, 1e-11)
	}
	if got := SignTest([]float64{1, 2, 3, inf}, []float64{0, 2, 4, inf}); got.N != 2 || got.P != 1 || got.Statistic != 1 || got.Least != 0.5 {
		t.Errorf("with ties: %+v", got)
	}
	if got := SignTest([]float64{1, 1}, []float64{1, 1}); got.P != 1 || got.N != 0 {
		t.Errorf("of nothing but ties: %+v", got)
	}
}

// A sign test finds a difference exactly where the interval of the median leaves 0 out.
func TestSignTestsAgreeWithIntervalsOfTheMedian(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		a, b := make([]float64, 2+rng.IntN(20)), make([]float64, 40)
		for k := range a {
			a[k] = rng.NormFloat64() + 0.6
		}
		p, i := SignTest(a, b[:len(a)]).P, MedianExact(a, 0.95)
		if (p <= 0.05) != (!math.IsNaN(i.Low) && !i.Includes(0)) {
			t.Fatalf("%v: p = %v, interval %+v", a, p, i)
		}
	}
}

func TestIntervalsOfTrimmedMeansMatchSciPy(t *testing.T) {
	for _, c := range reference[struct {
		A, B      numbers
		Low, High number
		TwoLow    number `json:"two_low"`
		TwoHigh   number `json:"two_high"`
	}](t, "trimmed") {
		a, b := c.A.floats(), c.B.floats()
		got, two := TrimmedT(a, 0.95), YuenT(a, b, 0.95)
		what := fmt.Sprintf("of %d and %d values the", len(a), len(b))
		check(t, what+" low end", got.Low, c.Low, 1e-9)
		check(t, what+" high end", got.High, c.High, 1e-9)
		check(t, what+" low end of the difference", two.Low, c.TwoLow, 1e-9)
		check(t, what+" high end of the difference", two.High, c.TwoHigh, 1e-9)
	}
	xs := []float64{1, 2, 4}
	if got, want := TrimmedT(xs, 0.95), MeanT(xs, 0.95); !near(got.Value, want.Value, 1e-14) || !near(got.Low, want.Low, 1e-12) {
		t.Errorf("of three values %+v, want that of the mean, %+v", got, want)
	}
}

func TestSignFlipsOfStatisticsMatchCounting(t *testing.T) {
	of := map[string]Statistic{"mean": Mean, "median": Median, "iqm": IQM}
	for _, c := range reference[struct {
		D         numbers
		Statistic string
		P, Least  number
	}](t, "signs_of") {
		got := SignFlipOf(c.D.floats(), make([]float64, len(c.D)), of[c.Statistic], 1)
		check(t, "p of the "+c.Statistic, got.P, c.P, 1e-12)
		check(t, "least p of the "+c.Statistic, got.Least, c.Least, 1e-12)
	}
	many := waves(40, 0.1)
	exact, drawn := SignFlip(many, make([]float64, 40), 1).P, SignFlipOf(many, make([]float64, 40), Mean, 2).P
	if math.Abs(exact-drawn) > 0.01 {
		t.Errorf("by draws p is %v, and %v", exact, drawn)
	}
}

// Intervals of the median and of the interquartile mean hold what they promise from the number of values on that they
// are given for, whatever the source: with 95 %, or more.
func TestIntervalsHoldWhatTheyPromise(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	sources := []struct {
		name        string
		draw        func() float64
		median, iqm float64
	}{
		{"normal", rng.NormFloat64, 0, 0},
		{"uniform", func() float64 { return rng.Float64() - 0.5 }, 0, 0},
		{"long tails", func() float64 { return rng.NormFloat64() / math.Max(0.2, math.Abs(rng.NormFloat64())) }, 0, 0},
	}
	rounds := tests.Either(2_000, 40_000)
	if tests.Long() {
		skewed := func() float64 { return math.Exp(rng.NormFloat64()) }
		sources = append(sources, struct {
			name        string
			draw        func() float64
			median, iqm float64
		}{"skewed", skewed, 1, nan})
	}
	// Three and a half binomial standard deviations: 95 % falls below it about once in four thousand times.
	bound := 0.95 - 3.5*math.Sqrt(0.95*0.05/float64(rounds))
	for _, n := range []int{2, 3, 5, 6, 8, 10, 15} {
		for _, source := range sources {
			medians, trimmed := 0, 0
			xs := make([]float64, n)
			for range rounds {
				for k := range xs {
					xs[k] = source.draw()
				}
				if i := MedianExact(xs, 0.95); i.Includes(source.median) {
					medians++
				}
				if i := TrimmedT(xs, 0.95); i.Includes(source.iqm) {
					trimmed++
				}
			}
			share, of := float64(medians)/float64(rounds), float64(trimmed)/float64(rounds)
			if n >= 6 && share < bound || n < 6 && medians > 0 {
				t.Errorf("%d values, %s: %.1f %% of the intervals hold the median", n, source.name, 100*share)
			}
			t.Logf("%d values, %s: %.1f %% hold the median, %.1f %% the interquartile mean", n, source.name, 100*share, 100*of)
			// Below four values it is the t interval of a mean, of which 92.3 % hold for three even values.
			least := bound
			if source.name == "uniform" {
				least -= 0.028
			}
			if !math.IsNaN(source.iqm) && of < least {
				t.Errorf("%d values, %s: %.1f %% of the intervals hold the interquartile mean", n, source.name, 100*of)
			}
		}
	}
}

// So do intervals of the difference of two medians.
func TestBootstrapOfTwoMediansHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	rounds := tests.Either(150, 3_000)
	for _, n := range []int{6, 8, 15} {
		a, b, holds := make([]float64, n), make([]float64, n), 0
		for range rounds {
			for k := range a {
				a[k], b[k] = rng.NormFloat64(), rng.NormFloat64()
			}
			if (Bootstrap{Reps: 500}).TwoSample(a, b, Median).Includes(0) {
				holds++
			}
		}
		share := float64(holds) / float64(rounds)
		t.Logf("%d values each: %.1f %%", n, 100*share)
		if share < 0.95-3.5*math.Sqrt(0.95*0.05/float64(rounds)) {
			t.Errorf("%d values each: %.1f %% of the intervals hold", n, 100*share)
		}
	}
}
