package report

import (
	"strings"
	"unicode/utf8"
)

// pageWidth is the width of text to read.
const pageWidth = 100

// wrap breaks a paragraph into lines of at most so many characters, 0 for any number. It keeps a command to copy, which
// follows an arrow, in one line if it fits.
func wrap(text string, width int) string {
	if width == 0 {
		return text
	}
	arrow := "→ "
	before, command, found := strings.Cut(text, " "+arrow)
	if !found {
		arrow = ascii.Replace(arrow)
		before, command, found = strings.Cut(text, " "+arrow)
	}
	words := strings.Fields(before)
	if found {
		if command = arrow + command; utf8.RuneCountInString(command) <= width {
			words = append(words, command)
		} else {
			words = append(words, strings.Fields(command)...)
		}
	}
	var b strings.Builder
	at := 0
	for i, word := range words {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}
