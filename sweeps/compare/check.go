package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// Standing is the point that "best" or "baseline" stands for.
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
	// Facts are what its names came to.
	Facts string `json:"facts"`
	// Open says that trials are missing, so that it may come out otherwise.
	Open bool `json:"open,omitempty"`
}

// Fact looks up what conditions of [check] may ask about: best.METRIC, baseline.lr, p, failed and the like.
// A name without a value has none.
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
		// Of the best arm against the baseline: there is none where the baseline is the best.
		if len(r.Arms) == 0 || !r.Arms[0].Tested || math.IsNaN(r.Arms[0].P) {
			return plugins.Value{}, false
		}
		return plugins.Real(r.Arms[0].P), true
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

// CheckLines say how each condition of [check] came out.
func (r *Report) CheckLines() (lines []string) {
	for _, c := range r.Checks {
		lines = append(lines, c.line())
	}
	return lines
}

// line is a check's outcome in a line.
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
