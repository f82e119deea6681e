package sheet

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Heights in px: of a cell, of what stands below a map for its axis, of a row of dots.
const (
	cellHigh = 35.
	axisHigh = 26.
	lineHigh = 150.
)

// class is the class of the box of maps: columns, least width of a cell, facets side by side, width of row labels.
func (m *Maps) class() string {
	columns := 1.0
	for _, f := range m.Facets {
		columns = max(columns, f.Columns.size)
	}
	text := fmt.Sprintf("maps c%d w%d g%d", int(math.Ceil(columns)), m.least, m.gutter)
	if m.same && m.across > 1 {
		text += fmt.Sprintf(" a%d", m.across)
	}
	return text
}

func (f Facet) height() float64 {
	if f.Line {
		return lineHigh
	}
	return f.Rows.size * cellHigh
}

// gutterOf are the texts of a map's rows.
func gutterOf(m *Maps, f Facet) template.HTML {
	var d drawing
	high, width := f.height(), float64(34+8*m.gutter)
	d.add(`<svg class="gut" width="%s" height="%s" aria-hidden="true">`, px(width), px(high+axisHigh))
	if f.Line {
		for _, t := range f.value.marks(4) {
			d.add(`<text class="t-m t-s end" x="%s" y="%s">%s</text>`, px(width-8), px(f.lineY(t.Number)+4), escaped(nice(t.Text)))
		}
	} else {
		for i, t := range f.Rows.Ticks {
			class := "t-m end"
			text := t.Text
			if most := int((width - 8) / 6.4); utf8.RuneCountInString(text) > most && !f.Rows.Arrow {
				text = short(text, most)
			}
			d.add(`<text class="%s" x="%s" y="%s">%s</text>`, class, px(width-8), px(f.Rows.begin[i]*cellHigh+cellHigh/2+4), escaped(text))
		}
		if f.Rows.apart > 0 {
			d.add(`<use href="#zz" x="%s" y="%s"/>`, px(width-15), px(f.Rows.begin[f.Rows.apart]*cellHigh-zeroGap*cellHigh/2))
		}
	}
	name := f.Columns.Name
	if f.Columns.Arrow {
		name += " →"
	}
	if float64(utf8.RuneCountInString(name))*6.4 < width {
		d.add(`<text class="t-m" x="0" y="%s">%s</text>`, px(high+19), escaped(name))
	}
	d.add(`</svg>`)
	return d.done()
}

func (f Facet) lineY(v float64) float64 { return lineHigh - 8 - (lineHigh-16)*f.value.Clamped(v) }

