package figure

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
	"gonum.org/v1/plot/vg"
)

// barWidth is the width of the scale of colours with its labels.
const barWidth = 40.0

// mostPanels is the largest number of maps in a figure; the best come first.
const mostPanels = 12

// maps is a figure of small multiples while it is laid out.
type maps struct {
	*sheet
	report        *compare.Report
	panels        []compare.Map
	scale         compare.Scale
	clipped       bool // values beyond the scale
	equal         bool // all values, but for rounding
	across        int  // panels side by side
	panelW        float64
	cellW, cellH  float64
	labelW        float64
	labelH, headH float64
	options       Options
}

// heatmap draws a map for each arm, with one scale of colours for all.
func heatmap(s *sheet, r *compare.Report, o Options) error {
	m := &maps{sheet: s, report: r, panels: r.Maps(o.Columns, o.Rows), options: o}
	if len(m.panels) == 0 {
		return &NothingError{fmt.Sprintf("%s has no two axes to make a map of", r.Sweep), "--axes COLUMNS,ROWS names two of " + strings.Join(r.AxisNames(), ", ")}
	}
	if !m.fit() {
		return &NothingError{fmt.Sprintf("no point of %s is complete", r.Sweep), "run the sweep again to go on; xrun plot curves draws what there is"}
	}
	left := len(m.panels) - mostPanels
	m.panels = m.panels[:min(len(m.panels), mostPanels)]
	caption := m.caption(left)
	m.layout(s.captionHeight(caption))
	b := s.area(caption)
	rows := (len(m.panels) + m.across - 1) / m.across
	panelH := b.height() / float64(rows)
	for i, p := range m.panels {
		x, y := b.left+float64(i%m.across)*m.panelW, b.top-float64(i/m.across)*panelH
		m.panel(box{x, y - panelH, x + m.panelW, y}, p)
	}
	edge := b.left + float64(m.across)*m.panelW + 6
	m.bar(box{edge, b.bottom + m.labelH, edge + barWidth, b.top - m.headH})
	return nil
}

// fit makes the scale of colours of all complete points. It cuts the scale where a few bad points would take most
// colours.
func (m *maps) fit() bool {
	var values []float64
	for _, s := range m.report.Points {
		if v := s.Interval.Value; s.Complete && !math.IsNaN(v) && !math.IsInf(v, 0) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return false
	}
	slices.Sort(values)
	n := len(values)
	low, high := values[0], values[n-1]
	if m.report.Goal == stop.Max {
		if middle := values[n/2]; high-low > 4*(high-middle) && high > middle {
			low, m.clipped = max(low, high-4*(high-middle)), true
		}
	} else if middle := values[n/2]; low <= 0 && high-low > 4*(middle-low) && middle > low {
		high, m.clipped = min(high, low+4*(middle-low)), true
	}
	m.equal = n > 1 && stats.Alike(values[0], values[n-1])
	m.scale = compare.Fitted(low, high, 4, 0)
	return true
}

// goodness is the place of a value on the scale of colours: 1 is best and bright.
func (m *maps) goodness(v float64) float64 {
	if m.equal {
		return 1
	}
	if m.report.Goal == stop.Max {
		return m.scale.Clamped(v)
	}
	return 1 - m.scale.Clamped(v)
}

