package protocol

import (
	"strings"
	"unicode"
)

// Clean removes control characters that a terminal would obey, and blanks at the ends of lines.
func Clean(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.Map(func(r rune) rune {
			switch {
			case r == '\t':
				return ' '
			case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == unicode.ReplacementChar:
				return -1
			}
			return r
		}, line), " ")
	}
	return strings.Join(lines, "\n")
}

// CleanAll is Clean for each of some texts.
func CleanAll(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = Clean(t)
	}
	return out
}
