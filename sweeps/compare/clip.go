package compare

import (
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// ClipAt is the part of the points, best first, up to which pictures spread their colours and axes.
const ClipAt = 0.75

// Clip is the value at which pictures of many values end, so that a few bad ones do not make all others look alike: their
// quantile ClipAt, between two of them by a straight line; if most are equal, the worst. more says that more is better. beyond
// counts the values that are worse. Values that are not finite have no place; ok is false if there is no other.
func Clip(values []float64, more bool) (end float64, beyond int, ok bool) {
	values = slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !stats.Finite(v) })
	if len(values) == 0 {
		return math.NaN(), 0, false
	}
	slices.Sort(values)
	if more {
		slices.Reverse(values)
	}
	at := ClipAt * float64(len(values)-1)
	k := int(at)
	end = values[k]
	if k+1 < len(values) {
		f := at - float64(k)
		end = (1-f)*end + f*values[k+1] // their difference may be too large for a number
	}
	if stats.Alike(values[0], end) {
		end = values[len(values)-1]
	}
	for _, v := range values {
		if (v > end) != more && v != end && !stats.Alike(v, end) {
			beyond++
		}
	}
	return end, beyond, true
}

// Clip is that of the means that maps show.
func (r *Report) Clip() (end float64, beyond int, ok bool) {
	var values []float64
	for _, sub := range r.Each() {
		for i := range sub.Points {
			values = append(values, sub.Points[i].Mapped())
		}
	}
	return Clip(values, r.Goal == stop.Max)
}

// Mapped is the mean of a point as maps show it; NaN if a seed diverged or failed: the mean of what is left says too little.
func (s *Point) Mapped() float64 {
	if state := s.State(); state == StateDiverged || state == StateFailed {
		return math.NaN()
	}
	return s.Interval.Value
}
