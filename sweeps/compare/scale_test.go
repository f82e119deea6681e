package compare

import (
	"math"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// odd are numbers that pictures have met.
var odd = []float64{0, 1, -1, 0.1, 30, 0.6931471805599453, 1e9, 1e-3, 1e308, -1e308, math.MaxFloat64, -math.MaxFloat64, 5e-324, 1e-310, 2.3e-308, 1e-300, 1e-15,
	math.Nextafter(1, 2), math.Nextafter(1, 0), math.Nextafter(30, 31), math.Nextafter(1e9, 2e9), math.Nextafter(0.6931471805599453, 1),
	math.Nextafter(1e308, 0), math.Nextafter(5e-324, 1), math.Inf(1), math.Inf(-1), math.NaN()}

// checkScale fails for a scale whose places or ticks mislead.
func checkScale(t *testing.T, s Scale, about int, numbers ...float64) {
	t.Helper()
	if !stats.Finite(s.Low) || !stats.Finite(s.High) || !(s.Low < s.High) || s.Log && s.Low <= 0 {
		t.Fatalf("%+v is no scale, for %v", s, numbers)
	}
	for _, v := range append(numbers, s.Low, s.High, 0, 1) {
		if share := s.Share(v); math.IsNaN(share) != math.IsNaN(v) {
			t.Errorf("%+v: the place of %v is %v", s, v, share)
		}
		if share := s.Clamped(v); !(share >= 0 && share <= 1) {
			t.Errorf("%+v: the place of %v within the axis is %v", s, v, share)
		}
	}
	ticks := s.Ticks(about)
	if len(ticks) == 0 || len(ticks) > about+3 {
		t.Errorf("%+v has %d ticks for about %d", s, len(ticks), about)
	}
	last := math.Inf(-1)
	texts := map[string]bool{}
	for _, tick := range ticks {
		share := s.Share(tick.Number)
		if !(share >= -1e-6 && share <= 1+1e-6) || !(share > last) {
			t.Errorf("%+v: a tick %v at %v, after %v", s, tick, share, last)
		}
		if texts[tick.Text] || tick.Text == "" || len(tick.Text) > 24 {
			t.Errorf("%+v: the ticks %v", s, ticks)
		}
		last, texts[tick.Text] = share, true
	}
}

// checkScales makes all scales of three numbers.
func checkScales(t *testing.T, a, b, c float64) {
	for _, room := range []float64{0, 0.06} {
		for _, about := range []int{1, 5} {
			checkScale(t, Fitted(a, b, LogSpan, room), about, a, b, c)
			for _, log := range []bool{false, true} {
				checkScale(t, Spanning([]float64{a, b, c}, log, room), about, a, b, c)
				for _, limits := range []Limits{{}, {Log: &log}, {Low: &a, Log: &log}, {Low: &a}, {High: &a}, {Low: &a, High: &b}} {
					if limits.Low != nil && math.IsNaN(*limits.Low) || limits.High != nil && math.IsNaN(*limits.High) {
						continue // refused where they are given
					}
					if s, ok := CurveScale([][]float64{{a, b}, {c}}, [][]float64{{b, c}, {a}}, [][]float64{{c, a}, {b}}, room, limits); ok {
						checkScale(t, s, about, a, b, c)
					}
				}
			}
		}
	}
	for _, level := range Levels([]float64{a, b, c}, 8) {
		if level < -1 || level > 7 {
			t.Errorf("the levels of %v, %v, %v are %v", a, b, c, Levels([]float64{a, b, c}, 8))
		}
	}
}

func TestScalesOfAnyNumbers(t *testing.T) {
	for _, a := range odd {
		for _, b := range odd {
			checkScales(t, a, b, 1)
			checkScales(t, a, b, 0)
		}
	}
}

func FuzzScales(f *testing.F) {
	for i, a := range odd {
		f.Add(a, odd[(i+1)%len(odd)], odd[(i+5)%len(odd)])
	}
	f.Fuzz(checkScales)
}

func TestTicks(t *testing.T) {
	no, yes := false, true
	zero, tenth, two := 0.0, 0.1, 2.0
	curve := func(limits Limits, values ...float64) Scale {
		s, _ := CurveScale([][]float64{values}, nil, nil, 0, limits)
		return s
	}
	for _, c := range []struct {
		scale Scale
		want  string
	}{
		{Fitted(0.2, 0.93, 4, 0), "0.2 0.5"},
		{Fitted(30, math.Nextafter(30, 31), 4, 0), "29 30 31"},
		{Fitted(0.1, 0.10000000000000002, 4, 0), "0.095 0.1 0.105"},
		{Fitted(1000000.1, 1000000.6, 4, 0), "1.0000001e6 1.0000002e6 1.0000003e6 1.0000004e6 1.0000005e6 1.0000006e6"},
		{Fitted(0.300001, 0.300004, 4, 0), "0.300001 0.300002 0.300003 0.300004"},
		{Fitted(0, 0, 4, 0), "-0.4 -0.2 0 0.2 0.4"},
		{Fitted(-1e308, 1e308, 4, 0), "-5e307 0 5e307"},
		{Fitted(1e-5, 1, 4, 0), "1e-5 0.0001 0.001 0.01 0.1 1"},
		{curve(Limits{}, 0, 1, 0.5), "0 0.2 0.4 0.6 0.8 1"},
		{curve(Limits{}, 0, 1e-3, 0.5), "0 0.001 0.003 0.01 0.03 0.1 0.3"},
		{curve(Limits{Log: &yes}, 0, 0.01, 1), "0 0.01 0.02 0.05 0.1 0.2 0.5 1"},
		{curve(Limits{Log: &yes}, -1, 0.01, 1), "≤0 0.01 0.02 0.05 0.1 0.2 0.5 1"},
		{curve(Limits{Log: &no}, 1e-3, 1), "0.2 0.4 0.6 0.8 1"},
		{curve(Limits{Low: &zero}, 1e-3, 1), "0 0.2 0.4 0.6 0.8 1"},
		{curve(Limits{Low: &tenth, High: &two}, 1e-3, 1), "0.1 0.2 0.5 1 2"},
		{Spanning([]float64{0, 1e-3, 1e-1}, true, 0), "0 0.001 0.002 0.005 0.01 0.02 0.05 0.1"},
	} {
		var texts []string
		for _, tick := range c.scale.Ticks(5) {
			texts = append(texts, tick.Text)
		}
		if got := strings.Join(texts, " "); got != c.want {
			t.Errorf("the ticks of %+v are %q, want %q", c.scale, got, c.want)
		}
	}
}

func TestAxesThatReachZeroSaySo(t *testing.T) {
	yes, low := true, 0.1
	if s, _ := CurveScale([][]float64{{0, -1}}, nil, nil, 0, Limits{Log: &yes}); s.Log || s.Note() != "no value is above 0, so the axis is not logarithmic" {
		t.Errorf("of values below 0 the axis is %+v, with the note %q", s, s.Note())
	}
	for want, limits := range map[string]Limits{
		"values of 0 lie under the logarithmic axis":                                                  {Log: &yes},
		"values of 0 lie under the logarithmic axis; values beyond the chosen limits lie on the edge": {Log: &yes, Low: &low},
	} {
		if s, _ := CurveScale([][]float64{{0, 0.02, 0.5, 1}}, nil, nil, 0, limits); s.Note() != want {
			t.Errorf("the note is %q, want %q", s.Note(), want)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		values, want []float64
	}{
		{[]float64{1, math.Nextafter(1, 2), 1}, []float64{0, 0, 0}},
		{[]float64{1e9, 1000000000.0000001}, []float64{0, 0}},
		{[]float64{1, 2, 4}, []float64{0, 2, 3}},
		{[]float64{-1e308, 0, 1e308}, []float64{0, 2, 3}},
		{[]float64{math.NaN(), 1, math.Inf(1), 3}, []float64{-1, 0, -1, 3}},
	} {
		for i, level := range Levels(c.values, 4) {
			if float64(level) != c.want[i] {
				t.Errorf("the levels of %v are %v, want %v", c.values, Levels(c.values, 4), c.want)
				break
			}
		}
	}
}
