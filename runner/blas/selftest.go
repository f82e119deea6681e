package blas

import (
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// narrowest is the width of the narrowest panel.
const narrowest = 16

// widest finds the widest panel in which columns do not influence each other, on this machine:
// which kernels a library uses depends on the processor. OpenBLAS 0.3.21 on AVX2, for one, gives a
// column of float64 the same bits in panels of any multiple of 16 columns; in float32 the outer
// eight columns of a panel of 32 or more round differently from the inner ones, so that 16 is the
// limit. It takes a few milliseconds.
func widest[F plugins.Float](b Backend) (Panel, error) {
	rows, inner := []int{3, 13, 64}, []int{5, 64}
	constant := 0
	for _, width := range []int{narrowest, 32, 64} {
		if err := independence[F](b, width, width, rows, inner); err != nil {
			if constant == 0 {
				return Panel{}, err
			}
			return Panel{Width: constant, Step: constant}, nil
		}
		constant = width
	}
	for _, width := range []int{32, 48, 64, 128, 240, 256} {
		if independence[F](b, narrowest, width, rows, inner) != nil {
			return Panel{Width: constant, Step: constant}, nil
		}
	}
	if independence[F](b, narrowest, 256, []int{256}, []int{300}) != nil { // small products can have kernels of their own
		return Panel{Width: constant, Step: constant}, nil
	}
	return Panel{Width: 256, Step: narrowest}, nil
}

// independence computes one column in a panel of zeros, lone columns wide. It computes it again at several places of a
// panel of the given width among different neighbours, two of them not finite. It does so for both factors of panels in
// training, X and Xᵀ.
func independence[F plugins.Float](b Backend, lone, width int, rows, inner []int) error {
	for _, m := range rows {
		for _, k := range inner {
			x := Matrix[F]{Rows: m, Cols: k, Stride: k, Data: wave[F](m*k, 1)}
			if err := independentColumns(b, x, lone, width); err != nil {
				return err
			}
			xt := Matrix[F]{Rows: k, Cols: m, Stride: m, Data: x.Data}
			if err := independentColumns(b, xt.T(), lone, width); err != nil {
				return err
			}
		}
	}
	return nil
}

func independentColumns[F plugins.Float](b Backend, x Matrix[F], lone, width int) error {
	rows, inner := x.Shape()
	column, noise := wave[F](inner, 2), wave[F](width*inner, 3)
	for l := range inner { // trials that have diverged
		noise[l*width+3], noise[l*width+width-2] = F(math.NaN()), F(math.Inf(1))
	}
	alone := Matrix[F]{Rows: rows, Cols: lone, Stride: width, Data: make([]F, rows*width)}
	Gemm(b, 1, x, panel(column, 0, width, lone, nil), 0, alone)
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
	for _, place := range []int{0, 1, 4, 8, width / 2, width - 9, width - 4, width - 1} {
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

// wave is a fixed sequence of n different values between -1 and 1.
func wave[F plugins.Float](n int, seed float64) []F {
	values := make([]F, n)
	for i := range values {
		values[i] = F(math.Sin(seed + 1.7*float64(i)))
	}
	return values
}
