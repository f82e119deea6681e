package compare

import (
	"math"
	"strconv"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Scale turns numbers into places along an axis. Its ends are finite, and so far apart that numbers between them have
// places between theirs: [Fitted], [Spanning] and [CurveScale] make such scales of any numbers.
type Scale struct {
	Low, High float64
	Log       bool // by logarithms
	// Zero: 0 has a place of its own before a logarithmic axis. Below: so have numbers below 0, at the same place.
	Zero, Below bool
	// Cut: numbers lie beyond the ends, since a person chose these.
	Cut     bool
	refused bool // a logarithmic axis, since no value is above 0
}

// zeroPart is the share of an axis that the place of 0 takes, with the gap behind it.
const zeroPart = 0.1

// tiny is the width from which on numbers have different places. Below it a step between ticks has no float64.
const tiny = 1e-300

// Fitted is a scale for numbers from low to high, logarithmic where all are positive and the largest is more than span
// times the smallest, with a little room at both ends. Numbers that differ by rounding only are drawn as equal.
func Fitted(low, high, span, room float64) Scale {
	if !(low <= high) {
		return Scale{Low: 0, High: 1}
	}
	low, high = bounded(low), bounded(high)
	switch {
	case stats.Alike(low, high) || high-low < tiny:
		d := math.Abs(low) * 0.05
		if d < tiny {
			d = 0.5
		}
		d *= 1 + 2*room
		return Scale{Low: bounded(low - d), High: bounded(high + d)}
	case low > 0 && high/low > span:
		return logarithmic(low, high, room)
	}
	d := high*room - low*room
	if low >= 0 && low-d < 0 {
		return Scale{Low: 0, High: bounded(high + d)}
	}
	return Scale{Low: bounded(low - d), High: bounded(high + d)}
}

// logarithmic is a scale by logarithms for positive numbers. Those below tiny lie on its edge.
func logarithmic(low, high, room float64) Scale {
	low, high = min(max(low, tiny), math.MaxFloat64/2), min(max(high, 2*tiny), math.MaxFloat64)
	if stats.Alike(low, high) || high < low {
		low, high = max(low/1.05, tiny), min(low*1.05, math.MaxFloat64)
	}
	part := math.Exp(room * (math.Log(high) - math.Log(low)))
	return Scale{Low: max(low/part, tiny), High: min(high*part, math.MaxFloat64), Log: true}
}

// bounded is x, or the largest number of its sign.
func bounded(x float64) float64 { return min(math.MaxFloat64, max(-math.MaxFloat64, x)) }

// Spanning is a scale for the numbers that curves run over, such as epochs and learning rates, from the first to the last,
// with a little room on logarithmic axes. It ignores numbers that are not finite, and on logarithmic axes those below 0.
func Spanning(xs []float64, log bool, room float64) Scale {
	low, high, zero := math.Inf(1), math.Inf(-1), false
	for _, x := range xs {
		switch {
		case !stats.Finite(x) || log && x < 0:
		case log && x == 0:
			zero = true
		default:
			low, high = min(low, x), max(high, x)
		}
	}
	switch {
	case !(low <= high):
		return Scale{Low: 0, High: 1}
	case log:
		s := logarithmic(low, high, room)
		s.Zero = zero
		return s
	case stats.Alike(low, high) || high-low < tiny:
		d := max(0.5, math.Abs(low)*0.05)
		return Scale{Low: bounded(low - d), High: bounded(high + d)}
	}
	return Scale{Low: low, High: high}
}

// Share is the place of v on the axis: 0 at its beginning, 1 at its end. It is NaN for NaN only.
func (s Scale) Share(v float64) float64 {
	if !(s.High > s.Low) {
		return v*0 + 0.5
	}
	if !s.Log {
		part := s.part()
		return (v*part - s.Low*part) / (s.High*part - s.Low*part)
	}
	if v <= 0 {
		if s.Zero {
			return 0
		}
		return -1
	}
	share := (math.Log(v) - math.Log(s.Low)) / (math.Log(s.High) - math.Log(s.Low))
	if s.Zero {
		return zeroPart + (1-zeroPart)*share
	}
	return share
}

// part is what numbers are multiplied with so that a float64 holds their differences, and steps beyond them.
func (s Scale) part() float64 {
	if s.High-s.Low > math.MaxFloat64/1024 {
		return 1. / 1024
	}
	return 1
}

// Clamped is Share within the axis, 0 for NaN.
func (s Scale) Clamped(v float64) float64 {
	share := s.Share(v)
	if math.IsNaN(share) {
		return 0
	}
	return min(1, max(0, share))
}

// Note describes the values that have no true place on the axis; empty if all have one.
func (s Scale) Note() string {
	text := ""
	switch {
	case s.refused:
		text = "no value is above 0, so the axis is not logarithmic"
	case s.Log && s.Zero && s.Below:
		text = "values of 0 and below lie under the logarithmic axis, at ≤0"
	case s.Log && s.Zero:
		text = "values of 0 lie under the logarithmic axis"
	}
	if s.Cut {
		if text != "" {
			text += "; "
		}
		text += "values beyond the chosen limits lie on the edge"
	}
	return text
}

// Ticks are round numbers on the axis, about so many and at most three more, from low to high, with texts that differ.
func (s Scale) Ticks(about int) []Tick {
	about = max(1, about)
	var all []Tick
	if s.Log {
		all = s.powers(about)
	}
	if len(all) < 2 {
		all = s.steps(about)
	}
	if len(all) == 0 {
		all = s.ends()
	}
	if s.Log && s.Zero {
		text := "0"
		if s.Below {
			text = "≤0"
		}
		all = append([]Tick{{text, 0}}, all...)
	}
	return all
}

// powers are powers of ten, with some numbers between them where there is room.
func (s Scale) powers(about int) (all []Tick) {
	first, last := math.Floor(math.Log10(s.Low)), math.Ceil(math.Log10(s.High))
	var values []float64
	for _, marks := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
		if len(marks) > 1 && last-first > float64(about+3) {
			continue // too many
		}
		values = nil
		for e := first; e <= last; e++ {
			for _, m := range marks {
				if v := m * math.Pow(10, e); v >= s.Low*(1-1e-9) && v <= s.High*(1+1e-9) && !math.IsInf(v, 0) {
					values = append(values, v)
				}
			}
		}
		if len(values) <= about+2 {
			break
		}
	}
	every := 1
	if len(values) > about+2 {
		every = (len(values) + about - 1) / about
	}
	for i := 0; i < len(values); i += every {
		all = append(all, Tick{tickText(values[i], 1, values[i]), values[i]})
	}
	return all
}

