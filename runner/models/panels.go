package models

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/blas"
)

// strip is the number of elements of a weight row that move at a time between a slot and a panel, so that both sides of
// the transposition stay within cache lines.
const strip = 8

// load takes the parameters of some slots: the first layer into the panel, the layers after it each
// slot's by itself. Sparse data need no panel.
func (n *network[F]) load(s Slab[F], slots []int) {
	if !n.sparse {
		n.loadFirst(s, slots)
	}
	for i, slot := range slots {
		params := s.params(slot, n.dim)
		for d, l := range n.layers[1:] {
			transpose(n.deep[d].weights[i], params[l.w:l.b], l.out, l.in)
			copy(n.deep[d].biases[i], params[l.b:])
		}
	}
}

// loadFirst puts the first-layer weights and biases into the panel, transposed: in × Width, the outputs
// of the i-th slot from column i·out on. What stands in the columns behind them does not matter and is left.
func (n *network[F]) loadFirst(s Slab[F], slots []int) {
	first, width := n.layers[0], n.panel.Width
	for from := 0; from < first.in; from += strip {
		to := min(from+strip, first.in)
		for i, slot := range slots {
			w := s.params(slot, n.dim)[first.w:first.b]
			for j := range first.out {
				row, column := w[j*first.in:][:first.in], i*first.out+j
				for k := from; k < to; k++ {
					n.weights[k*width+column] = row[k]
				}
			}
		}
	}
	for i, slot := range slots {
		copy(n.biases[i*first.out:][:first.out], s.params(slot, n.dim)[first.b:])
	}
}

// transpose writes the cols × rows transpose of src to dst.
func transpose[F plugins.Float](dst, src []F, rows, cols int) {
	for from := 0; from < cols; from += strip {
		to := min(from+strip, cols)
		for i := range rows {
			for j := from; j < to; j++ {
				dst[j*rows+i] = src[i*cols+j]
			}
		}
	}
}

// unload copies the panel's gradient to the slots. The gradient of sparse data is there already.
func (n *network[F]) unload(s Slab[F], slots []int) {
	if n.sparse {
		return
	}
	first, width := n.layers[0], n.panel.Width
	for from := 0; from < first.in; from += strip {
		to := min(from+strip, first.in)
		for i, slot := range slots {
			g := s.grads(slot, n.dim)[first.w:first.b]
			for j := range first.out {
				row, column := g[j*first.in:][:first.in], i*first.out+j
				for k := from; k < to; k++ {
					row[k] = n.sums[k*width+column]
				}
			}
		}
	}
}

// columns is the number of columns of the panel in a product for count slots.
func (n *network[F]) columns(count int) int { return n.panel.Columns(count * n.layers[0].out) }

// matrix is a view of the first rows of data.
func matrix[F plugins.Float](data []F, rows, cols, stride int) blas.Matrix[F] {
	return blas.Matrix[F]{Rows: rows, Cols: cols, Stride: stride, Data: data}
}

// A view is the columns of one slot in a chunk of outputs.
type view[F plugins.Float] struct {
	data         []F
	rows, stride int
	cols         int
}

func (v view[F]) row(i int) []F { return v.data[i*v.stride:][:v.cols] }

func (v view[F]) matrix() blas.Matrix[F] { return matrix(v.data, v.rows, v.cols, v.stride) }

// outputs views the outputs of a layer for the i-th slot of the panel.
func (n *network[F]) outputs(layer, i, rows int) view[F] {
	out := n.layers[layer].out
	if layer == 0 {
		return view[F]{n.z[i*out:], rows, n.panel.Width, out}
	}
	return view[F]{n.deep[layer-1].z, rows, out, out}
}

// derivatives views the derivatives of the loss by the outputs of a layer.
func (n *network[F]) derivatives(layer, i, rows int) view[F] {
	out := n.layers[layer].out
	if layer == 0 {
		return view[F]{n.dz[i*out:], rows, n.panel.Width, out}
	}
	return view[F]{n.deep[layer-1].dz, rows, out, out}
}
