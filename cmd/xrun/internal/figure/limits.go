package figure

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// A LimitsError is a text that is no limits of an axis.
type LimitsError struct{ what string }

func (e *LimitsError) Error() string { return e.what }

// Hint is what a person can do.
func (e *LimitsError) Hint() string {
	return "write --ylim 0.1,0.5; --ylim 0.1, or --ylim ,0.5 leaves an end to the values; before a negative number write --ylim=-1,1"
}

// ParseLimits reads LOW,HIGH, of which either may be empty, for an axis that is logarithmic or not, or that the values choose.
func ParseLimits(text string, log *bool) (l compare.Limits, err error) {
	l.Log = log
	wrong := func(problem string) (compare.Limits, error) {
		return l, &LimitsError{fmt.Sprintf("--ylim %s %s", text, problem)}
	}
	low, high, found := strings.Cut(text, ",")
	if !found || low == "" && high == "" {
		return wrong("is not LOW,HIGH")
	}
	for _, end := range []struct {
		text string
		to   **float64
	}{{low, &l.Low}, {high, &l.High}} {
		if end.text = strings.TrimSpace(end.text); end.text == "" {
			continue
		}
		v, err := strconv.ParseFloat(end.text, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return wrong(fmt.Sprintf("has %q, which is no finite number", end.text))
		}
		if v <= 0 && l.Log != nil && *l.Log {
			return wrong(fmt.Sprintf("has %s, which is not on the logarithmic axis of --log", end.text))
		}
		*end.to = &v
	}
	if l.Low != nil && l.High != nil && !(*l.Low < *l.High) {
		return wrong("does not go from a number to a larger one")
	}
	return l, nil
}
