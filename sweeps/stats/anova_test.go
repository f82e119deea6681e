package stats

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestANOVAMatchesStatsmodels(t *testing.T) {
	type row struct {
		Share number
		DF    int
		F, P  number
	}
	for at, c := range reference[struct {
		Y      numbers
		Levels [][]int
		Names  []string
		Shares map[string]row
	}](t, "anova") {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			factors := make([]Factor, len(c.Names))
			for k, name := range c.Names {
				factors[k] = Factor{Name: name, Level: c.Levels[k]}
			}
			got := ANOVA(c.Y.floats(), factors)
			if len(got) != len(c.Shares) {
				t.Fatalf("%d terms, want %d", len(got), len(c.Shares))
			}
			for _, s := range got {
				want, ok := c.Shares[s.Name]
				if !ok || s.DF != want.DF {
					t.Errorf("%s has DF %d, want %d", s.Name, s.DF, want.DF)
				}
				check(t, s.Name+" share", s.Share, want.Share, 1e-9)
				check(t, s.Name+" F", s.F, want.F, 1e-9)
				check(t, s.Name+" P", s.P, want.P, 1e-8)
			}
			wellFormed(t, got)
		})
	}
}

// wellFormed sees that shares sum to 1, are sorted, and end in the residual.
func wellFormed(t *testing.T, shares []Share) {
	t.Helper()
	sum := 0.0
	for k, s := range shares {
		sum += s.Share
		if k > 0 && k < len(shares)-1 && s.Share > shares[k-1].Share {
			t.Errorf("%s is not sorted: %+v", s.Name, shares)
		}
		if s.Share < 0 || s.DF < 0 {
			t.Errorf("%+v", s)
		}
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("shares sum to %v", sum)
	}
	if shares[len(shares)-1].Name != "residual" {
		t.Errorf("the residual is not last: %+v", shares)
	}
}

// The two ways to compute a balanced grid share no code.
func TestCellMeansAndFactorizationAgree(t *testing.T) {
	for _, levels := range [][]int{{4, 5}, {3, 4, 2}, {2, 2, 3, 3}} {
		n := 2
		for _, l := range levels {
			n *= l
		}
		y, factors := waves(n, 1), gridOf(n, levels...)
		want := ANOVA(y, factors)
		mains := make([]*term, len(factors))
		for k, f := range factors {
			mains[k] = &term{name: f.Name, factors: []int{k}}
			mains[k].cell, mains[k].cells = numbered(f.Level)
		}
		centred, total := centre(y)
		a := anova{y: centred, terms: slices.Concat(mains, pairs(mains, n))}
		a.sequential(total)
		for k, got := range a.shares(total) {
			if got.Name != want[k].Name || got.DF != want[k].DF || !near(got.Share, want[k].Share, 1e-9) || got.F != want[k].F && !near(got.F, want[k].F, 1e-8) {
				t.Errorf("%v: %+v, by cell means %+v", levels, got, want[k])
			}
		}
	}
}

func TestANOVAFindsWhatWasPutIn(t *testing.T) {
	factors := gridOf(60, 3, 4, 5)
	y := make([]float64, 60)
	for i := range y {
		y[i] = 10 + 3*float64(factors[1].Level[i]) + float64(factors[0].Level[i]*factors[2].Level[i])
	}
	got := ANOVA(y, factors)
	wellFormed(t, got)
	for _, s := range got {
		if is := s.Name == "a" || s.Name == "b" || s.Name == "c" || s.Name == "a×c"; is != (s.Share > 1e-3) {
			t.Errorf("%+v", s)
		}
	}
	moved := make([]float64, len(y))
	for i := range y {
		moved[i] = -8*y[i] + 1000
	}
	for k, s := range ANOVA(moved, factors) {
		if math.Abs(s.Share-got[k].Share) > 1e-12 {
			t.Errorf("moved, %s has %v, not %v", s.Name, s.Share, got[k].Share)
		}
	}
}

func TestANOVAOfNestedFactorsKeepsTheOrder(t *testing.T) {
	// Momentum is a matter of the first optimizer alone; the second has the level 9.
	optimizer := Factor{"optimizer", []int{0, 0, 0, 0, 0, 0, 1, 1, 1}}
	momentum := Factor{"momentum", []int{0, 0, 0, 1, 1, 1, 9, 9, 9}}
	y := []float64{1, 1.1, 0.9, 2, 2.1, 1.9, 6, 6.1, 5.9}
	got := ANOVA(y, []Factor{optimizer, momentum})
	wellFormed(t, got)
	if len(got) != 3 || got[0].Name != "optimizer" || got[0].DF != 1 || got[1].Name != "momentum" || got[1].DF != 1 || got[2].DF != 6 {
		t.Errorf("got %+v", got)
	}
	other := ANOVA(y, []Factor{momentum, optimizer})
	if other[0].Name != "momentum" || other[0].DF != 2 || other[1].DF != 0 || other[1].Share != 0 {
		t.Errorf("in the other order %+v", other)
	}
}

func TestANOVAAtItsLimits(t *testing.T) {
	one := Factor{"one", []int{4, 4, 4, 4}}
	two := Factor{"two", []int{0, 1, 0, 1}}
	if got := ANOVA([]float64{1, 2, 1, 3}, []Factor{one, two}); len(got) != 3 || got[1].Name != "one" || got[1].Share != 0 || got[1].DF != 0 {
		t.Errorf("a factor of one level: %+v", got)
	}
	for _, y := range [][]float64{{1, 2, nan, 3}, {inf, 2, 2, 3}, {1, 2, inf, 3}, {0.1, 0.1, 0.1, 0.1}} {
		for _, factors := range [][]Factor{{two}, {two, {"holes", []int{0, 0, 0, 1}}}} {
			for _, s := range ANOVA(y, factors) {
				if !math.IsNaN(s.Share) || !math.IsNaN(s.F) {
					t.Errorf("of %v: %+v", y, s)
				}
			}
		}
	}
	// Two factors without replicates: their interaction is the residual.
	if got := ANOVA([]float64{1, 2, 4, 7}, []Factor{{"a", []int{0, 0, 1, 1}}, two}); len(got) != 3 || got[2].DF != 1 {
		t.Errorf("without replicates: %+v", got)
	}
	// Nor with a hole in the grid.
	y, factors := waves(9, 1), gridOf(9, 3, 3)
	factors[0].Level, factors[1].Level = factors[0].Level[:8], factors[1].Level[:8]
	if got := ANOVA(y[:8], factors); len(got) != 3 || got[2].DF != 3 {
		t.Errorf("without replicates, with a hole: %+v", got)
	}
	// Every observation has its own level: nothing is left to test against.
	if got := ANOVA([]float64{1, 2, 4}, []Factor{{"a", []int{0, 1, 2}}}); got[1].DF != 0 || !math.IsNaN(got[0].P) || got[0].Share != 1 {
		t.Errorf("without a residual: %+v", got)
	}
	if got := ANOVA(nil, nil); got != nil {
		t.Errorf("of nothing: %+v", got)
	}
	if got := ANOVA([]float64{1, 2}, nil); len(got) != 1 || got[0].Share != 1 {
		t.Errorf("without factors: %+v", got)
	}
}

func TestTheFinestInteractionsAreLeftOut(t *testing.T) {
	y, factors := waves(4001, 1), gridOf(4001, 40, 40, 2)
	got := ANOVA(y, factors)
	wellFormed(t, got)
	names := map[string]bool{}
	for _, s := range got {
		names[s.Name] = true
	}
	if names["a×b"] || !names["a×c"] || !names["b×c"] {
		t.Errorf("got %+v", got)
	}
}
