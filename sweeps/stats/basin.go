package stats

import "math"

// A Basin is the part of a learning-rate axis that does about as well as its best point.
type Basin struct {
	Decades float64 // log₁₀ of its highest over its lowest learning rate; NaN if there is none
	Best    int     // index of the lowest value, the first of several; −1 if there is none
	Low     int     // index of the lowest learning rate in it; −1 if there is none
	High    int     // index of the highest
	AtEdge  bool    // it reaches an end of the axis, so it may be wider
}

// BasinWidth finds the basin about the lowest of values: the points in a row with it whose values
// are at most slack above it. slack has the unit of values; it is one standard error, say. lrs are ascending and positive. One point alone is
// 0 decades wide. A value that is NaN or +Inf, as of runs that diverged, is outside and ends the
// basin. There is no basin if all values are such, or slack is NaN or below 0.
func BasinWidth(lrs, values []float64, slack float64) Basin {
	if len(lrs) != len(values) {
		panic("stats: not as many values as learning rates")
	}
	basin := Basin{Decades: math.NaN(), Best: -1, Low: -1, High: -1}
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
	inside := func(k int) bool { return values[k] <= best+slack && !math.IsInf(values[k], 1) }
	basin.Low, basin.High = basin.Best, basin.Best
	for basin.Low > 0 && inside(basin.Low-1) {
		basin.Low--
	}
	for basin.High < len(values)-1 && inside(basin.High+1) {
		basin.High++
	}
	basin.Decades = math.Log10(lrs[basin.High] / lrs[basin.Low])
	basin.AtEdge = basin.Low == 0 || basin.High == len(values)-1
	return basin
}
