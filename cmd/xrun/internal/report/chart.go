package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Series is a line of a Chart: points in the order of X, with their intervals if they have any.
type Series struct {
	Name      string
	X, Y      []float64
	Low, High []float64 // nil or as long as Y; not finite for none
	// Mark stands at every point, with no line between them; 0 draws a line with the series' letter here and there.
	Mark rune
	// Plain is a line without letters.
	Plain bool
}

// A Chart draws series in one frame of characters. Each has a letter, so that they can be told apart without colour.
// [compare.CurveScale] chooses its scale.
type Chart struct {
	Series        []Series
	Limits        compare.Limits // of Y
	XName         string
	LogX          bool
	Width, Height int // in characters, the scale included; default to 80 and 16
	ASCII, Color  bool
}

// inks are Okabe and Ito's colours in a terminal's 256, which the colour-blind can tell apart.
var inks = []int{32, 208, 36, 175, 74, 166, 220, 245}

// canvas is a frame of characters while it is drawn.
type canvas struct {
	runes [][]rune
	ink   [][]int // the series that a character belongs to, from 1
}

// Write draws the chart, with a legend below it.
func (c Chart) Write(w io.Writer) {
	if c.Width == 0 {
		c.Width = 80
	}
	if c.Height == 0 {
		c.Height = 16
	}
	y, ok := c.scaleY()
	if !ok {
		fmt.Fprintln(w, "no number to draw")
		return
	}
	x := c.scaleX()
	labels, margin := rowLabels(y, c.Height)
	columns := max(16, c.Width-margin-2)
	f := c.draw(columns, x, y)
	for row, l := range labels {
		edge := "│"
		if l != "" {
			edge = "┤"
		}
		if c.ASCII {
			edge = "|"
		}
		fmt.Fprintf(w, "%*s %s%s\n", margin, l, edge, f.line(row, c.Color))
	}
	ends := stats.Apart([]float64{x.Low, x.High})
	from, to := ends[0], ends[1]
	middle := c.XName
	gap := columns - utf8.RuneCountInString(from+middle+to)
	fmt.Fprintf(w, "%s%s%s%s%s%s\n", strings.Repeat(" ", margin+2), from, strings.Repeat(" ", max(1, gap/2)), middle, strings.Repeat(" ", max(1, gap-gap/2)), to)
	for i, s := range c.Series {
		sign := c.sign(i)
		name := fmt.Sprintf("%c %s", sign, s.Name)
		if c.Color {
			name = fmt.Sprintf("\x1b[38;5;%dm%c\x1b[0m %s", inks[i%len(inks)], sign, s.Name)
		}
		fmt.Fprintf(w, "%s%s\n", strings.Repeat(" ", margin+2), name)
	}
}

// sign stands for a series in the legend.
func (c Chart) sign(series int) rune {
	switch s := c.Series[series]; {
	case s.Mark != 0:
		return s.Mark
	case s.Plain && c.ASCII:
		return '-'
	case s.Plain:
		return '⠤'
	}
	return letter(series)
}

// rowLabels are the ticks of a scale in rows of characters, the first at the top, and the width of the longest. The row
// of a tick is the one that a value like it is drawn in.
func rowLabels(s compare.Scale, height int) (labels []string, width int) {
	labels = make([]string, height)
	for _, t := range s.Ticks(max(2, min(5, height/3))) {
		row := rowOf(s, t.Number, height)
		if labels[row] == "" {
			labels[row] = t.Text
			width = max(width, utf8.RuneCountInString(t.Text))
		}
	}
	return labels, width
}

// rowOf is the row of a value in a picture of characters, each with four dots on top of each other.
func rowOf(s compare.Scale, v float64, height int) int { return dotOf(1-s.Clamped(v), 4*height) / 4 }

// dotOf is the place of a share among n dots.
func dotOf(share float64, n int) int { return int(math.Round(share * float64(n-1))) }

func letter(i int) rune { return rune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[i%52]) }

// scaleY is the scale of all series.
func (c Chart) scaleY() (compare.Scale, bool) {
	var means, lows, highs [][]float64
	for _, s := range c.Series {
		means, lows, highs = append(means, s.Y), append(lows, s.Low), append(highs, s.High)
	}
	return compare.CurveScale(means, lows, highs, 0, c.Limits)
}

func (c Chart) scaleX() compare.Scale {
	var all []float64
	for _, line := range c.Series {
		all = append(all, line.X...)
	}
	return compare.Spanning(all, c.LogX, 0)
}

