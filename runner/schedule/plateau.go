package schedule

import (
	"math"

	"github.com/xrun-dev/xrun/plugins/elementary"
)

// A State is Plateau's state of one trial. It is a plain value: a copy continues by itself. The zero State has seen
// nothing; other kinds leave it zero.
type State struct {
	Best    float64
	Seen    bool // Best has a value
	Bad     int  // epochs without improvement since the last one, or since the last change
	Cooling int  // epochs left of the cooldown
	Changes int  // how often the rate was lowered
}

// Observe takes the monitored value after an epoch and reports whether the rate falls from the
// next epoch on. The rule is PyTorch's ReduceLROnPlateau: an improvement is strict, the
// first value is one, NaN never is, the rate falls at the epoch after Patience ones without, and
// the epochs of a cooldown do not count. It differs in two ways: a relative threshold is one of
// |best|, so it works below 0 too, and there is no smallest change, MinFactor being enough.
//
// The runner leaves out epochs that end within the warm-up. Patience and Cooldown count epochs
// whatever Per is.
func (st *State) Observe(s Schedule, value float64) (falls bool) {
	if st.improves(s, value) {
		st.Best, st.Seen, st.Bad = value, true, 0
	} else {
		st.Bad++
	}
	if st.Cooling > 0 {
		st.Cooling--
		st.Bad = 0
	}
	if st.Bad <= s.Patience {
		return false
	}
	before := st.Multiplier(s)
	st.Changes++
	st.Bad, st.Cooling = 0, s.Cooldown
	return st.Multiplier(s) < before
}

func (st *State) improves(s Schedule, value float64) bool {
	if math.IsNaN(value) {
		return false
	}
	if !st.Seen {
		return true
	}
	d := s.Threshold
	if s.Mode == Relative {
		d = float64(d * math.Abs(st.Best))
	}
	if s.Goal == Max {
		return value > st.Best+d
	}
	return value < st.Best-d
}

// Multiplier multiplies [Schedule.Multiplier]: it is Factor to the power of the number of changes, at least
// MinFactor.
func (st *State) Multiplier(s Schedule) float64 {
	if s.Kind != Plateau {
		return 1
	}
	return math.Max(elementary.Pow(s.Factor, float64(st.Changes)), s.MinFactor)
}