// mapOf is one map as SVG. Places across are in percent, so that it fits every width, and digits keep their size.
func mapOf(m *Maps, f Facet, first bool) template.HTML {
	var d drawing
	high := f.height()
	d.add(`<svg class="map" width="100%%" height="%s" role="grid" aria-label="%s">`, px(high+axisHigh), escaped(f.Label))
	share := func(cells float64) string { return percent(100 * cells / f.Columns.size) }
	if f.Line {
		for _, t := range f.value.marks(4) {
			d.add(`<line class="grid" x1="0" x2="100%%" y1="%s" y2="%[1]s"/>`, px(math.Round(f.lineY(t.Number))))
		}
	}
	tab := -1
	if first {
		tab = 0
	}
	// The cell that the keyboard comes to first is the best of the first map.
	start := [2]int{-1, -1}
	for i, row := range f.Cells {
		for k, c := range row {
			if tab == 0 && c.Point != "" && (start[0] < 0 || c.Best || c.ArmBest) {
				start = [2]int{i, k}
			}
		}
	}
	var over drawing
	for i, row := range f.Cells {
		if f.Line {
			d.add(`<g role="row">`)
		} else {
			d.add(`<g role="row" transform="translate(0 %s)">`, px(f.Rows.begin[i]*cellHigh))
		}
		for k, c := range row {
			if c.Point == "" {
				continue
			}
			index := "-1"
			if start == [2]int{i, k} {
				index = "0"
			}
			class := "cell"
			if c.Level >= 0 && !f.Line {
				class = fmt.Sprintf("cell q%d", c.Level)
			}
			if c.State == "diverged" && c.Level < 0 {
				class = "cell div"
			} else if c.Level < 0 {
				class = "cell not"
			}
			d.add(`<g class="%s" tabindex="%s" role="gridcell" data-p="%s" aria-label="%s">`, class, index, escaped(string(c.Point)), escaped(c.Label))
			if f.Line {
				f.dot(&d, c, k)
			} else {
				c.draw(&d, f.Columns.begin[k], f.Columns.size)
				if c.Best || c.ArmBest {
					x, w, y := share(f.Columns.begin[k]), share(1), px(f.Rows.begin[i]*cellHigh)
					if c.Best {
						over.add(`<rect class="f1" x="%s" y="%s" width="%s" height="%s"/>`, x, y, w, px(cellHigh))
					}
					frame := "f3"
					if c.Best {
						frame = "f2"
					}
					over.add(`<svg class="in" x="%s" y="%s" width="%s" height="%s"><rect class="%s" width="100%%" height="100%%"/><rect class="f4" width="100%%" height="100%%"/></svg>`, x, y, w, px(cellHigh), frame)
				}
			}
			d.add(`</g>`)
		}
		d.add(`</g>`)
	}
	d.add(`<g class="over">%s</g>`, over.String())
	for k, t := range f.Columns.Ticks {
		x := share(f.Columns.begin[k] + .5)
		long := 4.
		if t.named {
			long = 6
		}
		d.add(`<line class="axis" x1="%s" x2="%[1]s" y1="%s" y2="%s"/>`, x, px(high+1), px(high+long))
		if t.named {
			class := "t-m mid"
			if t.Bold {
				class = "t-b mid"
			}
			d.add(`<text class="%s" x="%s" y="%s">%s</text>`, class, x, px(high+19), escaped(t.Text))
		}
	}
	if f.Columns.apart == 0 && len(f.Columns.Ticks) > 1 {
		d.add(`<svg x="%s" y="%s" width="1" height="1"><use href="#zz" x="-5"/></svg>`, share(1+zeroGap/2), px(high+3))
	}
	d.add(`</svg>`)
	return d.done()
}

// draw draws a cell that begins at a place, in cells, of a row of so many.
func (c Cell) draw(d *drawing, begin, size float64) {
	share := func(cells float64) string { return percent(100 * cells / size) }
	middle := share(begin + .5)
	d.add(`<rect x="%s" width="%s" height="35"/>`, share(begin), share(1))
	if c.State == "failed" {
		d.add(`<line class="fl" x1="%s" x2="%s" y1="34" y2="1"/>`, share(begin), share(begin+1))
	}
	if c.State == "pruned" {
		d.add(`<rect class="pr" x="%s" width="%s" height="35"/>`, share(begin), share(1))
	}
	if c.Level >= 0 {
		y, class := "21.5", ""
		if c.State == "missing" {
			y = "18.5"
		}
		if c.Beyond {
			class = ` class="bd"`
			d.add(`<use href="#co" x="%s"/>`, share(begin+1))
		}
		d.add(`<text%s x="%s" y="%s">%s</text>`, class, middle, y, escaped(c.Text))
	}
	if signs := map[bool]string{true: "≈"}[c.Tied] + map[bool]string{true: "*"}[c.Unstable]; signs != "" {
		d.add(`<text class="sg" x="%s" dx="4" y="10">%s</text>`, share(begin), signs)
	}
	if c.State == "missing" && c.Seeds > 0 {
		c.pips(d, middle)
	}
}

