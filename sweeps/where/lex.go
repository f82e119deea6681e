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
	text  string // as written; of a name in backticks, the name
	value plugins.Value

	quoted bool // a name in backticks: never a function
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
	case first == backtick:
		return quotedName(text, at)
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

// backtick stands around a name that is not a word, as in the queries of pandas. Two of them stand for one in the name.
const backtick = '`'

// quotedName reads a name in backticks.
func quotedName(text string, at int) (token, *Error) {
	var name strings.Builder
	for i := at + 1; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == backtick && strings.HasPrefix(text[i+1:], string(backtick)):
			size = 2
		case r == backtick && name.Len() == 0:
			return token{}, &Error{From: at, To: i + 1, Message: "the name is empty"}
		case r == backtick:
			return token{Place{at, i + 1}, tokenName, name.String(), plugins.Value{}, true}, nil
		case !unicode.IsPrint(r):
			return token{}, &Error{From: i, To: i + size, Message: fmt.Sprintf("a name cannot hold the character %U, which cannot be shown", r)}
		}
		name.WriteRune(r)
		i += size
	}
	return token{}, &Error{From: at, To: len(text), Message: "the name does not end", Help: "close it with `"}
}

// isWord reports whether a name needs no backticks.
func isWord(name string) bool {
	tokens, wrong := lex(name)
	return wrong == nil && len(tokens) == 2 && tokens[0].kind == tokenName && tokens[0].text == name
}

// Quote writes a name as expressions have it: in backticks unless it is a word.
func Quote(name string) string {
	if isWord(name) {
		return name
	}
	return string(backtick) + strings.ReplaceAll(name, string(backtick), "``") + string(backtick)
}

// quoted reads a text up to the quotation mark it begins with.
func quoted(text string, at int) (token, *Error) {
	mark := text[at]
	for i, r := range text[at+1:] {
		to := at + 1 + i
		switch {
		case r == rune(mark):
			return token{Place: Place{at, to + 1}, kind: tokenValue, text: text[at : to+1], value: plugins.Text(text[at+1 : to])}, nil
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
	t := token{Place: Place{at, at + len(text)}, kind: tokenName, text: text}
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
	return token{Place: place, kind: tokenValue, text: text[:end], value: value}, nil
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
