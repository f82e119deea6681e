package stats

import (
	"math"
	"strconv"
	"strings"
)

// Number writes x in at most four significant digits, as people write learning rates:
// 3.162e-3, 0.01 as 1e-2, 0.25, 100.
func Number(x float64) string {
	switch {
	case x == 0:
		return "0"
	case math.Abs(x) >= 0.1 && math.Abs(x) < 1e5:
		return strconv.FormatFloat(Round(x, 4), 'f', -1, 64)
	}
	mantissa, exponent, ok := strings.Cut(strconv.FormatFloat(Round(x, 4), 'e', -1, 64), "e")
	if !ok {
		return mantissa // NaN, Inf
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "e" + strconv.Itoa(n)
}

// Short writes x for a narrow place, such as a cell of a map: n significant digits, with an
// exponent from 1e4 on and below 1e-3.
func Short(x float64, n int) string {
	if a := math.Abs(x); a != 0 && (a < 1e-3 || a >= 1e4) {
		return strconv.FormatFloat(x, 'e', n-3, 64)
	}
	return strconv.FormatFloat(x, 'g', n, 64)
}

// Round rounds x to n significant digits.
func Round(x float64, n int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', n, 64), 64)
	if err != nil {
		return x
	}
	return r
}

// None is an unknown value with an unknown interval.
func None() Interval { return Interval{Value: math.NaN(), Low: math.NaN(), High: math.NaN()} }

// Finite reports whether x is neither NaN nor infinite.
func Finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// lopsided is the largest difference of the two sides, as a share of the half-width, of an interval
// that is written with ±.
const lopsided = 0.1

// Uncertain writes a mean with its interval, both to the second significant digit of the half-width.
// The mean has at least three digits: fewer would hide the ranking. A mean without an interval has
// six digits. An interval that does not lie evenly is written by its ends.
func Uncertain(i Interval) string {
	if math.IsNaN(i.Value) {
		return "–"
	}
	if math.IsNaN(i.Half()) || math.IsInf(i.Value, 0) || i.Half() <= 1e-12*math.Abs(i.Value) {
		return strconv.FormatFloat(i.Value, 'g', 6, 64)
	}
	decimals := 1 - int(math.Floor(math.Log10(i.Half())))
	if i.Value != 0 {
		decimals = max(decimals, min(2-int(math.Floor(math.Log10(math.Abs(i.Value)))), decimals+3))
	}
	if decimals < 0 {
		decimals = 0
	}
	if decimals > 12 || math.Abs(i.Value) >= 1e9 {
		return strconv.FormatFloat(i.Value, 'g', 10, 64) + " ± " + strconv.FormatFloat(i.Half(), 'g', 2, 64)
	}
	text := func(x float64) string { return strconv.FormatFloat(x, 'f', decimals, 64) }
	if math.Abs(i.High+i.Low-2*i.Value) > lopsided*i.Half() {
		return text(i.Value) + " [" + text(i.Low) + ", " + text(i.High) + "]"
	}
	return text(i.Value) + " ± " + text(i.Half())
}

// Signed writes a difference with its sign and its interval.
func Signed(d Interval) string {
	switch {
	case d.Value == 0 && d.Half() == 0:
		return "the same"
	case d.Value > 0:
		return "+" + Uncertain(d)
	}
	return Uncertain(d)
}

// PValue writes a p-value in two significant digits and at most three decimals. NaN is empty.
func PValue(p float64) string {
	switch {
	case math.IsNaN(p):
		return ""
	case p < 0.001:
		return "<0.001"
	case p >= 0.995:
		return "1"
	case p < 0.1:
		return strconv.FormatFloat(p, 'f', 3, 64)
	}
	return strconv.FormatFloat(p, 'f', 2, 64)
}

// PEquals writes a p-value as a statement: p = 0.016, p < 0.001.
func PEquals(p float64) string {
	if p < 0.001 {
		return "p < 0.001"
	}
	return "p = " + PValue(p)
}

// Percent writes a part of 1 in percent, with one decimal below 100.
func Percent(x float64) string {
	x *= 100
	if math.Abs(x) >= 99.95 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	text := strconv.FormatFloat(x, 'f', 1, 64)
	if text == "-0.0" {
		return "0.0"
	}
	return text
}

// Count writes a number of things: 1 trial, 3 trials.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