// pips are the seeds of a point that lacks some: the ended ones are full, one that trains breathes.
func (c Cell) pips(d *drawing, middle string) {
	const room = 29.
	if c.Seeds > 10 {
		d.add(`<svg x="%s" y="27" width="1" height="1"><path class="p0" d="M-15 0h30v2.5h-30z"/><path class="p1" d="M-15 0h%sv2.5h-%[2]sz"/></svg>`, middle, px(30*float64(c.Ended)/float64(c.Seeds)))
		return
	}
	step := min(6, room/float64(c.Seeds))
	var full, run, rest strings.Builder
	for i := range c.Seeds {
		to := &rest
		switch {
		case i < c.Ended:
			to = &full
		case i < c.Ended+c.Running:
			to = &run
		}
		fmt.Fprintf(to, "M%s 0h%sv2.5h-%[2]sz", px(float64(i)*step-step*float64(c.Seeds)/2), px(step-1))
	}
	d.add(`<svg x="%s" y="27" width="1" height="1">`, middle)
	for _, p := range []struct{ class, path string }{{"p0", rest.String()}, {"p1", full.String()}, {"p1 pulse", run.String()}} {
		if p.path != "" {
			d.add(`<path class="%s" d="%s"/>`, p.class, p.path)
		}
	}
	d.add(`</svg>`)
}

// dot is a point of a row of dots and intervals.
func (f Facet) dot(d *drawing, c Cell, k int) {
	share := func(cells float64) string { return percent(100 * cells / f.Columns.size) }
	x := share(f.Columns.begin[k] + .5)
	d.add(`<rect class="hit" x="%s" width="%s" height="%s"/>`, share(f.Columns.begin[k]), share(1), px(lineHigh))
	if c.State == "diverged" || c.interval.Value != c.interval.Value {
		d.add(`<rect class="dv" x="%s" width="%s" y="4" height="%s"/>`, share(f.Columns.begin[k]+.3), share(.4), px(lineHigh-8))
		return
	}
	if i := c.interval; i.Low == i.Low && i.High == i.High {
		low, high := max(i.Low, f.value.Low), min(i.High, f.value.High)
		if low <= high {
			d.add(`<line class="iv" x1="%s" x2="%[1]s" y1="%s" y2="%s"/>`, x, px(f.lineY(low)), px(f.lineY(high)))
		}
		for _, end := range []struct {
			out  bool
			path string
			y    float64
		}{{i.High > f.value.High, "M-4 5L0 0L4 5", f.lineY(high)}, {i.Low < f.value.Low, "M-4 -5L0 0L4 -5", f.lineY(low)}} {
			if end.out {
				d.add(`<svg x="%s" y="%s" width="1" height="1"><path class="ah" d="%s"/></svg>`, x, px(end.y), end.path)
			}
		}
	}
	switch {
	case c.interval.Value > f.value.High:
		d.add(`<svg x="%s" y="%s" width="1" height="1"><path class="bb" d="M-3.5 9L0 5L3.5 9M-3.5 4L0 0L3.5 4"/></svg>`, x, px(f.lineY(f.value.High)))
	case c.interval.Value < f.value.Low:
		d.add(`<svg x="%s" y="%s" width="1" height="1"><path class="bb" d="M-3.5 -9L0 -5L3.5 -9M-3.5 -4L0 0L3.5 -4"/></svg>`, x, px(f.lineY(f.value.Low)))
	default:
		class := "dot"
		if c.Best || c.ArmBest {
			class = "dot top"
		}
		d.add(`<circle class="%s" cx="%s" cy="%s" r="4.5"/>`, class, x, px(f.lineY(c.interval.Value)))
	}
	if c.Tied {
		d.add(`<text class="sg" x="%s" dx="8" y="%s">≈</text>`, x, px(f.lineY(c.interval.Value)+4))
	}
	if len(c.values) > 1 && len(f.Columns.Ticks) <= 12 {
		for _, v := range c.values {
			if v >= f.value.Low && v <= f.value.High {
				d.add(`<circle class="ring" cx="%s" cy="%s" r="2.25" transform="translate(-9 0)"/>`, x, px(f.lineY(v)))
			}
		}
	}
}

