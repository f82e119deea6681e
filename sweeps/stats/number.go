package stats

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Number writes x in at most four significant digits, as people write learning rates:
// 3.162e-3, 0.01 as 1e-2, 0.25, 100.
func Number(x float64) string { return WithDigits(x, shown) }

const shown = 4 // significant digits

// Shown is the number that [Number] writes for x.
func Shown(x float64) float64 { return Round(x, shown) }

// power writes an exponent without a plus and without zeros before it: 1e-07 as 1e-7, 1e+06 as 1e6.
func power(text string) string {
	mantissa, exponent, ok := strings.Cut(text, "e")
	if !ok {
		return text // without an exponent, NaN, Inf
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "e" + strconv.Itoa(n)
}

// Apart writes numbers as [Number] does, those that would read alike with so many digits more that they differ: 30.00001
// and 30.00002. Equal numbers have equal texts.
func Apart(xs []float64) []string {
	texts := make([]string, len(xs))
	first := make(map[string]float64, len(xs))
	alike := false
	for i, x := range xs {
		texts[i] = Number(x)
		if other, ok := first[texts[i]]; ok && other != x {
			alike = true
		}
		first[texts[i]] = x
	}
	if !alike {
		return texts
	}
	const most = 17 // digits, of which no two numbers share all
	for digits := 5; digits <= most; digits++ {
		number := make(map[string]float64, len(xs))
		apart := true
		for _, x := range xs {
			text := WithDigits(x, digits)
			if other, ok := number[text]; ok && other != x {
				apart = false
				break
			}
			number[text] = x
		}
		if apart || digits == most {
			for i, x := range xs {
				texts[i] = WithDigits(x, digits)
			}
			return texts
		}
	}
	return texts
}

// WithDigits writes x in at most so many significant digits, with an exponent where [Number] writes one.
func WithDigits(x float64, digits int) string {
	switch a := math.Abs(x); {
	case x == 0:
		return "0"
	case a >= 0.1 && a < 1e5:
		return strconv.FormatFloat(Round(x, digits), 'f', -1, 64)
	}
	return Power(x, digits)
}

// Power writes x in at most so many significant digits, with an exponent.
func Power(x float64, digits int) string {
	return power(strconv.FormatFloat(Round(x, digits), 'e', -1, 64))
}

// Short writes x for a narrow place, such as a cell of a map: n significant digits, with an
// exponent from 1e4 on and below 1e-3.
func Short(x float64, n int) string {
	if a := math.Abs(x); a != 0 && (a < 1e-3 || a >= 1e4) {
		return power(strconv.FormatFloat(x, 'e', max(n-3, 0), 64))
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

// rounding is the share of a number below which a difference is rounding, and no spread: about 4,500 units in the last
// place, more than a sum over any data set of ours collects.
const rounding = 1e-12

// Alike reports whether two numbers differ by no more than rounding makes them.
func Alike(a, b float64) bool {
	if a == b {
		return true
	}
	return Finite(a) && Finite(b) && math.Abs(a/2-b/2) <= rounding*max(math.Abs(a/2), math.Abs(b/2))
}

// IsRounding reports whether a difference of values of the size of of, with its interval, is no more than rounding makes.
func (i Interval) IsRounding(of float64) bool {
	return Finite(of) && max(math.Abs(i.Value), math.Abs(i.Low), math.Abs(i.High)) <= rounding*math.Abs(of)
}

// Leveled returns xs with one value, that of the first, for those that rounding alone tells apart.
func Leveled(xs []float64) []float64 {
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(xs[a], xs[b]) })
	level := slices.Clone(xs)
	for len(order) > 0 {
		n := 1
		for n < len(order) && Alike(xs[order[n]], xs[order[n-1]]) { // each to the next, so that no other value parts two
			n++
		}
		first := slices.Min(order[:n])
		for _, i := range order[:n] {
			level[i] = xs[first]
		}
		order = order[n:]
	}
	return level
}

// lopsided is the largest difference of the two sides, as a share of the half-width, of an interval
// that is written with ±.
const lopsided = 0.1

// Uncertain writes a mean with its interval, both to the second significant digit of the half-width.
// The mean has at least three digits: fewer would hide the ranking. A mean without an interval has
// six digits. An interval that does not lie evenly is written by its ends. Numbers below 1e-4 and from 1e6 on
// have exponents: 7.47e-15 ± 6.4e-15.
func Uncertain(i Interval) string {
	if math.IsNaN(i.Value) {
		return "–"
	}
	half, decimals, ok := i.decimals()
	if !ok {
		return power(strconv.FormatFloat(i.Value, 'g', 6, 64))
	}
	text := placed(max(math.Abs(i.Value), half), decimals)
	if math.Abs((i.High/2-i.Value/2)+(i.Low/2-i.Value/2)) > lopsided*half/2 {
		return text(i.Value) + " [" + text(i.Low) + ", " + text(i.High) + "]"
	}
	if half >= 1e6 || half < 1e-6 || half < 1e-4 && math.Abs(i.Value) < 1e-4 {
		return text(i.Value) + " ± " + power(strconv.FormatFloat(half, 'e', 1, 64))
	}
	return text(i.Value) + " ± " + text(half)
}

// decimals is the place to which [Uncertain] writes a mean with its interval; ok is false where there is none.
func (i Interval) decimals() (half float64, decimals int, ok bool) {
	half = i.High/2 - i.Low/2 // whose ends may be too far apart for a float64
	if !Finite(half) || !Finite(i.Value) || half <= rounding*math.Abs(i.Value) {
		return half, 0, false
	}
	decimals = 1 - Exponent(half)
	if i.Value != 0 && Exponent(i.Value) >= -(decimals+3) { // fewer digits would hide the ranking
		decimals = max(decimals, min(2-Exponent(i.Value), decimals+3))
	}
	return half, decimals, true
}

// Beside writes x to the decimal place to which [Uncertain] writes another mean, for a number under a column of those.
func Beside(x float64, other Interval) string {
	half, decimals, ok := other.decimals()
	if !ok || !Finite(x) {
		return Uncertain(Interval{Value: x, Low: math.NaN(), High: math.NaN()})
	}
	return placed(max(math.Abs(x), math.Abs(other.Value), half), decimals)(x)
}

// placed writes numbers to the same decimal place. They have exponents if the largest of them is below 1e-4 or not
// below 1e6.
func placed(largest float64, decimals int) func(float64) string {
	if largest >= 1e-4 && largest < 1e6 {
		return func(x float64) string { return strconv.FormatFloat(x, 'f', min(15, max(0, decimals)), 64) }
	}
	return func(x float64) string {
		if x == 0 || Exponent(x) < -decimals { // nothing of it is left
			return "0"
		}
		return power(strconv.FormatFloat(x, 'e', min(8, max(0, decimals+Exponent(x))), 64))
	}
}

// Exponent is the power of ten of the leading digit of x, which is finite and not 0: 2 for 314.
func Exponent(x float64) int {
	_, text, _ := strings.Cut(strconv.FormatFloat(math.Abs(x), 'e', -1, 64), "e")
	n, _ := strconv.Atoi(text)
	return n
}

// Ends writes a number with the ends of its interval, to the third significant digit of the half-width: -0.42 [-0.61, -0.23].
func Ends(i Interval) string {
	half := i.High/2 - i.Low/2
	if !(half > rounding*math.Abs(i.Value)) || math.IsInf(half, 0) || !Finite(i.Value) {
		return Short(Round(i.Value, shown), shown)
	}
	text := placed(max(math.Abs(i.Value), math.Abs(i.Low), math.Abs(i.High)), 2-Exponent(half))
	return text(i.Value) + " [" + text(i.Low) + ", " + text(i.High) + "]"
}

// Signed writes a difference with its sign and its interval.
func Signed(d Interval) string {
	switch {
	case d.Value == 0 && d.Half() == 0:
		return "the same"
	case d.Value > 0 && !math.IsInf(d.Value, 1): // infinity has its sign
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

// Percent writes a part of 1 in percent, with one decimal below 100. Less than all is never 100.
func Percent(x float64) string {
	x *= 100
	switch a := math.Abs(x); {
	case a >= 100:
		return power(strconv.FormatFloat(x, 'g', max(3, min(6, 1+Exponent(x))), 64))
	case a > 99.9:
		x = math.Copysign(99.9, x)
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
