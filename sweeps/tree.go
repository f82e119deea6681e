package sweeps

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// A span is a range of bytes of the file.
type span struct{ from, to int }

type nodeKind string

// The kinds of node, by the names that messages use.
const (
	nodeTable   nodeKind = "a table"
	nodeArray   nodeKind = "a list"
	nodeText    nodeKind = "text"
	nodeInteger nodeKind = "an integer"
	nodeReal    nodeKind = "a real number"
	nodeFlag    nodeKind = "true or false"
	nodeDate    nodeKind = "a date"
)

// A node is a value of the file.
type node struct {
	kind    nodeKind
	at      span
	text    string // nodeText
	integer int64
	real    float64
	flag    bool
	items   []*node  // nodeArray, of which [[…]] makes one too
	entries []*entry // nodeTable, in the order of the file
	index   map[string]*entry

	origin origin
}

// origin says how a table came about, which decides what may be added to it.
type origin int

const (
	implied  origin = iota // as part of a longer header
	headed                 // by its own [header], or by [[header]]
	dotted                 // by a dotted key
	enclosed               // by a value: nothing may be added
)

// An entry is a key with its value.
type entry struct {
	name  string
	at    span // the key
	value *node
}

func (n *node) find(name string) *entry { return n.index[name] }

func (n *node) add(name string, at span, value *node) {
	if n.index == nil {
		n.index = map[string]*entry{}
	}
	e := &entry{name: name, at: at, value: value}
	n.index[name] = e
	n.entries = append(n.entries, e)
}

// document is the text of a file, for finding places in it. Further texts that values come from
// stand behind it, so that every place is one range of bytes.
type document struct {
	file   string
	text   []byte
	source string // text, whose lines problems share
	lines  []int  // offset of the start of each line
	more   []attached
}

// An attached text stands behind that of the file, from an offset on.
type attached struct {
	*document
	from int
}

func newDocument(file string, text []byte) *document {
	d := &document{file: file, text: text, source: string(text), lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
	return d
}

// attach puts another text behind those that are there and returns the offset of its start.
func (d *document) attach(other *document) int {
	from := len(d.text) + 1
	if n := len(d.more); n > 0 {
		from = d.more[n-1].from + len(d.more[n-1].text) + 1
	}
	d.more = append(d.more, attached{other, from})
	return from
}

// at is the text that a place is in, and the place in that.
func (d *document) at(place span) (*document, span) {
	for i := len(d.more) - 1; i >= 0; i-- {
		if from := d.more[i].from; place.from >= from {
			return d.more[i].document, span{place.from - from, place.to - from}
		}
	}
	return d, place
}

// line counts from 1.
func (d *document) line(at span) int { return sort.SearchInts(d.lines, at.from+1) }

// locate fills in where a problem is.
func (d *document) locate(at span, p Problem) Problem {
	if in, place := d.at(at); in != d {
		return in.locate(place, p)
	}
	at.from = max(0, min(at.from, len(d.text)))
	line := d.line(at)
	start := d.lines[line-1]
	source, _, _ := strings.Cut(d.source[start:], "\n")
	source = strings.TrimSuffix(source, "\r")
	from := min(at.from-start, len(source))
	to := max(from, min(at.to-start, len(source)))
	p.File, p.Line = d.file, line
	p.Col = utf8.RuneCountInString(source[:from]) + 1
	p.Length = max(1, utf8.RuneCountInString(source[from:to]))
	p.Source = source
	return p
}
