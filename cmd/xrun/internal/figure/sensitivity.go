package figure

import (
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// sensitivity draws the best value of each arm at each learning rate.
func sensitivity(s *sheet, r *compare.Report, o Options) error {
	type arm struct {
		compare.Arm
		line []compare.Tuned
	}
	var arms []arm
	var rates []float64
	var means, lows, highs [][]float64
	for _, a := range r.Arms {
		line := r.Sensitivity(a)
		known := false
		var mean, low, high []float64
		for _, t := range line {
			rates = append(rates, t.LR)
			if t.Point >= 0 {
				v := r.Points[t.Point].Interval
				known = known || stats.Finite(v.Value)
				mean, low, high = append(mean, v.Value), append(low, v.Low), append(high, v.High)
			}
		}
		if known && len(arms) < mostCurves {
			arms = append(arms, arm{a, line})
			means, lows, highs = append(means, mean), append(lows, low), append(highs, high)
		}
	}
	slices.Sort(rates)
	rates = slices.Compact(rates)
	if len(arms) == 0 || len(rates) < 2 {
		return &NothingError{fmt.Sprintf("%s has no two learning rates to compare", r.Sweep), "a list of them in the sweep file's [grid] makes an axis: lr = { log = [1e-4, 1.0], n = 5 }"}
	}
	xs := compare.Spanning(rates, true, 0.03)
	ys, _ := compare.CurveScale(means, lows, highs, 0.06, o.Limits)
	caption := fmt.Sprintf("best %s %s (%s) at each learning rate, all else tuned; bars: 95 %% intervals; strips at the bottom: learning rates at most %s worse than the arm's best", r.StatName(), r.Metric, better(r), r.SlackText())
	if note := ys.Note(); note != "" {
		caption += "; " + note
	}
	var entries []entry
	diverged := false
	for i, a := range arms {
		name := clean(a.Name)
		if b := a.Basin.String(); b != "" {
			name += " (" + b + ")"
		}
		entries = append(entries, entry{name, series(i)})
		for _, t := range a.line {
			diverged = diverged || t.Diverged
		}
	}
	if diverged {
		caption += "; × at the top: some trial diverged"
	}
	if n := len(r.Arms) - len(arms); n > 0 && len(arms) < mostCurves {
		caption += fmt.Sprintf("; %d arms without a complete point are left out", n)
	} else if n > 0 {
		caption += fmt.Sprintf("; %d more arms are left out", n)
	}
	b := s.framed(caption, entries)
	var ticks []tick
	for i, text := range stats.Apart(rates) {
		ticks = append(ticks, tick{xs.Clamped(rates[i]), text})
	}
	if len(thin(ticks, b.width()-40, s.size)) < len(ticks) {
		if short := briefly(rates); short != nil {
			for i := range ticks {
				ticks[i].text = short[i]
			}
		}
	}
	strip := 3.5*float64(len(arms)) + 2
	if strip > b.height()/4 {
		strip = b.height() / 4
	}
	// The strips lie between the axis and the data.
	inner := b
	yTicks := labelled(ys, 5)
	reserve := strip / max(1, b.height()-2*s.size-8)
	for i := range yTicks {
		yTicks[i].at = reserve + yTicks[i].at*(1-reserve)
	}
	in := s.axes(inner, ticks, yTicks, "learning rate", clean(r.Metric))
	floor := in.bottom + reserve*in.height()
	y := func(v float64) float64 { return floor + ys.Clamped(v)*(in.top-floor) }
	for i, a := range arms {
		st := series(i)
		if basin := a.Basin; !math.IsNaN(basin.Decades) {
			at := in.bottom + strip - (float64(i)+0.7)*(strip-2)/float64(len(arms))
			thick := stroke{faint(st.color, 200), min(2.4, (strip-2)/float64(len(arms))*0.8), nil, false}
			left, right := in.left+xs.Clamped(basin.Low)*in.width(), in.left+xs.Clamped(basin.High)*in.width()
			s.segment(thick, left-2, at, right+2, at)
		}
		var px, py []float64
		for _, t := range a.line {
			x := in.left + xs.Clamped(t.LR)*in.width()
			if t.Diverged {
				s.cross(stroke{st.color, 0.9, nil, false}, x+float64(i)*5-2.5*float64(len(arms)-1), in.top+1, 1.8)
			}
			px = append(px, x)
			if t.Point < 0 {
				py = append(py, math.NaN())
				continue
			}
			v := r.Points[t.Point].Interval
			py = append(py, y(v.Value))
			if !math.IsNaN(v.Low) && !math.IsInf(v.Low, 0) && !math.IsInf(v.High, 0) {
				off := float64(i)*1.2 - 0.6*float64(len(arms)-1)
				bar := stroke{st.color, 0.6, nil, false}
				s.segment(bar, x+off, y(v.Low), x+off, y(v.High))
				s.segment(bar, x+off-1.2, y(v.Low), x+off+1.2, y(v.Low))
				s.segment(bar, x+off-1.2, y(v.High), x+off+1.2, y(v.High))
			}
			s.fill(st.color, outlined(box{x - 1.3, y(v.Value) - 1.3, x + 1.3, y(v.Value) + 1.3}))
		}
		s.line(st, px, py)
	}
	return nil
}
