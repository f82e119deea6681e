package sheet

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// The most that is drawn: values of an axis, maps, and cells of all of them. Neighbours on a longer axis are merged, and the best of
// them is shown. Further maps are listed.
const (
	mostTicks  = 24
	mostFacets = 9
	mostCells  = 900
)

// Widths in px: of a cell that shows three digits, of one that needs no more, of a cell at most, of the content of a wide page and
// of a narrow one, and between facets.
const (
	leastCell  = 34
	easyCell   = 44
	widestCell = 64
	wide       = 1024
	narrow     = 358
	betweenX   = 28
	letter     = 6.1 // width of a digit of 11 px
)

// Maps are planes of two axes with one scale of colours.
type Maps struct {
	Show   string   `json:"show"`
	What   string   `json:"what"`   // "mean val_loss"
	Scope  string   `json:"scope"`  // "105 of 105 points"
	Facets []Facet  `json:"facets"` // best first
	Listed []Listed `json:"listed,omitempty"`
	Notes  []string `json:"notes,omitempty"` // what was merged or left out
	Clip   string   `json:"clip"`            // says where the colours end
	Ends   []string `json:"ends"`            // texts of the scale: best, middle, last colour
	Beyond bool     `json:"beyond"`          // some points lie beyond the last colour
	Open   bool     `json:"open"`
	Lines  bool     `json:"lines"` // all are rows of dots and intervals
	Seeds  int      `json:"seeds"` // of a point
	signs  map[string]bool
	across int // facets side by side on a wide page
	least  int // width of a cell at least
	gutter int // class of the width of row labels
	same   bool
}

// A Listed is a facet that is not drawn.
type Listed struct {
	Title string     `json:"title"`
	Best  string     `json:"best"`
	Point runner.Key `json:"point"`
}

// A Facet is one map, or a row of dots and intervals if only one of its axes varies.
type Facet struct {
	Title   string   `json:"title"`
	Best    string   `json:"best"` // "best 0.127 ± 0.014"
	Label   string   `json:"label"`
	Columns Side     `json:"columns"`
	Rows    Side     `json:"rows"`  // from the top
	Cells   [][]Cell `json:"cells"` // by row and column
	Line    bool     `json:"line"`  // one row, drawn as dots and intervals
	hue     int
	value   scale
}

// mapsOf are the maps of one problem, of so many cells at most; nil if there are none.
func mapsOf(r *compare.Report, q MapQuestion, most int) *Maps {
	all, show := r.Maps(q.Columns, q.Rows), q.show()
	if len(all) == 0 || len(r.Points) == 0 {
		return nil
	}
	p := paletteOf(r, show)
	m := &Maps{Show: show, What: nice(whatOf(r, show)), Open: r.Open(), Seeds: len(r.Seeds), signs: map[string]bool{}, same: true}
	cells := 0
	for i, plane := range all {
		columns, rows := min(mostTicks, len(plane.Columns.Ticks)), min(mostTicks, len(plane.Rows.Ticks))
		if i > 0 && (i >= mostFacets || cells+columns*rows > most) {
			s := &r.Points[plane.Best]
			m.Listed = append(m.Listed, Listed{nice(plane.Title), nice(stats.Uncertain(s.Interval)), s.Point})
			continue
		}
		cells += columns * rows
		m.Facets = append(m.Facets, m.facet(r, plane, p))
	}
	drawn := map[runner.Key]bool{}
	for _, f := range m.Facets {
		for _, row := range f.Cells {
			for _, c := range row {
				if c.Point != "" {
					drawn[c.Point] = true
				}
			}
		}
	}
	m.Scope = fmt.Sprintf("%d of %s", len(drawn), compare.Counted(len(r.Points), "point"))
	if len(m.Listed) > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("%d of %s shown, best first; the others are listed.", len(m.Facets), compare.Counted(len(all), "map")))
	}
	m.lines(p)
	m.Clip, m.Beyond = nice(p.says(m.Lines)), p.beyond > 0
	for _, text := range p.ends() {
		m.Ends = append(m.Ends, nice(text))
	}
	m.layout()
	return m
}

// facet lays a map out: numbers of rows grow upwards, words are read downwards.
func (m *Maps) facet(r *compare.Report, plane compare.Map, p palette) Facet {
	best := &r.Points[plane.Best]
	f := Facet{Title: nice(plane.Title), hue: -2}
	if stats.Finite(best.Mapped()) {
		f.Best = "best " + nice(stats.Uncertain(best.Interval))
		if m.Open {
			f.Best += " so far"
		}
	}
	columns, ofColumn := merged(plane.Columns)
	rows, ofRow := merged(plane.Rows)
	for _, axis := range []compare.Axis{plane.Columns, plane.Rows} {
		if n := len(axis.Ticks); n > mostTicks {
			note := nice(fmt.Sprintf("%s has %d values: neighbours are merged, and the best of them is shown.", axis.Name, n))
			if !slices.Contains(m.Notes, note) {
				m.Notes = append(m.Notes, note)
			}
		}
	}
	f.Columns, f.Rows = side(plane.Columns, columns), side(plane.Rows, rows)
	f.Cells = make([][]Cell, len(rows))
	at := make([][]int, len(rows))
	for i := range at {
		at[i] = slices.Repeat([]int{-1}, len(columns))
	}
	for i, row := range plane.Cells {
		for k, point := range row {
			if to := &at[ofRow[i]][ofColumn[k]]; point >= 0 && (*to < 0 || point < *to) { // points are in order, best first
				*to = point
			}
		}
	}
	for i := range at {
		for k, point := range at[i] {
			c := m.cell(r, point, plane.Best, p)
			if c.ArmBest || c.Best {
				f.Columns.Ticks[k].Bold, f.Rows.Ticks[i].Bold = true, true
			}
			f.Cells[i] = append(f.Cells[i], c)
		}
	}
	if f.Rows.Arrow {
		slices.Reverse(f.Cells)
		slices.Reverse(f.Rows.Ticks)
		if f.Rows.apart == 0 {
			f.Rows.apart = len(rows) - 1
		}
	}
	f.Columns.place()
	f.Rows.place()
	if m.Show == "mean" && (len(rows) == 1 || len(columns) == 1) { // other values have no intervals
		f.line()
	}
	f.Label = nice(fmt.Sprintf("%s: %s over %s and %s; %s at %s %s, %s %s", f.Title, m.What, plane.Columns.Name, plane.Rows.Name, cmp.Or(f.Best, "best"),
		plane.Columns.Name, tickOf(plane, true), plane.Rows.Name, tickOf(plane, false)))
	return f
}

// tickOf is the text of the best's value on an axis of a map.
func tickOf(plane compare.Map, column bool) string {
	for i, row := range plane.Cells {
		if k := slices.Index(row, plane.Best); k >= 0 {
			if column {
				return plane.Columns.Ticks[k].Text
			}
			return plane.Rows.Ticks[i].Text
		}
	}
	return "–"
}
