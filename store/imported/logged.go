package imported

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// FromText reads a setting that another tracker has as a text: as an integer, a real number or a flag if it is one. An empty text, None and
// null are no value. NaN stays a text, as no setting is NaN.
func FromText(text string) (v plugins.Value, ok bool) {
	switch trimmed := strings.TrimSpace(text); trimmed {
	case "", "None", "null":
		return v, false
	case "true", "True":
		return plugins.Flag(true), true
	case "false", "False":
		return plugins.Flag(false), true
	default:
		if n, err := strconv.ParseInt(trimmed, 10, 64); err == nil {
			return plugins.Integer(n), true
		}
		if strings.Trim(trimmed, "+-0123456789") == "" || strings.Contains(trimmed, "_") {
			return plugins.Text(text), true // a number of which every digit counts, or what Go alone takes for a number
		}
		if x, err := strconv.ParseFloat(trimmed, 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) {
			return plugins.Real(x), true
		}
		return plugins.Text(text), true
	}
}

// A Logged is a value as another tracker has it. Such trackers take several values at one step, and steps in any order.
type Logged struct {
	Step  int64
	At    int64 // when, in any unit
	Value float64
}

// MaxEpoch is the last epoch that a run can have.
const MaxEpoch = 1_000_000_000

// A Curve is the values of one metric, by epoch.
type Curve struct {
	Points   []runner.CurvePoint
	Counted  bool // the steps said nothing, or cannot be epochs: the values are counted from 0, in the order of their times
	Replaced int  // values of a step that a later one has replaced
}

// InOrder makes a curve of values. What is there twice, with the same step, time and value, counts once. If all values have one step, they
// are counted from 0: that is how programs log which give no step. Otherwise the latest value of a step counts.
func InOrder(values []Logged) (c Curve) {
	values = slices.Clone(values)
	slices.SortStableFunc(values, func(a, b Logged) int { return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.At, b.At)) })
	values = slices.CompactFunc(values, func(a, b Logged) bool {
		return a.Step == b.Step && a.At == b.At && math.Float64bits(a.Value) == math.Float64bits(b.Value)
	})
	if len(values) == 0 {
		return c
	}
	first, last := values[0].Step, values[len(values)-1].Step
	if c.Counted = first < 0 || last > MaxEpoch || len(values) > 1 && first == last; c.Counted {
		if first != last {
			slices.SortStableFunc(values, func(a, b Logged) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Step, b.Step)) })
		}
		for i, v := range values {
			c.Points = append(c.Points, runner.CurvePoint{Epoch: i, Value: v.Value})
		}
		return c
	}
	for i, v := range values {
		if i+1 < len(values) && values[i+1].Step == v.Step {
			c.Replaced++
			continue
		}
		c.Points = append(c.Points, runner.CurvePoint{Epoch: int(v.Step), Value: v.Value})
	}
	return c
}
