package report

import (
	"math"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
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
	low, high := math.Inf(1), math.Inf(-1)
	for _, b := range bands {
		if stats.Finite(b.Value) {
			low, high = min(low, b.Value), max(high, b.Value)
		}
	}
	scale := func(v float64) float64 { return v }
	if low > 0 {
		scale = math.Log
	}
	set := bars
	if ascii {
		set = asciiBars
	}
	var b strings.Builder
	for i := range width {
		v := bands[i*(len(bands)-1)/(width-1)].Value
		switch {
		case !stats.Finite(v):
			b.WriteByte(' ')
		case high == low:
			b.WriteRune(set[0])
		default:
			part := (scale(v) - scale(low)) / (scale(high) - scale(low))
			b.WriteRune(set[min(len(set)-1, int(part*float64(len(set))))])
		}
	}
	return b.String()
}
