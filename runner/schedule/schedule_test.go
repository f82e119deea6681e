package schedule

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// torchCase is a schedule by the names of its fields, and what PyTorch does.
type torchCase struct {
	Schedule map[string]any
	Steps    int
	Values   []*float64 // of a plateau's metric; null is NaN
	Want     []float64
}

// parse sets fields by their names.
func parse(t *testing.T, given map[string]any) Schedule {
	t.Helper()
	s := New(Kind(given["kind"].(string)))
	used := 1
	for _, f := range s.Fields() {
		v, ok := given[f.Name]
		if !ok {
			continue
		}
		used++
		switch p := f.Value.(type) {
		case *int:
			*p = int(v.(float64))
		case *float64:
			*p = v.(float64)
		case *string:
			*p = v.(string)
		case *[]int:
			for _, m := range v.([]any) {
				*p = append(*p, int(m.(float64)))
			}
		}
	}
	if used != len(given) {
		t.Fatalf("%v has fields that %s does not use", given, s.Kind)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	return s
}

// The rates of PyTorch accumulate over the steps, so they are off by some rounding.
const tolerance = 1e-13

func TestRatesAreThoseOfTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/torch.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []torchCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	kinds := map[Kind]int{}
	for _, c := range cases {
		s := parse(t, c.Schedule)
		kinds[s.Kind]++
		got := make([]float64, len(c.Want))
		var state State
		for i := range got {
			if s.Kind != Plateau {
				got[i] = s.Multiplier(i, c.Steps)
				continue
			}
			value := math.NaN()
			if c.Values[i] != nil {
				value = *c.Values[i]
			}
			state.Observe(s, value)
			got[i] = s.Multiplier(i, 0) * state.Multiplier(s)
		}
		for i, want := range c.Want {
			if math.Abs(got[i]-want) > tolerance {
				t.Errorf("%v of %d steps: the factor at %d is %v, torch has %v", c.Schedule, c.Steps, i, got[i], want)
				break
			}
		}
	}
	for _, k := range []Kind{Step, Multistep, Exponential, Polynomial, Cosine, Onecycle, Plateau} {
		if kinds[k] == 0 {
			t.Errorf("no case has the kind %s", k)
		}
	}
}

// What is off by one is right by accident only: the conventions, at the steps where they show.
func TestConventions(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  Kind
		with  func(*Schedule)
		total int
		at    map[int]float64
	}{
		{"the first step of a warm-up is not lost, its last has the full rate", Constant, func(s *Schedule) { s.Warmup = 4 }, 10,
			map[int]float64{0: 0.25, 1: 0.5, 2: 0.75, 3: 1, 4: 1, 9: 1}},
		{"a milestone counts from itself on", Multistep, func(s *Schedule) { s.Milestones = []int{2, 4} }, 10,
			map[int]float64{0: 1, 1: 1, 2: 0.1, 3: 0.1, 4: 0.01, 9: 0.01}},
		{"milestones count from the end of the warm-up", Multistep, func(s *Schedule) { s.Milestones, s.Warmup = []int{2}, 3 }, 10,
			map[int]float64{2: 1, 3: 1, 4: 1, 5: 0.1}},
		{"cosine would be at its end one past the last step", Cosine, nil, 4,
			map[int]float64{0: 1, 2: 0.5, 3: 0.5 * (1 - math.Sqrt2/2), 4: 0}},
		{"cosine stays at its end, where torch goes up again", Cosine, func(s *Schedule) { s.TMax, s.MinFactor = 4, 0.1 }, 100,
			map[int]float64{4: 0.1, 5: 0.1, 99: 0.1}},
		{"the horizon begins after the warm-up", Polynomial, func(s *Schedule) { s.Warmup = 2 }, 6,
			map[int]float64{1: 1, 2: 1, 3: 0.75, 4: 0.5, 5: 0.25, 6: 0}},
		{"restarts are a little lower with m_mul", Cosine, func(s *Schedule) { s.T0, s.TMul, s.MMul = 2, 3, 0.5 }, 100,
			map[int]float64{0: 1, 1: 0.5, 2: 0.5, 5: 0.25, 8: 0.25, 17: 0.125, 26: 0.125}},
		{"onecycle is at its end at the last step", Onecycle, nil, 20, map[int]float64{0: 0.04, 5: 1, 19: 0.04 / 1e4, 25: 0.04 / 1e4}},
		{"a warm-up goes up to where onecycle begins", Onecycle, func(s *Schedule) { s.Warmup = 2 }, 22, map[int]float64{0: 0.02, 1: 0.04, 2: 0.04, 7: 1}},
		{"wsd decays in the last fifth", WSD, nil, 20, map[int]float64{0: 1, 15: 1, 16: 1, 17: 0.75, 18: 0.5, 19: 0.25, 20: 0}},
		{"wsd with the square root", WSD, func(s *Schedule) { s.DecayShape, s.EndFactor = OneMinusSqrt, 0.5 }, 20,
			map[int]float64{16: 1, 17: 0.75, 20: 0.5}},
		{"inverse time", Inverse, func(s *Schedule) { s.Rate, s.Timescale = 0.5, 2 }, 9, map[int]float64{0: 1, 4: 0.5, 8: 1.0 / 3}},
		{"the transformer's schedule", InverseSqrt, func(s *Schedule) { s.Warmup = 4 }, 99, map[int]float64{0: 0.25, 3: 1, 4: 1, 16: 0.5, 64: 0.25}},
		{"inverse square root without warm-up", InverseSqrt, nil, 99, map[int]float64{0: 1, 3: 0.5, 8: 1.0 / 3}},
		{"exponential over a time", Exponential, func(s *Schedule) { s.Gamma, s.Timescale = 0.25, 4 }, 9, map[int]float64{0: 1, 2: 0.5, 4: 0.25}},
		{"a warm-up longer than training", Cosine, func(s *Schedule) { s.Warmup = 8 }, 4, map[int]float64{0: 0.125, 3: 0.5}},
		{"onecycle of one step", Onecycle, nil, 1, map[int]float64{0: 1}},
	} {
		s := New(c.kind)
		if c.with != nil {
			c.with(&s)
		}
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for at, want := range c.at {
			if got := s.Multiplier(at, c.total); math.Abs(got-want) > 1e-15 {
				t.Errorf("%s: the factor at %d is %v, want %v", c.name, at, got, want)
			}
		}
	}
}

