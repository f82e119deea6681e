package figure

import (
	"image/color"
	"math"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
	"gonum.org/v1/plot/vg"
)

// A sheet is the paper of a figure. Lengths are in points, places from the lower left corner.
type sheet struct {
	pen
	width, height float64
	size          float64 // of text
	title         string
}

// A box is a part of a sheet.
type box struct{ left, bottom, right, top float64 }

func (b box) width() float64  { return b.right - b.left }
func (b box) height() float64 { return b.top - b.bottom }

const margin = 4

// suit makes the sheet as high as the figure needs, unless Options have a height.
func (s *sheet) suit(height float64) {
	if s.height == 0 {
		s.height = height + s.titleHeight()
	}
}

func (s *sheet) titleHeight() float64 {
	if s.title == "" {
		return 0
	}
	return 1.8 * s.size
}

// area is the sheet without margins, title and a caption, which it writes.
func (s *sheet) area(caption string) box {
	b := box{margin, margin, s.width - margin, s.height - margin}
	if s.title != "" {
		s.words(s.width/2, b.top, 0.5, 1, clip(clean(s.title), s.size+1, b.width()), style{size: s.size + 1, bold: true})
		b.top -= s.titleHeight()
	}
	lines := wrap(clean(caption), captionSize, b.width())
	for _, line := range slices.Backward(lines) {
		s.words(b.left, b.bottom, 0, 0, line, style{size: captionSize, color: muted})
		b.bottom += 1.25 * captionSize
	}
	if len(lines) > 0 {
		b.bottom += 3
	}
	return b
}

// captionHeight is the height of a caption in area.
func (s *sheet) captionHeight(caption string) float64 {
	n := len(wrap(clean(caption), captionSize, s.width-2*margin))
	if n == 0 {
		return 0
	}
	return float64(n)*1.25*captionSize + 3
}

const captionSize = 7

type style struct {
	size     float64 // 0 is the sheet's
	bold     bool
	color    color.NRGBA // none is ink
	quarters int         // 1 reads upwards
	fixed    bool        // keeps its colour in every theme, as on a coloured cell
}

// words writes a line of text of which the share h of its width lies left of x and the share v of its height below y.
func (s *sheet) words(x, y, h, v float64, words string, st style) {
	if st.size == 0 {
		st.size = s.size
	}
	if st.color == (color.NRGBA{}) {
		st.color = ink
	}
	w, up := width(words, st.size, st.bold), capital*st.size
	if st.quarters == 1 {
		x, y = x+v*up, y-h*w
	} else {
		x, y = x-h*w, y-v*up
	}
	s.text(text{x: x, y: y, size: st.size, width: w, bold: st.bold, quarters: st.quarters, color: st.color, fixed: st.fixed, words: words})
}

func point(x, y float64) vg.Point { return vg.Point{X: vg.Points(x), Y: vg.Points(y)} }

// line joins places. A place that is not finite leaves a gap.
func (s *sheet) line(st stroke, xs, ys []float64) {
	var path vg.Path
	gap := true
	for i := range xs {
		if math.IsNaN(ys[i]) || math.IsInf(ys[i], 0) || math.IsNaN(xs[i]) {
			gap = true
			continue
		}
		if gap {
			path.Move(point(xs[i], ys[i]))
		} else {
			path.Line(point(xs[i], ys[i]))
		}
		gap = false
	}
	if len(path) > 1 {
		s.stroke(st, path)
	}
}

func (s *sheet) segment(st stroke, x0, y0, x1, y1 float64) {
	s.line(st, []float64{x0, x1}, []float64{y0, y1})
}

func outlined(b box) vg.Path {
	var path vg.Path
	path.Move(point(b.left, b.bottom))
	path.Line(point(b.right, b.bottom))
	path.Line(point(b.right, b.top))
	path.Line(point(b.left, b.top))
	path.Close()
	return path
}

// cross marks a point that diverged.
func (s *sheet) cross(st stroke, x, y, half float64) {
	s.segment(st, x-half, y-half, x+half, y+half)
	s.segment(st, x-half, y+half, x+half, y-half)
}

// label writes a tick.
func label(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-4 || a >= 1e5) {
		return brief(v)
	}
	return strconv.FormatFloat(round(v), 'f', -1, 64)
}

