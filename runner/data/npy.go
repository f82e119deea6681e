package data

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxHeader limits the description of an NPY array, in bytes; a hundred are usual.
const maxHeader = 1 << 14

const columnPrefix = "column:"

// readNPY reads a table whose target is one of the columns of a 2-D array.
func readNPY(r io.Reader, from source, o Options) (*Set, error) {
	sum := sha256.New()
	content, err := from.content(r, sum)
	if err != nil {
		return nil, err
	}
	a, e := decodeNPY(content)
	if e == nil && len(a.shape) != 2 {
		e = &Error{Message: "the array has the shape " + shapeText(a.shape) + ", but must have rows and columns",
			hint: "save features and target as two arrays: numpy.savez(\"data.npz\", X=X, y=y)"}
	}
	if e != nil {
		e.File = from.name
		return nil, e
	}
	_, columns := a.table()
	at, e := columnOf(o.Target, columns)
	if e != nil {
		e.File, e.about = from.name, aboutTarget
		return nil, e
	}
	x, y := a.without(at)
	s, err := setOf(from, o, columnPrefix+strconv.Itoa(at), x, y)
	if err != nil {
		return nil, err
	}
	s.Digest = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// without divides an array of two dimensions into all columns but one, and that one.
func (a array) without(at int) (others, column array) {
	rows, columns := a.table()
	others, column = array{shape: []int{rows, columns - 1}}, array{shape: []int{rows}}
	scratch := make([]float64, columns)
	for i := range rows {
		for j, v := range a.values.Row(i*columns, columns, scratch) {
			if j == at {
				column.values.append(v)
			} else {
				others.values.append(v)
			}
		}
	}
	return others, column
}

// columnOf reads "column:3", or "column:-1" for the last.
func columnOf(target string, columns int) (int, *Error) {
	hint := fmt.Sprintf("there are %d columns: target = \"column:0\" is the first, \"column:-1\" the last", columns)
	if target == "" {
		return 0, &Error{Message: "the target column is not given", hint: hint}
	}
	number, ok := strings.CutPrefix(target, columnPrefix)
	at, err := strconv.Atoi(number)
	if at < 0 {
		at += columns
	}
	if !ok || err != nil || at < 0 || at >= columns {
		return 0, &Error{Message: fmt.Sprintf("there is no target %q", clip(target)), hint: hint}
	}
	return at, nil
}

// decodeNPY reads an array in numpy's format, versions 1 to 3 (NEP 1): a magic string, the length
// of a header, the header, which is a Python dictionary, and the numbers. Errors have no file yet.
func decodeNPY(r io.Reader) (array, *Error) {
	start := make([]byte, 12)
	size := 10
	if _, err := io.ReadFull(r, start[:10]); err != nil || string(start[:6]) != "\x93NUMPY" {
		return array{}, &Error{Message: "is not an NPY array: its first bytes differ", cause: err}
	}
	version := start[6]
	if version < 1 || version > 3 {
		return array{}, &Error{Message: fmt.Sprintf("has version %d of the format NPY, but 1 to 3 can be read", version)}
	}
	length := uint64(binary.LittleEndian.Uint16(start[8:]))
	if version > 1 {
		size = 12
		if _, err := io.ReadFull(r, start[10:]); err != nil {
			return array{}, &Error{Message: "the content ends within the header", cause: err}
		}
		length = uint64(binary.LittleEndian.Uint32(start[8:]))
	}
	if length > maxHeader {
		return array{}, &Error{Message: fmt.Sprintf("the header has %d bytes, more than the limit of %d", length, maxHeader)}
	}
	text := make([]byte, length)
	if n, err := io.ReadFull(r, text); err != nil {
		return array{}, &Error{Message: fmt.Sprintf("the content ends after %d of the %d bytes of the header", size+n, size+int(length)), cause: err}
	}
	p := &pythonDict{text: string(text)}
	kind, fortran, shape := p.header()
	if p.problem != "" {
		return array{}, &Error{Message: p.problem, hint: p.hint}
	}
	return readArray(r, kind, shape, fortran)
}

// pythonDict reads the header {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }. The
// first fault is its problem.
type pythonDict struct {
	text    string // not parsed yet
	problem string
	hint    string
}

func (p *pythonDict) fail(hint, format string, args ...any) {
	if p.problem == "" {
		p.problem, p.hint = fmt.Sprintf(format, args...), hint
	}
	p.text = ""
}

// take reports whether the token is next, and goes past it.
func (p *pythonDict) take(token string) bool {
	p.text = strings.TrimLeft(p.text, " \t\r\n")
	rest, ok := strings.CutPrefix(p.text, token)
	if ok {
		p.text = rest
	}
	return ok
}

func (p *pythonDict) want(token string) {
	if !p.take(token) {
		p.fail("", "the header has %q where %q is wanted", clip(p.text), token)
	}
}

func (p *pythonDict) header() (kind element, fortran bool, shape []int) {
	seen := map[string]bool{}
	p.want("{")
	for p.problem == "" && !p.take("}") {
		key := p.quoted()
		p.want(":")
		if seen[key] {
			p.fail("", "the header has %q twice", clip(key))
		}
		seen[key] = true
		switch key {
		case "descr":
			kind = p.descr()
		case "fortran_order":
			if fortran = p.take("True"); !fortran {
				p.want("False")
			}
		case "shape":
			shape = p.tuple()
		default:
			p.fail("", "the header has the unknown key %q", clip(key))
		}
		if !p.take(",") {
			p.want("}")
			break
		}
	}
	p.take("")
	if p.text != "" {
		p.fail("", "the header goes on with %q", clip(p.text))
	}
	if len(seen) < 3 {
		p.fail("", "the header has no descr, no fortran_order or no shape")
	}
	return kind, fortran, shape
}

func (p *pythonDict) quoted() string {
	quote := "'"
	if !p.take(quote) {
		quote = `"`
		p.want(quote)
	}
	text, rest, ok := strings.Cut(p.text, quote)
	if !ok {
		p.fail("", "a text in the header has no end")
	}
	p.text = rest
	return text
}

// descr reads a type: a byte order, < > = or |, and a name.
func (p *pythonDict) descr() element {
	const known = "numbers of the types b1 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 can be read"
	if p.take("[") {
		p.fail("make a plain array of its fields", "the array is structured; %s", known)
		return element{}
	}
	descr := p.quoted()
	if p.problem != "" {
		return element{}
	}
	var order binary.ByteOrder = binary.LittleEndian
	name := strings.TrimLeft(descr, "<>=|")
	switch prefix := descr[:len(descr)-len(name)]; prefix {
	case ">":
		order = binary.BigEndian
	case "<", "|", "":
	default: // numpy writes no =, which would mean the machine that wrote the file
		name = ""
	}
	e, ok := elementOf(name, order)
	switch {
	case strings.HasPrefix(name, "O"):
		p.fail("convert it before saving: X.astype(float)", "the array holds Python objects, which would have to be run to be read; %s", known)
	case !ok:
		p.fail("convert it before saving: X.astype(float)", "the array has the type %q; %s", clip(descr), known)
	}
	return e
}

// tuple reads (), (3,) or (3, 4); Python 2 wrote 3L for large numbers.
func (p *pythonDict) tuple() (shape []int) {
	p.want("(")
	for p.problem == "" && !p.take(")") {
		p.take("")
		digits := strings.IndexFunc(p.text, func(r rune) bool { return r < '0' || r > '9' })
		if digits <= 0 {
			p.fail("", "the header has %q where a size is wanted", clip(p.text))
			return nil
		}
		n, err := strconv.Atoi(p.text[:digits])
		if err != nil || len(shape) == 32 {
			p.fail("", "the shape of the array is too large")
			return nil
		}
		shape = append(shape, n)
		p.text = strings.TrimPrefix(p.text[digits:], "L")
		if !p.take(",") {
			p.want(")")
			break
		}
	}
	return shape
}
