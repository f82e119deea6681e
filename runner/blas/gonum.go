package blas

import (
	"runtime/debug"
	"strings"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/xrun-dev/xrun/plugins"
)

// block is the side of the square tiles of a product for gonum. Tiles fit into the first-level cache, and are below the
// size at which gonum starts its own goroutines.
const block = 64

// pure is gonum's BLAS. Its bits do not depend on memory alignment as long as b is not
// transposed: with b transposed gonum takes dot products, which in float32 do.
type pure struct {
	gonum.Implementation
	name string
}

func openGonum() (Backend, error) {
	name := "gonum"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "gonum.org/v1/gonum" {
				name += " " + strings.TrimPrefix(m.Version, "v")
			}
		}
	}
	return &pure{name: name}, nil
}

func (p *pure) Name() string { return p.name }

// Panel needs no padding: gonum adds up each element by itself, in ascending order of k.
func (p *pure) Panel(d plugins.DType, want int) Panel { return Panel{Width: want, Step: 1} }

func (p *pure) Dgemm(alpha float64, a, b Matrix[float64], beta float64, c Matrix[float64]) {
	k := inner(a)
	if k == 0 {
		scale(beta, c)
		return
	}
	for i := 0; i < c.Rows; i += block {
		for j := 0; j < c.Cols; j += block {
			to := c.Data[i*c.Stride+j:]
			m, n := min(block, c.Rows-i), min(block, c.Cols-j)
			add := beta
			for l := 0; l < k; l += block {
				p.Implementation.Dgemm(trans(a), trans(b), m, n, min(block, k-l),
					alpha, from(a, i, l), a.Stride, from(b, l, j), b.Stride, add, to, c.Stride)
				add = 1
			}
		}
	}
}

func (p *pure) Sgemm(alpha float32, a, b Matrix[float32], beta float32, c Matrix[float32]) {
	k := inner(a)
	if k == 0 {
		scale(beta, c)
		return
	}
	for i := 0; i < c.Rows; i += block {
		for j := 0; j < c.Cols; j += block {
			to := c.Data[i*c.Stride+j:]
			m, n := min(block, c.Rows-i), min(block, c.Cols-j)
			add := beta
			for l := 0; l < k; l += block {
				p.Implementation.Sgemm(trans(a), trans(b), m, n, min(block, k-l),
					alpha, from(a, i, l), a.Stride, from(b, l, j), b.Stride, add, to, c.Stride)
				add = 1
			}
		}
	}
}

func inner[F plugins.Float](a Matrix[F]) int {
	_, k := a.Shape()
	return k
}

// scale is the product with an empty sum: c ← beta·c.
func scale[F plugins.Float](beta F, c Matrix[F]) {
	for i := range c.Rows {
		row := c.Data[i*c.Stride:][:c.Cols]
		for j := range row {
			if beta == 0 {
				row[j] = 0
			} else {
				row[j] *= beta
			}
		}
	}
}

func trans[F plugins.Float](m Matrix[F]) blas.Transpose {
	if m.Trans {
		return blas.Trans
	}
	return blas.NoTrans
}

// from is the data of m starting at row i, column j of the transposed view.
func from[F plugins.Float](m Matrix[F], i, j int) []F {
	if m.Trans {
		i, j = j, i
	}
	return m.Data[i*m.Stride+j:]
}
