package figure

import (
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// sensitivity draws the best value of each arm at each learning rate.
func sensitivity(s *sheet, r *compare.Report, _ Options) error {
	type arm struct {
		compare.Arm
		line []compare.Tuned
	}
	var arms []arm
	var rates []float64
	low, high := math.Inf(1), math.Inf(-1)
	for _, a := range r.Arms {
		line := r.Sensitivity(a)
		known := false
		for _, t := range line {
			rates = append(rates, t.LR)
			if t.Point >= 0 {
				if v := r.Points[t.Point].Interval; !math.IsInf(v.Value, 0) {
					low, high, known = min(low, v.Value), max(high, v.Value), true
					if v.Value > 0 && !math.IsNaN(v.Low) { // the scale covers intervals within reason
						low, high = min(low, max(v.Low, 0.6*v.Value)), max(high, min(v.High, 1.25*v.Value))
					}
				}
			}
		}
		if known && len(arms) < mostCurves {
			arms = append(arms, arm{a, line})
		}
	}
	slices.Sort(rates)
	rates = slices.Compact(rates)
	if len(arms) == 0 || len(rates) < 2 {
		return &NothingError{fmt.Sprintf("%s has no two learning rates to compare", r.Sweep), "a list of them in the sweep file's [grid] makes an axis: lr = { log = [1e-4, 1.0], n = 5 }"}
	}
	xs := compare.Scale{Low: rates[0], High: rates[len(rates)-1], Log: true}
	room := math.Pow(xs.High/xs.Low, 0.03)
	xs.Low, xs.High = xs.Low/room, xs.High*room
	ys := compare.Fitted(low, high, 5, 0.06)
	caption := fmt.Sprintf("best %s %s (%s) at each learning rate, all else tuned; bars: 95 %% intervals; strips at the bottom: learning rates within one standard error of the best", r.StatName(), r.Metric, better(r))
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
	for _, rate := range rates {
		ticks = append(ticks, tick{xs.Share(rate), stats.Number(rate)})
	}
	if len(thin(ticks, b.width()-40, s.size)) < len(ticks) {
		for i, rate := range rates {
			ticks[i].text = brief(rate)
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
			thick := stroke{faint(st.color, 200), min(2.4, (strip-2)/float64(len(arms))*0.8), nil}
			left, right := in.left+xs.Share(basin.Low)*in.width(), in.left+xs.Share(basin.High)*in.width()
			s.segment(thick, left-2, at, right+2, at)
		}
		var px, py []float64
		for _, t := range a.line {
			x := in.left + xs.Share(t.LR)*in.width()
			if t.Diverged {
				s.cross(stroke{st.color, 0.9, nil}, x+float64(i)*5-2.5*float64(len(arms)-1), in.top+1, 1.8)
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
				bar := stroke{st.color, 0.6, nil}
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
