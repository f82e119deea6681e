// Package schedule computes how the learning rate of a trial changes while it trains.
//
// A [Schedule] is a value with the settings of a schedule. It returns factors of the trial's own rate, so optimizers need
// not know it.
package schedule

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// A Kind is a family of schedules.
type Kind string

// The kinds. u is the kind's own clock, which counts from 0 once the warm-up is over; T is how far
// it goes. The factor of the trial's rate is:
const (
	// Constant is 1.
	Constant Kind = "constant"
	// Step is Gamma^⌊u/StepSize⌋.
	Step Kind = "step"
	// Multistep is Gamma to the number of milestones m ≤ u: the rate changes from u = m on, as in
	// PyTorch. Keras changes it one later.
	Multistep Kind = "multistep"
	// Exponential is Gamma^(u/Timescale).
	Exponential Kind = "exponential"
	// Inverse is 1/(1 + Rate·u/Timescale): inverse time.
	Inverse Kind = "inverse"
	// InverseSqrt is 1/√(1 + u/k), with k = Timescale. After a warm-up of w and with k = w it is
	// √(w/s): the schedule of Vaswani et al. 2017, section 5.3, with its peak at the trial's rate.
	InverseSqrt Kind = "inverse_sqrt"
	// Polynomial is e + (1 − e)(1 − u/T)^Power with e = EndFactor; Power 1 is linear.
	Polynomial Kind = "polynomial"
	// Cosine is e + (1 − e)·½(1 + cos πu/T) with e = MinFactor (Loshchilov & Hutter 2017, eq. 5).
	// With T0 above 0 it restarts: cycle i has the length T0·TMul^i and the height MMul^i above e.
	Cosine Kind = "cosine"
	// Onecycle goes up from 1/DivFactor to 1 in the first PctStart of the steps and then down to
	// 1/DivFactor/FinalDivFactor at the last, both along half a cosine (Smith & Topin 2019, in the
	// two phases of PyTorch). Momentum is not cycled.
	Onecycle Kind = "onecycle"
	// WSD, warm-up stable decay, is 1 and in the last DecayFraction of T goes down to EndFactor
	// (Hägele et al. 2024). With x from 0 to 1 over the decay, 1 − x or 1 − √x is left to go.
	WSD Kind = "wsd"
	// Plateau multiplies by Factor when a metric has stopped improving: see [State].
	Plateau Kind = "plateau"
)

// Kinds lists the kinds.
var Kinds = []Kind{Constant, Step, Multistep, Exponential, Inverse, InverseSqrt, Polynomial, Cosine, Onecycle, WSD, Plateau}

// Per is the unit of a schedule.
type Per string

// The units. Steps s count from 0 through all of training. PerEpoch has s = epoch − 1 during all
// steps of an epoch, epochs being counted from 1: the rate changes between epochs only.
const (
	PerEpoch Per = "epoch"
	PerStep  Per = "step"
)

// The forms of WSD's decay.
const (
	Linear       = "linear"
	OneMinusSqrt = "1-sqrt"
)

// The meanings of Plateau's Threshold d, for a metric that is to become small: a relative one asks
// for value < best − d·|best|, an absolute one for value < best − d.
const (
	Relative = "rel"
	Absolute = "abs"
)

// The ways in which Plateau's metric gets better.
const (
	Min = "min"
	Max = "max"
)

