package compare

import (
	"math"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Scale turns numbers into places along an axis.
type Scale struct {
	Low, High float64
	Log       bool // by logarithms
}

// Fitted is a scale for finite numbers, logarithmic where all are positive and the largest is more than span times the
// smallest, with a little room at both ends.
func Fitted(low, high, span, room float64) Scale {
	if low > 0 && high/low > span {
		part := math.Pow(high/low, room)
		return Scale{low / part, high * part, true}
	}
	if !(high > low) {
		d := math.Max(math.Abs(low)*0.05, 1e-12)
		low, high = low-d, high+d
	}
	d := (high - low) * room
	if low >= 0 && low-d < 0 {
		return Scale{0, high + d, false}
	}
	return Scale{low - d, high + d, false}
}

// Share is the place of v on the axis: 0 at Low, 1 at High.
func (s Scale) Share(v float64) float64 {
	if s.Log {
		if v <= 0 {
			return -1
		}
		return math.Log(v/s.Low) / math.Log(s.High/s.Low)
	}
	return (v - s.Low) / (s.High - s.Low)
}

// Back is the number at a place on the axis.
func (s Scale) Back(share float64) float64 {
	if s.Log {
		return math.Exp(math.Log(s.Low) + share*(math.Log(s.High)-math.Log(s.Low)))
	}
	return s.Low + share*(s.High-s.Low)
}

// Clamped is Share within the axis.
func (s Scale) Clamped(v float64) float64 { return min(1, max(0, s.Share(v))) }

// Ticks are round numbers on the axis, about so many.
func (s Scale) Ticks(about int) (all []float64) {
	if s.Log {
		for _, marks := range [][]float64{{1, 2, 5}, {1, 3}, {1}} {
			all = nil
			for e := math.Floor(math.Log10(s.Low)); e <= math.Ceil(math.Log10(s.High)); e++ {
				for _, m := range marks {
					if v := m * math.Pow(10, e); v >= s.Low*(1-1e-9) && v <= s.High*(1+1e-9) {
						all = append(all, v)
					}
				}
			}
			if len(all) <= about+2 {
				return all
			}
		}
		every := (len(all) + about - 1) / about
		var some []float64
		for i := 0; i < len(all); i += every {
			some = append(some, all[i])
		}
		return some
	}
	step := math.Pow(10, math.Floor(math.Log10((s.High-s.Low)/float64(about))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (s.High-s.Low)/(m*step) <= float64(about) {
			step *= m
			break
		}
	}
	for k := math.Ceil(s.Low/step - 1e-9); k*step <= s.High+1e-9*step; k++ {
		v := k * step
		if v == 0 {
			v = 0 // no -0
		}
		all = append(all, v)
	}
	return all
}

// LogSpan is the ratio of the largest to the smallest value from which curves are drawn by logarithms: several of them
// come close to each other at their ends.
const LogSpan = 4

// CurveScale is the scale of curves with their bands. Bands make room for themselves as far as that does not squeeze the
// means. ok is false without a finite mean.
func CurveScale(means, lows, highs [][]float64, room float64) (s Scale, ok bool) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, values := range means {
		for _, v := range values {
			if stats.Finite(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	if !(low <= high) {
		return Scale{}, false
	}
	reach := (high - low) / 4
	bottom, top := low, high
	for i := range lows {
		for k := range lows[i] {
			if stats.Finite(lows[i][k]) && stats.Finite(highs[i][k]) {
				bottom, top = min(bottom, max(lows[i][k], low-reach)), max(top, min(highs[i][k], high+reach))
			}
		}
	}
	if low > 0 && high/low > LogSpan && bottom <= 0 {
		bottom = low
	}
	s = Fitted(bottom, top, LogSpan, room)
	if s.Log && high/low <= LogSpan { // the bands alone do not make it logarithmic
		s = Fitted(bottom, top, math.Inf(1), room)
	}
	return s, true
}