func (m *maps) layout(caption float64) {
	for _, p := range m.panels {
		for _, t := range p.Rows.Ticks {
			m.labelW = max(m.labelW, min(width(clean(t.Text), m.size, false), 80))
		}
	}
	m.labelW += m.size + 8
	m.labelH, m.headH = 2*m.size+9, 1.7*m.size
	columns, rows := 1.0, 1.0 // in cells
	for _, p := range m.panels {
		_, wide := cellsOf(p.Columns)
		_, high := cellsOf(p.Rows)
		columns, rows = max(columns, wide), max(rows, high)
	}
	room := m.width - 2*margin - barWidth - 6
	// As many panels side by side as leave room for numbers in the cells, if any do.
	m.across = 1
	for n := min(len(m.panels), 4); n > 1; n-- {
		if (room/float64(n)-m.labelW-6)/columns >= 15.8 || len(m.panels) > 4 && n <= 3 && (room/float64(n)-m.labelW-6)/columns >= 5 {
			m.across = n
			break
		}
	}
	m.panelW = room / float64(m.across)
	m.cellW = max(0.5, (m.panelW-m.labelW-6)/columns)
	if m.cellW > 60 {
		m.cellW = 60
		m.panelW = m.labelW + 6 + 60*columns
	}
	bands := float64((len(m.panels) + m.across - 1) / m.across)
	frame := 2*margin + caption
	if m.height == 0 {
		m.cellH = min(max(0.75*m.cellW, 12), 22)
		if rows > 12 {
			m.cellH = min(max(m.cellW, 2), 12)
		}
		high := bands*(m.headH+m.labelH+m.cellH*rows) + frame
		if most := 240 * perMillimetre; high > most { // a page of paper
			m.cellH = max(1, ((most-frame)/bands-m.headH-m.labelH)/rows)
			high = bands*(m.headH+m.labelH+m.cellH*rows) + frame
		}
		m.suit(high)
	}
	m.cellH = max(0.5, ((m.height-m.titleHeight()-frame)/bands-m.headH-m.labelH)/rows)
}

// panel draws one map.
func (m *maps) panel(b box, p compare.Map) {
	m.words(b.left+m.labelW, b.top-2, 0, 1, clip(clean(p.Title), m.size, b.width()-m.labelW), style{bold: true})
	left, top := b.left+m.labelW, b.top-m.headH
	columns, rows := len(p.Columns.Ticks), len(p.Rows.Ticks)
	if !p.Rows.Numeric() { // numbers grow upwards, words are read downwards
		p.Rows.Ticks, p.Cells = slices.Clone(p.Rows.Ticks), slices.Clone(p.Cells)
		slices.Reverse(p.Rows.Ticks)
		slices.Reverse(p.Cells)
	}
	digits := m.digits(p)
	columnAt, wide := cellsOf(p.Columns)
	rowAt, high := cellsOf(p.Rows)
	wide *= m.cellW
	bottom := top - high*m.cellH
	place := func(row, column int) box {
		x, y := left+columnAt[column]*m.cellW, bottom+rowAt[row]*m.cellH
		return box{x, y, x + m.cellW, y + m.cellH}
	}
	for row := range rows {
		for column := range columns {
			if i := p.Cells[row][column]; i >= 0 {
				m.cell(place(row, column), i, digits)
			}
		}
	}
	for row := range rows { // frames lie over what neighbours draw beyond their cells, and within their own
		for column := range columns {
			if i := p.Cells[row][column]; i >= 0 && i == p.Best && m.state(i) == compare.StateComplete {
				at := place(row, column)
				st := stroke{over(scaled(m.goodness(m.report.Points[i].Interval.Value))), 0.8, nil, true}
				if i == 0 {
					st.width = thickFrame
				}
				in := min(st.width, m.cellW, m.cellH) / 2
				m.stroke(st, outlined(box{at.left + in, at.bottom + in, at.right - in, at.top - in}))
			}
		}
	}
	var ticks []tick
	for column, t := range p.Columns.Ticks {
		words := clip(clean(t.Text), m.size, 60)
		if width(words, m.size, false) > m.cellW-2 && !math.IsNaN(t.Number) {
			words = brief(t.Number)
		}
		ticks = append(ticks, tick{(columnAt[column] + 0.5) * m.cellW / wide, words})
	}
	edge := stroke{ink, 0.5, nil, false}
	for _, t := range thin(ticks, wide, m.size) {
		x := left + t.at*wide
		m.segment(edge, x, bottom, x, bottom-2)
		m.words(x, bottom-4, 0.5, 1, t.text, style{})
	}
	every := max(1, int(math.Ceil(m.size*1.15/m.cellH)))
	for row := 0; row < rows; row += every {
		y := bottom + (rowAt[row]+0.5)*m.cellH
		m.segment(edge, left-2, y, left, y)
		m.words(left-4, y, 1, 0.5, clip(clean(p.Rows.Ticks[row].Text), m.size, 80), style{})
	}
	m.words(left+wide/2, bottom-7-capital*m.size, 0.5, 1, clean(p.Columns.Name), style{})
	m.words(b.left+1, (top+bottom)/2, 0.5, 1, clean(p.Rows.Name), style{quarters: quartersOf(p.Rows.Name)})
}

