package stats

import (
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.25: "0.25", 0.1: "0.1", 100: "100", 1: "1", 0.01: "1e-2", 1e-3: "1e-3", 0.0031622776601683794: "3.162e-3",
		99999: "100000", 12346: "12350", 123456: "1.235e5", -0.5: "-0.5", -1e-7: "-1e-7", 0.099999999: "1e-1", math.Inf(1): "+Inf", 1e300: "1e300",
	} {
		if got := Number(x); got != want {
			t.Errorf("Number(%v) = %q, want %q", x, got, want)
		}
	}
	if got := Number(nan); got != "NaN" {
		t.Errorf("Number(NaN) = %q", got)
	}
}

func TestUncertain(t *testing.T) {
	for _, c := range []struct {
		mean, half float64
		want       string
	}{
		{0.27143, 0.0021, "0.2714 ± 0.0021"},
		{0.27143, 0.021, "0.271 ± 0.021"},
		{0.27143, 1.04, "0.271 ± 1.040"},
		{507.3, 64.9, "507 ± 65"},
		{507.3, 649, "507 ± 649"},
		{1, 0.1, "1.00 ± 0.10"},
		{-3.14159, 0.012, "-3.142 ± 0.012"},
		{0.5, nan, "0.5"},
		{1.0986122886, nan, "1.09861"},
		{0.5, 0, "0.5"},
		{nan, nan, "–"},
		{math.Inf(1), nan, "+Inf"},
		{1, 1e-15, "1"}, // rounding, not spread
		{2e9, 1234, "2000000000 ± 1.2e+03"},
	} {
		if got := Uncertain(Interval{Value: c.mean, Low: c.mean - c.half, High: c.mean + c.half, N: 2}); got != c.want {
			t.Errorf("%v ± %v is %q, want %q", c.mean, c.half, got, c.want)
		}
	}
}

func TestLopsidedIntervalsAreWrittenByTheirEnds(t *testing.T) {
	if got, want := Uncertain(Interval{Value: 0.111, Low: 0.042, High: 0.432, N: 5}), "0.111 [0.042, 0.432]"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}
