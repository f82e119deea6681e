package blas

import (
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// widest finds the widest panel in which columns do not influence each other, on this machine:
// which kernels a library uses depends on the processor. OpenBLAS 0.3.21 on AVX2, for one, keeps
// the promise up to 64 columns in float64; in float32 the outer eight columns of a panel of 32 or
// more round differently from the inner ones, so that 16 is the limit. It takes a few milliseconds.
func widest[F plugins.Float](b Backend) (int, error) {
	widest := 0
	for _, width := range []int{16, 32, 64} {
		if err := independence[F](b, width, []int{3, 13, 64}, []int{5, 64}); err != nil {
			if widest == 0 {
				return 0, err
			}
			break
		}
		widest = width
	}
	return widest, nil
}

// independence computes one column alone in a panel of zeros, and again at several places
// among unlike neighbours, two of them not finite, for both factors that training multiplies panels by: X and Xᵀ.
func independence[F plugins.Float](b Backend, width int, rows, inner []int) error {
	for _, m := range rows {
		for _, k := range inner {
			x := Matrix[F]{Rows: m, Cols: k, Stride: k, Data: wave[F](m*k, 1)}
			if err := independentColumns(b, x, width); err != nil {
				return err
			}
			xt := Matrix[F]{Rows: k, Cols: m, Stride: m, Data: x.Data}
			if err := independentColumns(b, xt.T(), width); err != nil {
				return err
			}
		}
	}
	return nil
}

func independentColumns[F plugins.Float](b Backend, x Matrix[F], width int) error {
	rows, inner := x.Shape()
	column, noise := wave[F](inner, 2), wave[F](width*inner, 3)
	for l := range inner { // trials that have diverged
		noise[l*width+3], noise[l*width+width-2] = F(math.NaN()), F(math.Inf(1))
	}
	used := width
	if p := b.Panel(plugins.DTypeOf[F](), 64); !p.Padded {
		used = 1
	}
	alone := Matrix[F]{Rows: rows, Cols: used, Stride: width, Data: make([]F, rows*width)}
	Gemm(b, 1, x, panel(column, 0, width, used, nil), 0, alone)
	for i := range rows {
		want := 0.0
		for l := range inner {
			want += at(x, i, l) * float64(column[l])
		}
		if math.Abs(float64(alone.Data[i*width])-want) > 1e-3 {
			return fmt.Errorf("it multiplies wrongly: %v, not %v", alone.Data[i*width], want)
		}
	}
	among := Matrix[F]{Rows: rows, Cols: width, Stride: width, Data: make([]F, rows*width)}
	for _, place := range []int{0, 1, 8, width / 2, width - 1} {
		Gemm(b, 1, x, panel(column, place, width, width, noise), 0, among)
		for i := range rows {
			if among.Data[i*width+place] != alone.Data[i*width] {
				return fmt.Errorf("column %d of a panel of %d depends on its neighbours (%s, %d×%d, transposed %v)",
					place, width, plugins.DTypeOf[F](), rows, inner, x.Trans)
			}
		}
	}
	return nil
}

// at is element (i, j) of the transposed view.
func at[F plugins.Float](m Matrix[F], i, j int) float64 {
	return float64(from(m, i, j)[0])
}

// panel is a matrix of the given width with column at its place and noise, or zeros, elsewhere.
func panel[F plugins.Float](column []F, at, width, used int, noise []F) Matrix[F] {
	p := Matrix[F]{Rows: len(column), Cols: used, Stride: width, Data: make([]F, len(column)*width)}
	copy(p.Data, noise)
	for i, v := range column {
		p.Data[i*width+at] = v
	}
	return p
}

// wave is a fixed sequence of n unlike values between -1 and 1.
func wave[F plugins.Float](n int, seed float64) []F {
	values := make([]F, n)
	for i := range values {
		values[i] = F(math.Sin(seed + 1.7*float64(i)))
	}
	return values
}
