package compare

import (
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Differ says how values are told apart: what is called an equally large difference at every level. The zero Differ is
// chosen by the values; see [Report.DifferBy].
type Differ string

// The ways to differ.
const (
	DifferRatio Differ = "ratio"      // of losses, errors, times: 0.10 and 0.11 differ as 1.0 and 1.1 do
	DifferLogit Differ = "logit"      // of shares: 0.98 and 0.99 differ as odds of 49 and 99 do
	DifferPlain Differ = "difference" // in the metric's own unit
)

// Differs are the values of --scale.
var Differs = []Differ{DifferRatio, DifferLogit, DifferPlain}

// A measure is a Differ with what its values need: means have places on it, and differences of places are differences of
// means. Shift is added to ratios' values, and to both sides of shares, so that values of 0 have places near the others.
type measure struct {
	by    Differ
	shift float64
}

// place is the place of a value or a mean.
func (m measure) place(x float64) float64 {
	switch m.by {
	case DifferRatio:
		return math.Log(x + m.shift)
	case DifferLogit:
		return math.Log((x + m.shift) / (1 - x + m.shift))
	}
	return x
}

// value is the value at a place.
func (m measure) value(place float64) float64 {
	switch m.by {
	case DifferRatio:
		return max(0, math.Exp(place)-m.shift)
	case DifferLogit:
		return min(1, max(0, (1+2*m.shift)/(1+math.Exp(-place))-m.shift))
	}
	return place
}

// rates are the last words of the names of metrics that are shares, whatever their goal.
var rates = []string{"accuracy", "acc", "error", "err", "error_rate", "f1", "auc", "auroc", "precision", "recall", "rate", "top1", "top5"}

// isRate reports whether a metric is a share by its name: val_accuracy, valid.error_rate.
func isRate(metric string) bool {
	name := strings.ToLower(metric)
	return slices.ContainsFunc(rates, func(end string) bool {
		before, ok := strings.CutSuffix(name, end)
		return ok && (before == "" || strings.ContainsAny(before[len(before)-1:], "_-./ "))
	})
}

// measureOf is the measure of a report's values: by logits for shares between 0 and 1, by ratios for values above 0, some of
// which may be 0, if lower is better or they spread over the grid, and by plain differences else.
func (r *Report) measureOf() measure {
	low, high, least, apart := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(1)
	lowMean, highMean := math.Inf(1), math.Inf(-1)
	var means []float64 // above 0
	smallest := 1.0     // of a value, as a share of its point's mean
	for i := range r.Points {
		s := &r.Points[i]
		if !s.Complete {
			continue
		}
		values := s.Values()
		mean := stats.Mean(values)
		lowMean, highMean = min(lowMean, mean), max(highMean, mean)
		if mean > 0 {
			means = append(means, mean)
		} else {
			smallest = 0
		}
		for _, v := range values {
			low, high = min(low, v), max(high, v)
			if v > 0 {
				least = min(least, v)
			}
			if v < 1 {
				apart = min(apart, 1-v)
			}
			if mean > 0 {
				smallest = min(smallest, v/mean)
			}
		}
	}
	by := r.Differ
	const spread = 2 // of means, from which on quantities to be maximized differ by ratios
	switch {
	case !(low <= high):
		return measure{by: DifferPlain}
	case by != "":
	case low >= 0 && high <= 1 && isRate(r.Metric):
		by = DifferLogit
	case low >= 0 && high > 0 && (r.Goal != stop.Max || lowMean > 0 && highMean >= spread*lowMean):
		by = DifferRatio
	default:
		by = DifferPlain
	}
	m := measure{by: by}
	switch {
	case by == DifferRatio && low < 0 || by == DifferLogit && (low < 0 || high > 1) || by == DifferRatio && len(means) == 0:
		return measure{by: DifferPlain}
	case by == DifferRatio:
		// A started logarithm (Tukey 1977, Exploratory Data Analysis): where values come far below their point's mean,
		// logarithms of the smallest would be all that counts. The shift grows to the lower quartile of the means.
		const far = 0.1
		slices.Sort(means)
		m.shift = means[len(means)/4] * min(1, max(0, (far-smallest)/far))
	case by == DifferLogit && (low == 0 || high == 1):
		m.shift = min(least, apart, 1) / 2 // the empirical logit: half of what one row counts
	}
	return m
}

// DifferBy is the way in which the report's values are told apart.
func (r *Report) DifferBy() Differ { return r.measure.by }
