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

// Uncertain writes a mean with its interval, both to the second significant digit of the
// half-width, and never with less than three of the mean, which would hide the ranking; a mean of
// one value stands alone, in six digits.
func Uncertain(i stats.Interval) string {
	if math.IsNaN(i.Value) {
		return "–"
	}
	if math.IsNaN(i.Half()) || math.IsInf(i.Value, 0) || i.Half() == 0 {
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
	return strconv.FormatFloat(i.Value, 'f', decimals, 64) + " ± " + strconv.FormatFloat(i.Half(), 'f', decimals, 64)
}
