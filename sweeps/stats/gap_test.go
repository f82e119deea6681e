package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The best of some errors and the best of others lie as far apart as drawn ones do, to either side.
func TestAPickedGapIsThatOfDraws(t *testing.T) {
	many := func(n int, e ...MeanError) (all []MeanError) {
		for i := range n {
			all = append(all, e[i%len(e)])
		}
		return all
	}
	normal, wide, long := MeanError{1, math.Inf(1)}, MeanError{3, math.Inf(1)}, MeanError{1, 3}
	for _, c := range []struct {
		name   string
		a, b   []MeanError // each one's best first
		shared MeanError
	}{
		{"one against one", many(1, normal), many(1, normal), MeanError{}},
		{"many against one", many(20, normal), many(1, normal), MeanError{}},
		{"few against many", many(3, normal), many(30, normal), MeanError{}},
		{"one with more noise among many", append([]MeanError{wide}, many(9, normal)...), many(1, normal), MeanError{}},
		{"one with less noise among many", append(many(5, normal), many(5, wide)...), many(1, normal), MeanError{}},
		{"long tails", many(8, long), many(2, normal, long), MeanError{}},
		{"something in common", many(5, normal), many(2, normal), MeanError{2, math.Inf(1)}},
		{"far more in common", many(5, normal), many(2, normal), MeanError{20, 5}},
	} {
		g, ok := NewPickedGap(alike(c.a), alike(c.b), c.shared)
		if !ok {
			t.Fatalf("%s: no gap", c.name)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		draw := func(e MeanError) float64 {
			z := rng.NormFloat64() * e.SE
			if math.IsInf(e.DF, 1) || e.SE == 0 {
				return z
			}
			chi := 0.0
			for range int(e.DF) {
				x := rng.NormFloat64()
				chi += x * x
			}
			return z / math.Sqrt(chi/e.DF)
		}
		pick := func(all []MeanError) float64 {
			for {
				best, lowest := draw(all[0]), true
				for _, e := range all[1:] {
					lowest = lowest && draw(e) > best
				}
				if lowest {
					return best
				}
			}
		}
		const draws = 20_000
		gaps := make([]float64, draws)
		for i := range gaps {
			gaps[i] = pick(c.a) - pick(c.b) + draw(c.shared)
		}
		slices.Sort(gaps)
		for _, share := range []float64{0.005, 0.025, 0.3, 0.7, 0.975, 0.995} {
			at := gaps[int(share*draws)]
			far := 5 * math.Sqrt(share*(1-share)/draws)
			// Errors of about a size count as the largest of them, which is 4 % more at most.
			if got, more := g.Below(at), g.Below(1.04*at); math.Abs(got-share) > far+math.Abs(more-got) {
				t.Errorf("%s: %.4f lies below %.3f, of draws %.4f", c.name, got, at, share)
			}
			if got := g.Below(at) + g.Above(at); math.Abs(got-1) > 1e-3 {
				t.Errorf("%s: the two sides of %.3f are %.4f together", c.name, at, got)
			}
		}
		low, high := g.Ends(0.025)
		if p, q := g.P(low), g.P(high); math.Abs(p/0.05-1) > 1e-4 || math.Abs(q/0.05-1) > 1e-4 {
			t.Errorf("%s: p at the ends of the 95 %% interval is %.5f and %.5f", c.name, p, q)
		}
	}
	if _, ok := NewPickedGap(alike(many(4, normal)), Picked{}, MeanError{}); ok {
		t.Error("an error without a size has a gap")
	}
}

// One point of each is Student's t, far out as well.
func TestAPickedGapOfOneErrorIsStudentsT(t *testing.T) {
	for _, df := range []float64{4, math.Inf(1)} {
		g, _ := NewPickedGap(Picked{Best: MeanError{1, df}}, Picked{Best: MeanError{1e-3, math.Inf(1)}}, MeanError{})
		for _, x := range []float64{0.5, 2, 5} {
			// The degrees of freedom are rounded down by 5 %, the error up by 4 %.
			least, most := normalTwoSided(x), normalTwoSided(x/1.05)
			if !math.IsInf(df, 1) {
				least, most = tTwoSided(x, df), tTwoSided(x/1.05, df/1.06)
			}
			if got := g.P(x); got < least*0.98 || got > most*1.02 {
				t.Errorf("%g degrees of freedom, %g: p %.4g, want between %.4g and %.4g", df, x, got, least, most)
			}
		}
	}
}

func BenchmarkPickedGap(b *testing.B) {
	for _, points := range []int{20, 1000} {
		b.Run(fmt.Sprint(points, " points"), func(b *testing.B) {
			var many []MeanError
			for i := range points {
				many = append(many, MeanError{math.Exp(math.Sin(float64(i)) / 2), 6})
			}
			for b.Loop() {
				g, _ := NewPickedGap(alike(many), alike(many[:5]), MeanError{0.5, math.Inf(1)})
				g.Ends(0.025)
			}
		})
	}
}

// alike is the first of errors of points that are all as good.
func alike(errors []MeanError) Picked {
	return Picked{errors[0], errors[1:], slices.Repeat([]float64{1}, len(errors)-1)}
}

// A point that counts half twice counts as one that is as good.
func TestPartsOfAPickedPointAdd(t *testing.T) {
	e := MeanError{1, 7}
	whole, _ := NewPickedGap(alike([]MeanError{e, e, e}), alike([]MeanError{e}), MeanError{})
	parts, _ := NewPickedGap(Picked{e, []MeanError{e, e, e, e}, []float64{0.5, 0.5, 0.25, 0.75}}, alike([]MeanError{e}), MeanError{})
	for _, d := range []float64{-3, -1, 0, 2} {
		if p, q := whole.P(d), parts.P(d); math.Abs(p-q) > 1e-12 {
			t.Errorf("at %g: p is %g of whole points and %g of parts", d, p, q)
		}
	}
}