// Every kind's factor stays in (0, 1] during training, or at 0 where that is its end.
func TestFactorsStayInRange(t *testing.T) {
	for _, kind := range Kinds {
		for total := 1; total < 60; total++ {
			for _, warmup := range []int{0, 1, 7} {
				s := New(kind)
				s.Warmup, s.StepSize, s.Milestones = warmup, 5, []int{3, 30}
				for at := range total {
					if m := s.Multiplier(at, total); !(m > 0 && m <= 1) {
						t.Fatalf("%s, warm-up %d: the factor at %d of %d is %v", kind, warmup, at, total, m)
					}
				}
			}
		}
	}
}

// A plateau below 0 is one: torch takes the same value again for an improvement there.
func TestPlateauBelowZero(t *testing.T) {
	s := New(Plateau)
	s.Patience = 1
	var state State
	var falls []bool
	for range 4 {
		falls = append(falls, state.Observe(s, -5))
	}
	if !slices.Equal(falls, []bool{false, false, true, false}) || state.Multiplier(s) != 0.1 {
		t.Errorf("falls at %v to %v, want at the third value to 0.1", falls, state.Multiplier(s))
	}
}

// A trial that is taken up again goes on from what was saved of its state.
func TestAStateCanBeSaved(t *testing.T) {
	s := New(Plateau)
	s.Patience, s.Cooldown = 1, 2
	values := []float64{3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1}
	for cut := range values {
		var whole, part State
		for i, v := range values {
			falls := whole.Observe(s, v)
			if i == cut {
				saved, err := json.Marshal(part)
				if err != nil {
					t.Fatal(err)
				}
				part = State{}
				if err := json.Unmarshal(saved, &part); err != nil {
					t.Fatal(err)
				}
			}
			if got := part.Observe(s, v); got != falls {
				t.Errorf("cut at %d: falls at %d: %v, want %v", cut, i, got, falls)
			}
		}
		if whole.Changes != 3 || part != whole {
			t.Errorf("cut at %d: %+v, want %+v with 3 changes", cut, part, whole)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for want, s := range map[string]Schedule{
		"there is no schedule":           {Kind: "cosinus"},
		"step_size is 0":                 New(Step),
		"milestones are missing":         New(Multistep),
		"milestones [4 4] must increase": func() Schedule { s := New(Multistep); s.Milestones = []int{4, 4}; return s }(),
		"gamma is 0, out of its":         {Kind: Exponential, Timescale: 1},
		"min_factor is NaN":              func() Schedule { s := New(Cosine); s.MinFactor = math.NaN(); return s }(),
		"t0 and t_max exclude":           func() Schedule { s := New(Cosine); s.T0, s.TMax = 2, 3; return s }(),
		`per is "batch": use epoch`:      {Kind: Constant, Per: "batch", Warmup: 1},
		"warmup is -1, out of its":       {Warmup: -1},
		"range [1, ∞)":                   func() Schedule { s := New(Onecycle); s.DivFactor = 0.5; return s }(),
		`goal is "least": use min or`:    func() Schedule { s := New(Plateau); s.Goal = "least"; return s }(),
	} {
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if err := (Schedule{}).Check(); err != nil {
		t.Errorf("the zero schedule: %v", err)
	}
}

func TestIsConstant(t *testing.T) {
	for want, all := range map[bool][]Schedule{
		true:  {{}, New(Constant), {Per: PerStep}},
		false: {New(Cosine), {Warmup: 1}, {Kind: Constant, Warmup: 3}},
	} {
		for _, s := range all {
			if s.IsConstant() != want {
				t.Errorf("%+v is constant: %v, want %v", s, !want, want)
			}
		}
	}
}

func BenchmarkMultiplier(b *testing.B) {
	s := New(Cosine)
	s.Warmup = 10
	at := 0
	for b.Loop() {
		at = (at + 1) % 1000
		s.Multiplier(at, 1000)
	}
}
