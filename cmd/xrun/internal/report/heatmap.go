package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// glyphs are the characters of a map.
type glyphs struct {
	shades                                    []rune // worst to best
	diverged, failed, pruned, missing, leader rune
}

var (
	unicodeGlyphs = glyphs{[]rune("░▒▓█"), '✗', '!', '✂', '·', '◆'}
	asciiGlyphs   = glyphs{[]rune("_:=#"), 'X', '!', '%', '?', '@'}
)

func (v View) glyphs() glyphs {
	if v.ASCII {
		return asciiGlyphs
	}
	return unicodeGlyphs
}

// The numbers of maps, and of rows of a map, that are shown without --all.
const (
	mostMaps = 6
	mostRows = 24
)

// Where a file or a pipe sets no width, a map of more columns than mostColumns gets manyColumns characters: a random search has a column for
// each point.
const (
	mostColumns = 64
	manyColumns = 200
)

// WriteMaps draws the maps of the view's axes, each at most as wide as the view.
func (r printer) writeMaps(w io.Writer, v View) {
	maps := r.Maps(v.Columns, v.Rows)
	if len(maps) == 0 {
		return
	}
	if v.Columns == "" && v.Rows == "" && !slices.ContainsFunc(maps, filled) {
		fmt.Fprintf(v.writer(w), "no map: hardly two points share a value of %s, as after a random search; --heatmap AXES draws one anyway\n", maps[0].Columns.Name)
		return
	}
	shown := maps
	if v.Top > 0 && len(maps) > mostMaps {
		shown = maps[:mostMaps]
	}
	w = v.writer(w)
	ranked := r.Ranked()
	drawn := make([]*drawing, len(shown))
	for i, m := range shown {
		view := v
		if v.Width == 0 && len(m.Columns.Ticks) > mostColumns {
			view.Width = manyColumns
		}
		drawn[i] = &drawing{Report: r.Report, plane: m, view: view, glyphs: v.glyphs(), ranked: ranked, equal: len(ranked) > 1 && stats.Alike(ranked[0], ranked[len(ranked)-1])}
		drawn[i].layout()
	}
	fmt.Fprintln(w, r.legend(v, drawn))
	for _, d := range drawn {
		fmt.Fprintln(w)
		d.write(w)
	}
	if n := len(maps) - len(shown); n > 0 {
		fmt.Fprintf(w, "\n… and %s: --all\n", compare.Counted(n, "more map"))
	}
}

// sparse is how many cells a point may have for itself in a map of many columns that is worth drawing.
const sparse = 4

// filled reports whether a map has few columns, or points in a fair part of its cells.
func filled(m compare.Map) bool {
	const few = 12
	points := 0
	for _, row := range m.Cells {
		for _, i := range row {
			if i >= 0 {
				points++
			}
		}
	}
	return len(m.Columns.Ticks) <= few || len(m.Columns.Ticks)*len(m.Rows.Ticks) <= sparse*points
}

// legend explains the characters that the maps have.
func (r printer) legend(v View, drawn []*drawing) string {
	g := v.glyphs()
	items := []string{fmt.Sprintf("%s %s:", r.StatName(), r.Metric), fmt.Sprintf("%c best quarter of all points … %c worst", g.shades[len(g.shades)-1], g.shades[0])}
	if drawn[0].equal {
		items[1] = fmt.Sprintf("%c all complete points are equal", g.shades[len(g.shades)-1])
	}
	seen := map[string]bool{}
	for _, d := range drawn {
		for _, i := range d.visible() {
			switch {
			case i < 0:
			case i == 0 && d.style >= styleDigits:
				seen[string(g.leader)+" best"] = true
			case i == 0:
				seen["[ ] best"] = true
			default:
				seen[g.state(r.Points[i].State())] = true
			}
			if i >= 0 && r.Points[i].Unstable {
				seen[unstableSign+" unstable"] = true
			}
		}
	}
	for _, item := range []string{"[ ] best", string(g.leader) + " best", unstableSign + " unstable", g.state(compare.StateDiverged), g.state(compare.StateFailed), g.state(compare.StatePruned), g.state(compare.StateMissing)} {
		if seen[item] {
			items = append(items, item)
		}
	}
	return joined(items, v)
}

// joined lists items with two spaces between them, in lines of the view's width.
func joined(items []string, v View) string {
	var b strings.Builder
	at := 0
	for i, item := range items {
		if v.ASCII {
			item = ascii.Replace(item)
		}
		n := utf8.RuneCountInString(item)
		switch {
		case i == 0:
		case v.Width > 0 && at+2+n > v.Width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteString("  ")
			at += 2
		}
		b.WriteString(item)
		at += n
	}
	return b.String()
}

// state is the character of a point's state with its meaning; empty for a complete point.
func (g glyphs) state(s compare.State) string {
	switch s {
	case compare.StateDiverged:
		return string(g.diverged) + " diverged"
	case compare.StateFailed:
		return string(g.failed) + " failed"
	case compare.StatePruned:
		return string(g.pruned) + " pruned"
	case compare.StateMissing:
		return string(g.missing) + " not complete"
	}
	return ""
}

