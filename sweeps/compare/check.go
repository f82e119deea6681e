package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// Standing is the point called "best" or "baseline"; ok is false if there is none.
func (r *Report) Standing(who string) (s Point, ok bool) {
	switch {
	case who == "best":
		s, ok = r.Best()
		return s, ok && s.Complete
	case who == "baseline" && r.Base >= 0:
		return r.Points[r.Arms[r.Base].Chosen], true
	}
	return Point{}, false
}

// A CheckResult is a condition of a sweep file's [check] and whether it holds.
type CheckResult struct {
	Name  string `json:"name"`
	Where string `json:"where"`
	Holds bool   `json:"holds"`
	// Facts are the values of its names.
	Facts string `json:"facts"`
	// Open: trials are missing, and the outcome may change.
	Open bool `json:"open,omitempty"`
}

// Fact is the value of a name in a condition of [check], such as best.METRIC, baseline.lr, p, outcome or failed; ok
// is false if it has none.
func (r *Report) Fact(name string) (plugins.Value, bool) {
	switch name {
	case "failed":
		return plugins.Integer(int64(r.Counts[runner.StatusFailed])), true
	case "diverged":
		return plugins.Integer(int64(r.Counts[runner.StatusDiverged])), true
	case "trials":
		n := r.Missing
		for _, c := range r.Counts {
			n += c
		}
		return plugins.Integer(int64(n)), true
	case "p":
		// Of the best arm against the baseline; none if the baseline is best.
		if len(r.Arms) == 0 || !r.Arms[0].Tested || math.IsNaN(r.Arms[0].P) {
			return plugins.Value{}, false
		}
		return plugins.Real(r.Arms[0].P), true
	case "outcome", "difference", "difference.low", "difference.high":
		return r.outcomeFact(name)
	}
	who, what, _ := strings.Cut(name, ".")
	s, ok := r.Standing(who)
	if !ok {
		return plugins.Value{}, false
	}
	var x float64
	switch what {
	case r.Metric:
		x = s.Interval.Value
	case "lr":
		x = s.LR
	case "lambda":
		x = s.Lambda
	case "epochs":
		x = s.Epochs()
	default:
		return plugins.Value{}, false
	}
	return plugins.Real(x), !math.IsNaN(x)
}

// outcomeFact is a part of the verdict: its outcome, or the difference of the best arm to the baseline, or of the next one if the
// baseline is the best, in the metric's unit, with the ends of its interval.
func (r *Report) outcomeFact(name string) (plugins.Value, bool) {
	d, ok := r.Decision()
	if !ok {
		return plugins.Value{}, false
	}
	x := d.Difference.Value
	switch name {
	case "outcome":
		return plugins.Text(string(d.Outcome)), true
	case "difference.low":
		x = d.Difference.Low
	case "difference.high":
		x = d.Difference.High
	}
	return plugins.Real(x), !math.IsNaN(x)
}

// CheckLines describe the outcome of each condition of [check], a line each.
func (r *Report) CheckLines() (lines []string) {
	for _, c := range r.Checks {
		lines = append(lines, c.line())
	}
	return lines
}

// line describes a check's outcome.
func (c CheckResult) line() string {
	word := "holds"
	switch {
	case !c.Holds && c.Open:
		word = "cannot be decided yet, since trials are missing"
	case !c.Holds:
		word = "FAILS"
	}
	text := fmt.Sprintf("check %s %s: %s", c.Name, word, c.Where)
	if c.Facts != "" {
		text += " (" + c.Facts + ")"
	}
	return text
}

// Fails reports whether a condition of [check] does not hold.
func (r *Report) Fails() bool {
	return slices.ContainsFunc(r.Checks, func(c CheckResult) bool { return !c.Holds })
}
