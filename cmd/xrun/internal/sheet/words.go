package sheet

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Plain is a text of one line. It replaces characters that control a terminal or turn the direction of writing.
func Plain(words string) string { return Clip(strings.Map(visible, words), 2_000) }

// Lines is a text of several lines likewise.
func Lines(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return visible(r)
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}

func visible(r rune) rune {
	if Invisible(r) {
		return '\ufffd'
	}
	return r
}

// Invisible reports whether a character controls something instead of being seen.
func Invisible(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
}

// Clip is the beginning of a text that is longer than so many bytes, and says so.
func Clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + fmt.Sprintf("… (%d more bytes)", len(text)-most)
}

// short leaves out the middle of a name that is longer than so many characters.
func short(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	runes := []rune(text)
	return string(runes[:most-most/2]) + "…" + string(runes[len(runes)-most/2+1:])
}

var (
	hyphens  = regexp.MustCompile(`(^|[\s\[(±])-(\d|∞)`)
	percents = regexp.MustCompile(`(\d)%`)
	bonds    = regexp.MustCompile(`(λ|\blr|\bn|\bp) (=|<)? ?(-?[\d<])`)
)

// nice writes a terminal's words as print does: a real minus before numbers, and no break before a unit, around ± or within a
// statement of p. The words stay the same.
func nice(text string) string {
	text = hyphens.ReplaceAllString(Plain(text), "$1−$2")
	text = percents.ReplaceAllString(text, "$1\u00a0%")
	text = strings.NewReplacer(" ± ", "\u00a0±\u00a0", " %", "\u00a0%", " ≈", "\u00a0≈").Replace(text)
	return bonds.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") })
}

// bracketed keeps an interval in one line.
func bracketed(text string) string {
	return brackets.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, " ", "\u00a0") })
}

var brackets = regexp.MustCompile(` ?\[[^\[\]]{1,60}\]`)

// digits writes a number in so many significant digits, zeros at the end too, since what stands in cells of equal width reads better
// so. Where an exponent is shorter, it has one.
func digits(v float64, n int) string {
	a := math.Abs(v)
	if a != 0 && (a < 1e-3 || a >= 1e4) || math.IsInf(v, 0) {
		return stats.Short(v, n)
	}
	decimals := n - 1
	if a != 0 {
		decimals = max(0, n-1-stats.Exponent(stats.Round(v, n)))
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}