// The styles of cells, from the widest to the narrowest.
const (
	styleFull   = iota // a shade and four digits
	styleDigits        // a shade and three digits, columns named if there is room
	styleWide          // two characters of shade
	styleNarrow        // one
)

// A drawing is a map laid out in a terminal.
type drawing struct {
	*compare.Report
	plane      compare.Map
	view       View
	glyphs     glyphs
	ranked     []float64
	equal      bool // all ranked values, but for rounding
	style      int
	cell, left int // widths of a cell with its gap, and of the row labels
	fromC, toC int // the columns that are shown
	fromR, toR int // the rows
	// every and rounds choose the columns that have labels: every so many, or those of round numbers.
	every               int
	rounds              bool
	zeroColumn, zeroRow bool // 0 stands apart
}

// layout chooses the widest style that fits. If none does, it chooses the rows and columns to show.
func (d *drawing) layout() {
	if d.view.ASCII { // before anything is measured
		d.plane.Rows, d.plane.Columns = asciiAxis(d.plane.Rows), asciiAxis(d.plane.Columns)
	}
	d.left = utf8.RuneCountInString(d.corner())
	for _, l := range d.plane.Rows.Ticks {
		d.left = max(d.left, utf8.RuneCountInString(l.Text))
	}
	columns, rows := len(d.plane.Columns.Ticks), len(d.plane.Rows.Ticks)
	d.toC, d.toR = columns, rows
	room := d.view.Width - 2 - d.left - 2
	d.zeroColumn, d.zeroRow = d.plane.Columns.ZeroApart(), d.plane.Rows.ZeroApart()
	if d.zeroColumn {
		room -= 2
	}
	for d.style = styleFull; ; d.style++ {
		d.cell = d.width(d.style)
		if d.view.Width == 0 || columns*d.cell-2 <= room && d.style == styleFull || columns*d.cell-1 <= room && d.style == styleDigits ||
			columns*d.cell <= room && d.style >= styleWide || d.style == styleNarrow {
			break
		}
	}
	row, column := d.place(d.plane.Best)
	if d.view.Width > 0 && columns*d.cell > room+2 && d.style == styleNarrow {
		d.fromC, d.toC = window(column, max(8, room), columns)
	}
	if d.view.Top > 0 && rows > mostRows {
		d.fromR, d.toR = window(row, mostRows, rows)
	}
	d.labels()
}

// labels chooses the columns with labels in a heading without room for all: of many numbers only round ones have.
func (d *drawing) labels() {
	longest, n := 0, 0
	for column, l := range d.plane.Columns.Ticks {
		longest = max(longest, utf8.RuneCountInString(l.Text))
		if column >= d.fromC && column < d.toC && round(l) {
			n++
		}
	}
	d.every = (longest+1)/d.cell + 1
	d.rounds = d.every > 2 && n > 2
}

func round(t compare.Tick) bool {
	return t.Number > 0 && !math.IsInf(t.Number, 0) && isWhole(math.Log10(t.Number))
}

// window is n of all places, with at near its middle.
func window(at, n, all int) (from, to int) {
	if n >= all {
		return 0, all
	}
	from = min(max(0, at-n/2), all-n)
	return from, from + n
}

// place is the place of a point in the map.
func (d *drawing) place(point int) (row, column int) {
	for row := range d.plane.Cells {
		if column := slices.Index(d.plane.Cells[row], point); column >= 0 {
			return row, column
		}
	}
	return 0, 0
}

// visible are the points that are shown; -1 for holes.
func (d *drawing) visible() (all []int) {
	for _, row := range d.plane.Cells[d.fromR:d.toR] {
		all = append(all, row[d.fromC:d.toC]...)
	}
	return all
}