// rampBar is the scale of colours with its texts.
func rampBar(m *Maps) template.HTML {
	const width, steps = 200., 40
	var d drawing
	d.add(`<svg width="%s" height="30" aria-hidden="true">`, px(width+12))
	for i := range steps {
		level := i * (Levels - 1) / (steps - 1)
		if len(m.Ends) == 1 {
			level = 0
		}
		d.add(`<g class="q%d"><rect x="%s" width="%s" height="10"/></g>`, level, px(float64(i)*width/steps), px(width/steps+.5))
	}
	if m.Beyond {
		d.add(`<path class="bt" d="M200 0l9 5l-9 5z"/>`)
	}
	d.add(`<rect class="edge" width="%s" height="10"/>`, px(width))
	for i, text := range m.Ends {
		class := []string{"", "mid ", "end "}[i]
		d.add(`<text class="%st-m t-s" x="%s" y="24">%s</text>`, class, px(float64(i)*width/2), escaped(text))
	}
	d.add(`</svg>`)
	return d.done()
}

// legendBox is a sign of maps as the legend shows it.
func legendBox(sign string) template.HTML {
	const open = `<svg width="22" height="16" aria-hidden="true">`
	switch sign {
	case "best":
		return open + `<g class="q6"><rect x="1.5" y="1.5" width="19" height="13"/></g><rect class="f1" x="1.5" y="1.5" width="19" height="13"/><rect class="f5" x="3.75" y="3.75" width="14.5" height="8.5"/></svg>`
	case "arm":
		return open + `<g class="q6"><rect x="1.5" y="1.5" width="19" height="13"/></g><rect class="f6" x="1.5" y="1.5" width="19" height="13"/><rect class="f5" x="3" y="3" width="16" height="10"/></svg>`
	case "dot":
		return open + `<circle class="dot open" cx="11" cy="8" r="4.5"/></svg>`
	case "tied":
		return open + `<text class="big" x="5" y="13">≈</text></svg>`
	case "unstable":
		return open + `<text class="big" x="7" y="15">*</text></svg>`
	case "diverged":
		return open + `<rect class="lg dv" x="2" y="2" width="18" height="12"/></svg>`
	case "failed":
		return open + `<rect class="lg nt" x="2" y="2" width="18" height="12"/><path class="fl" d="M2 14L20 2"/></svg>`
	case "pruned":
		return open + `<g class="q28"><rect x="2" y="2" width="18" height="12"/></g><rect class="pr" x="2" y="2" width="18" height="12"/></svg>`
	case "missing":
		return open + `<path class="p1" d="M0 7h3.6v2.5h-3.6zM4.4 7h3.6v2.5h-3.6z"/><path class="p0" d="M8.8 7h3.6v2.5h-3.6zM13.2 7h3.6v2.5h-3.6zM17.6 7h3.6v2.5h-3.6z"/></svg>`
	case "running":
		return open + `<path class="p1 pulse" d="M8 7h5v2.5h-5z"/></svg>`
	}
	return ""
}

// fits reports whether a label of a share has room in its bar, on a page whose content is so wide.
func (s Share) fits(width float64) bool {
	return s.Share*width > max(44, float64(utf8.RuneCountInString(s.Name))*6.6+8)
}

// sharesBar is the variance's shares in one bar, with names where they have room: on a wide page, and on a narrow one.
func sharesBar(p Part) template.HTML {
	var d drawing
	var words []string
	for _, s := range p.Shares {
		words = append(words, s.Name+" "+s.Percent)
	}
	d.add(`<svg class="shares" width="100%%" height="54" role="img" aria-label="%s">`, escaped(strings.Join(words, ", ")))
	total := 0.0
	for _, s := range p.Shares {
		total += s.Share
	}
	at := 0.0
	for i, s := range p.Shares {
		share := s.Share / max(1, total)
		class := fmt.Sprintf("s%d", min(i, 4))
		if s.Doubt {
			class = "sd"
		}
		d.add(`<rect class="%s" x="%s" y="4" width="%s" height="6"/>`, class, percent(100*at), percent(max(.1, 100*share-.2)))
		if s.fits(wide) {
			only := ""
			if !s.fits(narrow) {
				only = "wide "
			}
			name := "lb"
			if s.Doubt {
				name = "lb dt"
			}
			d.add(`<text class="%s%s" x="%s" y="28">%s</text><text class="%[1]st-m" x="%[3]s" y="44">%[5]s</text>`, only, name, percent(100*at), escaped(s.Name), escaped(s.Percent))
		}
		at += share
	}
	d.add(`</svg>`)
	return d.done()
}