// zeroGap sets the cells of 0 apart from those of a logarithmic axis, as a part of a cell.
const zeroGap = 0.4

// cellsOf are the beginnings of the cells of an axis, in cells, and their end.
func cellsOf(a compare.Axis) (begin []float64, end float64) {
	gap := 0.0
	if a.ZeroApart() {
		gap = zeroGap
	}
	begin = make([]float64, len(a.Ticks))
	for i := range begin {
		begin[i] = float64(i) + gap*float64(min(i, 1))
	}
	return begin, float64(len(a.Ticks)) + gap
}

// quartersOf turns names longer than a letter.
func quartersOf(name string) int {
	if len([]rune(name)) <= 1 {
		return 0
	}
	return 1
}

// thickFrame is the width of the frame of the best of all, in points.
const thickFrame = 1.8

// state is the state of a point. A point with an unknown value is not complete.
func (m *maps) state(i int) compare.State {
	s := &m.report.Points[i]
	if state := s.State(); state != compare.StateComplete || !math.IsNaN(s.Interval.Value) {
		return state
	}
	return compare.StateMissing
}

// digits is the number of significant digits that fit into the cells of a panel; 0 for none.
func (m *maps) digits(p compare.Map) int {
	if m.cellH < cellSize*capital+2*thickFrame {
		return 0
	}
	for n := 3; n >= 2; n-- {
		ok := true
		for _, row := range p.Cells {
			for _, i := range row {
				room := m.cellW - 2
				if i == p.Best {
					room = m.cellW - 2*thickFrame
				}
				if i >= 0 && m.state(i) == compare.StateComplete {
					ok = ok && width(cellText(m.report.Points[i].Interval.Value, n), cellSize, false) <= room
				}
			}
		}
		if ok {
			return n
		}
	}
	return 0
}

// cellSize is the smallest readable size of printed text.
const cellSize = 7

