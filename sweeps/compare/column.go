package compare

import (
	"cmp"
	"math"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Column holds the values of an expression, in the order of Report.Points.
type Column struct {
	Name  string
	Cells []Value
}

// A Value is a number with its uncertainty over seeds, or a text.
type Value struct {
	Interval stats.Interval
	Text     string
	IsText   bool
}

func (v Value) String() string {
	if v.IsText {
		return v.Text
	}
	return stats.Uncertain(v.Interval)
}

// Compare orders values: numbers before texts, missing values last.
func (v Value) Compare(other Value, descending bool) int {
	missing := func(v Value) bool { return !v.IsText && math.IsNaN(v.Interval.Value) }
	order := 0
	switch {
	case missing(v) || missing(other):
		if missing(v) == missing(other) {
			return 0
		}
		if missing(v) {
			return 1
		}
		return -1
	case v.IsText != other.IsText:
		if v.IsText {
			return 1
		}
		return -1
	case v.IsText:
		order = strings.Compare(v.Text, other.Text)
	default:
		order = cmp.Compare(v.Interval.Value, other.Interval.Value)
	}
	if descending {
		return -order
	}
	return order
}