// A Schedule is a rule for the learning rate. The zero Schedule is a constant rate. [New] fills
// in the defaults of a kind, which ignores the fields that it does not use.
//
// All lengths are in units of Per. T is total − Warmup, from the end of the warm-up to the end of
// training, unless TMax shortens it; from then on the rate stays at its end, where the cosine of
// PyTorch would go up again. As in PyTorch, what decays reaches its end at u = T, one past the last
// step, so no step of training is wasted on a rate of 0; only Onecycle reaches it at the last step
// itself, which is PyTorch's way too.
type Schedule struct {
	Kind Kind
	Per  Per // empty: PerEpoch
	// Warmup is the length w of a linear warm-up: s < w multiplies what the kind begins with by
	// (s+1)/w, so the first step is not lost and the full rate is there at s = w − 1.
	Warmup int

	StepSize   int
	Milestones []int // increasing, by the kind's own clock
	Gamma      float64
	Rate       float64
	Timescale  int // of InverseSqrt: 0 is Warmup, or 1 without
	Power      float64
	TMax       int // 0: to the end of training
	T0         int // 0: no restarts
	TMul       int
	MMul       float64
	EndFactor  float64
	MinFactor  float64 // of Cosine and Plateau

	PctStart, DivFactor, FinalDivFactor float64 // of Onecycle

	DecayFraction float64 // of WSD
	DecayShape    string  // Linear or OneMinusSqrt

	Monitor   string // the metric that Plateau watches; empty: the training loss
	Goal      string // Min or Max
	Factor    float64
	Patience  int // epochs without improvement; the next one lowers the rate
	Threshold float64
	Mode      string // Relative or Absolute
	Cooldown  int    // epochs after a change that are not counted
}

// New is a schedule of a kind with its defaults, which are PyTorch's if it has the kind. The
// milestones, the step size and T0, which have no default, are left out.
func New(kind Kind) Schedule {
	s := Schedule{Kind: kind, Per: PerEpoch, Gamma: 0.1, Rate: 1, Timescale: 1, Power: 1, TMul: 1, MMul: 1,
		PctStart: 0.3, DivFactor: 25, FinalDivFactor: 1e4, DecayFraction: 0.2, DecayShape: Linear,
		Goal: Min, Factor: 0.1, Patience: 10, Threshold: 1e-4, Mode: Relative}
	switch kind {
	case Exponential:
		s.Gamma = 0.95
	case InverseSqrt:
		s.Timescale = 0
	}
	return s
}

// IsConstant reports whether the rate never changes.
func (s Schedule) IsConstant() bool { return (s.Kind == "" || s.Kind == Constant) && s.Warmup == 0 }

// Equal reports whether two schedules are written the same way.
func (s Schedule) Equal(other Schedule) bool { return reflect.DeepEqual(s, other) }

// A Field is one of the fields that a kind uses, under its name in a sweep file.
type Field struct {
	Name string
	// Value is a *int, *float64, *string or *[]int: the field itself.
	Value any
	// Low and High limit a number, Low being allowed unless LowOpen. Words limit a text.
	Low, High float64
	LowOpen   bool
	Words     []string
	// Required says that there is no default.
	Required bool
}

