package sweeps

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// The limits of a sweep file.
const (
	maxBytes   = 1 << 20
	maxNesting = 64
)

// parse reads TOML into a tree that knows where everything stands. The root is nil when the text
// cannot be read at all. This is the only file that knows the TOML library.
func parse(d *document) (root *node, problems Problems) {
	if len(d.text) > maxBytes {
		return nil, Problems{{File: d.file, Line: 1, Col: 1,
			Message: fmt.Sprintf("the file has %d bytes, more than the %d of a sweep file", len(d.text), maxBytes)}}
	}
	if i := bytes.IndexByte(d.text, 0); i >= 0 {
		return nil, Problems{d.locate(span{i, i + 1}, Problem{Message: "the file contains a NUL byte",
			Help: "sweep files are text in UTF-8"})}
	}
	if !utf8.Valid(d.text) {
		i := invalidUTF8(d.text)
		return nil, Problems{d.locate(span{i, i + 1}, Problem{Message: "the file is not valid UTF-8",
			Help: "save it in the encoding UTF-8"})}
	}
	t := &treeBuilder{document: d, root: &node{kind: nodeTable, origin: headed}}
	t.table = t.root
	t.parser.Reset(d.text)
	for t.parser.NextExpression() {
		t.expression(t.parser.Expression())
		if t.tooDeep {
			return nil, t.problems
		}
	}
	if err := t.parser.Error(); err != nil {
		return nil, append(t.problems, t.syntaxError(err))
	}
	if t.unreadable {
		return nil, t.problems
	}
	if len(t.problems) > 0 {
		return t.root, t.problems
	}
	// What the syntax tree alone does not tell: dates that do not exist, tables that are closed.
	var v map[string]any
	if err := toml.Unmarshal(d.text, &v); err != nil {
		return nil, Problems{t.decodeError(err)}
	}
	return t.root, nil
}

// invalidUTF8 is the offset of the first byte that belongs to no character.
func invalidUTF8(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}

type treeBuilder struct {
	*document
	parser   unstable.Parser
	root     *node
	table    *node // that keys are added to
	depth    int   // of table below the root
	problems Problems
	tooDeep  bool
	// unreadable is set when a value has no meaning, so that nothing can be said of it.
	unreadable bool
}

func (t *treeBuilder) report(at span, p Problem) {
	if len(t.problems) < maxProblems {
		t.problems = append(t.problems, t.locate(at, p))
	}
}

// syntaxError asks the decoder for the message and the place of an error of the parser.
func (t *treeBuilder) syntaxError(err error) Problem {
	var v map[string]any
	if decoded := toml.Unmarshal(t.text, &v); decoded != nil {
		return t.decodeError(decoded)
	}
	return t.locate(span{len(t.text), len(t.text)}, Problem{Message: err.Error()})
}

func (t *treeBuilder) decodeError(err error) Problem {
	message := strings.TrimPrefix(err.Error(), "toml: ")
	at := len(t.text)
	var decoded *toml.DecodeError
	if errors.As(err, &decoded) {
		row, col := decoded.Position()
		if row >= 1 && row <= len(t.lines) {
			at = t.lines[row-1] + max(0, col-1)
		}
	}
	return t.locate(span{at, at + 1}, Problem{Message: message})
}

func rangeOf(r unstable.Range) span { return span{int(r.Offset), int(r.Offset) + int(r.Length)} }

func (t *treeBuilder) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Table, unstable.ArrayTable:
		t.header(n)
	case unstable.KeyValue:
		t.keyValue(t.table, n, t.depth)
	}
}

// header opens the table of a [header] or [[header]].
func (t *treeBuilder) header(n *unstable.Node) {
	isList := n.Kind == unstable.ArrayTable
	into := t.root
	t.depth = 0
	keys := n.Key()
	for keys.Next() {
		key := keys.Node()
		name, at := string(key.Data), rangeOf(key.Raw)
		if t.depth++; t.nestedTooDeep(t.depth, at) {
			return
		}
		found := into.find(name)
		if !keys.IsLast() {
			next := &node{kind: nodeTable, at: at}
			switch {
			case found == nil:
				into.add(name, at, next)
			case found.value.kind == nodeTable && found.value.origin != enclosed:
				next = found.value
			case found.value.kind == nodeArray && found.value.origin == headed:
				next = found.value.items[len(found.value.items)-1]
			default:
				t.duplicate(found, at)
			}
			into = next
			continue
		}
		t.table = &node{kind: nodeTable, at: at, origin: headed}
		switch {
		case found == nil && isList:
			into.add(name, at, &node{kind: nodeArray, at: at, origin: headed, items: []*node{t.table}})
		case found == nil:
			into.add(name, at, t.table)
		case isList && found.value.kind == nodeArray && found.value.origin == headed:
			found.value.items = append(found.value.items, t.table)
		case !isList && found.value.kind == nodeTable && found.value.origin == implied:
			found.value.origin, found.value.at, found.at = headed, at, at
			t.table = found.value
		default:
			t.duplicate(found, at)
		}
	}
}

