// Package gemm multiplies dense matrices, with bits that depend on nothing but the numbers.
//
// Every element of a product is one chain of fused multiply-adds over k in ascending order. It begins with what stands in
// c, or with 0. So its bits are the same for any place in the matrix, any neighbours, any number of threads, any width of
// vectors and any make of processor. Kernels for AVX-512, AVX2 and NEON are in assembly, which the program in gen
// writes. Other processors get the same bits from plain Go.
//
// A product runs on the goroutine that asks for it and allocates nothing.
package gemm

import (
	"fmt"

	"github.com/xrun-dev/xrun/plugins"
)

// A Stack is a number of equal matrices, one below the other. Element (i, j) of matrix s is
// Data[At[s]+i·Row+j·Col].
type Stack[F plugins.Float] struct {
	Data []F
	At   []int
	Rows int // of each matrix
	Row  int // distance between elements of a column
	Col  int // distance between elements of a row
}

// A Matrix has its element (i, j) at Data[i·Row+j].
type Matrix[F plugins.Float] struct {
	Data []F
	Row  int
}

// Set computes c = a·b, Add c += a·b. The rows of c are contiguous: its Col is 1. Each matrix of a has k columns, b has k
// rows and n columns, and c has as many matrices as a, of n columns. c shares no memory with a and b. What does not fit
// is a panic.
func Set[F plugins.Float](c, a Stack[F], b Matrix[F], k, n int) { multiply(c, a, b, k, n, false) }

// Add is described at [Set].
func Add[F plugins.Float](c, a Stack[F], b Matrix[F], k, n int) { multiply(c, a, b, k, n, true) }

func multiply[F plugins.Float](c, a Stack[F], b Matrix[F], k, n int, add bool) {
	a.check("a", k)
	c.check("c", n)
	if len(a.At) != len(c.At) || a.Rows != c.Rows || c.Col != 1 {
		panic(fmt.Sprintf("gemm: %d matrices of %d rows do not give %d matrices of %d rows, %d apart", len(a.At), a.Rows, len(c.At), c.Rows, c.Col))
	}
	if k < 0 || n < 0 || k > 0 && n > 0 && (b.Row < 0 || len(b.Data) < (k-1)*b.Row+n) {
		panic(fmt.Sprintf("gemm: b of %d × %d, with rows %d apart, has %d elements", k, n, b.Row, len(b.Data)))
	}
	if len(a.At) == 0 || a.Rows == 0 || n == 0 {
		return
	}
	if k == 0 {
		if !add {
			c.clear(n)
		}
		return
	}
	if !vectors(c, a, b, k, n, add) {
		plain(c, a, b, k, n, add)
	}
}

// check panics if the stack's matrices, of a number of columns, are not within its data.
func (s Stack[F]) check(name string, columns int) {
	if s.Rows <= 0 || columns <= 0 {
		return
	}
	for _, at := range s.At {
		if end := at + (s.Rows-1)*s.Row + (columns-1)*s.Col; at < 0 || s.Row < 0 || s.Col < 0 || end >= len(s.Data) {
			panic(fmt.Sprintf("gemm: a matrix of %s, %d × %d from %d in steps of %d and %d, is beyond %d elements", name, s.Rows, columns, at, s.Row, s.Col, len(s.Data)))
		}
	}
}

func (s Stack[F]) clear(columns int) {
	for _, at := range s.At {
		for i := range s.Rows {
			clear(s.Data[at+i*s.Row:][:columns])
		}
	}
}
