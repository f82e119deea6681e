package document

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
	// MaxBytes limits the text.
	MaxBytes   = 1 << 20
	maxNesting = 64
)

// Parse reads TOML into a tree that knows where everything stands. The root is nil when the text
// cannot be read at all. This is the only file that knows the TOML library.
func Parse(d *Document) (root *Node, problems Problems) {
	if len(d.Text) > MaxBytes {
		return nil, Problems{{File: d.File, Line: 1, Col: 1,
			Message: fmt.Sprintf("the file has %d bytes, more than the %d of a sweep file", len(d.Text), MaxBytes)}}
	}
	if i := bytes.IndexByte(d.Text, 0); i >= 0 {
		return nil, Problems{d.Locate(Span{i, i + 1}, Problem{Message: "the file contains a NUL byte",
			Help: "sweep files are text in UTF-8"})}
	}
	if !utf8.Valid(d.Text) {
		i := invalidUTF8(d.Text)
		return nil, Problems{d.Locate(Span{i, i + 1}, Problem{Message: "the file is not valid UTF-8",
			Help: "save it in the encoding UTF-8"})}
	}
	t := &treeBuilder{Document: d, root: &Node{Kind: Table, Origin: Headed}}
	t.table = t.root
	t.parser.Reset(d.Text)
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
	if err := toml.Unmarshal(d.Text, &v); err != nil {
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
	*Document
	parser   unstable.Parser
	root     *Node
	table    *Node // that keys are added to
	depth    int   // of table below the root
	problems Problems
	tooDeep  bool
	// unreadable is set when a value has no meaning, so that nothing can be said of it.
	unreadable bool
}

func (t *treeBuilder) report(at Span, p Problem) {
	if len(t.problems) < MaxProblems {
		t.problems = append(t.problems, t.Locate(at, p))
	}
}

// syntaxError asks the decoder for the message and the place of an error of the parser.
func (t *treeBuilder) syntaxError(err error) Problem {
	var v map[string]any
	if decoded := toml.Unmarshal(t.Text, &v); decoded != nil {
		return t.decodeError(decoded)
	}
	return t.Locate(Span{len(t.Text), len(t.Text)}, Problem{Message: err.Error()})
}

func (t *treeBuilder) decodeError(err error) Problem {
	message := strings.TrimPrefix(err.Error(), "toml: ")
	at := len(t.Text)
	var decoded *toml.DecodeError
	if errors.As(err, &decoded) {
		row, col := decoded.Position()
		if row >= 1 && row <= len(t.lines) {
			at = t.lines[row-1] + max(0, col-1)
		}
	}
	return t.Locate(Span{at, at + 1}, Problem{Message: message})
}

func rangeOf(r unstable.Range) Span { return Span{int(r.Offset), int(r.Offset) + int(r.Length)} }

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
		found := into.Find(name)
		if !keys.IsLast() {
			next := &Node{Kind: Table, At: at}
			switch {
			case found == nil:
				into.Add(name, at, next)
			case found.Value.Kind == Table && found.Value.Origin != Enclosed:
				next = found.Value
			case found.Value.Kind == Array && found.Value.Origin == Headed:
				next = found.Value.Items[len(found.Value.Items)-1]
			default:
				t.duplicate(found, at)
			}
			into = next
			continue
		}
		t.table = &Node{Kind: Table, At: at, Origin: Headed}
		switch {
		case found == nil && isList:
			into.Add(name, at, &Node{Kind: Array, At: at, Origin: Headed, Items: []*Node{t.table}})
		case found == nil:
			into.Add(name, at, t.table)
		case isList && found.Value.Kind == Array && found.Value.Origin == Headed:
			found.Value.Items = append(found.Value.Items, t.table)
		case !isList && found.Value.Kind == Table && found.Value.Origin == Implied:
			found.Value.Origin, found.Value.At, found.At = Headed, at, at
			t.table = found.Value
		default:
			t.duplicate(found, at)
		}
	}
}