// steps are multiples of 1, 2 or 5 times a power of ten.
func (s Scale) steps(about int) (all []Tick) {
	part := s.part()
	low, high := s.Low*part, s.High*part
	step := math.Pow(10, math.Floor(math.Log10((high-low)/float64(about))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (high-low)/(m*step) <= float64(about) {
			step *= m
			break
		}
	}
	first := math.Ceil(low/step - 1e-9)
	if !(step > 0) || !(high > low) || first+1 == first || !stats.Finite(first) { // nothing round lies between the ends
		return s.ends()
	}
	largest := max(math.Abs(s.Low), math.Abs(s.High))
	scaled := step
	step /= part
	for i := range about + 2 {
		v := (first + float64(i)) * scaled
		if v > high+1e-9*scaled {
			break
		}
		if v = bounded(v / part); s.Log && v <= 0 {
			continue
		}
		digits := 1
		if v == 0 {
			v = 0 // no -0
		} else {
			digits += stats.Exponent(v) - stats.Exponent(step)
		}
		all = append(all, Tick{tickText(v, digits, largest), v})
	}
	return all
}

// ends are ticks at both ends.
func (s Scale) ends() []Tick {
	texts := stats.Apart([]float64{s.Low, s.High})
	return []Tick{{texts[0], s.Low}, {texts[1], s.High}}
}

// tickText writes a tick in so many digits, with an exponent if the largest tick has one.
func tickText(v float64, digits int, largest float64) string {
	digits = min(17, max(1, digits))
	if v != 0 && (largest < 1e-4 || largest >= 1e5) {
		return stats.Power(v, digits)
	}
	return strconv.FormatFloat(stats.Round(v, digits), 'f', -1, 64)
}

// LogSpan is the ratio of the largest to the smallest value from which curves are drawn by logarithms: several of them
// come close to each other at their ends. zeroSpan is that of the positive values of curves that reach 0.
const (
	LogSpan  = 4
	zeroSpan = 100
)

// Limits are what a person asks of the axis of a picture's values. The zero value leaves everything to the values.
type Limits struct {
	Low, High *float64
	Log       *bool
}

// CurveScale is the scale of curves with their bands. Bands make room for themselves as far as that does not squeeze the
// means. ok is false without a finite mean.
func CurveScale(means, lows, highs [][]float64, room float64, limits Limits) (s Scale, ok bool) {
	low, high, least := math.Inf(1), math.Inf(-1), math.Inf(1)
	for _, values := range means {
		for _, v := range values {
			if stats.Finite(v) {
				low, high = min(low, v), max(high, v)
				if v > 0 {
					least = min(least, v)
				}
			}
		}
	}
	if !(low <= high) {
		return Scale{}, false
	}
	log := low > 0 && high/low > LogSpan || low == 0 && high/least > zeroSpan
	switch {
	case limits.Log != nil:
		log = *limits.Log && high > 0
	case limits.Low != nil && *limits.Low <= 0:
		log = false
	}
	if limits.High != nil && *limits.High <= 0 {
		log = false
	}
	all := Scale{Low: low, High: high, Log: log}
	if log {
		all.Zero, all.Below = low <= 0, low < 0
		low = least
		all.Low = least
	}
	reach := high/4 - low/4
	bottom, top := low, high
	for i := range lows {
		for k := range lows[i] {
			if stats.Finite(lows[i][k]) && stats.Finite(highs[i][k]) {
				bottom, top = min(bottom, max(lows[i][k], low-reach)), max(top, min(highs[i][k], high+reach))
			}
		}
	}
	if log {
		if bottom <= 0 {
			bottom = low
		}
		s = logarithmic(bounded(bottom), bounded(top), room)
	} else {
		s = Fitted(bottom, top, math.Inf(1), room)
	}
	s.Zero, s.Below = all.Zero, all.Below
	s = limited(s, all, limits)
	s.refused = limits.Log != nil && *limits.Log && !s.Log
	return s, true
}

// limited is a scale between the limits, for values from all.Low to all.High, without those of 0 if it has a place.
func limited(s, all Scale, limits Limits) Scale {
	if limits.Low != nil && (!s.Log || *limits.Low >= tiny) {
		s.Low = bounded(*limits.Low)
	}
	if limits.High != nil && (!s.Log || *limits.High >= tiny) {
		s.High = bounded(*limits.High)
	}
	if s.High-s.Low < tiny && !s.Log || stats.Alike(s.Low, s.High) || s.High < s.Low { // no value lies within
		zero, below := s.Zero, s.Below
		end := s.Low
		if limits.Low == nil {
			end = s.High
		}
		if s.Log {
			s = logarithmic(end, end, 0)
		} else {
			s = Fitted(end, end, math.Inf(1), 0)
		}
		s.Zero, s.Below = zero, below
	}
	s.Cut = (limits.Low != nil || limits.High != nil) && (all.Low < s.Low || all.High > s.High)
	return s
}

// Levels are the heights of a small picture of values: from 0 for the least to n − 1 for the largest, by logarithms if all
// are positive, since curves fall fast at first; −1 for a value that is not finite. Values that differ by rounding only
// are all at 0.
func Levels(values []float64, n int) []int {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if stats.Finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	s := Fitted(low, high, 1, 0)
	flat := stats.Alike(low, high) || high-low < tiny
	levels := make([]int, len(values))
	for i, v := range values {
		switch {
		case !stats.Finite(v):
			levels[i] = -1
		case !flat:
			levels[i] = min(n-1, int(s.Clamped(v)*float64(n)))
		}
	}
	return levels
}
