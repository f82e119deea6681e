package report

import (
	"math"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Number writes x in at most four significant digits, as people write learning rates:
// 3.162e-3, 0.01 as 1e-2, 0.25, 100.
func Number(x float64) string {
	switch {
	case x == 0:
		return "0"
	case math.Abs(x) >= 0.1 && math.Abs(x) < 1e5:
		return strconv.FormatFloat(round(x, 4), 'f', -1, 64)
	}
	mantissa, exponent, ok := strings.Cut(strconv.FormatFloat(round(x, 4), 'e', -1, 64), "e")
	if !ok {
		return mantissa // NaN, Inf
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "e" + strconv.Itoa(n)
}

func round(x float64, digits int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	if err != nil {
		return x
	}
	return r
}

// lopsided is from which difference of the two sides on, as a share of half the width, an interval is written
// by its ends.
const lopsided = 0.1

// Uncertain writes a mean with its interval, both to the second significant digit of the
// half-width, and never with less than three of the mean, which would hide the ranking; a mean of
// one value stands alone, in six digits. An interval that does not lie evenly is written by its ends.
func Uncertain(i stats.Interval) string {
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
