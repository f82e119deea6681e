package sheet

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Shows are what maps can show of a point: its mean, the half-width of its interval, its epochs, the spread of its seeds, or the p
// of an arm that chose it.
var Shows = []string{"mean", "half", "epochs", "spread", "p"}

// A MapQuestion asks for maps. Columns and Rows are axes; empty are the report's choice. Show is one of [Shows]; empty is the first.
type MapQuestion struct{ Columns, Rows, Show string }

func (q MapQuestion) show() string { return cmp.Or(q.Show, Shows[0]) }

// Check refuses what a report has no maps of.
func (q MapQuestion) Check(r *compare.Report) error {
	if !slices.Contains(Shows, q.show()) {
		return advice.Usage(fmt.Errorf("show is %q", q.Show), "it is one of "+strings.Join(Shows, ", "))
	}
	for _, sub := range r.Each() {
		if err := sub.CheckAxes(q.Columns, q.Rows); err != nil {
			return advice.Usage(err, "the axes are "+strings.Join(r.AxisNames(), ", "))
		}
	}
	return nil
}

// shown is what a map shows of a point; NaN for nothing.
func shown(r *compare.Report, point int, show string) float64 {
	s := &r.Points[point]
	switch show {
	case "half":
		return s.Interval.Half()
	case "epochs":
		return s.Epochs()
	case "spread":
		if v := s.Values(); len(v) > 1 {
			return stats.StdDev(v)
		}
		return math.NaN()
	case "p":
		if a, ok := r.ArmOf(point); ok && a.Tested {
			return a.P
		}
		return math.NaN()
	}
	return s.Mapped()
}

// shownText writes it as a cell does.
func shownText(v float64, show string) string {
	switch {
	case !stats.Finite(v):
		return ""
	case show == "epochs":
		return fmt.Sprintf("%.0f", v)
	case show == "p":
		return stats.PValue(v)
	}
	return digits(v, 3)
}

// whatOf names it.
func whatOf(r *compare.Report, show string) string {
	switch show {
	case "half":
		return "half-width of the 95 % interval of " + r.Metric
	case "epochs":
		return "epochs"
	case "spread":
		return "standard deviation of " + r.Metric + " over seeds"
	case "p":
		return "p of the difference to the baseline, adjusted"
	}
	return r.StatName() + " " + r.Metric + " " + r.Arrow()
}

// A palette turns values into the colours of maps.
type palette struct {
	best, clip, worst float64 // clip is the last value with a colour of its own
	beyond            int     // points beyond the clip
	more              bool    // is better
	log               bool
	equal             bool // all values, but for rounding
	ok                bool // there is a value
	show              string
}

// paletteOf are the colours of what the maps of one problem show.
func paletteOf(r *compare.Report, show string) palette {
	var values []float64
	for i := range r.Points {
		if v := shown(r, i, show); stats.Finite(v) {
			values = append(values, v)
		}
	}
	p := palette{more: show == "p" || r.Goal == stop.Max && show == "mean", show: show}
	if len(values) == 0 {
		return p
	}
	p.ok = true
	if show == "p" { // all that can be
		p.best = 1
		return p
	}
	slices.Sort(values)
	if p.more {
		slices.Reverse(values)
	}
	p.best, p.worst = values[0], values[len(values)-1]
	p.clip, p.beyond, _ = compare.Clip(values, p.more)
	if show == "epochs" {
		p.clip, p.beyond = p.worst, 0
	}
	p.equal = stats.Alike(p.best, p.worst)
	p.log = p.best > 0 && p.clip > 0 && show != "epochs" && !p.more
	return p
}

// share is the place of a value: 0 is the best, 1 the clip, more lies beyond.
func (p palette) share(v float64) float64 {
	switch {
	case p.equal || p.best == p.clip:
		return 0
	case p.log && v > 0:
		return math.Log(v/p.best) / math.Log(p.clip/p.best)
	}
	return (v/2 - p.best/2) / (p.clip/2 - p.best/2) // halves, since differences may be too large for a number
}

// at is the value at a share.
func (p palette) at(share float64) float64 {
	if p.log {
		return p.best * math.Pow(p.clip/p.best, share)
	}
	return p.best + (p.clip-p.best)*share
}

// level is the colour of a value; -1 without one.
func (p palette) level(v float64) int {
	if !stats.Finite(v) {
		return -1
	}
	return min(Levels-1, max(0, int(math.Round(p.share(v)*(Levels-1)))))
}

// isBeyond reports whether a value lies beyond the last colour.
func (p palette) isBeyond(v float64) bool { return p.share(v) > 1+1e-9 }

// ends are the texts of the scale: best, middle and last colour, or the only value.
func (p palette) ends() []string {
	switch {
	case !p.ok:
		return nil
	case p.show == "p":
		return []string{"1", "0.5", "0"}
	case p.equal:
		return []string{shownText(p.best, p.show)}
	}
	return []string{shownText(p.best, p.show), shownText(p.at(.5), p.show), shownText(p.clip, p.show)}
}

// says tells where the colours end. Of rows of dots it tells where their scale does.
func (p palette) says(dots bool) string {
	if p.show == "p" && !p.ok {
		return "Nothing is tested."
	}
	if p.show == "p" {
		return "Colour goes from p = 1 to p = 0. Only what arms chose is tested."
	}
	if !p.ok || dots && p.beyond == 0 {
		return ""
	}
	if p.equal {
		return "All values are equal."
	}
	if p.beyond == 0 {
		return "Colour spans all points."
	}
	to, have := "up to", "have"
	if p.more {
		to = "down to"
	}
	if p.beyond == 1 {
		have = "has"
	}
	points := compare.Counted(p.beyond, "point")
	if dots {
		return fmt.Sprintf("The scale ends at the 75 %% quantile, %s: the %s beyond, %s %s, are marked with two arrowheads.", digits(p.clip, 3), points, to, digits(p.worst, 3))
	}
	return fmt.Sprintf("Colour is clipped at the 75 %% quantile, %s: the %s beyond, %s %s, %s the last colour and a corner.", digits(p.clip, 3), points, to, digits(p.worst, 3), have)
}
