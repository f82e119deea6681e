package sheet

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

//go:embed sheet.html
var source string

//go:embed sheet.css
var css string

// Style is the style sheet: tokens, type, the colours of maps.
func Style() string { return style }

var style = css + rampCSS() + axisCSS()

var parsed = template.Must(template.New("sheet").Funcs(template.FuncMap{
	"plain": Plain, "dots": armDots, "gaps": armGaps, "ticks": armTicks, "gapTicks": gapTicks, "gutter": gutterOf, "map": mapOf, "bar": tableBar,
	"barTicks": barTicks, "ramp": rampBar, "shares": sharesBar, "ranks": ranksOf, "rankTicks": rankTicks, "hue": hueClass, "first": func(i int) bool { return i == 0 },
	"step": stepBar, "epochs": epochsBar, "training": func(l *Live) []Training { return l.Training[:min(len(l.Training), mostTraining)] },
	"mapsClass": func(m *Maps) string { return m.class() }, "percentDone": func(l *Live) int { return l.percent() }, "says": func(b Bar) string { return b.says() },
	"weight": weightOf, "sign": func(m *Maps, name string) bool { return m.signs[name] }, "hasBars": func(t Table) bool { return t.bars != nil },
	"barAfter": barAfter, "sub": func(d Data, p Part) section { return section{d, p} }, "add": func(a, b int) int { return a + b },
	"defs": func() template.HTML { return template.HTML(defs) }, "legendBox": legendBox, "notLabelled": notLabelled, "spark": spark, "pDoubt": pDoubt, "align": align,
}).Parse(source))

// A section is a part with the sheet that it is of.
type section struct {
	Data Data
	Part Part
}

// Write writes the sections of a sheet, as the content of the element with the id view.
func Write(w io.Writer, d Data) error { return parsed.ExecuteTemplate(w, "sheet", d) }

// WriteMaps writes maps alone: the content of an element of the class mapbox.
func WriteMaps(w io.Writer, m *Maps) error { return parsed.ExecuteTemplate(w, "mapbox", m) }

// WriteEmpty writes the page of a store without a sweep.
func WriteEmpty(w io.Writer) error { return parsed.ExecuteTemplate(w, "empty", nil) }

// weightOf is the class of a piece; empty for plain words.
func weightOf(p Piece) string {
	switch p.Weight {
	case doubt:
		return "doubt"
	case sign:
		return "sign"
	}
	return ""
}

// A drawing is an SVG element while it is written. Texts come in through text only, which escapes them.
type drawing struct{ bytes.Buffer }

func (d *drawing) add(format string, args ...any) { fmt.Fprintf(&d.Buffer, format, args...) }

// escaped is a text for an attribute or an element of SVG.
func escaped(text string) string { return template.HTMLEscapeString(Plain(text)) }

func (d *drawing) done() template.HTML { return template.HTML(d.String()) }

// defs are the marks that drawings use. They stand once in a sheet.
const defs = `<svg class="defs" width="0" height="0" aria-hidden="true"><defs>` +
	`<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hp" width="6" height="6"/><path class="hl" d="M0 0v6"/></pattern>` +
	`<path id="al" class="ah" d="M5 -4L0 0L5 4"/><path id="ar" class="ah" d="M-5 -4L0 0L-5 4"/>` +
	`<path id="bb" class="bb" d="M-9 -3.5L-5 0L-9 3.5M-4 -3.5L0 0L-4 3.5"/><path id="bl" class="bb" d="M9 -3.5L5 0L9 3.5M4 -3.5L0 0L4 3.5"/>` +
	`<path id="co" d="M-7.5 1h6.5v6.5z"/><path id="zz" class="ax" d="M0 2l5 -4m1 4l5 -4"/></defs></svg>`

// hueClass is the class of an arm's colour.
func hueClass(hue int) string {
	switch {
	case hue == -1:
		return "hb"
	case hue < 0 || hue >= hues:
		return "hg"
	}
	return fmt.Sprintf("h%d", hue)
}

// A bar is a dot with its interval on a scale.
type bar struct {
	value, low, high float64
	hollow           bool
}

// draw draws it at a height. A bar that leaves the scale ends in an arrowhead; a dot beyond it is a mark of its own.
func (b bar) draw(d *drawing, s scale, y float64, radius string) {
	if b.value != b.value {
		return
	}
	if b.low == b.low && b.high == b.high && b.low <= s.High && b.high >= s.Low {
		d.add(`<line class="iv" x1="%s" x2="%s" y1="%s" y2="%[3]s"/>`, percent(s.at(b.low)), percent(s.at(b.high)), px(y))
		if b.low < s.Low {
			d.add(`<use href="#al" x="%s" y="%s"/>`, percent(s.at(b.low)), px(y))
		}
		if b.high > s.High {
			d.add(`<use href="#ar" x="%s" y="%s"/>`, percent(s.at(b.high)), px(y))
		}
	}
	switch {
	case b.value > s.High:
		d.add(`<use href="#bb" x="%s" y="%s"/>`, percent(s.at(b.value)), px(y))
	case b.value < s.Low:
		d.add(`<use href="#bl" x="%s" y="%s"/>`, percent(s.at(b.value)), px(y))
	default:
		class := "dot"
		if b.hollow {
			class = "dot open"
		}
		d.add(`<circle class="%s" cx="%s" cy="%s" r="%s"/>`, class, percent(s.at(b.value)), px(y), radius)
	}
}

