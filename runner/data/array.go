package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// An array is numbers of one type in any number of dimensions, in row-major (C) order.
type array struct {
	shape  []int
	values Numbers
}

// element is the type of an array's numbers in a file.
type element struct {
	name  string // as numpy spells it
	size  int    // bytes
	value func(b []byte) float64
	// fits is nil unless there are numbers that float64 does not hold exactly.
	fits func(b []byte) bool
}

// elementOf knows the types b1 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 in a byte order.
func elementOf(name string, order binary.ByteOrder) (element, bool) {
	const exact = 1 << 53
	e := element{name: name}
	switch name {
	case "b1":
		e.size, e.value = 1, func(b []byte) float64 { return float64(min(b[0], 1)) }
	case "i1":
		e.size, e.value = 1, func(b []byte) float64 { return float64(int8(b[0])) }
	case "u1":
		e.size, e.value = 1, func(b []byte) float64 { return float64(b[0]) }
	case "i2":
		e.size, e.value = 2, func(b []byte) float64 { return float64(int16(order.Uint16(b))) }
	case "u2":
		e.size, e.value = 2, func(b []byte) float64 { return float64(order.Uint16(b)) }
	case "i4":
		e.size, e.value = 4, func(b []byte) float64 { return float64(int32(order.Uint32(b))) }
	case "u4":
		e.size, e.value = 4, func(b []byte) float64 { return float64(order.Uint32(b)) }
	case "i8":
		e.size, e.value = 8, func(b []byte) float64 { return float64(int64(order.Uint64(b))) }
		e.fits = func(b []byte) bool { v := int64(order.Uint64(b)); return -exact <= v && v <= exact }
	case "u8":
		e.size, e.value = 8, func(b []byte) float64 { return float64(order.Uint64(b)) }
		e.fits = func(b []byte) bool { return order.Uint64(b) <= exact }
	case "f4":
		e.size, e.value = 4, func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }
	case "f8":
		e.size, e.value = 8, func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }
	default:
		return e, false
	}
	return e, true
}

// count is the number of elements of a shape; ok is false above the limit of cells.
func count(shape []int) (n int, ok bool) {
	n = 1
	for _, d := range shape {
		if d < 0 || d > 0 && n > maxCells/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// readArray reads the elements that follow a header, and the end of the content after them. fortran
// says that the first index varies fastest. Errors have no place yet.
func readArray(r io.Reader, e element, shape []int, fortran bool) (array, *Error) {
	a := array{shape: shape}
	n, ok := count(shape)
	if !ok {
		return a, &Error{Message: fmt.Sprintf("the shape %s is larger than the limit of %d cells", shapeText(shape), maxCells)}
	}
	block := make([]byte, 8192*e.size)
	for a.values.Len() < n {
		b := block[:min(len(block), (n-a.values.Len())*e.size)]
		if read, err := io.ReadFull(r, b); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return a, &Error{Message: err.Error(), cause: err}
			}
			return a, &Error{Message: fmt.Sprintf("the content ends after %d of the %d numbers of the shape %s", a.values.Len()+read/e.size, n, shapeText(shape)),
				hint: "the file may have been cut off: copy it again", cause: err}
		}
		a.values.reserve(len(b)/e.size, n) // not before the file has held as much
		for ; len(b) > 0; b = b[e.size:] {
			if v := e.value(b); !isFinite(v) {
				return a, &Error{Message: fmt.Sprintf("the number at %s is %v, not a finite number", a.place(a.values.Len(), fortran), v),
					hint: "remove the row, or fill the number in"}
			} else if e.fits != nil && !e.fits(b) {
				return a, &Error{Message: fmt.Sprintf("the number at %s is too large an integer to be computed with exactly", a.place(a.values.Len(), fortran)),
					hint: "integers are at most 2⁵³"}
			} else {
				a.values.append(v)
			}
		}
	}
	switch read, err := io.ReadFull(r, block[:1]); {
	case read > 0:
		return a, &Error{Message: "the content goes on after the " + strconv.Itoa(n) + " numbers of the shape " + shapeText(shape)}
	case err != io.EOF:
		return a, &Error{Message: err.Error(), cause: err}
	}
	if fortran && len(shape) > 1 {
		a.values = rowMajor(a.values, shape)
	}
	return a, nil
}

// indices returns the indices of element p in the order of the file.
func (a array) indices(p int, fortran bool) []int {
	at := make([]int, len(a.shape))
	for k := range a.shape {
		if !fortran {
			k = len(a.shape) - 1 - k
		}
		at[k] = p % a.shape[k]
		p /= a.shape[k]
	}
	return at
}

// place is written as in numpy: [3, 0].
func (a array) place(p int, fortran bool) string {
	return "[" + joined(a.indices(p, fortran)) + "]"
}

func shapeText(shape []int) string {
	if len(shape) == 1 {
		return "(" + strconv.Itoa(shape[0]) + ",)"
	}
	return "(" + joined(shape) + ")"
}

func joined(numbers []int) string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, ", ")
}

// rowMajor puts elements whose first index varies fastest into the order in which the last does.
func rowMajor(values Numbers, shape []int) Numbers {
	from, at := make([]int, values.Len()), make([]int, len(shape)) // where each element of the result stands
	strides := slices.Clone(shape)
	for k, stride := len(shape)-1, 1; k >= 0; k-- {
		strides[k], stride = stride, stride*shape[k]
	}
	to := 0
	for i := range from {
		from[to] = i
		for k := range at { // count up, the first index fastest
			at[k]++
			to += strides[k]
			if at[k] < shape[k] {
				break
			}
			to -= at[k] * strides[k]
			at[k] = 0
		}
	}
	var out Numbers
	for _, i := range from {
		out.append(values.At(i))
	}
	return out
}

// table is an array seen as rows: one for each index of the first dimension.
func (a array) table() (rows, columns int) {
	columns = 1
	for _, d := range a.shape[1:] {
		columns *= d
	}
	return a.shape[0], columns
}

// numbered names columns by their numbers.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// setOf makes a data set of an array of features and one of targets.
func setOf(from source, o Options, target string, x, y array) (*Set, error) {
	if len(x.shape) < 2 {
		return nil, from.fail("the features have two dimensions or more, the first of which counts the rows", "the features have the shape %s", shapeText(x.shape))
	}
	rows, columns := x.table()
	var err error
	if y.shape, err = from.targetShape(y.shape, rows); err != nil {
		return nil, err
	}
	switch {
	case rows == 0:
		return nil, from.fail("", "there are no rows")
	case columns == 0:
		return nil, from.fail("", "there are no features, there is nothing to learn from")
	}
	s := &Set{Name: from.name, Target: target, Kind: o.Kind, format: from.format, Features: numbered(columns), X: x.values}
	t := newTargets(o)
	for i := range y.values.Len() {
		if e := t.number(y.values.At(i)); e != nil {
			e.File, e.Column, e.Message = from.name, target, fmt.Sprintf("row %d: %s", i, e.Message)
			return nil, e
		}
	}
	return s, t.finish(s)
}

// targetShape is the shape of a target that has one number for each row.
func (from source) targetShape(shape []int, rows int) ([]int, error) {
	if len(shape) == 2 && shape[1] == 1 {
		shape = shape[:1]
	}
	switch {
	case len(shape) != 1:
		return nil, from.fail("the target is one number for each row: of one-hot rows, give the index of the 1", "the target has the shape %s", shapeText(shape))
	case shape[0] != rows:
		return nil, from.fail("each row has one target", "there are %d rows of features, but %d targets", rows, shape[0])
	}
	return shape, nil
}
