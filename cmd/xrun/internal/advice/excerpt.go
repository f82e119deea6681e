package advice

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Excerpt is the part of a text around a place, in one line, with a line of marks to print below.
func Excerpt(text string, from, to int) (line, mark string) {
	const before, most = 60, 100 // runes
	head, marked, tail := []rune(OneLine(text[:from])), []rune(OneLine(text[from:to])), []rune(OneLine(text[to:]))
	if cut := len(head) - before; cut > 0 {
		head = append([]rune("…"), head[cut:]...)
	}
	mark = strings.Repeat(" ", len(head)) + strings.Repeat("^", max(1, min(len(marked), most-len(head))))
	all := slices.Concat(head, marked, tail)
	if len(all) > most {
		all = append(all[:most], '…')
	}
	return string(all), mark
}

// OneLine replaces line breaks and control characters: the text neither breaks a table nor controls a terminal.
func OneLine(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return utf8.RuneError
		}
		return r
	}, text)
}
