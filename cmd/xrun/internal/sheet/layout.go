package sheet

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// line turns a facet whose points differ on one axis only into a row of dots and intervals. That axis goes across.
func (f *Facet) line() {
	f.Line = true
	if len(f.Columns.Ticks) == 1 && len(f.Rows.Ticks) > 1 { // turned
		var row []Cell
		for _, cells := range f.Cells {
			row = append(row, cells[0])
		}
		f.Columns, f.Rows = f.Rows, f.Columns
		if f.Columns.Arrow {
			slices.Reverse(row)
			slices.Reverse(f.Columns.Ticks)
			if f.Columns.apart > 0 {
				f.Columns.apart = 0
			}
		}
		f.Columns.place()
		f.Cells = [][]Cell{row}
	}
}

// lines gives all rows of dots one scale.
func (m *Maps) lines(p palette) {
	var values, lows, highs []float64
	m.Lines = true
	for _, f := range m.Facets {
		if !f.Line {
			m.Lines = false
			continue
		}
		for _, c := range f.Cells[0] {
			v := c.shown
			if !stats.Finite(v) || c.Point == "" {
				continue
			}
			if p.ok && p.share(v) > 1 {
				v = p.clip
			}
			values, lows, highs = append(values, v), append(lows, c.interval.Low), append(highs, c.interval.High)
		}
	}
	of := reach(values, lows, highs)
	if p.ok && p.log && of.Low > 0 && of.High > compare.LogSpan*of.Low {
		of = scale{compare.Fitted(of.Low, of.High, compare.LogSpan, 0)}
	}
	for i := range m.Facets {
		m.Facets[i].value = of
	}
}

// layout chooses the facets side by side, the least width of a cell and the texts of ticks that do not collide.
func (m *Maps) layout() {
	columns, label := 1.0, 0
	for i, f := range m.Facets {
		columns = max(columns, f.Columns.size)
		for _, t := range f.Rows.Ticks {
			label = max(label, utf8.RuneCountInString(t.Text))
		}
		texts := func(s Side) string {
			var all []string
			for _, t := range s.Ticks {
				all = append(all, t.Text)
			}
			return strings.Join(all, "\x00")
		}
		m.same = m.same && !f.Line && (i == 0 || texts(f.Rows) == texts(m.Facets[0].Rows))
	}
	m.gutter = min(8, max(0, int(math.Ceil((float64(label)*6.7+10-34)/8))))
	if len(m.Facets) > 0 && m.Facets[0].Line {
		m.gutter = max(2, m.gutter)
	}
	gutter := float64(34 + 8*m.gutter)
	cell := 0.0
	for m.across = min(3, len(m.Facets)); ; m.across-- {
		gutters := gutter
		if !m.same {
			gutters *= float64(m.across)
		}
		cell = min(widestCell, (wide-gutters-betweenX*float64(m.across-1))/(columns*float64(m.across)))
		if cell >= leastCell || m.across <= 1 {
			break
		}
	}
	m.least = min(easyCell, max(leastCell, int(cell)))
	drawn := min(cell, max(float64(m.least), min(widestCell, (narrow-gutter)/columns)))
	drawn = max(drawn, float64(m.least))
	for i := range m.Facets {
		f := &m.Facets[i]
		f.Columns.name(drawn)
		if !f.Line {
			for _, row := range f.Cells {
				for k := range row {
					row[k].fit(drawn)
				}
			}
		}
	}
}
