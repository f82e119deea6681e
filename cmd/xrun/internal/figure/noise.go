package figure

import (
	"fmt"
	"image/color"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// noise draws how much the seeds of each point scatter against its mean, with what the other points let expect.
func noise(s *sheet, r *compare.Report, _ Options) error {
	all := r.Scatter()
	if len(all) == 0 {
		return &NothingError{fmt.Sprintf("the points of %s are not told apart by their noise together", r.Sweep), "it takes --test moderated, the default for means, and five complete points that vary over two seeds"}
	}
	var means, own, expected []float64
	unstable := false
	for _, p := range all {
		means, own, expected = append(means, p.Mean), append(own, p.Own), append(expected, p.Expected)
		unstable = unstable || p.Unstable
	}
	log := true
	xs := compare.Spanning(means, r.DifferBy() == compare.DifferRatio, 0.03)
	ys, _ := compare.CurveScale([][]float64{own, expected}, [][]float64{nil, nil}, [][]float64{nil, nil}, 0.06, compare.Limits{Log: &log})
	caption := r.ScatterCaption()
	if unstable {
		caption += "; crossed: unstable points"
	}
	line := stroke{palette[1], 1.2, nil, false}
	b := s.framed(caption, []entry{{"expected by the other points", line}})
	in := s.axes(b, labelled(xs, 6), labelled(ys, 5), "mean "+clean(r.Metric), "deviation")
	x := func(v float64) float64 { return in.left + xs.Clamped(v)*in.width() }
	y := func(v float64) float64 { return in.bottom + ys.Clamped(v)*in.height() }
	var px, py []float64
	for _, p := range all {
		px, py = append(px, x(p.Mean)), append(py, y(p.Expected))
	}
	s.line(line, px, py)
	for _, p := range all {
		at := r.Points[p.Point]
		s.begin(func() string {
			text := fmt.Sprintf("#%d %s: %s, expected %s", p.Point+1, r.Name(at), r.Deviation(p.Own), r.Deviation(p.Expected))
			if p.Unstable {
				text += ", unstable: " + at.AstrayText()
			}
			return text
		})
		s.dot(palette[0], x(p.Mean), y(p.Own), p.Unstable)
		s.end()
	}
	return nil
}

// dot is a place: a small square, or a larger open one with a cross: the two are told apart without colour.
func (s *sheet) dot(c color.NRGBA, x, y float64, odd bool) {
	if odd {
		st := stroke{c, 0.8, nil, false}
		s.stroke(st, outlined(box{x - 2.4, y - 2.4, x + 2.4, y + 2.4}))
		s.cross(st, x, y, 2.4)
		return
	}
	s.fill(faint(c, 170), outlined(box{x - 1.3, y - 1.3, x + 1.3, y + 1.3}))
}