// draw places the series: lines of dots or of letters, intervals at a few places, letters along the lines.
func (c Chart) draw(columns int, x, y compare.Scale) *canvas {
	f := &canvas{make([][]rune, c.Height), make([][]int, c.Height)}
	for row := range f.runes {
		f.runes[row] = slices.Repeat([]rune{' '}, columns)
		f.ink[row] = make([]int, columns)
	}
	for i, s := range c.Series {
		if s.Low != nil {
			c.bands(f, i, s, x, y)
		}
	}
	for i, s := range c.Series {
		if s.Mark == 0 {
			c.line(f, i, s, x, y)
		}
	}
	for i, s := range c.Series {
		c.letters(f, i, s, x, y)
	}
	return f
}

// dot sets one dot of a character's 2 × 4, in ASCII the character.
func (c Chart) dot(f *canvas, series int, x, y int) {
	row, column := y/4, x/2
	if row < 0 || row >= len(f.runes) || column < 0 || column >= len(f.runes[row]) {
		return
	}
	f.ink[row][column] = series + 1
	if c.ASCII {
		f.runes[row][column] = c.sign(series)
		return
	}
	at := &f.runes[row][column]
	if *at < 0x2800 || *at > 0x28ff {
		*at = 0x2800
	}
	*at |= braille[y%4][x%2]
}

func (c Chart) line(f *canvas, series int, s Series, x, y compare.Scale) {
	wide, tall := 2*len(f.runes[0]), 4*c.Height
	lastX, lastY := -1, -1
	for i, v := range s.Y {
		if !stats.Finite(v) {
			lastX = -1
			continue
		}
		px, py := dotOf(x.Clamped(s.X[i]), wide), dotOf(1-y.Clamped(v), tall)
		if lastX < 0 {
			lastX, lastY = px, py
		}
		for n, k := max(abs(px-lastX), abs(py-lastY), 1), 0; k <= n; k++ {
			c.dot(f, series, lastX+(px-lastX)*k/n, lastY+(py-lastY)*k/n)
		}
		lastX, lastY = px, py
	}
}

func abs(x int) int { return max(x, -x) }

// marks is the number of places of a line with its interval and its letter.
const marks = 5

// places are the points of a series nearest to some columns, which differ from series to series.
func (c Chart) places(f *canvas, series int, s Series, x compare.Scale) []int {
	if len(s.X) <= marks+3 { // few enough
		all := make([]int, len(s.X))
		for i := range all {
			all[i] = i
		}
		return all
	}
	var all []int
	for k := range marks {
		want := (float64(k) + (float64(series%8)+0.5)/float64(min(8, len(c.Series)))) / marks
		best := 0
		for i := range s.X {
			if math.Abs(x.Clamped(s.X[i])-want) < math.Abs(x.Clamped(s.X[best])-want) {
				best = i
			}
		}
		if !slices.Contains(all, best) {
			all = append(all, best)
		}
	}
	return all
}

func (c Chart) bands(f *canvas, series int, s Series, x, y compare.Scale) {
	bar := '│'
	if c.ASCII {
		bar = '|'
	}
	for _, i := range c.places(f, series, s, x) {
		if !stats.Finite(s.Low[i]) || !stats.Finite(s.High[i]) {
			continue
		}
		column := dotOf(x.Clamped(s.X[i]), 2*len(f.runes[0])) / 2
		low := s.Low[i]
		if y.Log && low <= 0 && !(s.Y[i] <= 0) { // an interval by a t test reaches below what the metric can be
			low = y.Low
		}
		for row := rowOf(y, s.High[i], c.Height); row <= rowOf(y, low, c.Height); row++ {
			f.runes[row][column], f.ink[row][column] = bar, series+1
		}
	}
}

func (c Chart) letters(f *canvas, series int, s Series, x, y compare.Scale) {
	at := c.places(f, series, s, x)
	switch {
	case s.Mark != 0:
		at = at[:0]
		for i := range s.Y {
			at = append(at, i)
		}
	case s.Plain:
		return
	}
	for _, i := range at {
		if !stats.Finite(s.Y[i]) {
			continue
		}
		column, row := dotOf(x.Clamped(s.X[i]), 2*len(f.runes[0]))/2, rowOf(y, s.Y[i], c.Height)
		f.runes[row][column], f.ink[row][column] = c.sign(series), series+1
	}
}

