package sheet

import (
	"math"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A scale places numbers across a chart, in percent of its width, so that one drawing serves every width.
type scale struct{ compare.Scale }

// edge is the part of a chart's width that stays free at each end, in percent: room for a dot.
const edgeRoom = 3

// at is the place of a number; numbers beyond the ends lie on them.
func (s scale) at(v float64) float64 { return edgeRoom + (100-2*edgeRoom)*s.Clamped(v) }

// marks are about so many round numbers of a scale. A logarithmic one of a decade or two has more of them than decades.
func (s scale) marks(about int) (all []compare.Tick) {
	if !s.Log || s.High > 100*s.Low {
		return s.Ticks(about)
	}
	for e := math.Floor(math.Log10(s.Low)); e <= math.Ceil(math.Log10(s.High)); e++ {
		for _, m := range []float64{1, 1.5, 2, 3, 5} {
			v := stats.Round(m*math.Pow(10, e), 2)
			if v < s.Low || v > s.High || len(all) > 0 && s.Share(v)-s.Share(all[len(all)-1].Number) < 0.8/float64(about) {
				continue
			}
			all = append(all, compare.Tick{Text: stats.Number(v), Number: v})
		}
	}
	if len(all) < 2 {
		return s.Ticks(about)
	}
	return all
}

// reach is a scale that follows values, with as much of their intervals as does not squeeze them: on each side half of their
// range at most, so that an interval of two seeds cannot flatten a chart.
func reach(values, lows, highs []float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if stats.Finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	if !(low <= high) {
		return scale{compare.Scale{Low: 0, High: 1}}
	}
	room := (high/2 - low/2)
	if stats.Alike(low, high) { // of values that do not vary their intervals are all there is
		room = math.Inf(1)
	}
	bottom, top := low, high
	for i := range lows {
		if stats.Finite(lows[i]) && stats.Finite(highs[i]) {
			bottom, top = min(bottom, max(lows[i], low-room)), max(top, min(highs[i], high+room))
		}
	}
	return scale{compare.Fitted(bottom, top, math.Inf(1), 0.03)}
}

// spanning is the scale of the intervals of a table: from the best to where colours are clipped.
func spanning(values, lows, highs []float64, r *compare.Report) scale {
	p := paletteOf(r, "mean")
	if !p.ok {
		return reach(values, lows, highs)
	}
	shown := slices.Clone(values)
	for i, v := range shown {
		if p.share(v) > 1 {
			shown[i] = p.clip
		}
	}
	low, high := slices.Min(shown), slices.Max(shown) // of means
	if stats.Alike(low, high) {
		return reach(values, lows, highs)
	}
	for i, v := range values {
		if p.share(v) <= 1 && stats.Finite(lows[i]) && stats.Finite(highs[i]) {
			if r.Goal == stop.Max {
				high = max(high, min(highs[i], high+(high-low)/4))
			} else {
				least := low - (high-low)/4
				if p.log {
					least = max(least, p.best/1.6) // of a logarithmic scale as much
				}
				low = min(low, max(lows[i], least))
			}
		}
	}
	return scale{compare.Fitted(low, high, compare.LogSpan, 0.03)}
}

// percent writes a place.
func percent(x float64) string {
	return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64) + "%"
}

// px writes a length.
func px(x float64) string { return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64) }