// notLabelled lists the shares whose names have no room: on a wide page, or on a narrow one.
func notLabelled(p Part, isWide bool) string {
	width := float64(narrow)
	if isWide {
		width = wide
	}
	var words []string
	for _, s := range p.Shares {
		if !s.fits(width) && s.Share >= 0.005 {
			words = append(words, s.Name+"\u00a0"+s.Percent)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "Not labelled: " + strings.Join(words, " · ") + "."
}

// ranksOf is an arm's mean rank, with its rank on each problem.
func ranksOf(x *Across, a AcrossArm) template.HTML {
	var d drawing
	s := x.scale()
	d.add(`<svg class="%s" width="100%%" height="%d" aria-hidden="true">`, hueClass(a.Hue), armHeight)
	grid(&d, s, max(1, len(x.Arms)-1), armHeight, false)
	bar{float64(a.Rank), math.NaN(), math.NaN(), a.Baseline}.draw(&d, s, armHeight/2.-4, "4.5")
	rings(&d, s, a.Ranks, armHeight/2.+9)
	d.add(`</svg>`)
	return d.done()
}

func (x *Across) scale() scale {
	s := reach([]float64{1, float64(max(2, len(x.Arms)))}, nil, nil)
	return s
}

func rankTicks(x *Across) template.HTML { return axis(x.scale(), max(1, len(x.Arms)-1), "", false) }

// stepBar is a part of the bar of progress.
func stepBar(s Step) template.HTML {
	var d drawing
	class := "st"
	if s.Running > 0 {
		class = "st run"
	}
	share := 0.0
	if s.All > 0 {
		share = float64(s.Done) / float64(s.All)
	}
	d.add(`<svg class="%s" width="100%%" height="10"><title>%s</title><rect class="b0" width="100%%" height="10"/><rect class="b1" width="%s" height="10"/></svg>`, class,
		escaped(fmt.Sprintf("%s: %d of %d", s.Name, s.Done, s.All)), percent(100*share))
	return d.done()
}

// epochsBar is how far a trial is.
func epochsBar(t Training) template.HTML {
	var d drawing
	share := 0.0
	if t.Epochs > 0 {
		share = min(1, float64(t.Epoch)/float64(t.Epochs))
	}
	d.add(`<svg width="100" height="4" aria-hidden="true"><rect class="b0" width="100" height="4"/><rect class="b1" width="%s" height="4"/></svg>`, px(100*share))
	return d.done()
}

// sparkValues is the number of values of a curve in a table.
const sparkValues = 28

// spark is the mean curve of a row, on a scale of its own that is logarithmic where the values differ much.
func spark(r Row) template.HTML {
	const width, high = 56., 16.
	kept := r.curve
	low, up := math.Inf(1), math.Inf(-1)
	for _, v := range kept {
		if stats.Finite(v) {
			low, up = min(low, v), max(up, v)
		}
	}
	if len(kept) < 2 || !(low <= up) {
		return ""
	}
	s := compare.Fitted(low, up, compare.LogSpan, 0)
	var d drawing
	d.add(`<svg width="56" height="18" aria-hidden="true"><path class="spk" d="`)
	word := "M"
	for i, v := range kept {
		if !stats.Finite(v) {
			word = "M"
			continue
		}
		d.add("%s%.0f %s", word, float64(i)*width/float64(len(kept)-1), px(math.Round(10*(1+high*(1-s.Clamped(v))))/10))
		word = "L"
	}
	d.add(`"/></svg>`)
	return d.done()
}