// cellText writes a value in so many significant digits, without a zero before the point.
func cellText(v float64, digits int) string {
	a := math.Abs(v)
	if a != 0 && (a < 1e-3 || a >= 1e4) {
		return strconv.FormatFloat(v, 'e', digits-2, 64)
	}
	decimals := digits - 1
	if a != 0 {
		decimals = max(0, digits-1-int(math.Floor(math.Log10(a))))
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if a < 1 {
		text = strings.Replace(text, "0.", ".", 1)
	}
	return text
}

// cell draws a point: a colour and its value, or the sign of its state.
func (m *maps) cell(b box, i, digits int) {
	s := &m.report.Points[i]
	m.begin(func() string {
		text := m.report.Name(*s) + ": " + stats.Uncertain(s.Interval) + ", n = " + strconv.Itoa(s.Interval.N)
		if s.Unstable {
			text += ", unstable: " + s.AstrayText()
		}
		return text
	})
	defer m.end()
	x, y := (b.left+b.right)/2, (b.bottom+b.top)/2
	half := min(b.width(), b.height(), 12) / 3.5
	mark := stroke{ink, min(1, half/2), nil, false}
	state := m.state(i)
	if state != compare.StateComplete {
		m.fill(blank, outlined(b))
	}
	switch state {
	case compare.StateDiverged:
		m.cross(mark, x, y, half)
	case compare.StateFailed:
		m.words(x, y, 0.5, 0.5, "!", style{size: min(m.size, 3*half), bold: true})
	case compare.StatePruned:
		m.segment(mark, x-half, y-half, x+half, y+half)
	case compare.StateMissing:
		m.segment(stroke{ink, mark.width * 2, nil, false}, x-mark.width, y, x+mark.width, y)
	default:
		c := scaled(m.goodness(s.Interval.Value))
		m.fill(c, outlined(box{b.left, b.bottom, b.right + 0.2, b.top + 0.2})) // no seams
		if digits > 0 {
			m.words(x, y, 0.5, 0.5, cellText(s.Interval.Value, digits), style{size: cellSize, color: over(c), fixed: true})
		}
		if s.Unstable { // a corner, which leaves the number and the frame of the best
			side := min(b.width(), b.height(), 12) / 3
			right, top := b.right-side/4, b.top-side/4 // within the cell, or it looks cut off
			var corner vg.Path
			corner.Move(point(right-side, top))
			corner.Line(point(right, top))
			corner.Line(point(right, top-side))
			corner.Close()
			m.fill(over(c), corner)
		}
	}
}

// bar is the scale of colours, with the best at its top.
func (m *maps) bar(b box) {
	const wide, steps = 8, 64
	if most := 40 * perMillimetre; b.height() > most {
		b.bottom = b.top - most
	}
	low := m.report.Goal != stop.Max // is best
	if m.equal {
		m.fill(scaled(1), outlined(box{b.left, b.bottom, b.left + wide, b.top}))
		m.words(b.left+wide+3.5, (b.bottom+b.top)/2, 0, 0.5, label(m.scale.Low/2+m.scale.High/2), style{size: captionSize})
		m.words(b.left, b.top+2, 0, 0, "all are equal", style{size: captionSize})
		return
	}
	m.words(b.left, b.top+2, 0, 0, "best", style{size: captionSize})
	for k := range steps {
		bottom := b.bottom + b.height()*float64(k)/steps
		m.fill(scaled((float64(k)+0.5)/steps), outlined(box{b.left, bottom, b.left + wide, min(b.top, bottom+b.height()/steps+0.2)}))
	}
	st := stroke{ink, 0.5, nil, false}
	last := math.Inf(1)
	for _, t := range m.scale.Ticks(5) {
		share := m.scale.Clamped(t.Number)
		if low {
			share = 1 - share
		}
		y := b.bottom + share*b.height()
		if math.Abs(y-last) < m.size {
			continue
		}
		last = y
		m.segment(st, b.left+wide, y, b.left+wide+2, y)
		m.words(b.left+wide+3.5, y, 0, 0.5, t.Text, style{size: captionSize})
	}
	metric := clean(m.report.Metric)
	name := clip(metric, captionSize, b.height())
	for _, longer := range []string{metric + " (" + better(m.report) + ")", m.report.StatName() + " " + metric + " (" + better(m.report) + ")"} {
		if width(longer, captionSize, false) <= b.height()+2*m.size {
			name = longer
		}
	}
	m.words(b.right, (b.bottom+b.top)/2, 0.5, 0, name, style{size: captionSize, quarters: 1})
	if m.clipped {
		m.words(b.left, b.bottom-2, 0, 1, "or worse", style{size: captionSize})
	}
}

// caption describes the maps and explains their signs.
func (m *maps) caption(left int) string {
	r := m.report
	text := fmt.Sprintf("%s %s (%s) over %s; thick frame: best of all, thin: best of its panel", r.StatName(), r.Metric, better(r), r.SeedsEach())
	seen, unstable := map[compare.State]bool{}, false
	for _, p := range m.panels {
		for _, row := range p.Cells {
			for _, i := range row {
				if i >= 0 {
					seen[m.state(i)] = true
					unstable = unstable || r.Points[i].Unstable
				}
			}
		}
	}
	for _, sign := range []struct {
		state compare.State
		words string
	}{{compare.StateDiverged, "×: diverged"}, {compare.StateFailed, "!: failed"}, {compare.StatePruned, "/: pruned"}, {compare.StateMissing, "-: not complete"}} {
		if seen[sign.state] {
			text += "; " + sign.words
		}
	}
	if unstable {
		text += "; with a corner: unstable, its seeds differ far more than those of other points let expect"
	}
	if left > 0 {
		text += fmt.Sprintf("; %d more maps are left out", left)
	}
	return text
}

func better(r *compare.Report) string {
	if r.Goal == stop.Max {
		return "higher is better"
	}
	return "lower is better"
}