// Fields lists the fields that the schedule's kind uses, in the order of the Schedule.
func (s *Schedule) Fields() []Field {
	inf := math.Inf(1)
	per := (*string)(&s.Per)
	gamma := Field{Name: "gamma", Value: &s.Gamma, LowOpen: true, High: inf}
	timescale := Field{Name: "timescale", Value: &s.Timescale, Low: 1, High: math.MaxInt32}
	tMax := Field{Name: "t_max", Value: &s.TMax, High: math.MaxInt32}
	end := Field{Name: "end_factor", Value: &s.EndFactor, High: 1}
	least := Field{Name: "min_factor", Value: &s.MinFactor, High: 1}
	fields := []Field{{Name: "per", Value: per, Words: []string{string(PerEpoch), string(PerStep)}},
		{Name: "warmup", Value: &s.Warmup, High: math.MaxInt32}}
	switch s.Kind {
	case Step:
		fields = append(fields, Field{Name: "step_size", Value: &s.StepSize, Low: 1, High: math.MaxInt32, Required: true}, gamma)
	case Multistep:
		fields = append(fields, Field{Name: "milestones", Value: &s.Milestones, Low: 1, High: math.MaxInt32, Required: true}, gamma)
	case Exponential:
		fields = append(fields, gamma, timescale)
	case Inverse:
		fields = append(fields, Field{Name: "rate", Value: &s.Rate, LowOpen: true, High: inf}, timescale)
	case InverseSqrt:
		timescale.Low = 0
		fields = append(fields, timescale)
	case Polynomial:
		fields = append(fields, Field{Name: "power", Value: &s.Power, LowOpen: true, High: inf}, tMax, end)
	case Cosine:
		fields = append(fields, tMax, Field{Name: "t0", Value: &s.T0, High: math.MaxInt32},
			Field{Name: "t_mul", Value: &s.TMul, Low: 1, High: 1000}, Field{Name: "m_mul", Value: &s.MMul, LowOpen: true, High: 1}, least)
	case Onecycle:
		fields = append(fields, Field{Name: "pct_start", Value: &s.PctStart, High: 1},
			Field{Name: "div_factor", Value: &s.DivFactor, Low: 1, High: inf}, Field{Name: "final_div_factor", Value: &s.FinalDivFactor, Low: 1, High: inf})
	case WSD:
		fields = append(fields, end, Field{Name: "decay_fraction", Value: &s.DecayFraction, LowOpen: true, High: 1},
			Field{Name: "decay_shape", Value: &s.DecayShape, Words: []string{Linear, OneMinusSqrt}})
	case Plateau:
		fields = append(fields, least, Field{Name: "monitor", Value: &s.Monitor},
			Field{Name: "goal", Value: &s.Goal, Words: []string{Min, Max}},
			Field{Name: "factor", Value: &s.Factor, LowOpen: true, High: 1}, Field{Name: "patience", Value: &s.Patience, High: math.MaxInt32},
			Field{Name: "threshold", Value: &s.Threshold, High: inf}, Field{Name: "mode", Value: &s.Mode, Words: []string{Relative, Absolute}},
			Field{Name: "cooldown", Value: &s.Cooldown, High: math.MaxInt32})
	}
	return fields
}

// Check refuses an invalid schedule.
func (s Schedule) Check() error {
	if s.Kind == "" {
		s.Kind = Constant
	}
	if s.Per == "" {
		s.Per = PerEpoch
	}
	if !slices.Contains(Kinds, s.Kind) {
		return fmt.Errorf("there is no schedule %q: use one of %v", s.Kind, Kinds)
	}
	for _, f := range s.Fields() {
		var numbers []float64
		switch v := f.Value.(type) {
		case *int:
			numbers = []float64{float64(*v)}
		case *float64:
			numbers = []float64{*v}
		case *[]int:
			for i, n := range *v {
				if i > 0 && n <= (*v)[i-1] {
					return fmt.Errorf("schedule %s: %s %v must increase", s.Kind, f.Name, *v)
				}
				numbers = append(numbers, float64(n))
			}
			if len(*v) == 0 {
				return fmt.Errorf("schedule %s: %s are missing", s.Kind, f.Name)
			}
		case *string:
			if len(f.Words) > 0 && !slices.Contains(f.Words, *v) {
				return fmt.Errorf("schedule %s: %s is %q: use %s", s.Kind, f.Name, *v, strings.Join(f.Words, " or "))
			}
		}
		for _, n := range numbers {
			if !(n >= f.Low && n <= f.High) || f.LowOpen && n == f.Low || math.IsInf(n, 0) {
				return fmt.Errorf("schedule %s: %s is %g, out of its range %s", s.Kind, f.Name, n, f.Range())
			}
		}
	}
	if s.Kind == Cosine && s.T0 > 0 && s.TMax > 0 {
		return fmt.Errorf("schedule %s: t0 and t_max exclude each other", s.Kind)
	}
	return nil
}

// Range writes the limits of a number: "(0, 1]".
func (f Field) Range() string {
	open, high, end := "[", fmt.Sprintf("%.10g", f.High), "]"
	if f.LowOpen {
		open = "("
	}
	if math.IsInf(f.High, 1) {
		high, end = "∞", ")"
	}
	return fmt.Sprintf("%s%g, %s%s", open, f.Low, high, end)
}
