package compare

import (
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner/stop"
)

// Ranked are the values of all complete points, best first. Shades of maps divide them evenly.
func (r *Report) Ranked() []float64 {
	var values []float64
	for _, s := range r.Points {
		if s.Complete {
			values = append(values, s.Interval.Value)
		}
	}
	slices.Sort(values)
	if r.Goal == stop.Max {
		slices.Reverse(values)
	}
	return values
}

// BestAmong is the best value among complete points; NaN if there is none.
func (r *Report) BestAmong(points []int) float64 {
	best := math.NaN()
	for _, i := range points {
		if i < 0 || !r.Points[i].Complete {
			continue
		}
		v := r.Points[i].Interval.Value
		if math.IsNaN(best) || v < best && r.Goal != stop.Max || v > best && r.Goal == stop.Max {
			best = v
		}
	}
	return best
}
