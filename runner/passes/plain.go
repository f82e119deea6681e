package passes

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

// The passes in Go: what every kernel must give to the bit, and what is used where there is none.

// greatest is the first of the greatest outputs of an example, and its class.
func greatest[F plugins.Float](z Tile[F], column int) (top F, first int) {
	top = z.Data[column]
	for j := 1; j < z.Rows; j++ {
		if x := z.Data[j*z.Stride+column]; x > top {
			top, first = x, j
		}
	}
	return top, first
}

func plainSoftmaxDerivative[F plugins.Float](z Tile[F], labels []int32, n int, share F) {
	for c := range n {
		top, first := greatest(z, c)
		rest := top - top // 0, or no number
		for j := range z.Rows {
			e := faint(z.Data[j*z.Stride+c] - top)
			z.Data[j*z.Stride+c] = e
			if j != first {
				rest += e
			}
		}
		scale := share / (1 + rest)
		for j := range z.Rows {
			z.Data[j*z.Stride+c] = F(z.Data[j*z.Stride+c] * scale)
			if j == int(labels[c]) {
				z.Data[j*z.Stride+c] -= share
			}
		}
	}
}

func plainSoftmaxScore[F plugins.Float](z Tile[F], labels []int32, n int, rest, gap, first []F) {
	for c := range n {
		top, class := greatest(z, c)
		sum, own := top-top, F(0)
		for j := range z.Rows {
			x := z.Data[j*z.Stride+c]
			if j != class {
				sum += elementary.Exp(x - top)
			}
			if j == int(labels[c]) {
				own = x
			}
		}
		rest[c], gap[c], first[c] = sum, top-own, F(class)
	}
}

func plainLogisticDerivative[F plugins.Float](z []F, labels []int32, n int, share F) {
	for c, x := range z[:n] {
		e := faint(-magnitude(x))
		p := F(1)
		if x < 0 {
			p = e
		}
		z[c] = F((p/(1+e) - F(labels[c])) * share)
	}
}

func plainLogisticScore[F plugins.Float](z []F, labels []int32, n int, rest, gap, first []F) {
	for c, x := range z[:n] {
		rest[c] = elementary.Exp(-magnitude(x))
		first[c] = 0
		if x > 0 {
			first[c] = 1
		}
		if labels[c] == 1 {
			x = -x
		}
		gap[c] = 0
		if x > 0 {
			gap[c] = x
		}
	}
}

func magnitude[F plugins.Float](x F) F { return F(math.Abs(float64(x))) }

func plainLoss[F plugins.Float](rest, gap []F) float64 {
	var parts [8]float64
	for c, x := range rest {
		parts[c%8] += elementary.Log1p(float64(x)) + float64(gap[c])
	}
	return total(parts[:])
}

func plainTanh[F plugins.Float](h Tile[F], n int) {
	for i := range h.Rows {
		for c, x := range h.Row(i, n) {
			h.Data[i*h.Stride+c] = elementary.Tanh(x)
		}
	}
}

func plainTanhDerivative[F plugins.Float](d, h Tile[F], n int) {
	for i := range h.Rows {
		by := d.Row(i, n)
		for c, x := range h.Row(i, n) {
			by[c] = F(by[c] * elementary.FMA(-x, x, 1))
		}
	}
}

func plainRelu[F plugins.Float](h Tile[F], n int) {
	for i := range h.Rows {
		for c, x := range h.Row(i, n) {
			if x < 0 {
				h.Data[i*h.Stride+c] = 0
			}
		}
	}
}

func plainReluDerivative[F plugins.Float](d, h Tile[F], n int) {
	for i := range h.Rows {
		by := d.Row(i, n)
		for c, x := range h.Row(i, n) {
			if x <= 0 {
				by[c] = 0
			}
		}
	}
}

func plainSums[F plugins.Float](sums []F, z Tile[F], n int) {
	for i := range z.Rows {
		var parts [Lanes]F
		for c, x := range z.Row(i, n) {
			parts[c%Lanes] += x
		}
		sums[i] += total(parts[:])
	}
}

// total adds the second half of elements to the first until one is left.
func total[F plugins.Float](v []F) F {
	for len(v) > 1 {
		half := len(v) / 2
		for i := range half {
			v[i] += v[i+half]
		}
		v = v[:half]
	}
	return v[0]
}