// line is a row of characters.
func (f *canvas) line(row int, color bool) string {
	text := strings.TrimRight(string(f.runes[row]), " ")
	if !color {
		return text
	}
	var b strings.Builder
	last := 0
	for i, r := range []rune(text) {
		if ink := f.ink[row][i]; ink != last && r != ' ' {
			fmt.Fprintf(&b, "\x1b[38;5;%dm", inks[(ink-1)%len(inks)])
			last = ink
		}
		b.WriteRune(r)
	}
	if last != 0 {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}

// WriteCurves draws the mean curves of the first points of the table in one frame.
func (r printer) writeCurves(w io.Writer, v View) {
	w = v.writer(w)
	c := v.chart("epoch")
	for _, i := range r.Listed(v.Curves) {
		s := r.Points[i]
		bands := r.Bands(s)
		if len(bands) == 0 {
			continue
		}
		line := Series{Name: fmt.Sprintf("#%d %s   %s", i+1, r.Name(s), stats.Uncertain(s.Interval))}
		for _, b := range bands {
			if b.Epoch == 0 && len(bands) > 2 {
				continue // the value before training would hide the rest
			}
			line.X, line.Y = append(line.X, float64(b.Epoch)), append(line.Y, b.Value)
			line.Low, line.High = append(line.Low, b.Low), append(line.High, b.High)
		}
		c.Series = append(c.Series, line)
	}
	if len(c.Series) == 0 {
		fmt.Fprintln(w, "no curve to draw")
		return
	}
	fmt.Fprintln(w, wrap(fmt.Sprintf("mean %s of the seeds, with its 95 %% interval here and there; a seed that has ended keeps its last value", r.Metric), v.Width))
	r.drawn(w, v, c)
}

// drawn draws a chart, with the note of its scale below.
func (r printer) drawn(w io.Writer, v View, c Chart) {
	c.Write(w)
	if s, ok := c.scaleY(); ok && s.Note() != "" {
		fmt.Fprintln(w, wrap(s.Note(), v.Width))
	}
}

// chart is an empty chart of the view's size.
func (v View) chart(x string) Chart {
	width := v.Width
	if width == 0 {
		width = 100
	}
	return Chart{XName: x, Width: min(width, 160), Height: max(12, min(24, width/6)), Limits: v.Limits, ASCII: v.ASCII, Color: v.Color}
}

// WriteSensitivity draws the best value of each arm at each learning rate.
func (r printer) writeSensitivity(w io.Writer, v View) {
	w = v.writer(w)
	c := v.chart("lr (logarithmic)")
	c.LogX = true
	for _, a := range r.Arms {
		line := Series{Name: a.Name}
		if basin := a.Basin.String(); basin != "" {
			line.Name += "   basin " + basin
		}
		for _, t := range r.Sensitivity(a) {
			y, low, high := math.NaN(), math.NaN(), math.NaN()
			if t.Point >= 0 {
				i := r.Points[t.Point].Interval
				y, low, high = i.Value, i.Low, i.High
			}
			line.X, line.Y, line.Low, line.High = append(line.X, t.LR), append(line.Y, y), append(line.Low, low), append(line.High, high)
			if t.Diverged {
				line.Name += "  ✗ " + stats.Number(t.LR)
			}
		}
		if len(line.X) > 0 {
			c.Series = append(c.Series, line)
		}
	}
	fmt.Fprintln(w, wrap(fmt.Sprintf("best %s %s for each learning rate, all else tuned; ✗ some trial with it diverged", r.StatName(), r.Metric), v.Width))
	r.drawn(w, v, c)
}

// letters are the groups of arms that are not told apart in which the arm at a place of a ranking is.
func letters(k compare.Ranking, at int) (text string) {
	for g, group := range k.Groups {
		if at >= group[0] && at <= group[1] {
			text += string(letter(g))
		}
	}
	return text
}

// WriteRanking lists arms by their mean rank. Arms that are not told apart share a letter.
func (r printer) writeRanking(w io.Writer, v View) error {
	k, err := r.Ranking()
	if err != nil {
		return err
	}
	w = v.writer(w)
	var names, ranks, groups []string
	for i, arm := range k.Arms {
		names, ranks = append(names, r.Arms[arm].Name), append(ranks, stats.Short(k.Ranks[i], 3))
		groups = append(groups, letters(k, i))
	}
	writeColumns(w, []column{{head: "arm", cells: names}, {head: "mean rank", right: true, cells: ranks}, {head: "not told apart", cells: groups}}, v)
	fmt.Fprintf(w, "\n%s\n", wrap(strings.Replace(k.Caption(), "a bar joins what is not told apart", "arms with a letter in common are not told apart", 1), v.Width))
	return nil
}
