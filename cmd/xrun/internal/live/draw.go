package live

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// redraw replaces the view on the screen. The caller holds the lock.
func (v *View) redraw() {
	lines := v.lines()
	var b strings.Builder
	b.WriteString(v.eraseCode())
	for _, line := range lines {
		b.WriteString(clip(line, v.options.Width-1))
		b.WriteByte('\n')
	}
	fmt.Fprint(v.options.Out, b.String())
	v.drawn = len(lines)
}

// erase removes the view from the screen.
func (v *View) erase() {
	fmt.Fprint(v.options.Out, v.eraseCode())
	v.drawn = 0
}

func (v *View) eraseCode() string {
	if v.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", v.drawn) // \r: a ^C may stand on the line
}

func (v *View) lines() []string {
	share := v.share()
	width := 24
	if v.options.Width < 100 {
		width = 8
	}
	full := int(share * float64(width))
	hint := fmt.Sprintf("ctrl-c stops cleanly   %d workers", v.options.Workers)
	if v.options.Watching {
		hint = "ctrl-c ends the watching"
	}
	lines := []string{fmt.Sprintf("%s  %s%s  %d/%d  %d %%  %s%s   %s", v.options.Question.Sweep,
		strings.Repeat("█", full), strings.Repeat("░", width-full), v.board.ended, len(v.board.order), v.percent(),
		time.Since(v.began).Round(time.Second), v.left(), hint)}
	if v.stage != "" {
		lines = append(lines, v.stage)
	}
	lines = append(lines, v.summary())
	for i, best := range v.bests() {
		lines = append(lines, heads("best", i)+best)
	}
	running := v.running()
	for i, t := range running {
		if i == 3 {
			lines = append(lines, fmt.Sprintf("      … and %d more in training", len(running)-i))
			break
		}
		of := ""
		if t.epochs > 0 {
			of = fmt.Sprintf("/%d", t.epochs)
		}
		if t.began {
			lines = append(lines, fmt.Sprintf("%s%s seed %d  started, no report yet", heads("now", i), t.name, t.Seed))
			continue
		}
		lines = append(lines, fmt.Sprintf("%s%s seed %d  epoch %d%s  %s %s", heads("now", i), t.name, t.Seed, t.epoch, of,
			stats.Number(t.value), Spark(t.curve, 12)))
	}
	if p := v.current(); p != nil {
		lines = append(lines, p.heatmap(v.options.Width)...)
	}
	if v.notice != "" {
		lines = append(lines, v.notice)
	}
	return lines
}

// heads begins the lines of a list: only the first has the word.
func heads(word string, line int) string {
	if line > 0 {
		word = ""
	}
	return fmt.Sprintf("%-6s", word)
}

// mostRows is the largest number of rows of a map that a view draws.
const mostRows = 12

// heatmap is the map with the leading point, a place for each point. There is none if it would have one place only, or
// would not fit.
func (p *problem) heatmap(width int) []string {
	leader := p.lead()
	if !p.drawn {
		p.drawn, p.picture = true, nil
		if leader >= 0 {
			if m, ok := p.grid.Map(leader); ok {
				p.picture = p.draw(m, width)
			}
		}
	}
	return p.picture
}

// draw draws a map. Its shades rank the points by their difference to the leading one over the seeds that both have.
func (p *problem) draw(m compare.Map, width int) []string {
	if len(m.Columns.Ticks) < 2 || len(m.Rows.Ticks) > mostRows {
		m = transposed(m)
	}
	if len(m.Columns.Ticks) < 2 || len(m.Rows.Ticks) > mostRows {
		return nil
	}
	wide := 0
	for _, tick := range m.Rows.Ticks {
		wide = max(wide, utf8.RuneCountInString(tick.Text))
	}
	name := m.Rows.Name + " "
	if len(m.Rows.Ticks) < 2 {
		name, wide = "", -1 // its value is that of the best
	}
	thick := min((width-utf8.RuneCountInString(name)-wide-5)/len(m.Columns.Ticks), 2)
	if thick < 1 {
		return nil
	}
	gaps := map[int]float64{} // by point
	var order []float64
	for _, row := range m.Cells {
		for _, i := range row {
			if i >= 0 && p.standings[i].Out == 0 && len(p.standings[i].Values) > 0 {
				gaps[i] = p.standings[i].Gap(&p.standings[m.Best])
				if p.question.Goal == stop.Max {
					gaps[i] = -gaps[i]
				}
				order = append(order, gaps[i])
			}
		}
	}
	slices.Sort(order)
	shades := []rune("█▓▒░")
	glyph := func(i int) rune {
		switch {
		case i < 0:
			return ' '
		case i == m.Best:
			return '◆'
		case p.standings[i].Out == compare.StatePruned:
			return '✂'
		case p.standings[i].Out != 0:
			return '✗'
		}
		gap, known := gaps[i]
		if !known {
			return '·'
		}
		better, _ := slices.BinarySearch(order, gap)
		return shades[min(better*len(shades)/len(order), len(shades)-1)]
	}
	var lines []string
	title := m.Title
	if p.grid.Problem != "" {
		title = strings.TrimSpace(title + " on " + p.grid.Problem)
	}
	if title != "" {
		title += "   "
	}
	lines = append(lines, title+m.Columns.Name+" "+span(m.Columns))
	for k, cells := range m.Cells {
		row := "  "
		if wide >= 0 {
			text := m.Rows.Ticks[k].Text
			row += name + text + strings.Repeat(" ", wide-utf8.RuneCountInString(text)+1)
		}
		for _, i := range cells {
			row += strings.Repeat(string(glyph(i)), thick)
		}
		lines = append(lines, row)
	}
	lines[len(lines)-1] += "   · not yet  ◆ best"
	return lines
}

// transposed exchanges the axes of a map.
func transposed(m compare.Map) compare.Map {
	t := m
	t.Columns, t.Rows, t.Cells = m.Rows, m.Columns, make([][]int, len(m.Columns.Ticks))
	for row := range t.Cells {
		for _, cells := range m.Cells {
			t.Cells[row] = append(t.Cells[row], cells[row])
		}
	}
	return t
}

// span is the values of an axis: the ends of numbers, and all words.
func span(a compare.Axis) string {
	if a.Numeric() {
		return a.Ticks[0].Text + " → " + a.Ticks[len(a.Ticks)-1].Text
	}
	words := make([]string, len(a.Ticks))
	for i, t := range a.Ticks {
		words[i] = t.Text
	}
	return strings.Join(words, ", ")
}

// clip cuts a line to the width of the screen, so that it never wraps.
func clip(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}

// Spark draws the last values of a curve as bars.
func Spark(curve []float64, width int) string {
	bars := []rune("▁▂▃▄▅▆▇█")
	if len(curve) > width { // take points evenly, the last one among them
		some := make([]float64, width)
		for i := range some {
			some[i] = curve[(len(curve)-1)*i/(width-1)]
		}
		curve = some
	}
	var b strings.Builder
	for _, level := range compare.Levels(curve, len(bars)) {
		if level < 0 {
			b.WriteRune('×')
			continue
		}
		b.WriteRune(bars[level])
	}
	return b.String()
}
