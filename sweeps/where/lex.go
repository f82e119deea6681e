package where

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/plugins"
)

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenSymbol
	tokenKeyword
	tokenName
	tokenValue
)

// A token is a word, a value or a symbol of the text.
type token struct {
	Place
	kind  tokenKind
	text  string // as written
	value plugins.Value
}

var (
	// symbols lists a longer symbol before its beginnings.
	symbols  = []string{"==", "!=", "<=", ">=", "<", ">", "~", "(", ")", "[", "]", ",", "+", "-", "*", "/"}
	keywords = []string{"and", "or", "not", "in", "is", "null", "true", "false"}
	// foreign lists operators of other languages, a longer one before its beginnings.
	foreign = []struct{ sign, ours string }{
		{"&&", "and"}, {"||", "or"}, {"=~", "~"}, {"~=", "~"}, {"!~", "not ~"}, {"<>", "!="}, {"=<", "<="}, {"=>", ">="}, {"&", "and"}, {"|", "or"},
		{"≤", "<="}, {"≥", ">="}, {"≠", "!="}, {"=", "=="}, {"!", "not"},
	}
)

// lex splits a text into tokens, the last of which is its end.
func lex(text string) ([]token, *Error) {
	var tokens []token
	for at := 0; at < len(text); {
		if strings.IndexByte(" \t\r\n", text[at]) >= 0 {
			at++
			continue
		}
		t, wrong := next(text, at)
		if wrong != nil {
			return nil, wrong
		}
		tokens = append(tokens, t)
		at = t.To
	}
	return append(tokens, token{Place: Place{len(text), len(text)}, kind: tokenEnd}), nil
}

// next is the token that begins at an offset.
func next(text string, at int) (token, *Error) {
	rest := text[at:]
	first, size := utf8.DecodeRuneInString(rest)
	switch {
	case first == '\'' || first == '"':
		return quoted(text, at)
	case startsWord(first):
		return word(rest[:run(rest)], at)
	case digit(rest[0]) || first == '.':
		return numberAt(rest, at)
	}
	symbol := prefix(rest, symbols)
	for _, f := range foreign {
		if strings.HasPrefix(rest, f.sign) && len(f.sign) > len(symbol) {
			return token{}, &Error{From: at, To: at + len(f.sign), Message: fmt.Sprintf("`%s` is not an operator", f.sign),
				Label: fmt.Sprintf("did you mean `%s`?", f.ours)}
		}
	}
	if symbol == "" {
		return token{}, &Error{From: at, To: at + size, Message: fmt.Sprintf("the character %q means nothing here", first)}
	}
	return token{Place: Place{at, at + len(symbol)}, kind: tokenSymbol, text: symbol}, nil
}

func prefix(text string, of []string) string {
	for _, p := range of {
		if strings.HasPrefix(text, p) {
			return p
		}
	}
	return ""
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func startsWord(r rune) bool { return r == '_' || unicode.IsLetter(r) }

// run is the length of the letters, digits, underscores and dots that a text begins with.
func run(text string) int {
	n := strings.IndexFunc(text, func(r rune) bool { return !startsWord(r) && r != '.' && !unicode.IsDigit(r) })
	if n < 0 {
		return len(text)
	}
	return n
}

// quoted reads a text up to the quotation mark it begins with.
func quoted(text string, at int) (token, *Error) {
	mark := text[at]
	for i, r := range text[at+1:] {
		to := at + 1 + i
		switch {
		case r == rune(mark):
			return token{Place{at, to + 1}, tokenValue, text[at : to+1], plugins.Text(text[at+1 : to])}, nil
		case r == '\n':
			return token{}, unfinished(text, at, to)
		case !unicode.IsPrint(r):
			return token{}, &Error{From: to, To: to + utf8.RuneLen(r), Message: fmt.Sprintf("a text cannot hold the character %U, which cannot be shown", r)}
		}
	}
	return token{}, unfinished(text, at, len(text))
}

func unfinished(text string, from, to int) *Error {
	return &Error{From: from, To: to, Message: "the text does not end", Help: fmt.Sprintf("close it with %c", text[from])}
}

// word reads a keyword or a name.
func word(text string, at int) (token, *Error) {
	t := token{Place{at, at + len(text)}, tokenName, text, plugins.Value{}}
	switch lower := strings.ToLower(text); {
	case lower == "inf" || lower == "infinity" || lower == "nan":
		return token{}, &Error{From: t.From, To: t.To, Message: fmt.Sprintf("`%s` is not a number to compare with", text),
			Help: "write a finite number; comparisons with NaN are false"}
	case text == "true" || text == "false":
		t.kind, t.value = tokenValue, plugins.Flag(text == "true")
	case slices.Contains(keywords, text):
		t.kind = tokenKeyword
	case slices.Contains(keywords, lower):
		return token{}, &Error{From: t.From, To: t.To, Message: fmt.Sprintf("unknown word `%s`", text), Label: fmt.Sprintf("did you mean `%s`?", lower)}
	case strings.HasSuffix(text, ".") || strings.Contains(text, ".."):
		return token{}, &Error{From: t.From, To: t.To, Message: fmt.Sprintf("`%s` is not a name", clip(text)), Help: "names have words between their dots, as in optimizer.momentum"}
	}
	return t, nil
}

// numberAt reads the digits of a number, its fraction and its exponent.
func numberAt(text string, at int) (token, *Error) {
	digits := func(from int) int {
		for from < len(text) && digit(text[from]) {
			from++
		}
		return from
	}
	end := digits(0)
	if end > 0 && end+1 < len(text) && text[end] == '.' && digit(text[end+1]) {
		end = digits(end + 1)
	}
	if end > 0 && end < len(text) && text[end]|0x20 == 'e' {
		from := end + 1
		if from < len(text) && (text[from] == '+' || text[from] == '-') {
			from++
		}
		if to := digits(from); to > from {
			end = to
		}
	}
	place := Place{at, at + end}
	if tail := run(text[end:]); tail > 0 {
		return token{}, &Error{From: at, To: place.To + tail, Message: fmt.Sprintf("`%s` is not a number", clip(text[:end+tail])),
			Help: "numbers look like 2, 0.5 or 1e-3"}
	}
	value, ok := numeral(text[:end])
	if !ok {
		return token{}, &Error{From: at, To: place.To, Message: fmt.Sprintf("the number %s is too large", clip(text[:end])), Help: "the largest is about 1.8e308"}
	}
	return token{place, tokenValue, text[:end], value}, nil
}

// numeral reads a number. Whole numbers that float64 has exactly become integers, however written,
// so that equal numbers have one form.
func numeral(text string) (plugins.Value, bool) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return plugins.Integer(i), true
	}
	const exact = 1 << 53
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return plugins.Value{}, false
	}
	if x == math.Trunc(x) && x <= exact {
		return plugins.Integer(int64(x)), true
	}
	return plugins.Real(x), true
}

// clip keeps a part of the text short enough for a message.
func clip(text string) string {
	const longest = 40
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
