package document

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"
)

// A Span is a range of bytes of the file.
type Span struct{ From, To int }

// A Kind says what a node is.
type Kind string

// The kinds of node, by the names that messages use.
const (
	Table   Kind = "a table"
	Array   Kind = "a list"
	Text    Kind = "text"
	Integer Kind = "an integer"
	Real    Kind = "a real number"
	Flag    Kind = "true or false"
	Date    Kind = "a date"
)

// A Node is a value of the file.
type Node struct {
	Kind    Kind
	At      Span
	Text    string // of Text
	Integer int64
	Real    float64
	Flag    bool
	Items   []*Node  // of Array, of which [[…]] makes one too
	Entries []*Entry // of Table, in the order of the file
	index   map[string]*Entry

	Origin Origin
}

// Origin says how a table came about, which decides what may be added to it.
type Origin int

// The origins of a table.
const (
	Implied  Origin = iota // as part of a longer header
	Headed                 // by its own [header], or by [[header]]
	Dotted                 // by a dotted key
	Enclosed               // by a value: nothing may be added
)

// An Entry is a key with its value.
type Entry struct {
	Name  string
	At    Span // the key
	Value *Node
}

// Find is the entry of that name, or nil.
func (n *Node) Find(name string) *Entry { return n.index[name] }

// Add appends an entry to a table.
func (n *Node) Add(name string, at Span, value *Node) {
	if n.index == nil {
		n.index = map[string]*Entry{}
	}
	e := &Entry{Name: name, At: at, Value: value}
	n.index[name] = e
	n.Entries = append(n.Entries, e)
}

// A Document is the text of a file, for finding places in it. Further texts that values come from
// stand behind it, so that every place is one range of bytes.
type Document struct {
	File   string
	Text   []byte
	source string // text, whose lines problems share
	lines  []int  // offset of the start of each line
	more   []attached
}

// An attached text stands behind that of the file, from an offset on.
type attached struct {
	*Document
	from int
}

// New makes the document of a text. The file need not exist.
func New(file string, text []byte) *Document {
	d := &Document{File: file, Text: text, source: string(text), lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	return d
}

// Attach puts another text behind those that are there and returns the offset of its start.
func (d *Document) Attach(other *Document) int {
	from := len(d.Text) + 1
	if n := len(d.more); n > 0 {
		from = d.more[n-1].from + len(d.more[n-1].Text) + 1
	}
	d.more = append(d.more, attached{other, from})
	return from
}

// In is the document that a place is in, and the place in that.
func (d *Document) In(place Span) (*Document, Span) {
	for i := len(d.more) - 1; i >= 0; i-- {
		if from := d.more[i].from; place.From >= from {
			return d.more[i].Document, Span{place.From - from, place.To - from}
		}
	}
	return d, place
}

// Line counts from 1.
func (d *Document) Line(at Span) int { return sort.SearchInts(d.lines, at.From+1) }

// Locate fills in where a problem is.
func (d *Document) Locate(at Span, p Problem) Problem {
	if in, place := d.In(at); in != d {
		return in.Locate(place, p)
	}
	at.From = max(0, min(at.From, len(d.Text)))
	line := d.Line(at)
	start := d.lines[line-1]
	source, _, _ := strings.Cut(d.source[start:], "\n")
	source = strings.TrimSuffix(source, "\r")
	from := min(at.From-start, len(source))
	to := max(from, min(at.To-start, len(source)))
	p.File, p.Line = d.File, line
	p.Col = utf8.RuneCountInString(source[:from]) + 1
	p.Length = max(1, utf8.RuneCountInString(source[from:to]))
	p.Source = source
	return p
}

// Offset is the byte at a line and a column, both counted from 1, columns in bytes.
func (d *Document) Offset(line, column int) int {
	return min(d.lines[min(line, len(d.lines))-1]+column-1, len(d.Text))
}

// Inside is the place of a range of bytes of a text, from included and to not. It is the place of the whole
// value where the value is written with escapes, which have other bytes than the text.
func (d *Document) Inside(n *Node, from, to int) Span {
	in, at := d.In(n.At)
	written := in.Text[at.From:at.To]
	start := bytes.Index(written, []byte(n.Text))
	if start < 0 || written[0] == '"' && bytes.IndexByte(written, '\\') >= 0 {
		return n.At
	}
	start += n.At.From
	return Span{start + from, start + to}
}