func (t *treeBuilder) keyValue(into *Node, n *unstable.Node, depth int) (end int) {
	keys := n.Key()
	for keys.Next() {
		key := keys.Node()
		name, at := string(key.Data), rangeOf(key.Raw)
		if depth++; t.nestedTooDeep(depth, at) {
			return at.To
		}
		found := into.Find(name)
		if !keys.IsLast() {
			next := &Node{Kind: Table, At: at, Origin: Dotted}
			switch {
			case found == nil:
				into.Add(name, at, next)
			case found.Value.Kind == Table && found.Value.Origin != Enclosed:
				next = found.Value
			default:
				t.duplicate(found, at)
			}
			into = next
			continue
		}
		from := t.skip(at.To, " \t=")
		value, to := t.value(n.Value(), from, depth)
		end = to
		if found != nil {
			t.duplicate(found, at)
			continue
		}
		into.Add(name, at, value)
	}
	return end
}

func (t *treeBuilder) duplicate(first *Entry, at Span) {
	line := t.Line(first.At)
	t.report(at, Problem{Message: fmt.Sprintf("duplicate key `%s`", Clip(first.Name)), Label: fmt.Sprintf("first set in line %d", line)})
}

func (t *treeBuilder) nestedTooDeep(depth int, at Span) bool {
	if depth <= maxNesting {
		return false
	}
	t.tooDeep = true
	t.report(at, Problem{Message: fmt.Sprintf("tables and lists are nested more than %d deep", maxNesting)})
	return true
}

// value makes the node of a value that begins at from; to is the offset after it.
func (t *treeBuilder) value(n *unstable.Node, from, depth int) (v *Node, to int) {
	at := rangeOf(n.Raw)
	v = &Node{At: at, Origin: Enclosed}
	switch n.Kind {
	case unstable.Array:
		v.Kind = Array
		to = from + 1
		if !t.nestedTooDeep(depth+1, Span{from, from + 1}) {
			for items := n.Children(); items.Next() && !t.tooDeep; {
				var item *Node
				item, to = t.value(items.Node(), t.skip(to, between), depth+1)
				v.Items = append(v.Items, item)
			}
		}
		to = t.skip(to, between) + 1
		v.At = Span{from, to}
	case unstable.InlineTable:
		v.Kind = Table
		to = from + 1
		if !t.nestedTooDeep(depth+1, Span{from, from + 1}) {
			for items := n.Children(); items.Next() && !t.tooDeep; {
				to = t.keyValue(v, items.Node(), depth)
			}
		}
		closeTables(v)
		to = t.skip(to, between) + 1
		v.At = Span{from, to}
	default:
		t.scalar(v, n)
		to = at.To
	}
	return v, to
}

// closeTables marks the tables that dotted keys made inside an inline table.
func closeTables(n *Node) {
	n.Origin = Enclosed
	for _, e := range n.Entries {
		if e.Value.Kind == Table && e.Value.Origin != Enclosed {
			closeTables(e.Value)
		}
	}
}

func (t *treeBuilder) scalar(v *Node, n *unstable.Node) {
	raw := strings.ReplaceAll(string(n.Data), "_", "")
	var err error
	switch n.Kind {
	case unstable.String:
		v.Kind, v.Text = Text, string(n.Data)
	case unstable.Bool:
		v.Kind, v.Flag = Flag, raw == "true"
	case unstable.Integer:
		v.Kind = Integer
		if len(raw) > 1 && raw[0] == '0' {
			v.Integer, err = strconv.ParseInt(raw, 0, 64) // 0x, 0o and 0b
		} else {
			v.Integer, err = strconv.ParseInt(raw, 10, 64)
		}
	case unstable.Float:
		v.Kind = Real
		v.Real, err = strconv.ParseFloat(raw, 64)
	default:
		v.Kind = Date
	}
	if err != nil {
		t.unreadable = true
		t.report(v.At, Problem{Message: fmt.Sprintf("`%s` does not fit into 64 bits", Clip(raw))})
	}
}

// between is what may stand between two items, other than comments.
const between = " \t\r\n,"

// skip is the first offset from i on that holds none of the characters and is in no comment.
func (t *treeBuilder) skip(i int, characters string) int {
	for i < len(t.Text) {
		switch {
		case strings.IndexByte(characters, t.Text[i]) >= 0:
			i++
		case t.Text[i] == '#' && characters == between:
			for i < len(t.Text) && t.Text[i] != '\n' {
				i++
			}
		default:
			return i
		}
	}
	return i
}
