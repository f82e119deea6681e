package sheet

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Cell is a point of a map. One without a point has no key.
type Cell struct {
	Point    runner.Key `json:"point,omitempty"`
	Text     string     `json:"text,omitempty"`
	Level    int        `json:"level"` // of the colour; -1 without one
	Beyond   bool       `json:"beyond,omitempty"`
	Tied     bool       `json:"tied,omitempty"`
	Unstable bool       `json:"unstable,omitempty"`
	Best     bool       `json:"best,omitempty"`
	ArmBest  bool       `json:"arm_best,omitempty"`
	State    string     `json:"state,omitempty"` // diverged, failed, pruned or missing
	Seeds    int        `json:"seeds,omitempty"` // of a point that lacks some
	Ended    int        `json:"ended,omitempty"`
	Running  int        `json:"running,omitempty"`
	Label    string     `json:"label,omitempty"`
	shown    float64
	interval stats.Interval
	values   []float64
}

// cell is a point as a map shows it; -1 is no point.
func (m *Maps) cell(r *compare.Report, point, best int, p palette) Cell {
	c := Cell{Level: -1, interval: stats.None()}
	if point < 0 {
		return c
	}
	s := &r.Points[point]
	v := shown(r, point, m.Show)
	c.shown = v
	c.Point, c.Tied, c.Unstable, c.interval, c.values = s.Point, s.Tied && m.Show == "mean", s.Unstable, s.Interval, s.Values()
	sure := stats.Finite(v)
	if sure {
		c.Level, c.Text, c.Beyond = p.level(v), nice(shownText(v, m.Show)), p.isBeyond(v)
	}
	if stats.Finite(s.Mapped()) {
		c.Best, c.ArmBest = point == 0, point == best && point != 0
	}
	label := []string{r.Name(*s) + ":"}
	if state := s.State(); state != compare.StateDiverged && state != compare.StateFailed && stats.Finite(s.Interval.Value) {
		value := stats.Uncertain(s.Interval)
		if m.Show == "mean" && sure && !slices.Contains(strings.Fields(value), digits(v, 3)) {
			value += ", " + digits(v, 3) + " in short" // who sees the number and speaks it finds the cell
		}
		label = append(label, r.Metric, value)
	}
	if m.Show != "mean" && sure {
		label = append(label, m.Show, c.Text)
	}
	sign := func(name string, on bool, words string) {
		if on {
			m.signs[name] = true
			label[len(label)-1] += ","
			label = append(label, words)
		}
	}
	so := ""
	if m.Open {
		so = " so far"
	}
	sign("best", c.Best, "best"+so)
	sign("arm", c.ArmBest, "best of its arm"+so)
	sign("tied", c.Tied, "cannot be told from the best")
	sign("unstable", c.Unstable, "unstable")
	switch state := s.State(); state {
	case compare.StateDiverged:
		c.State = "diverged"
		sign("diverged", true, fmt.Sprintf("diverged: %d of %s", s.Count(runner.StatusDiverged), compare.Counted(len(s.Seeds), "seed")))
	case compare.StateFailed:
		c.State = "failed"
		sign("failed", true, fmt.Sprintf("failed: %d of %s", s.Count(runner.StatusFailed), compare.Counted(len(s.Seeds), "seed")))
	case compare.StatePruned:
		c.State = "pruned"
		sign("pruned", true, "pruned")
	case compare.StateMissing:
		c.State, c.Seeds, c.Ended, c.Running = "missing", len(s.Seeds), len(s.Values()), s.Count(runner.StatusRunning)
		sign("missing", true, fmt.Sprintf("%d of %s", c.Ended, compare.Counted(c.Seeds, "seed")))
		m.signs["running"] = m.signs["running"] || c.Running > 0
	}
	c.Label = nice(strings.TrimSuffix(strings.Join(label, " "), ":"))
	return c
}

// fit shortens a cell's number to what its width has room for: three digits, or as many.
func (c *Cell) fit(width float64) {
	for n := 2; n > 0 && float64(utf8.RuneCountInString(c.Text))*letter > width-2; n-- {
		c.Text = nice(digits(c.shown, n))
	}
}
