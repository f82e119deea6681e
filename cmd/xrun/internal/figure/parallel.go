package figure

import (
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// mostLines is the largest number of points in parallel coordinates, the best ones; pages have fewer.
const (
	mostLines = 2000
	pageLines = 300
)

// parallel draws points as lines across their values on each axis, to their result.
func parallel(s *sheet, r *compare.Report, o Options) error {
	most := mostLines
	if o.Inline {
		most = pageLines
	}
	var points []int
	left := 0
	for i := range r.Points {
		v := r.Points[i].Interval.Value
		if r.Points[i].Complete && !math.IsInf(v, 0) && len(points) < most {
			points = append(points, i)
		} else {
			left++
		}
	}
	if len(points) < 2 {
		return &NothingError{fmt.Sprintf("fewer than two points of %s are complete", r.Sweep), "run the sweep again to go on"}
	}
	axes, places := r.ParallelAxes(points) // places by axis and rank
	if len(axes) == 0 {
		return &NothingError{fmt.Sprintf("the points of %s differ in nothing", r.Sweep), ""}
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, i := range points {
		low, high = min(low, r.Points[i].Interval.Value), max(high, r.Points[i].Interval.Value)
	}
	metric := compare.Fitted(low, high, 4, 0)
	caption := fmt.Sprintf("a line is a point, brighter for a better %s %s (%s); thick: the best tenth", r.StatName(), r.Metric, better(r))
	if left > 0 {
		caption += fmt.Sprintf("; %d points without a complete result, or worse, are left out", left)
	}
	s.suit(2*margin + s.captionHeight(caption) + 170)
	b := s.area(caption)
	b.top -= 1.8 * s.size
	b.bottom += 3
	columns := len(axes) + 1
	side := 34.0
	x := func(k int) float64 { return b.left + side + float64(k)*(b.width()-2*side)/float64(columns-1) }
	zero := make([]int, len(axes)) // 1 where 0 stands apart, by the place of another tick
	for k, axis := range axes {
		if axis.ZeroApart() {
			zero[k] = 1
		}
	}
	height := func(k, tick int) float64 {
		place, last := tick+zero[k]*min(tick, 1), len(axes[k].Ticks)-1+zero[k]
		return b.bottom + 4 + (b.height()-8)*float64(place)/float64(last)
	}
	// apart is where an axis is broken between 0 and the numbers that lie by logarithms.
	apart := func(k int) (low, high float64) {
		at := (height(k, 0) + height(k, 1)) / 2
		return at - 2, at + 2
	}
	value := func(v float64) float64 {
		share := metric.Clamped(v)
		if r.Goal != stop.Max {
			share = 1 - share // the best at the top
		}
		return b.bottom + 4 + (b.height()-8)*share
	}
	tenth := max(1, len(points)/10)
	for rank := len(points) - 1; rank >= 0; rank-- {
		i := points[rank]
		share := 1 - float64(rank)/float64(max(1, len(points)-1))
		st := stroke{faint(scaled(0.92*share), 150), 0.4, nil, false}
		if rank < tenth {
			st = stroke{scaled(0.92 * share), 1.6, nil, false}
		}
		px, py := make([]float64, columns), make([]float64, columns)
		for k := range axes {
			px[k], py[k] = x(k), height(k, places[k][rank])
		}
		px[columns-1], py[columns-1] = x(columns-1), value(r.Points[i].Interval.Value)
		s.begin(func() string { return r.Name(r.Points[i]) + ": " + stats.Uncertain(r.Points[i].Interval) })
		s.line(st, px, py)
		s.end()
	}
	edge := stroke{ink, 0.7, nil, false}
	for k := range columns {
		if k < len(axes) && zero[k] > 0 {
			low, high := apart(k)
			s.segment(edge, x(k), b.bottom, x(k), low)
			s.segment(edge, x(k)-2.5, low-1, x(k)+2.5, low+1)
			s.segment(edge, x(k)-2.5, high-1, x(k)+2.5, high+1)
			s.segment(edge, x(k), high, x(k), b.top)
		} else {
			s.segment(edge, x(k), b.bottom, x(k), b.top)
		}
		name := r.Metric
		if k < len(axes) {
			name = axes[k].Name
		}
		s.words(x(k), b.top+4, 0.5, 0, clip(clean(name), s.size, 2*side), style{bold: true})
	}
	for k, axis := range axes {
		step := max(0.5, b.height()-8) / float64(max(1, len(axis.Ticks)-1))
		every := max(1, int(math.Ceil(1.2*s.size/step)))
		for i := 0; i < len(axis.Ticks); i += every {
			s.tag(x(k), height(k, i), clip(clean(axis.Ticks[i].Text), s.size, 2*side), k == 0)
		}
	}
	last := math.Inf(1)
	for _, t := range metric.Ticks(6) {
		if y := value(t.Number); math.Abs(y-last) > 1.2*s.size {
			s.words(x(columns-1)+4, y, 0, 0.5, t.Text, style{})
			s.segment(edge, x(columns-1), y, x(columns-1)+2.5, y)
			last = y
		}
	}
	return nil
}

// tag labels a place on an axis that lines cross.
func (s *sheet) tag(x, y float64, words string, left bool) {
	w := width(words, s.size, false)
	s.segment(stroke{ink, 0.6, nil, false}, x-2, y, x+2, y)
	if left {
		s.words(x-4, y, 1, 0.5, words, style{})
		return
	}
	s.fill(faint(paper, 205), outlined(box{x + 2.5, y - s.size*0.55, x + w + 5.5, y + s.size*0.55}))
	s.words(x+4, y, 0, 0.5, words, style{})
}
