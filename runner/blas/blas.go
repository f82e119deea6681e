// Package blas multiplies dense matrices through whichever BLAS the machine has: OpenBLAS or
// Accelerate, loaded while the program runs, or else gonum in pure Go.
//
// It gives what training needs and no more: one product, on one thread (cohorts run in parallel,
// products do not), without allocating, and with a rule, [Panel], that keeps the bits
// of one trial's columns independent of the columns that stand beside them. Backends differ
// from one another in the last bits of a result, so a run records the name of the one it used.
package blas

import (
	"fmt"

	"github.com/xrun-dev/xrun/plugins"
)

// A Matrix is a row-major view of Data: element (i, j) is Data[i*Stride+j].
type Matrix[F plugins.Float] struct {
	Rows, Cols int // as stored, before any transposition
	Stride     int // at least Cols
	Trans      bool
	Data       []F
}

// T is the transposed view.
func (m Matrix[F]) T() Matrix[F] {
	m.Trans = !m.Trans
	return m
}

// Shape is the number of rows and columns after transposition.
func (m Matrix[F]) Shape() (rows, cols int) {
	if m.Trans {
		return m.Cols, m.Rows
	}
	return m.Rows, m.Cols
}

func (m Matrix[F]) check(name string) {
	if m.Rows < 0 || m.Cols < 0 || m.Stride < max(1, m.Cols) {
		panic(fmt.Sprintf("blas: matrix %s is %d×%d with stride %d", name, m.Rows, m.Cols, m.Stride))
	}
	if m.Rows > 0 && m.Cols > 0 && len(m.Data) < (m.Rows-1)*m.Stride+m.Cols {
		panic(fmt.Sprintf("blas: matrix %s is %d×%d with stride %d, but has %d elements", name, m.Rows, m.Cols, m.Stride, len(m.Data)))
	}
}

// A Panel is a block of columns that belong to several trials: of b and c in c = a·b. In a product
// that [Panel.Columns] columns take part in, the bits of a column depend neither on what stands
// beside it nor on its place. A panel that is the left factor carries no such promise.
type Panel struct {
	Width int // the most columns
	// Step is what the number of columns that take part is a multiple of, whatever the unused
	// ones hold. A Step as large as Width means that all must always take part.
	Step int
}

// Columns is how many columns take part when the first used ones are filled.
func (p Panel) Columns(used int) int {
	return (used + p.Step - 1) / p.Step * p.Step
}

// A Backend computes c ← alpha·a·b + beta·c. When beta is 0, c is written without being read.
//
// Its methods may be called from several goroutines at once, use the calling one only, and
// allocate nothing. c is not transposed, and no part of it is part of a or b. The
// shapes fit: [Gemm] has checked them.
type Backend interface {
	// Name says which library computes and its version, as runs record it.
	Name() string

	// Panel says how the columns of several trials may share a product; want, the
	// most columns of use, is a power of two from 16 to 256.
	Panel(d plugins.DType, want int) Panel

	Dgemm(alpha float64, a, b Matrix[float64], beta float64, c Matrix[float64])
	Sgemm(alpha float32, a, b Matrix[float32], beta float32, c Matrix[float32])
}

// Gemm computes c ← alpha·a·b + beta·c. It panics when the shapes do not fit.
func Gemm[F plugins.Float](with Backend, alpha F, a, b Matrix[F], beta F, c Matrix[F]) {
	a.check("a")
	b.check("b")
	c.check("c")
	m, k := a.Shape()
	l, n := b.Shape()
	if k != l || c.Trans || c.Rows != m || c.Cols != n {
		panic(fmt.Sprintf("blas: %d×%d times %d×%d does not give %d×%d", m, k, l, n, c.Rows, c.Cols))
	}
	if m == 0 || n == 0 {
		return
	}
	if a, ok := any(&a).(*Matrix[float64]); ok {
		with.Dgemm(float64(alpha), *a, *any(&b).(*Matrix[float64]), float64(beta), *any(&c).(*Matrix[float64]))
		return
	}
	with.Sgemm(float32(alpha), *any(&a).(*Matrix[float32]), *any(&b).(*Matrix[float32]), float32(beta), *any(&c).(*Matrix[float32]))
}
