// Package blas multiplies dense matrices through whichever BLAS the machine has: OpenBLAS or
// Accelerate, loaded while the program runs, or else gonum in pure Go.
//
// Training needs one product only. It runs on one thread, because cohorts run in parallel, and does not allocate. A rule,
// [Panel], keeps the bits of one trial's columns independent of the columns beside them. Results of backends differ in
// the last bits, so a run records the name of its backend.
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

// A Panel is a block of columns of b and c in c = a·b that belong to several trials. In a product of [Panel.Columns]
// columns the bits of a column depend neither on its neighbours nor on its place. The promise does not hold for a panel
// that is the left factor.
type Panel struct {
	Width int // the most columns
	// Step divides the number of columns in a product; unused columns may hold anything. If Step equals Width, all
	// columns are always in the product.
	Step int
}

// Columns is the number of columns in a product when the first used ones are filled.
func (p Panel) Columns(used int) int {
	return (used + p.Step - 1) / p.Step * p.Step
}

// A Backend computes c ← alpha·a·b + beta·c. When beta is 0, c is written without being read.
//
// Several goroutines may call its methods at once. Methods run on the calling goroutine and allocate nothing. c is not
// transposed, and shares no memory with a or b. The shapes fit: [Gemm] has checked them.
type Backend interface {
	// Name is the library and its version, as runs record it.
	Name() string

	// Panel returns how the columns of several trials may share a product. want is the largest useful number of
	// columns, a power of two from 16 to 256.
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
