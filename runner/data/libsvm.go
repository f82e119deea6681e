package data

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
)

// labelTarget is the name of the target in formats that give it none.
const labelTarget = "label"

// maxIndex limits the features of sparse data. Parameters are dense: each trial has several
// vectors of that length.
const maxIndex = 1 << 26

// lines is a file in LIBSVM's format, also known as svmlight, while it is read. A line is
//
//	label index:value index:value … # comment
//
// with indices in ascending order; features that are left out are 0. Indices count from 1, or
// from 0 when the index 0 occurs anywhere in the training data.
type lines struct {
	source
	content *bufio.Reader
	like    *Set
	line    int
	set     *Set
	targets *targets
	last    int // the greatest index
	zero    bool
}

func readLIBSVM(r io.Reader, from source, o Options) (*Set, error) {
	if o.Target != "" && o.Target != labelTarget {
		e := from.fail(`leave it out, or write target = "label"`, "there is no target %q: the first number of a line is its label", clip(o.Target))
		e.about = aboutTarget
		return nil, e
	}
	sum := sha256.New()
	l, err := openLines(r, from, o, sum)
	if err != nil {
		return nil, err
	}
	for {
		if err := l.next(); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if l.targets.len() == 0 {
		return nil, from.noLines()
	}
	if err := l.columns(); err != nil {
		return nil, err
	}
	l.set.Digest = hex.EncodeToString(sum.Sum(nil))
	return l.set, l.targets.finish(l.set)
}

func (from source) noLines() *Error {
	return from.fail("each line is a label and pairs of index:value", "there are no rows")
}

func openLines(r io.Reader, from source, o Options, sum hash.Hash) (*lines, error) {
	content, err := from.content(r, sum)
	if err != nil {
		return nil, err
	}
	s := &Set{Name: from.name, Target: labelTarget, Kind: o.Kind, format: from.format, Sparse: CSR[float64]{RowStart: []int{}}}
	return &lines{source: from, content: content, like: o.like, set: s, targets: newTargets(o)}, nil
}

// next reads a row, past lines that have none.
func (l *lines) next() error {
	for {
		text, err := l.content.ReadString('\n')
		if e := (*Error)(nil); errors.As(err, &e) {
			e.File = l.name
			return e
		}
		if err != nil && err != io.EOF {
			return &Error{File: l.name, Line: l.line + 1, Message: err.Error(), cause: err}
		}
		if text == "" {
			return io.EOF
		}
		l.line++
		before := l.targets.len()
		if e := l.row(strings.TrimRight(text, "\r\n")); e != nil {
			e.File, e.Line, e.ofRow = l.name, l.line, true
			return e
		}
		if l.targets.len() > before {
			return nil
		}
	}
}

// row reads one line. Errors have no place yet.
func (l *lines) row(text string) *Error {
	text, _, _ = strings.Cut(text, "#")
	label, rest := word(text)
	if label == "" {
		return nil
	}
	if strings.ContainsRune(label, ':') {
		return &Error{Message: "the line starts with " + strconv.Quote(clip(label)) + ", not with a label", hint: "each line is a label and pairs of index:value"}
	}
	v, e := finite(label)
	if e != nil {
		if strings.ContainsRune(label, ',') {
			e.hint = "rows with several labels cannot be learned from"
		}
		return e
	}
	if e := l.targets.number(v); e != nil {
		return e
	}
	m := &l.set.Sparse
	m.RowStart = append(m.RowStart, len(m.Value))
	for before := -1; ; {
		var pair string
		if pair, rest = word(rest); pair == "" {
			break
		}
		index, v, e := l.pair(pair)
		if e != nil {
			return e
		}
		if index <= before {
			return &Error{Message: "the index " + strconv.Itoa(index) + " comes after " + strconv.Itoa(before),
				hint: "the indices of a line are in ascending order, each once"}
		}
		before, l.last, l.zero = index, max(l.last, index), l.zero || index == 0
		if v == 0 {
			continue
		}
		if len(m.Value) == maxCells {
			return &Error{Message: "the data has more than the limit of " + strconv.Itoa(maxCells) + " values that are not 0"}
		}
		m.Column, m.Value = append(m.Column, int32(index)), append(m.Value, v)
	}
	m.RowEnd = append(m.RowEnd, len(m.Value))
	return nil
}

// word cuts the first word off a line.
func word(text string) (first, rest string) {
	const space = " \t\r\v\f"
	text = strings.TrimLeft(text, space)
	if i := strings.IndexAny(text, space); i >= 0 {
		return text[:i], text[i:]
	}
	return text, ""
}

func (l *lines) pair(text string) (index int, v float64, e *Error) {
	name, value, ok := strings.Cut(text, ":")
	if !ok {
		return 0, 0, &Error{Message: strconv.Quote(clip(text)) + " is not a pair of index:value"}
	}
	if name == "qid" {
		return 0, 0, &Error{Message: "the row belongs to a query (qid), but rankings cannot be learned", hint: "remove qid to learn the label of each row by itself"}
	}
	index, err := strconv.Atoi(name)
	if err != nil && !errors.Is(err, strconv.ErrRange) || name[0] == '+' || index < 0 {
		return 0, 0, &Error{Message: strconv.Quote(clip(name)) + " is not an index: a whole number, 0 or more"}
	}
	if index > maxIndex {
		return 0, 0, &Error{Message: "the index " + clip(name) + " is greater than the limit of " + strconv.Itoa(maxIndex)}
	}
	if l.like != nil {
		switch {
		case index < l.like.base:
			return 0, 0, &Error{Message: "the index is 0, but those of the training data count from 1"}
		case index-l.like.base >= l.like.Width:
			return 0, 0, &Error{Message: "the index " + strconv.Itoa(index) + " is not one of the " + strconv.Itoa(l.like.Width) + " features of the training data",
				hint: "give the training data a row in which it occurs, with the value 0 if need be"}
		}
	}
	v, e = finite(value)
	return index, v, e
}

// decimal reads a number as people and other programs write it: Go's own forms, 1_000 and 0x1p-2, are none.
func decimal(text string) (v float64, ok bool) {
	if v, ok := shortDecimal(text); ok {
		return v, true
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, (err == nil || errors.Is(err, strconv.ErrRange)) && !strings.ContainsAny(text, "_xXpP")
}

// shortDecimal reads numbers such as -12.5, whose digits are an integer that float64 holds exactly, and whose power of ten
// is exact as well: one division then rounds as the nearest number is rounded (Clinger 1990). ok is false for all others.
func shortDecimal(text string) (v float64, ok bool) {
	const most = 15 // digits
	digits := text
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > most+1 {
		return 0, false
	}
	n, point := int64(0), -1
	for i := 0; i < len(digits); i++ {
		switch c := digits[i]; {
		case '0' <= c && c <= '9':
			n = 10*n + int64(c-'0')
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
	}
	v = float64(n)
	switch {
	case point < 0 && len(digits) > most, point >= 0 && len(digits) == 1:
		return 0, false
	case point >= 0:
		v /= powersOfTen[len(digits)-1-point]
	}
	if text[0] == '-' {
		v = -v
	}
	return v, true
}

var powersOfTen = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// vanishes reports whether a number that is not 0 has become 0.
func vanishes(v float64, text string) bool {
	if v != 0 {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	return strings.ContainsAny(mantissa, "123456789")
}

// finite reads a number, where the format has nothing else.
func finite(text string) (float64, *Error) {
	v, ok := decimal(text)
	switch {
	case !ok:
		return 0, &Error{Message: strconv.Quote(clip(text)) + " is not a number"}
	case vanishes(v, text):
		return 0, &Error{Message: strconv.Quote(clip(text)) + " is too small to be told from 0"}
	case !isFinite(v):
		return 0, &Error{Message: strconv.Quote(clip(text)) + " is not a finite number"}
	}
	return v, nil
}

// columns turns indices into columns, once it is known whether they count from 0 or 1.
func (l *lines) columns() error {
	s := l.set
	if l.like != nil {
		s.base, s.Width = l.like.base, l.like.Width
	} else {
		if !l.zero {
			s.base = 1
		}
		s.Width = l.last + 1 - s.base
	}
	if len(s.Sparse.Value) == 0 && l.like == nil {
		return l.fail("each line is a label and pairs of index:value", "every feature of every row is 0, there is nothing to learn from")
	}
	if s.base == 0 {
		return nil
	}
	for i := range s.Sparse.Column {
		s.Sparse.Column[i]--
	}
	return nil
}
