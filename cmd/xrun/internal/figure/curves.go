package figure

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"gonum.org/v1/plot/vg"
)

// mostPoints is the largest number of drawn points of a curve: more cannot be told apart.
const mostPoints = 200

// mostCurves is the largest number of curves that can be told apart.
const mostCurves = 12

// A curve is a mean over the epochs with its interval.
type curve struct {
	name                  string
	point                 int
	epochs, y, low, high  []float64
	members, memberEpochs [][]float64
}

// curves draws the mean curve of each arm's chosen point, or of the first points, with the interval over seeds.
func curves(s *sheet, r *compare.Report, o Options) error {
	var all []curve
	if o.Top > 0 {
		for i := range min(o.Top, len(r.Points), mostCurves) {
			all = append(all, newCurve(r, i, fmt.Sprintf("#%d %s", i+1, r.Name(r.Points[i])), o))
		}
	} else {
		for _, a := range r.Arms {
			if a.Chosen >= 0 && len(all) < mostCurves {
				all = append(all, newCurve(r, a.Chosen, armName(r, a), o))
			}
		}
	}
	var drawn []curve
	for _, c := range all {
		if len(c.y) > 0 {
			drawn = append(drawn, c)
		}
	}
	if len(drawn) == 0 {
		return &NothingError{fmt.Sprintf("no curve of %s in %s", r.Metric, r.Sweep), "a sweep that has recorded the metric at least twice has curves; --metric names another"}
	}
	if !slices.ContainsFunc(drawn, func(c curve) bool { return len(c.y) > 1 }) {
		return &NothingError{fmt.Sprintf("the runs of %s have %s of one epoch only, which makes no curve", r.Sweep, r.Metric),
			"xrun compare shows the values; xrun plot heatmap and xrun plot sensitivity draw them"}
	}
	xs, ys := curveScales(drawn, o.Limits)
	caption := fmt.Sprintf("mean %s over seeds (%s); bands: 95 %% t intervals; a seed that has ended keeps its last value", r.Metric, better(r))
	if o.Members {
		caption += "; thin: single seeds"
	}
	if note := ys.Note(); note != "" {
		caption += "; " + note
	}
	if o.Top == 0 && len(r.Arms) > mostCurves {
		caption += fmt.Sprintf("; of %d arms the best %d", len(r.Arms), mostCurves)
	}
	var entries []entry
	for i, c := range drawn {
		entries = append(entries, entry{clean(c.name), series(i)})
	}
	b := s.framed(caption, entries)
	in := s.axes(b, labelled(xs, 6), labelled(ys, 5), "epoch", clean(r.Metric))
	for i, c := range drawn {
		s.band(in, xs, ys, c, i)
	}
	for i, c := range drawn {
		for k := range c.members {
			st := series(i)
			st.width, st.color = 0.4, faint(st.color, 110)
			s.plot(in, xs, ys, st, c.memberEpochs[k], c.members[k])
		}
	}
	for i, c := range drawn {
		s.begin(func() string { return c.name })
		s.plot(in, xs, ys, series(i), c.epochs, c.y)
		s.end()
	}
	return nil
}

// armName is an arm with its chosen point.
func armName(r *compare.Report, a compare.Arm) string {
	name := r.Name(r.Points[a.Chosen])
	if strings.HasPrefix(name, a.Name) {
		return name
	}
	return a.Name + ": " + name
}

// framed is the part of a sheet that is left for axes, with a caption and a legend below.
func (s *sheet) framed(caption string, entries []entry) box {
	whole := box{margin, 0, s.width - margin, 0}
	legend := s.legend(whole, entries, true)
	s.suit(2*margin + s.captionHeight(caption) + legend + 150*min(1, s.width/241))
	b := s.area(caption)
	b.bottom += s.legend(b, entries, false) + 3
	return b
}

func newCurve(r *compare.Report, i int, name string, o Options) curve {
	c := curve{name: name, point: i}
	bands := r.Bands(r.Points[i])
	if len(bands) > 2 && bands[0].Epoch == 0 {
		bands = bands[1:] // the value before training would hide the rest
	}
	for _, k := range some(len(bands)) {
		b := bands[k]
		c.epochs, c.y = append(c.epochs, float64(b.Epoch)), append(c.y, b.Value)
		c.low, c.high = append(c.low, b.Low), append(c.high, b.High)
	}
	if !o.Members {
		return c
	}
	for _, seed := range r.Points[i].Seeds {
		points := r.Curves[seed.Run]
		var x, y []float64
		for _, k := range some(len(points)) {
			if points[k].Epoch > 0 || len(points) < 3 {
				x, y = append(x, float64(points[k].Epoch)), append(y, points[k].Value)
			}
		}
		c.memberEpochs, c.members = append(c.memberEpochs, x), append(c.members, y)
	}
	return c
}

// some are places among n, evenly spread, with the first and the last.
func some(n int) (all []int) {
	if n <= mostPoints {
		for i := range n {
			all = append(all, i)
		}
		return all
	}
	for k := range mostPoints {
		all = append(all, k*(n-1)/(mostPoints-1))
	}
	return all
}

func curveScales(all []curve, limits compare.Limits) (xs, ys compare.Scale) {
	var epochs []float64
	var means, lows, highs [][]float64
	for _, c := range all {
		means, lows, highs = append(append(means, c.y), c.members...), append(lows, c.low), append(highs, c.high)
		epochs = append(epochs, c.epochs...)
	}
	ys, _ = compare.CurveScale(means, lows, highs, 0.03, limits)
	return compare.Spanning(epochs, false, 0), ys
}

func (s *sheet) plot(in box, xs, ys compare.Scale, st stroke, x, y []float64) {
	px, py := make([]float64, len(x)), make([]float64, len(x))
	for i := range x {
		px[i] = in.left + xs.Clamped(x[i])*in.width()
		py[i] = math.NaN()
		if !math.IsNaN(y[i]) && !math.IsInf(y[i], 0) {
			py[i] = in.bottom + ys.Clamped(y[i])*in.height()
		}
	}
	s.line(st, px, py)
}

// band fills what lies between the ends of the intervals.
func (s *sheet) band(in box, xs, ys compare.Scale, c curve, i int) {
	var path vg.Path
	at := func(k int, v float64) vg.Point {
		return point(in.left+xs.Clamped(c.epochs[k])*in.width(), in.bottom+ys.Clamped(v)*in.height())
	}
	known := func(k int) bool {
		return !math.IsNaN(c.low[k]) && !math.IsInf(c.low[k], 0) && !math.IsInf(c.high[k], 0)
	}
	for from := 0; from < len(c.epochs); {
		if !known(from) {
			from++
			continue
		}
		to := from
		for to+1 < len(c.epochs) && known(to+1) {
			to++
		}
		path.Move(at(from, c.low[from]))
		for k := from + 1; k <= to; k++ {
			path.Line(at(k, c.low[k]))
		}
		for k := to; k >= from; k-- {
			path.Line(at(k, c.high[k]))
		}
		path.Close()
		from = to + 1
	}
	if len(path) > 0 {
		s.fill(faint(series(i).color, 46), path)
	}
}