// corner names the axes.
func (d *drawing) corner() string { return d.plane.Rows.Name + `\` + d.plane.Columns.Name }

// width is the width of a cell in a style, with the gap behind it.
func (d *drawing) width(style int) int {
	switch style {
	case styleWide:
		return 2
	case styleNarrow:
		return 1
	}
	width := 0
	if style == styleFull {
		for _, l := range d.plane.Columns.Ticks {
			width = max(width, utf8.RuneCountInString(l.Text))
		}
	}
	for _, row := range d.plane.Cells {
		for _, i := range row {
			_, text := d.text(i, style)
			width = max(width, 1+utf8.RuneCountInString(text))
		}
	}
	return width + 2 - style
}

// text is the text of a cell: a character, and a number if the style shows one.
func (d *drawing) text(point, style int) (glyph rune, text string) {
	if point < 0 {
		return ' ', ""
	}
	s := &d.Points[point]
	if state := d.glyphs.state(s.State()); state != "" {
		glyph, _ = utf8.DecodeRuneInString(state)
		return glyph, ""
	}
	last := len(d.glyphs.shades) - 1
	glyph = d.glyphs.shades[last-min(last, d.better(s)*len(d.glyphs.shades)/max(1, len(d.ranked)))]
	sign := ""
	if s.Unstable {
		sign = unstableSign
	}
	switch style {
	case styleFull:
		text = stats.Short(s.Interval.Value, 4)
		if point == 0 {
			text = "[" + text + "]"
		}
		return glyph, text + sign
	case styleDigits:
		text = strings.Replace(stats.Short(s.Interval.Value, 3), "0.", ".", 1) + sign
	case styleNarrow:
		if s.Unstable {
			glyph = []rune(unstableSign)[0]
		}
	}
	if point == 0 {
		glyph = d.glyphs.leader
	}
	return glyph, text
}

// share is the part of complete points that are no better than a point: 1 for the best.
func (d *drawing) share(s *compare.Point) float64 {
	return 1 - float64(d.better(s))/float64(max(1, len(d.ranked)))
}

// better is the number of complete points that are better than a point.
func (d *drawing) better(s *compare.Point) int {
	if d.equal {
		return 0
	}
	return sort.Search(len(d.ranked), func(i int) bool {
		if d.Goal == stop.Max {
			return d.ranked[i] <= s.Interval.Value
		}
		return d.ranked[i] >= s.Interval.Value
	})
}

func (d *drawing) write(w io.Writer) {
	if d.plane.Title != "" {
		fmt.Fprintln(w, d.plane.Title)
	}
	d.heading(w)
	for row := d.fromR; row < d.toR; row++ {
		var line strings.Builder
		line.WriteString(pad(d.plane.Rows.Ticks[row].Text, d.left) + "  ")
		for column := d.fromC; column < d.toC; column++ {
			line.WriteString(d.cellText(d.plane.Cells[row][column]))
			if d.apart(column) {
				line.WriteString(d.bar())
			}
		}
		fmt.Fprintln(w, " ", strings.TrimRight(line.String(), " "))
		if row == 0 && row+1 < d.toR && d.zeroRow {
			fmt.Fprintln(w, " ", strings.Repeat(" ", d.left+2)+strings.Repeat(d.dash(), max(1, (d.toC-d.fromC)*d.cell-max(0, 2-d.style))))
		}
	}
	var left []string
	if n := d.fromC + len(d.plane.Columns.Ticks) - d.toC; n > 0 {
		left = append(left, compare.Counted(n, "more column"))
	}
	if n := d.fromR + len(d.plane.Rows.Ticks) - d.toR; n > 0 {
		left = append(left, compare.Counted(n, "more row")+": --all")
	}
	if len(left) > 0 {
		fmt.Fprintf(w, "  … %s\n", strings.Join(left, ", "))
	}
}

// apart reports whether a column is that of 0 and stands apart from the next, which is shown.
func (d *drawing) apart(column int) bool {
	return column == 0 && d.toC > 1 && d.zeroColumn
}

// bar and dash set 0 apart from the numbers of a logarithmic axis, beside it and below it.
func (d *drawing) bar() string {
	if d.view.ASCII {
		return "| "
	}
	return "│ "
}

func (d *drawing) dash() string {
	if d.view.ASCII {
		return "-"
	}
	return "┄"
}

// cellText is a cell with the gap behind it.
func (d *drawing) cellText(point int) string {
	glyph, text := d.text(point, d.style)
	gap := max(0, 2-d.style)
	content := pad(string(glyph)+text, d.cell-gap)
	if d.style == styleWide {
		content = strings.Repeat(string(glyph), 2)
		if point >= 0 && d.Points[point].Unstable {
			content = string(glyph) + unstableSign
		}
	}
	if d.view.Color && point >= 0 && d.Points[point].State() == compare.StateComplete {
		content = painted(content, d.share(&d.Points[point]))
	}
	return content + strings.Repeat(" ", gap)
}

// heading names as many columns as there is room for.
func (d *drawing) heading(w io.Writer) {
	line := []rune(pad(d.corner(), d.left) + "  ")
	start := len(line)
	for column := d.fromC; column < d.toC; column++ {
		at := start + (column-d.fromC)*d.cell
		if column > 0 && d.fromC == 0 && d.apart(0) {
			at += 2
		}
		label := []rune(d.plane.Columns.Ticks[column].Text)
		if d.style > styleFull {
			if column > d.fromC && (at < len(line)+1 || !d.tick(column)) || at+len(label)+3 > d.view.Width {
				continue
			}
			if d.style >= styleWide {
				label = append([]rune("╷"), label...)
				if d.view.ASCII {
					label[0] = '|'
				}
			}
		}
		line = append(line, slices.Repeat([]rune{' '}, max(0, at-len(line)))...)
		line = append(line, label...)
	}
	fmt.Fprintln(w, " ", strings.TrimRight(string(line), " "))
}

// tick reports whether a column has a label in a heading without room for all. The place of 0 that stands apart has one.
func (d *drawing) tick(column int) bool {
	if d.rounds {
		return round(d.plane.Columns.Ticks[column])
	}
	return (column-d.fromC)%d.every == 0
}

func isWhole(x float64) bool { return math.Abs(x-math.Round(x)) < 1e-9 }

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}
