package report

import (
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Band is what the seeds of a setting have after one epoch: their mean with its interval.
type Band struct {
	Epoch int
	stats.Interval
}

// Wanted lists the runs whose curves the report shows: those of the first top settings (0 is all), and of what
// stands for an arm.
func (r *Report) Wanted(top int) []int64 {
	var runs []int64
	wanted := r.shown(top)
	for _, a := range r.Arms {
		if a.Chosen >= 0 {
			wanted = append(wanted, a.Chosen)
		}
	}
	slices.Sort(wanted)
	for _, i := range slices.Compact(wanted) {
		for _, seed := range r.Settings[i].Seeds {
			if seed.Run != 0 {
				runs = append(runs, seed.Run)
			}
		}
	}
	return runs
}

// Bands is the mean curve of a setting's seeds over the epochs. A run that has ended early keeps its last value:
// otherwise the mean would jump whenever one of them ends.
func (r *Report) Bands(s Setting) []Band {
	var curves [][]runner.CurvePoint
	last := 0
	for _, seed := range s.Seeds {
		if c := r.Curves[seed.Run]; len(c) > 0 {
			curves = append(curves, c)
			last = max(last, c[len(c)-1].Epoch)
		}
	}
	if len(curves) == 0 {
		return nil
	}
	at := make([]int, len(curves))
	values := make([]float64, len(curves))
	bands := make([]Band, 0, last+1)
	for epoch := 0; epoch <= last; epoch++ {
		seen := false
		n := 0
		for i, c := range curves {
			for at[i] < len(c) && c[at[i]].Epoch <= epoch {
				seen = seen || c[at[i]].Epoch == epoch
				at[i]++
			}
			if at[i] > 0 {
				values[n] = c[at[i]-1].Value
				n++
			}
		}
		if seen {
			bands = append(bands, Band{epoch, stats.MeanT(values[:n], Level)})
		}
	}
	return bands
}

// Bars from low to high, for people and in ASCII.
var (
	bars      = []rune("▁▂▃▄▅▆▇█")
	asciiBars = []rune("_.:-=+*#")
)

// spark draws a setting's mean curve in so many characters. Its scale is its own, from the least to the
// largest of it, by logarithms where all of it is positive: it falls fast at first.
func (r *Report) spark(s Setting, width int, ascii bool) string {
	bands := r.Bands(s)
	if len(bands) > 1 && bands[0].Epoch == 0 {
		bands = bands[1:] // what training starts from would hide how it goes on
	}
	if len(bands) < 2 {
		return ""
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, b := range bands {
		if finite(b.Value) {
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
		case !finite(v):
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
