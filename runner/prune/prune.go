// Package prune decides which points of a sweep are not worth training to the end.
//
// Decisions are made at rungs: fixed epochs that every point reaches before any of them goes
// on. So they depend on the points of the sweep alone, not on the number of workers or on
// the order of arrival, as in asynchronous pruners. The package ranks numbers; it trains and
// stops nothing.
package prune

import (
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner/stop"
)

// The rules.
const (
	Halving    = "halving"
	Median     = "median"
	Percentile = "percentile"
)

// A Rule says at which epochs points are compared, and which of them go on.
//
// A point is judged by the mean over its seeds of the best value of the metric so far. Ties with
// the last one that goes on go on as well; a point that diverged never does.
//
// Halving is successive halving (Jamieson, Talwalkar 2016, AISTATS): of n points the best
// ⌊n/Eta⌋, at least one, go on from the epochs First·Etaᵏ. Median and percentile compare at the
// epochs First, First + Every, …: points strictly worse than the median, or than the given
// percentile, of the points that have come as far are dropped.
type Rule struct {
	Name    string // Halving, Median or Percentile
	Monitor string
	Goal    stop.Goal
	First   int     // epoch of the first rung, at least 1
	Eta     int     // halving: at least 2
	Every   int     // median and percentile: epochs from rung to rung, at least 1
	Percent float64 // percentile: how many of a hundred go on, above 0 and below 100
}

// Rungs are the epochs at which points are compared, all before the last of so many epochs.
func (r Rule) Rungs(epochs int) []int {
	var rungs []int
	for at := r.First; at < epochs; {
		rungs = append(rungs, at)
		if r.Name == Halving {
			at *= r.Eta
		} else {
			at += r.Every
		}
	}
	return rungs
}

// Keep says which of some values go on, and the threshold that they reach. NaN is worse than
// any number.
func (r Rule) Keep(values []float64) (keep []bool, threshold float64) {
	costs := make([]float64, len(values)) // lower is better
	for i, v := range values {
		costs[i] = v
		if r.Goal == stop.Max {
			costs[i] = -v
		}
		if math.IsNaN(v) {
			costs[i] = math.Inf(1)
		}
	}
	sorted := slices.Sorted(slices.Values(costs))
	if len(sorted) == 0 {
		return nil, math.NaN()
	}
	limit := sorted[0]
	switch r.Name {
	case Halving:
		limit = sorted[max(1, len(sorted)/r.Eta)-1]
	case Median:
		limit = percentile(sorted, 50)
	case Percentile:
		limit = percentile(sorted, r.Percent)
	}
	keep = make([]bool, len(values))
	for i, c := range costs {
		keep[i] = c <= limit && !math.IsInf(c, 1)
	}
	if r.Goal == stop.Max {
		limit = -limit
	}
	return keep, limit
}

// percentile interpolates linearly between the two nearest values (Hyndman, Fan 1996, type 7).
func percentile(sorted []float64, p float64) float64 {
	at := float64(p / 100 * float64(len(sorted)-1))
	low := int(math.Floor(at))
	high := min(low+1, len(sorted)-1)
	share := at - float64(low)
	if share == 0 || sorted[low] == sorted[high] {
		return sorted[low]
	}
	return float64(sorted[low]*(1-share)) + float64(sorted[high]*share)
}

// String is the rule in a few words: "halving by 3 from epoch 1".
func (r Rule) String() string {
	switch r.Name {
	case Halving:
		return fmt.Sprintf("halving by %d from epoch %d", r.Eta, r.First)
	case Percentile:
		return fmt.Sprintf("percentile %g every %d epochs from epoch %d", r.Percent, r.Every, r.First)
	}
	return fmt.Sprintf("%s every %d epochs from epoch %d", r.Name, r.Every, r.First)
}
