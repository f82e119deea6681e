package figure

import (
	"fmt"
	"io"
	"slices"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Forest is a figure of named numbers with their intervals, one below the other, about a line at 0.
type Forest struct {
	About   string // names the figure
	Axis    string // names the axis of numbers
	Caption string
	Groups  []ForestGroup
}

// A ForestGroup is a part of a forest, with a head if it has a name.
type ForestGroup struct {
	Name string
	Rows []ForestRow
}

// A ForestRow is a number with its interval; without one it is a dot.
type ForestRow struct {
	Name  string
	Value stats.Interval
}

// DrawForest writes a forest in a format.
func DrawForest(w io.Writer, f Forest, format string, o Options) error {
	if !slices.Contains(Formats, format) {
		return fmt.Errorf("there is no format %q", format)
	}
	if o.DPI == 0 {
		o.DPI = 300
	}
	if o.Width == 0 {
		o.Width = doubleColumn
	}
	s := &sheet{width: o.Width * perMillimetre, height: o.Height * perMillimetre, size: 7.5, title: o.Title}
	s.pen = &measuring{}
	s.forest(f)
	s.pen = newPen(format, s.width, s.height, clean(f.About), o)
	s.forest(f)
	return s.pen.finish(w)
}

func (s *sheet) forest(f Forest) {
	row, foot, lines := 1.6*s.size, s.size*2+8, 0
	var numbers []float64
	names := 0.0
	for _, g := range f.Groups {
		if g.Name != "" {
			lines++
		}
		for _, r := range g.Rows {
			lines++
			numbers = append(numbers, r.Value.Value, r.Value.Low, r.Value.High)
			names = max(names, width(clean(r.Name), s.size, false))
		}
	}
	s.suit(2*margin + s.captionHeight(f.Caption) + foot + row*float64(max(1, lines)))
	b := s.area(f.Caption)
	names = min(names, b.width()*0.4)
	in := box{b.left + names + 8, b.bottom + foot, b.right - 6, b.top}
	scale := compare.Spanning(append(numbers, 0), false, 0)
	room := 0.02 * (scale.High - scale.Low)
	scale.Low, scale.High = scale.Low-room, scale.High+room
	x := func(v float64) float64 { return in.left + scale.Clamped(v)*in.width() }
	edge := stroke{ink, 0.6, nil, false}
	for _, t := range thin(labelled(scale, 6), in.width(), s.size) {
		at := in.left + t.at*in.width()
		s.segment(stroke{rule, 0.5, nil, false}, at, in.bottom, at, in.top)
		s.segment(edge, at, in.bottom, at, in.bottom-2.5)
		s.words(at, in.bottom-4.5, 0.5, 1, t.text, style{})
	}
	s.segment(edge, in.left, in.bottom, in.right, in.bottom)
	s.segment(stroke{muted, 0.8, []float64{3, 1.5}, false}, x(0), in.bottom, x(0), in.top)
	s.words((in.left+in.right)/2, b.bottom, 0.5, 0, clip(clean(f.Axis), s.size, in.width()), style{})
	y := in.top - row/2
	for _, g := range f.Groups {
		if g.Name != "" {
			s.words(b.left, y, 0, 0.5, clip(clean(g.Name), s.size, b.width()), style{bold: true})
			y -= row
		}
		for _, r := range g.Rows {
			s.words(in.left-6, y, 1, 0.5, clip(clean(r.Name), s.size, names), style{})
			s.begin(func() string { return r.Name + " " + stats.Ends(r.Value) })
			if stats.Finite(r.Value.Low) && stats.Finite(r.Value.High) {
				s.segment(stroke{palette[0], 1.1, nil, false}, x(r.Value.Low), y, x(r.Value.High), y)
			}
			if stats.Finite(r.Value.Value) {
				at := x(r.Value.Value)
				s.fill(palette[0], outlined(box{at - 1.8, y - 1.8, at + 1.8, y + 1.8}))
			}
			s.end()
			y -= row
		}
	}
}
