package stats

import (
	"math"
	"slices"
	"strings"
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
		{2e9, 1234, "2.0000000e9 ± 1.2e3"},
		{7.470155855e-15, 6.4e-15, "7.47e-15 ± 6.4e-15"},
		{1.5e-14, 0.3e-15, "1.500e-14 ± 3.0e-16"},
		{3.2e-7, 1e-8, "3.20e-7 ± 1.0e-8"},
		{1234567, 50000, "1.235e6 ± 5.0e4"},
		{1e-9, 0.002, "0.0000 ± 0.0020"},
		{0, 6.4e-15, "0 ± 6.4e-15"},
		{0, 0.002, "0.0000 ± 0.0020"},
		{1e7, nan, "1e7"},
		{7.470155855e-15, nan, "7.47016e-15"},
		{5e-324, nan, "4.94066e-324"},
		{1e307, 1e307, "1.00e307 ± 1.0e307"},
		{0.5, math.Inf(1), "0.5"},
	} {
		if got := Uncertain(Interval{Value: c.mean, Low: c.mean - c.half, High: c.mean + c.half, N: 2}); got != c.want {
			t.Errorf("%v ± %v is %q, want %q", c.mean, c.half, got, c.want)
		}
	}
}

func TestEnds(t *testing.T) {
	for want, i := range map[string]Interval{
		"-7.5e-15 [-2.26e-14, 7.7e-15]": {Value: -7.47e-15, Low: -2.26e-14, High: 7.7e-15},
		"-0.420 [-0.610, -0.230]":       {Value: -0.42, Low: -0.61, High: -0.23},
		"12.00 [8.00, 16.00]":           {Value: 12, Low: 8, High: 16},
		"0.2":                           {Value: 0.2, Low: nan, High: nan},
	} {
		if got := Ends(i); got != want {
			t.Errorf("%v is %q, want %q", i, got, want)
		}
	}
}

func TestLessThanAllIsNever100Percent(t *testing.T) {
	for x, want := range map[float64]string{0.99951: "99.9", -0.99999999: "-99.9", 1: "100", -1: "-100", 3.034: "303", 0.048: "4.8", 123.456: "12346", 1e7: "1e9", 0: "0.0", -0.0001: "0.0"} {
		if got := Percent(x); got != want {
			t.Errorf("%v is %s %%, want %s %%", x, got, want)
		}
	}
}

func TestNumbersThatDifferAreWrittenApart(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want string
	}{
		{[]float64{0.1, 0.01, 0.1}, "0.1 1e-2 0.1"},
		{[]float64{0.10001, 0.10002, 1}, "0.10001 0.10002 1"},
		{[]float64{1, math.Nextafter(1, 2)}, "1 1.0000000000000002"},
		{[]float64{3e-5, math.Nextafter(3e-5, 1)}, "3e-5 3.0000000000000004e-5"},
	} {
		if got := strings.Join(Apart(c.xs), " "); got != c.want {
			t.Errorf("%v is written %q, want %q", c.xs, got, c.want)
		}
	}
}

// FuzzNumbers: a number and its interval of any kind are written, in a length that fits a table.
func FuzzNumbers(f *testing.F) {
	odd := []float64{0, 1, -1, 0.5, math.Nextafter(1, 2), 1e308, -1e308, math.MaxFloat64, 5e-324, 2.2e-308, 1e-15, 99999.5, math.Inf(1), math.Inf(-1), math.NaN()}
	for _, a := range odd {
		for _, b := range odd {
			f.Add(a, b, a)
			f.Add(a, a, b)
			f.Add(b, a, a)
		}
	}
	f.Fuzz(func(t *testing.T, value, low, high float64) {
		i := Interval{Value: value, Low: low, High: high, N: 2}
		for _, text := range []string{Uncertain(i), Signed(i), Ends(i), Number(value), Short(value, 3), Percent(value), PEquals(value)} {
			if text == "" || len(text) > 90 {
				t.Errorf("%v is written %q", i, text)
			}
		}
		if a, b := value, low; a == a && b == b && a != b {
			if texts := Apart([]float64{a, b}); texts[0] == texts[1] {
				t.Errorf("%v and %v are both %s", a, b, texts[0])
			}
		}
	})
}

func TestLopsidedIntervalsAreWrittenByTheirEnds(t *testing.T) {
	if got, want := Uncertain(Interval{Value: 0.111, Low: 0.042, High: 0.432, N: 5}), "0.111 [0.042, 0.432]"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}

func TestDifferencesThatAreRounding(t *testing.T) {
	for _, c := range []struct {
		i    Interval
		of   float64
		want bool
	}{
		{Interval{Value: 1e-17, Low: 1e-17, High: 2e-17}, 0.1, true},
		{Interval{Value: 1e-17, Low: 1e-17, High: 2e-17}, 1e-10, false},
		{Interval{Value: 1e-17, Low: -1, High: 1}, 0.1, false},
		{Interval{Value: 1, Low: nan, High: nan}, 1, false},
		{Interval{Value: 1, Low: 1, High: 1}, inf, false},
	} {
		if got := c.i.IsRounding(c.of); got != c.want {
			t.Errorf("%+v of %v is rounding: %v", c.i, c.of, got)
		}
	}
	got := Leveled([]float64{0.1, 0.30000000000000004, 0.10000000000000002, 0.3, inf, 0, -0.1})
	if want := []float64{0.1, 0.30000000000000004, 0.1, 0.30000000000000004, inf, 0, -0.1}; !slices.Equal(got, want) {
		t.Errorf("leveled: %v, want %v", got, want)
	}
	if got := Ends(Interval{Value: 0.7, Low: 0.7 - 2e-16, High: 0.7 + 2e-16}); got != "0.7" {
		t.Errorf("an interval of rounding is written %s", got)
	}
	if got := Signed(Interval{Value: inf, Low: nan, High: nan}); got != "+Inf" {
		t.Errorf("an infinite difference is written %s", got)
	}
}
