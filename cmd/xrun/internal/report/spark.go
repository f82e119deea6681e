package report

import (
	"strings"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// Bars from low to high, for people and in ASCII.
var (
	bars      = []rune("▁▂▃▄▅▆▇█")
	asciiBars = []rune("_.:-=+*#")
)

// spark draws a point's mean curve in so many characters. Its scale is its own, from its least to its largest value,
// and logarithmic if all are positive: curves fall fast at first.
func (r printer) spark(s compare.Point, width int, ascii bool) string {
	bands := r.Bands(s)
	if len(bands) > 1 && bands[0].Epoch == 0 {
		bands = bands[1:] // the value before training would hide the rest
	}
	if len(bands) < 2 {
		return ""
	}
	values := make([]float64, width)
	for i := range values {
		values[i] = bands[i*(len(bands)-1)/(width-1)].Value
	}
	set := bars
	if ascii {
		set = asciiBars
	}
	var b strings.Builder
	for _, level := range compare.Levels(values, len(set)) {
		if level < 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(set[level])
	}
	return b.String()
}
