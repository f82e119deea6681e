package report

import (
	"math"
	"strings"
	"testing"
)

func drawn(c Curve) []string {
	var b strings.Builder
	c.Write(&b)
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

func TestCurveFallsFromLeftToRight(t *testing.T) {
	lines := drawn(Curve{Values: []float64{4, 3, 2, 1}, Width: 12, Height: 4, From: "0", To: "3"})
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "4 ┤") || !strings.HasPrefix(lines[2], "2 ┤") {
		t.Fatalf("drawn as\n%s\nwant four lines with ticks at 4 and 2, and the ends", strings.Join(lines, "\n"))
	}
	last := -1
	for i, line := range lines[:4] {
		dots := strings.IndexFunc(line, func(r rune) bool { return r > 0x2800 && r < 0x2900 })
		if dots < last {
			t.Errorf("line %d begins further left than the one above:\n%s", i, strings.Join(lines, "\n"))
		}
		last = dots
	}
	if want := "   0       3"; lines[4] != want {
		t.Errorf("the ends are %q, want %q", lines[4], want)
	}
}

func TestCurvesOfManyDecadesAreLogarithmic(t *testing.T) {
	for _, c := range []struct {
		values []float64
		log    bool
	}{
		{[]float64{1000, 1}, true},
		{[]float64{20, 1}, false},
		{[]float64{1000, 0}, false},
		{[]float64{1000, math.Inf(1), math.NaN(), 1}, true},
	} {
		text := strings.Join(drawn(Curve{Values: c.values}), "\n")
		if got := strings.Contains(text, "(logarithmic)"); got != c.log {
			t.Errorf("%v: logarithmic %v, want %v", c.values, got, c.log)
		}
	}
}

func TestCurvesWithoutNumbers(t *testing.T) {
	for _, values := range [][]float64{nil, {math.NaN()}, {math.Inf(1)}} {
		if got := drawn(Curve{Values: values}); got[0] != "no number to draw" {
			t.Errorf("%v is drawn as %q", values, got)
		}
	}
	if lines := drawn(Curve{Values: []float64{5, 5}, Height: 3, Width: 20}); !strings.Contains(lines[1], "⠒⠒") && !strings.Contains(lines[1], "⠤⠤") {
		t.Errorf("a constant is drawn as\n%s, want a line in the middle", strings.Join(lines, "\n"))
	}
}