func (t *treeBuilder) keyValue(into *node, n *unstable.Node, depth int) (end int) {
	keys := n.Key()
	for keys.Next() {
		key := keys.Node()
		name, at := string(key.Data), rangeOf(key.Raw)
		if depth++; t.nestedTooDeep(depth, at) {
			return at.to
		}
		found := into.find(name)
		if !keys.IsLast() {
			next := &node{kind: nodeTable, at: at, origin: dotted}
			switch {
			case found == nil:
				into.add(name, at, next)
			case found.value.kind == nodeTable && found.value.origin != enclosed:
				next = found.value
			default:
				t.duplicate(found, at)
			}
			into = next
			continue
		}
		from := t.skip(at.to, " \t=")
		value, to := t.value(n.Value(), from, depth)
		end = to
		if found != nil {
			t.duplicate(found, at)
			continue
		}
		into.add(name, at, value)
	}
	return end
}

func (t *treeBuilder) duplicate(first *entry, at span) {
	line := t.line(first.at)
	t.report(at, Problem{Message: fmt.Sprintf("duplicate key `%s`", clip(first.name)), Label: fmt.Sprintf("first set in line %d", line)})
}

func (t *treeBuilder) nestedTooDeep(depth int, at span) bool {
	if depth <= maxNesting {
		return false
	}
	t.tooDeep = true
	t.report(at, Problem{Message: fmt.Sprintf("tables and lists are nested more than %d deep", maxNesting)})
	return true
}

// value makes the node of a value that begins at from; to is the offset after it.
func (t *treeBuilder) value(n *unstable.Node, from, depth int) (v *node, to int) {
	at := rangeOf(n.Raw)
	v = &node{at: at, origin: enclosed}
	switch n.Kind {
	case unstable.Array:
		v.kind = nodeArray
		to = from + 1
		if !t.nestedTooDeep(depth+1, span{from, from + 1}) {
			for items := n.Children(); items.Next() && !t.tooDeep; {
				var item *node
				item, to = t.value(items.Node(), t.skip(to, between), depth+1)
				v.items = append(v.items, item)
			}
		}
		to = t.skip(to, between) + 1
		v.at = span{from, to}
	case unstable.InlineTable:
		v.kind = nodeTable
		to = from + 1
		if !t.nestedTooDeep(depth+1, span{from, from + 1}) {
			for items := n.Children(); items.Next() && !t.tooDeep; {
				to = t.keyValue(v, items.Node(), depth)
			}
		}
		closeTables(v)
		to = t.skip(to, between) + 1
		v.at = span{from, to}
	default:
		t.scalar(v, n)
		to = at.to
	}
	return v, to
}

// closeTables marks the tables that dotted keys made inside an inline table.
func closeTables(n *node) {
	n.origin = enclosed
	for _, e := range n.entries {
		if e.value.kind == nodeTable && e.value.origin != enclosed {
			closeTables(e.value)
		}
	}
}

func (t *treeBuilder) scalar(v *node, n *unstable.Node) {
	raw := strings.ReplaceAll(string(n.Data), "_", "")
	var err error
	switch n.Kind {
	case unstable.String:
		v.kind, v.text = nodeText, string(n.Data)
	case unstable.Bool:
		v.kind, v.flag = nodeFlag, raw == "true"
	case unstable.Integer:
		v.kind = nodeInteger
		if len(raw) > 1 && raw[0] == '0' {
			v.integer, err = strconv.ParseInt(raw, 0, 64) // 0x, 0o and 0b
		} else {
			v.integer, err = strconv.ParseInt(raw, 10, 64)
		}
	case unstable.Float:
		v.kind = nodeReal
		v.real, err = strconv.ParseFloat(raw, 64)
	default:
		v.kind = nodeDate
	}
	if err != nil {
		t.unreadable = true
		t.report(v.at, Problem{Message: fmt.Sprintf("`%s` does not fit into 64 bits", clip(raw))})
	}
}

// between is what may stand between two items, other than comments.
const between = " \t\r\n,"

// skip is the first offset from i on that holds none of the characters and is in no comment.
func (t *treeBuilder) skip(i int, characters string) int {
	for i < len(t.text) {
		switch {
		case strings.IndexByte(characters, t.text[i]) >= 0:
			i++
		case t.text[i] == '#' && characters == between:
			for i < len(t.text) && t.text[i] != '\n' {
				i++
			}
		default:
			return i
		}
	}
	return i
}
