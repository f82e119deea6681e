package stats

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/mathext"
)

// Equivalence is the p-value of two one-sided t tests that a difference lies within ±margin (Schuirmann 1987, J.
// Pharmacokinetics and Biopharmaceutics 15, 657-680): the smallest alpha for which the interval at the confidence level
// 1 − 2·alpha lies within. interval gives that of any level, by whatever method; it gets wider with the level. From a half
// on the p-value is 1, and it is never given as less than 1e-10.
func Equivalence(margin float64, interval func(level float64) Interval) float64 {
	within := func(logAlpha float64) bool { return interval(1 - 2*math.Exp(logAlpha)).Within(margin) }
	low, high := math.Log(1e-10), math.Log(0.4999999)
	switch {
	case !within(high):
		return 1
	case within(low):
		return 1e-10
	}
	for range 36 { // to ten digits
		if middle := (low + high) / 2; within(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return math.Exp(high)
}

// ShareInterval is the interval of Clopper and Pearson (1934) for a chance that k of n trials show, at the confidence level.
func ShareInterval(k, n int, level float64) (low, high float64) {
	low, high = 0, 1
	if k > 0 {
		low = mathext.InvRegIncBeta(float64(k), float64(n-k+1), (1-level)/2)
	}
	if k < n {
		high = mathext.InvRegIncBeta(float64(k+1), float64(n-k), (1+level)/2)
	}
	return low, high
}

// A Margin is a difference up to which values count as equal. The zero Margin is not chosen.
type Margin struct {
	Size float64
	Unit MarginUnit
}

// A MarginUnit is what the size of a Margin counts.
type MarginUnit string

// The units of a margin.
const (
	MarginPercent MarginUnit = "%"      // of the baseline's value
	MarginPoints  MarginUnit = "points" // percentage points, of rates
	MarginPlain   MarginUnit = "plain"  // the metric's own
	MarginNone    MarginUnit = "none"   // nothing counts as equal
)

// MarginForms says how a margin is written.
const MarginForms = `"1 %" of the baseline's value, "0.5 points" of a rate, "0.002" in the metric's own unit, or "none"`

// ParseMargin reads a margin as it is written in a sweep file.
func ParseMargin(text string) (Margin, error) {
	trimmed := strings.TrimSpace(text)
	if trimmed == string(MarginNone) {
		return Margin{Unit: MarginNone}, nil
	}
	m, number := Margin{Unit: MarginPlain}, trimmed
	for _, end := range []struct {
		text string
		unit MarginUnit
	}{{"%", MarginPercent}, {"percentage points", MarginPoints}, {"percentage point", MarginPoints}, {"points", MarginPoints}, {"point", MarginPoints}} {
		if before, ok := strings.CutSuffix(trimmed, end.text); ok {
			m.Unit, number = end.unit, strings.TrimSpace(before)
			break
		}
	}
	size, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || strings.ContainsAny(number, "xXpP_iInN"):
		return Margin{}, fmt.Errorf("%q is no difference up to which values are equal", text)
	case !(size > 0) || math.IsInf(size, 1):
		return Margin{}, fmt.Errorf("the difference up to which values are equal is above 0, not %s", trimmed)
	case m.Unit != MarginPlain && size >= 100:
		return Margin{}, fmt.Errorf("%s is so much that everything would be equal", trimmed)
	}
	m.Size = size
	return m, nil
}

// String is the margin in words: 1 %, 0.5 percentage points.
func (m Margin) String() string {
	number := strconv.FormatFloat(m.Size, 'g', 12, 64)
	switch {
	case m.Unit == MarginPercent:
		return number + " %"
	case m.Unit == MarginPoints && m.Size == 1:
		return "1 percentage point"
	case m.Unit == MarginPoints:
		return number + " percentage points"
	case m.Unit == MarginPlain:
		return Number(m.Size)
	}
	return string(m.Unit)
}
