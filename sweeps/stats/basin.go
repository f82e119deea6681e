package stats

import "math"

// A Basin is the part of a learning-rate axis that does about as well as its best point.
type Basin struct {
	Decades   float64 // log₁₀ of High over Low; NaN if there is none
	Low, High float64 // learning rates at its ends, between points where values cross the slack
	Best      int     // index of the lowest value, the first of several; −1 if there is none
	// Alone: no other point lies in it. The axis is too coarse then to measure it: it is narrower than the two Steps about
	// its best point, and how wide is a guess.
	Alone bool
	// Step is the larger distance of the best point from its neighbours, in decades; 0 for a single point.
	Step   float64
	AtEdge bool // an end of the axis lies in it, so it may be wider
}

// BasinWidth finds the basin about the lowest of values: the learning rates in a row with it at which the value is at
// most slack above it. Between two points the value is taken to be linear in log₁₀ lr. slack has the unit of values. lrs
// are ascending and positive. A value that is NaN or +Inf, as of runs that diverged, is outside, and the basin ends at the
// point before it. There is no basin if all values are such, or slack is NaN or below 0.
func BasinWidth(lrs, values []float64, slack float64) Basin {
	if len(lrs) != len(values) {
		panic("stats: not as many values as learning rates")
	}
	basin := Basin{Decades: math.NaN(), Low: math.NaN(), High: math.NaN(), Best: -1}
	best := math.Inf(1)
	for k, v := range values {
		if v < best {
			basin.Best, best = k, v
		}
	}
	if basin.Best < 0 || !(slack >= 0) {
		basin.Best = -1
		return basin
	}
	most := best + slack
	inside := func(k int) bool { return values[k] <= most && !math.IsInf(values[k], 1) }
	// reach goes from the best point by steps of ±1, and returns the last point inside and the logarithm at which the
	// value crosses the slack.
	reach := func(step int) (last int, end float64) {
		last = basin.Best
		in := func(k int) bool { return k >= 0 && k < len(values) }
		for in(last+step) && inside(last+step) {
			last += step
		}
		end = math.Log10(lrs[last])
		if next := last + step; in(next) && !math.IsNaN(values[next]) && !math.IsInf(values[next], 1) {
			if part := (most - values[last]) / (values[next] - values[last]); part > 0 { // not NaN, as beside −Inf
				end += part * (math.Log10(lrs[next]) - end)
			}
		}
		return last, end
	}
	first, low := reach(-1)
	last, high := reach(1)
	basin.Decades, basin.Low, basin.High = high-low, math.Pow(10, low), math.Pow(10, high)
	basin.Alone = first == last
	basin.AtEdge = first == 0 || last == len(values)-1
	for _, k := range []int{basin.Best - 1, basin.Best + 1} {
		if k >= 0 && k < len(lrs) {
			basin.Step = max(basin.Step, math.Abs(math.Log10(lrs[k]/lrs[basin.Best])))
		}
	}
	return basin
}