// rings are the seeds on a scale.
func rings(d *drawing, s scale, values []float64, y float64) {
	for _, v := range values {
		if v >= s.Low && v <= s.High {
			d.add(`<circle class="ring" cx="%s" cy="%s" r="2.25"/>`, percent(s.at(v)), px(y))
		}
	}
}

// grid draws the lines of a scale's round numbers through a row. Zero is the line that decides.
func grid(d *drawing, s scale, about int, height float64, zero bool) {
	for _, t := range s.marks(about) {
		if zero && t.Number == 0 {
			continue
		}
		d.add(`<line class="grid" x1="%s" x2="%[1]s" y1="0" y2="%s"/>`, percent(s.at(t.Number)), px(height))
	}
	if zero && s.Low <= 0 && s.High >= 0 {
		d.add(`<line class="zero" x1="%s" x2="%[1]s" y1="0" y2="%s"/>`, percent(s.at(0)), px(height))
	}
}

const (
	armHeight  = 43
	armTicksOf = 5
)

// armDots is an arm's value on its scale.
func armDots(a *Arms, row Arm) template.HTML {
	return row.draw(a.value, row.interval.Value, row.interval.Low, row.interval.High, row.seeds, row.hollow, false)
}

// armGaps is an arm's difference to the baseline.
func armGaps(a *Arms, row Arm) template.HTML {
	return row.draw(a.gap, row.gap.Value, row.gap.Low, row.gap.High, row.gaps, false, true)
}

func (a Arm) draw(s scale, value, low, high float64, seeds []float64, hollow, zero bool) template.HTML {
	var d drawing
	d.add(`<svg class="%s" width="100%%" height="%d" aria-hidden="true">`, hueClass(a.Hue), armHeight)
	grid(&d, s, armTicksOf, armHeight, zero)
	if low != low { // one seed: a ring only
		hollow = true
	}
	bar{value, low, high, hollow}.draw(&d, s, armHeight/2.-4, "4.5")
	rings(&d, s, seeds, armHeight/2.+9)
	d.add(`</svg>`)
	return d.done()
}

func armTicks(a *Arms) template.HTML { return axis(a.value, armTicksOf, "", false) }
func gapTicks(a *Arms) template.HTML {
	unit := ""
	if a.percent {
		unit = "\u00a0%"
	}
	return axis(a.gap, armTicksOf, unit, true)
}

// The narrowest chart with an axis, and a digit of it, in pixels.
const (
	leastChart = 150
	digitWide  = 6.2
)

// axis are the texts of a scale. One that would touch the last is left out, but 0 takes its place.
func axis(s scale, about int, unit string, zero bool) template.HTML {
	var d drawing
	d.add(`<svg width="100%%" height="20" aria-hidden="true">`)
	var texts []string
	end := math.Inf(-1) // of the last, in percent
	for _, t := range s.marks(about) {
		text, class := nice(t.Text), "t-m"
		switch {
		case zero && t.Number == 0:
			class = ""
		case unit != "":
			text += unit
		}
		half := 50 * digitWide * float64(utf8.RuneCountInString(text)) / leastChart
		if at := s.at(t.Number); at-half < end {
			if class != "" {
				continue
			}
			texts = texts[:len(texts)-1]
		}
		end = s.at(t.Number) + half
		texts = append(texts, fmt.Sprintf(`<text class="%s t-s mid" x="%s" y="14">%s</text>`, class, percent(s.at(t.Number)), escaped(text)))
	}
	d.add("%s</svg>", strings.Join(texts, ""))
	return d.done()
}

// metricColumn is the column of the table after which intervals are drawn: that of the metric.
func metricColumn(t Table) int {
	for i, h := range t.Heads {
		if strings.HasSuffix(h.Text, " ↓") || strings.HasSuffix(h.Text, " ↑") {
			return i
		}
	}
	return -1
}

func barAfter(t Table, i int) bool { return t.bars != nil && i == metricColumn(t) }

// tableBar is a row's interval.
func tableBar(t Table, r Row) template.HTML {
	var d drawing
	class := "tb"
	if !r.Tied && !r.Best {
		class = "tb far"
	}
	d.add(`<svg class="%s" width="100%%" height="27" aria-hidden="true">`, class)
	grid(&d, *t.bars, 5, 27, false)
	bar{r.interval.Value, r.interval.Low, r.interval.High, r.interval.Low != r.interval.Low}.draw(&d, *t.bars, 13.5, "3")
	d.add(`</svg>`)
	return d.done()
}

func barTicks(t Table) template.HTML { return axis(*t.bars, 5, "", false) }

// pDoubt reports whether a cell is a p-value above 0.05.
func pDoubt(t Table, i int, text string) bool {
	if t.Heads[i].Text != "p" || text == "" {
		return false
	}
	var p float64
	if _, err := fmt.Sscanf(text, "%g", &p); err != nil {
		return false
	}
	return p > 0.05
}

// align is the class of a column: columns of numbers are aligned to the right.
func align(t Table, i int, cell string) string {
	switch h := t.Heads[i]; {
	case h.Right:
		return "num"
	case pDoubt(t, i, cell):
		return "doubt"
	case h.Text == "" && i == 0:
		return "sg"
	}
	return ""
}

// WriteTop writes the head of a page: its name, and with nav the links to the other pages, which a script shows once it can draw
// them.
func WriteTop(w io.Writer, d Data, nav bool) error {
	return parsed.ExecuteTemplate(w, "top", struct {
		Title string
		Nav   bool
	}{d.Title, nav})
}