func round(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// brief writes a number in two significant digits: 3.2e-3.
func brief(v float64) string {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 2, 64), 64)
	if err != nil {
		r = v
	}
	return stats.Number(r)
}

// briefly writes different numbers briefly; nil if some would read alike.
func briefly(numbers []float64) []string {
	texts := make([]string, len(numbers))
	seen := map[string]bool{}
	for i, v := range numbers {
		texts[i] = brief(v)
		if seen[texts[i]] {
			return nil
		}
		seen[texts[i]] = true
	}
	return texts
}

// A tick is a place on an axis with its label.
type tick struct {
	at   float64 // share of the axis
	text string
}

func labelled(s compare.Scale, about int) (all []tick) {
	for _, t := range s.Ticks(about) {
		all = append(all, tick{s.Clamped(t.Number), t.Text})
	}
	return all
}

// thin leaves out ticks whose labels would touch.
func thin(all []tick, length, size float64) []tick {
	for every := 1; every < len(all); every++ {
		var some []tick
		ok := true
		end := math.Inf(-1)
		for i := 0; i < len(all); i += every {
			half := width(all[i].text, size, false) / 2
			at := all[i].at * length
			ok = ok && at-half > end+3
			end = at + half
			some = append(some, all[i])
		}
		if ok {
			return some
		}
	}
	return all[:min(1, len(all))]
}

// spaced leaves out ticks that are closer than one of so many lines of text.
func spaced(all []tick, lines float64) (some []tick) {
	for _, t := range all {
		if len(some) == 0 || (t.at-some[len(some)-1].at)*lines >= 1 {
			some = append(some, t)
		}
	}
	return some
}

// axes draws a frame with its scales and returns the part of it that data are drawn in.
func (s *sheet) axes(b box, xs, ys []tick, xName, yName string) box {
	in := b
	in.bottom += s.size*2 + 6
	in.left += s.size + 6
	wide := 0.0
	ys = spaced(ys, (in.height()-s.size/2)/(1.15*s.size))
	for _, t := range ys {
		wide = max(wide, width(t.text, s.size, false))
	}
	in.left += wide + 2
	in.right -= 2
	in.top -= s.size / 2
	thinRule := stroke{rule, 0.5, nil, false}
	for _, t := range ys {
		y := in.bottom + t.at*in.height()
		s.segment(thinRule, in.left, y, in.right, y)
		s.words(in.left-4, y, 1, 0.5, t.text, style{})
	}
	edge := stroke{ink, 0.6, nil, false}
	for _, t := range thin(xs, in.width(), s.size) {
		x := in.left + t.at*in.width()
		s.segment(edge, x, in.bottom, x, in.bottom-2.5)
		s.words(x, in.bottom-4.5, 0.5, 1, t.text, style{})
	}
	s.segment(edge, in.left, in.bottom, in.right, in.bottom)
	s.segment(edge, in.left, in.bottom, in.left, in.top)
	s.words((in.left+in.right)/2, b.bottom, 0.5, 0, xName, style{})
	s.words(b.left, (in.bottom+in.top)/2, 0.5, 1, clip(yName, s.size, in.height()), style{quarters: 1})
	return in
}

// An entry of a legend.
type entry struct {
	name   string
	stroke stroke
}

// legend writes entries below a figure and returns the height that they take.
func (s *sheet) legend(b box, entries []entry, dry bool) float64 {
	const sample, gap = 16, 9
	x, rows := b.left, 1
	y := b.bottom
	type placed struct {
		entry
		x   float64
		row int
	}
	var all []placed
	for _, e := range entries {
		e.name = clip(e.name, s.size, b.width()-sample-4)
		w := sample + 3 + width(e.name, s.size, false)
		if x > b.left && x+w > b.right {
			x = b.left
			rows++
		}
		all = append(all, placed{e, x, rows - 1})
		x += w + gap
	}
	line := 1.35 * s.size
	height := float64(rows)*line + 2
	if dry {
		return height
	}
	for _, p := range all {
		at := y + height - float64(p.row)*line - line/2 - 2
		s.segment(p.stroke, p.x, at, p.x+sample, at)
		s.words(p.x+sample+3, at, 0, 0.5, p.name, style{})
	}
	return height
}
