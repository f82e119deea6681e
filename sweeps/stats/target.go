package stats

import "math"

// A Hit says whether one run reached a target. At is the budget it had used by then; Spent is the
// budget that a run used up which missed it. Any unit will do, as steps or seconds.
type Hit struct {
	At    float64
	Hit   bool
	Spent float64
}

// ERT is the expected running time to a target if a run that misses it is followed by another: the
// budget that all runs spent until they hit or gave up, over the number of hits. +Inf if none hit,
// NaN for no runs.
// Auger & Hansen 2005, "Performance Evaluation of an Advanced Local Search Evolutionary Algorithm".
func ERT(hits []Hit) float64 {
	spent, successes := 0.0, 0
	for _, h := range hits {
		if h.Hit {
			spent += h.At
			successes++
		} else {
			spent += h.Spent
		}
	}
	if len(hits) > 0 && successes == 0 && !math.IsNaN(spent) {
		return math.Inf(1)
	}
	return spent / float64(successes)
}

// MedianTime is the median of the budgets to the target, where a miss is +Inf: so is the result if
// half of the runs missed. NaN for no runs.
func MedianTime(hits []Hit) float64 {
	times := make([]float64, len(hits))
	for k, h := range hits {
		times[k] = math.Inf(1)
		if h.Hit {
			times[k] = h.At
		}
	}
	return Median(times)
}
