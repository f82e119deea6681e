package data

import (
	"iter"
	"math"
)

// Numbers are kept in the smallest of three types that holds them all exactly: pixels take a byte each, measurements in single
// precision four. What is read is a float64. The zero Numbers are none.
type Numbers struct {
	bytes   []uint8
	singles []float32
	doubles []float64
	n       int
}

// NumbersOf keeps numbers.
func NumbersOf(values ...float64) (n Numbers) {
	for _, v := range values {
		n.append(v)
	}
	return n
}

// Len is how many there are.
func (n *Numbers) Len() int { return n.n }

// size is the memory that they take, in bytes.
func (n *Numbers) size() int {
	switch {
	case n.doubles != nil:
		return 8 * n.n
	case n.singles != nil:
		return 4 * n.n
	}
	return n.n
}

// At is the number i.
func (n *Numbers) At(i int) float64 {
	switch {
	case n.doubles != nil:
		return n.doubles[i]
	case n.singles != nil:
		return float64(n.singles[i])
	}
	return float64(n.bytes[i])
}

// Row are some numbers from one on: in memory that belongs to n, or in scratch, which has room for them.
func (n *Numbers) Row(from, count int, scratch []float64) []float64 {
	if n.doubles != nil {
		return n.doubles[from:][:count]
	}
	scratch = scratch[:count]
	if n.singles != nil {
		for i, v := range n.singles[from:][:count] {
			scratch[i] = float64(v)
		}
		return scratch
	}
	for i, v := range n.bytes[from:][:count] {
		scratch[i] = float64(v)
	}
	return scratch
}

// All goes through them.
func (n *Numbers) All() iter.Seq[float64] {
	return func(yield func(float64) bool) {
		for i := range n.n {
			if !yield(n.At(i)) {
				return
			}
		}
	}
}

// append adds a number, and takes a larger type if it needs one.
func (n *Numbers) append(v float64) {
	switch {
	case n.doubles != nil:
	case n.singles != nil:
		if !single(v) {
			n.doubles = converted[float32, float64](n.singles)
			n.singles = nil
		}
	case v != math.Trunc(v) || v < 0 || v > math.MaxUint8 || v == 0 && math.Signbit(v):
		if single(v) {
			n.singles = converted[uint8, float32](n.bytes)
		} else {
			n.doubles = converted[uint8, float64](n.bytes)
		}
		n.bytes = nil
	}
	switch {
	case n.doubles != nil:
		n.doubles = append(n.doubles, v)
	case n.singles != nil:
		n.singles = append(n.singles, float32(v))
	default:
		n.bytes = append(n.bytes, uint8(v))
	}
	n.n++
}

// single reports whether single precision holds a number exactly; NaN is one number.
func single(v float64) bool { return float64(float32(v)) == v || math.IsNaN(v) }

func converted[F uint8 | float32, T float32 | float64](from []F) []T {
	to := make([]T, len(from), max(cap(from), 64))
	for i, v := range from {
		to[i] = T(v)
	}
	return to
}

// reserve makes room for more numbers, of most in all: for as many again as there are, so that not much more is taken than has
// been read.
func (n *Numbers) reserve(more, most int) {
	want := min(most, max(2*n.n, n.n+more))
	switch {
	case n.doubles != nil:
		n.doubles = withRoom(n.doubles, more, want)
	case n.singles != nil:
		n.singles = withRoom(n.singles, more, want)
	default:
		n.bytes = withRoom(n.bytes, more, want)
	}
}

func withRoom[F any](v []F, more, want int) []F {
	if len(v)+more <= cap(v) {
		return v
	}
	grown := make([]F, len(v), max(want, len(v)+more))
	copy(grown, v)
	return grown
}
