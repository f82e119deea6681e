package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Curve is numbers against their index, drawn with dots in lines of text. It has a logarithmic
// scale if all numbers are positive and the largest is more than 30 times the smallest.
type Curve struct {
	Values []float64 // a value that is not finite leaves a gap
	// From and To are written below the two ends.
	From, To string
	// Width and Height are in characters, the scale included. Default to 80 and 12.
	Width, Height int
}

// logSpan is the ratio of largest to smallest from which a scale is logarithmic.
const logSpan = 30

// A braille character has two dots side by side and four on top of each other; U+2800 has none.
var braille = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// Write draws the curve.
func (c Curve) Write(w io.Writer) {
	if c.Width == 0 {
		c.Width = 80
	}
	if c.Height == 0 {
		c.Height = 12
	}
	scale, ok := c.scale()
	if !ok {
		fmt.Fprintln(w, "no number to draw")
		return
	}
	labels, margin := rowLabels(scale, c.Height)
	columns := max(8, c.Width-margin-2)
	dots := c.dots(columns, scale)
	for row, l := range labels {
		line := fmt.Sprintf("%*s ┤%s", margin, l, string(dots[row]))
		if l == "" {
			line = fmt.Sprintf("%*s │%s", margin, l, string(dots[row]))
		}
		fmt.Fprintln(w, strings.TrimRight(line, " \u2800"))
	}
	if c.From != "" || c.To != "" {
		gap := columns - utf8.RuneCountInString(c.From) - utf8.RuneCountInString(c.To)
		fmt.Fprintf(w, "%s%s%s%s\n", strings.Repeat(" ", margin+2), c.From, strings.Repeat(" ", max(1, gap)), c.To)
	}
	if scale.Log {
		fmt.Fprintf(w, "%s(logarithmic)\n", strings.Repeat(" ", margin+2))
	}
}

// scale is the scale of the finite numbers.
func (c Curve) scale() (s compare.Scale, ok bool) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range c.Values {
		if stats.Finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	return compare.Fitted(low, high, logSpan, 0), low <= high
}

// dots places the numbers and joins neighbours.
func (c Curve) dots(columns int, s compare.Scale) [][]rune {
	grid := make([][]rune, c.Height)
	for row := range grid {
		grid[row] = []rune(strings.Repeat("\u2800", columns))
	}
	rows, before := 4*c.Height, -1
	for x := range 2 * columns {
		v := c.at(float64(x) / float64(2*columns-1))
		if !stats.Finite(v) {
			before = -1
			continue
		}
		y := dotOf(1-s.Clamped(v), rows)
		from, to := y, y
		if before >= 0 && before < y {
			from = before + 1
		} else if before > y {
			to = before - 1
		}
		for at := from; at <= to; at++ {
			grid[at/4][x/2] |= braille[at%4][x%2]
		}
		before = y
	}
	return grid
}

// at is the number at a share of the way, between two of them on the line that joins them.
func (c Curve) at(share float64) float64 {
	place := share * float64(len(c.Values)-1)
	i := min(int(place), max(0, len(c.Values)-2))
	part := place - float64(i)
	switch {
	case part == 0 || i+1 >= len(c.Values):
		return c.Values[i]
	case part == 1:
		return c.Values[i+1]
	}
	return (1-part)*c.Values[i] + part*c.Values[i+1]
}
