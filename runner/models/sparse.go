package models

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// maxSparseOutputs limits the columns in which the slots of sparse data stand side by side, so
// that their outputs for a chunk of rows stay in the cache.
const maxSparseOutputs = 64

// sparseForward computes the outputs of the first layer, before activation. It multiplies what is
// not 0 only, and reads the weights where they stand: to gather them in a panel would cost
// more than the product. Each slot has sums of its own, in the order of a row's columns.
func (n *network[F]) sparseForward(x data.CSR[F], s Slab[F], slots []int) {
	first := n.layers[0]
	for i, slot := range slots {
		params := s.params(slot, n.dim)
		for j := range first.out {
			weights, bias := params[first.w+j*first.in:][:first.in], params[first.b+j]
			z := n.z[i*first.out+j:]
			for r := range x.RowStart {
				columns, values := x.Row(r)
				z[r*n.panel.Width] = bias + dot(columns, values, weights)
			}
		}
	}
}

// dot is the product of a sparse vector and a dense one.
func dot[F plugins.Float](columns []int32, values, weights []F) F {
	sum := F(0)
	values = values[:len(columns)]
	for k, column := range columns {
		sum += F(values[k] * weights[column])
	}
	return sum
}

// sparseBackward adds the chunk's share of the first layer's gradient, in row order.
func (n *network[F]) sparseBackward(x data.CSR[F], by []F, s Slab[F], slots []int, share F) {
	first := n.layers[0]
	for i, slot := range slots {
		grads := s.grads(slot, n.dim)
		for j := range first.out {
			sums, by := grads[first.w+j*first.in:][:first.in], by[i*first.out+j:]
			for r := range x.RowStart {
				columns, values := x.Row(r)
				add(sums, F(share*by[r*n.panel.Width]), columns, values)
			}
		}
	}
}

// add adds a sparse vector times a factor to a dense one.
func add[F plugins.Float](sums []F, factor F, columns []int32, values []F) {
	values = values[:len(columns)]
	for k, column := range columns {
		sums[column] += F(factor * values[k])
	}
}
