package plugins

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

var (
	share  = RealSetting("share", 0.9, "").AtLeast(0).Below(1)
	scale  = RealSetting("scale", 1, "").Above(0)
	number = IntegerSetting("number", 3, "").Within(1, 10)
	free   = RealSetting("free", 0, "")
	shape  = ChoiceSetting("shape", "", "round", "square")
	on     = FlagSetting("on", false, "")
	title  = Setting{Name: "title", Type: TypeText, Required: true}
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		setting Setting
		give    Value
		want    Value  // zero when refused
		problem string // part of it
	}{
		{share, Real(0), Real(0), ""},
		{share, Real(0.999), Real(0.999), ""},
		{share, Real(1), Value{}, "is 1, but its range is [0, 1)"},
		{share, Real(-1e-9), Value{}, "is -1e-09, but its range is [0, 1)"},
		{share, Integer(0), Real(0), ""},
		{share, Integer(1), Value{}, "is 1, but its range"},
		{share, Real(math.NaN()), Value{}, "wants a finite number"},
		{free, Real(math.Inf(1)), Value{}, "wants a finite number"},
		{free, Real(-1e300), Real(-1e300), ""},
		{share, Text("0.5"), Value{}, "wants a value of type real, got text"},
		{scale, Real(0), Value{}, "is 0, but its range is (0, ∞)"},
		{scale, Real(5e-324), Real(5e-324), ""},
		{number, Integer(1), Integer(1), ""},
		{number, Integer(10), Integer(10), ""},
		{number, Integer(11), Value{}, "is 11, but its range is [1, 10]"},
		{number, Real(3), Value{}, "wants a value of type integer, got real"},
		{shape, Text("square"), Choice("square"), ""},
		{shape, Choice("round"), Choice("round"), ""},
		{shape, Text("flat"), Value{}, `is "flat", but wants one of round, square`},
		{shape, Flag(true), Value{}, "wants a value of type choice, got flag"},
		{on, Flag(true), Flag(true), ""},
		{on, Integer(1), Value{}, "wants a value of type flag, got integer"},
		{title, Text("any text"), Text("any text"), ""},
		{title, Value{}, Value{}, "wants a value of type text"},
	} {
		got, err := c.setting.Check(c.give)
		var problem *SettingError
		switch {
		case c.problem == "" && (err != nil || got != c.want):
			t.Errorf("%s = %+v: %+v, %v, want %+v", c.setting.Name, c.give, got, err, c.want)
		case c.problem != "" && (!errors.As(err, &problem) || problem.Setting != c.setting.Name || !strings.Contains(problem.Problem, c.problem)):
			t.Errorf("%s = %+v: error %v, want %q", c.setting.Name, c.give, err, c.problem)
		}
	}
}

func TestRange(t *testing.T) {
	for want, s := range map[string]Setting{
		"[0, 1)": share, "(0, ∞)": scale, "[1, 10]": number, "(-∞, ∞)": free, "one of round, square": shape, "true or false": on, "text": title,
		"(-∞, 1)": RealSetting("", 0, "").Below(1), "[0.001, 5]": RealSetting("", 0, "").Within(1e-3, 5),
	} {
		if got := s.Range(); got != want {
			t.Errorf("range is %q, want %q", got, want)
		}
	}
}

func TestComplete(t *testing.T) {
	spec := Spec{Kind: KindOptimizer, Name: "thing", Settings: []Setting{share, number, title}}
	for _, c := range []struct {
		given Settings
		want  string // the settings, or the error
	}{
		{Settings{"title": Text("x")}, "map[number:3 share:0.9 title:x]"},
		{Settings{"title": Text("x"), "share": Integer(0), "number": Integer(7)}, "map[number:7 share:0 title:x]"},
		{nil, `setting "title" is required`},
		{Settings{"title": Text("x"), "titel": Text("y")}, `setting "titel" is unknown to optimizer "thing"`},
		{Settings{"title": Text("x"), "share": Real(2)}, `setting "share" is 2, but its range is [0, 1)`},
		{Settings{"b": Flag(true), "a": Flag(true)}, `setting "a" is unknown to optimizer "thing"`}, // the same one every time
	} {
		complete, err := spec.Complete(c.given)
		got := fmt.Sprint(complete)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v: %s, want %s", c.given, got, c.want)
		}
	}
	given := Settings{"title": Text("x"), "share": Integer(0)}
	complete, err := spec.Complete(given)
	if err != nil {
		t.Fatal(err)
	}
	if complete["share"].Type != TypeReal || given["share"].Type != TypeInteger || len(given) != 2 {
		t.Errorf("completing %v gave %v; want a real, and the given settings as they were", given, complete)
	}
}

func TestUndeclaredSettingsPanic(t *testing.T) {
	settings := Settings{"share": Real(0.5)}
	for name, ask := range map[string]func(){
		"another name": func() { settings.Real("shore") },
		"another type": func() { settings.Integer("share") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			ask()
		}()
	}
}

func TestPenalized(t *testing.T) {
	tensor := func(penalized bool, shape ...int) Tensor { return Tensor{Shape: shape, Penalized: penalized} }
	for _, c := range []struct {
		tensors []Tensor
		want    string
		dim     int
	}{
		{nil, "[]", 0},
		{[]Tensor{tensor(true, 3)}, "[{0 3}]", 3},
		{[]Tensor{tensor(false, 3)}, "[]", 3},
		{[]Tensor{tensor(true, 2, 3), tensor(false, 2)}, "[{0 6}]", 8},
		{[]Tensor{tensor(true, 2, 3), tensor(true, 2)}, "[{0 8}]", 8},
		{[]Tensor{tensor(true, 2), tensor(false, 1), tensor(true, 3), tensor(true, 1), tensor(false, 4)}, "[{0 2} {3 7}]", 11},
		{[]Tensor{tensor(false, 2), tensor(true)}, "[{2 3}]", 3}, // a scalar has one element
	} {
		var layout Layout
		for _, tensor := range c.tensors {
			tensor.Offset = layout.Dim()
			layout = append(layout, tensor)
		}
		if got := fmt.Sprint(layout.Penalized()); got != c.want || layout.Dim() != c.dim {
			t.Errorf("%v: penalized %s of %d, want %s of %d", c.tensors, got, layout.Dim(), c.want, c.dim)
		}
	}
}

func TestRenamedChoicesAreAccepted(t *testing.T) {
	convention := ChoiceSetting(SettingConvention, "", "mean_squares", "keras")
	if v, err := convention.Check(Text("seed")); err != nil || v != Choice("mean_squares") {
		t.Errorf("seed is %v, %v", v, err)
	}
	own := ChoiceSetting(SettingConvention, "", "seed", "keras") // a plugin that calls it so
	if v, err := own.Check(Text("seed")); err != nil || v != Choice("seed") {
		t.Errorf("seed of a plugin is %v, %v", v, err)
	}
	if v, err := ChoiceSetting("mode", "", "mean_squares").Check(Text("seed")); err == nil {
		t.Errorf("seed of another setting is %v", v)
	}
}
