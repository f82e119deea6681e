package imported

import (
	"fmt"
	"math"
	"testing"
)

func TestSettingsFromTexts(t *testing.T) {
	for text, want := range map[string]string{
		"1": "integer 1", " -3 ": "integer -3", "0.10": "real 0.1", "1e-3": "real 0.001", "True": "flag true", "false": "flag false",
		"adam": "text adam", "nan": "text nan", "inf": "text inf", "123456789012345678901": "text 123456789012345678901", "1_000": "text 1_000",
		"": "none", "None": "none", "null": "none", "(64, 32)": "text (64, 32)",
	} {
		got := "none"
		if v, ok := FromText(text); ok {
			got = fmt.Sprintf("%s %v", v.Type, v)
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestCurvesOfLoggedValues(t *testing.T) {
	for name, c := range map[string]struct {
		values []Logged
		want   string
	}{
		"none":                       {nil, "{[] false 0}"},
		"in any order":               {[]Logged{{3, 30, 0.3}, {1, 10, 0.1}, {2, 20, 0.2}}, "{[{1 0.1} {2 0.2} {3 0.3}] false 0}"},
		"no step is given":           {[]Logged{{0, 1, 5}, {0, 2, 4}, {0, 3, 3}}, "{[{0 5} {1 4} {2 3}] true 0}"},
		"one value":                  {[]Logged{{0, 1, 5}}, "{[{0 5}] false 0}"},
		"sent twice":                 {[]Logged{{7, 1, math.NaN()}, {7, 1, math.NaN()}}, "{[{7 NaN}] false 0}"},
		"the latest of a step":       {[]Logged{{1, 5, 9}, {1, 4, 8}, {2, 6, 7}}, "{[{1 9} {2 7}] false 1}"},
		"steps that cannot be":       {[]Logged{{-1, 2, 9}, {5, 1, 8}}, "{[{0 8} {1 9}] true 0}"},
		"steps beyond the last":      {[]Logged{{1, 1, 9}, {2_000_000_000, 2, 8}}, "{[{0 9} {1 8}] true 0}"},
		"equal times keep the order": {[]Logged{{4, 1, 1}, {4, 1, 2}}, "{[{0 1} {1 2}] true 0}"},
	} {
		if got := fmt.Sprint(InOrder(c.values)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestMeaningsAreGuessed(t *testing.T) {
	number := func(name string) Seen { return Seen{Name: name, Runs: 2, Numbers: 2} }
	text := func(name string) Seen { return Seen{Name: name, Runs: 2, Texts: 2} }
	for name, c := range map[string]struct {
		seen []Seen
		want Meanings
	}{
		"nested":              {[]Seen{number("optimizer.lr"), text("optimizer.name"), number("optimizer/weight_decay")}, Meanings{LR: "optimizer.lr", Lambda: "optimizer/weight_decay", Optimizer: "optimizer.name"}},
		"names of others":     {[]Seen{text("model.name"), text("name"), number("type")}, Meanings{}},
		"what varies":         {[]Seen{number("a.lr"), {Name: "b.lr", Runs: 2, Numbers: 2, Varies: true}}, Meanings{LR: "b.lr"}},
		"a text is no number": {[]Seen{text("lr"), number("optimizer")}, Meanings{}},
	} {
		if got := Guessed(c.seen); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
