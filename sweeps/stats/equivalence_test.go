package stats

import (
	"math"
	"testing"
)

// The p-values are the larger of two one-sided ttest_1samp, or ttest_ind without equal variances, of scipy 1.x.
func TestEquivalence(t *testing.T) {
	a, b := []float64{1.0, 1.2, 0.9, 1.1, 1.05}, []float64{1.01, 1.19, 0.92, 1.1, 1.04}
	more := []float64{1.0, 1.2, 0.9, 1.1, 1.05, 1.15}
	paired := func(level float64) Interval { return PairedT(a, b, level) }
	welch := func(level float64) Interval { return WelchT(more, b, level) }
	for _, c := range []struct {
		name     string
		margin   float64
		interval func(float64) Interval
		want     float64
	}{
		{"paired", 0.03, paired, 0.004317896303775784}, {"paired", 0.02, paired, 0.01834099470022059}, {"paired", 0.01, paired, 0.12099076528401066},
		{"Welch", 0.2, welch, 0.008423847301749998}, {"Welch", 0.05, welch, 0.29463389662679906},
		{"a mean outside", 0.001, paired, 1},
		{"no interval", 1, func(float64) Interval { return None() }, 1},
		{"no width", 1e-9, func(float64) Interval { return Interval{} }, 1e-10},
	} {
		if got := Equivalence(c.margin, c.interval); math.Abs(got-c.want) > 1e-8*c.want {
			t.Errorf("%s within %v: p = %v, want %v", c.name, c.margin, got, c.want)
		}
	}
}

// The chances are those of 400,000 draws.
func TestEquivalencePower(t *testing.T) {
	for _, c := range []struct {
		effect, margin float64 // in standard deviations
		n              float64
		want           float64
	}{{0, 1, 12, 0.889}, {0.3, 1, 20, 0.915}, {0.3, 1, 8, 0.510}} {
		se := 1 / math.Sqrt(c.n)
		if got := EquivalencePower(c.effect/se, c.margin/se, c.n-1, 0.05); math.Abs(got-c.want) > 0.04 {
			t.Errorf("%v within %v by %v values: power %v, want %v", c.effect, c.margin, c.n, got, c.want)
		}
	}
	if got := EquivalencePower(3, 1, 5, 0.05); got != 0 {
		t.Errorf("a margin that no interval fits into has the power %v", got)
	}
}

// The interval is that of scipy.stats.binomtest(3, 10).proportion_ci().
func TestShareInterval(t *testing.T) {
	low, high := ShareInterval(3, 10, 0.95)
	if math.Abs(low-0.06673951117773447) > 1e-9 || math.Abs(high-0.652452850060008) > 1e-9 {
		t.Errorf("3 of 10: %v to %v", low, high)
	}
	if low, high := ShareInterval(0, 4, 0.95); low != 0 || math.Abs(high-(1-math.Pow(0.025, 1./4))) > 1e-9 {
		t.Errorf("none of 4: %v to %v", low, high)
	}
	if low, high := ShareInterval(0, 0, 0.95); low != 0 || high != 1 {
		t.Errorf("none of none: %v to %v", low, high)
	}
}

func TestMargins(t *testing.T) {
	for text, want := range map[string]Margin{"1 %": {1, MarginPercent}, " 0.5% ": {0.5, MarginPercent}, "0.5 points": {0.5, MarginPoints}, "1 percentage point": {1, MarginPoints}, "1 point": {1, MarginPoints},
		"2 percentage points": {2, MarginPoints}, "0.002": {0.002, MarginPlain}, "2e-3": {0.002, MarginPlain}, "none": {0, MarginNone},
		"": {}, "%": {}, "0 %": {}, "-1 %": {}, "100 %": {}, "inf": {}, "NaN": {}, "0x1p3": {}, "1_0": {}, "1 % %": {}, "one": {}} {
		got, err := ParseMargin(text)
		if got != want || (err == nil) != (want != Margin{}) {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
		if again, err := ParseMargin(got.String()); err != nil && want != (Margin{}) || want != (Margin{}) && again != want {
			t.Errorf("%q is written %q, which is %+v, %v", text, got, again, err)
		}
	}
}
