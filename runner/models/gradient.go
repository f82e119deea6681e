package models

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/blas"
	"github.com/xrun-dev/xrun/runner/data"
)

func (n *network[F]) Gradient(batch data.Part[F], s Slab[F], active []int) {
	for len(active) > 0 {
		slots := active[:min(n.slots, len(active))]
		active = active[len(slots):]
		n.gradient(batch, s, slots)
	}
}

// gradient is Gradient for the slots of one panel.
func (n *network[F]) gradient(batch data.Part[F], s Slab[F], slots []int) {
	n.load(s, slots)
	for i, slot := range slots {
		clear(n.byBias[i])
		clear(s.grads(slot, n.dim))
	}
	if batch.N == 0 {
		clear(n.sums)
	}
	share := 1 / F(max(1, batch.N))
	for from := 0; from < batch.N; from += chunk {
		rows := min(chunk, batch.N-from)
		n.forward(batch, from, rows, s, slots)
		byFirst := n.z // the head turns outputs into derivatives in place
		for i, slot := range slots {
			if len(n.layers) == 1 {
				out := n.outputs(0, i, rows)
				n.head.differentiate(out, batch, from)
				addColumns(n.byBias[i], out)
				continue
			}
			n.forwardDeep(i, rows)
			n.backwardDeep(batch, from, rows, s, slot, i, share)
			byFirst = n.dz
		}
		n.backward(batch, from, rows, byFirst, s, slots, share)
	}
	n.unload(s, slots)
	for i, slot := range slots {
		grads, sums := s.grads(slot, n.dim), n.byBias[i]
		for _, l := range n.layers {
			for j := range l.out {
				grads[l.b+j] = F(sums[j] / float64(max(1, batch.N)))
			}
			sums = sums[l.out:]
		}
	}
}

// forward computes the outputs of the first layer, before activation, for all slots of the panel.
func (n *network[F]) forward(part data.Part[F], from, rows int, s Slab[F], slots []int) {
	if n.sparse {
		n.sparseForward(part.Sparse.Rows(from, from+rows), s, slots)
		return
	}
	in, width, columns := n.layers[0].in, n.panel.Width, n.columns(len(slots))
	for i := range rows {
		copy(n.z[i*width:][:columns], n.biases)
	}
	x := matrix(part.X[from*in:], rows, in, in)
	blas.Gemm(n.with, 1, x, matrix(n.weights, in, columns, width), 1, matrix(n.z, rows, columns, width))
}

// backward adds a chunk's part of the gradient of the first layer, from the derivatives by its
// outputs. The first chunk of a batch begins the sums anew.
func (n *network[F]) backward(batch data.Part[F], from, rows int, by []F, s Slab[F], slots []int, share F) {
	if n.sparse {
		n.sparseBackward(batch.Sparse.Rows(from, from+rows), by, s, slots, share)
		return
	}
	in, width, columns := n.layers[0].in, n.panel.Width, n.columns(len(slots))
	beta := F(1)
	if from == 0 {
		beta = 0
	}
	x := matrix(batch.X[from*in:], rows, in, in)
	blas.Gemm(n.with, share, x.T(), matrix(by, rows, columns, width), beta, matrix(n.sums, in, columns, width))
}

// forwardDeep computes the last layer's outputs from the first layer's, for the i-th slot of the panel.
func (n *network[F]) forwardDeep(i, rows int) {
	in := n.outputs(0, i, rows)
	for d := range n.deep {
		for r := range rows {
			n.activation.apply(in.row(r))
		}
		out, l := n.outputs(d+1, i, rows), n.layers[d+1]
		for r := range rows {
			copy(out.row(r), n.deep[d].biases[i])
		}
		blas.Gemm(n.with, 1, in.matrix(), matrix(n.deep[d].weights[i], l.in, l.out, l.out), 1, out.matrix())
		in = out
	}
}

// backwardDeep adds a chunk's part of the gradient of the layers after the first, and leaves in dz the
// derivatives by the first layer's outputs.
func (n *network[F]) backwardDeep(batch data.Part[F], from, rows int, s Slab[F], slot, i int, share F) {
	last := len(n.layers) - 1
	params, grads := s.params(slot, n.dim), s.grads(slot, n.dim)
	by := n.outputs(last, i, rows)
	n.head.differentiate(by, batch, from)
	at := len(n.byBias[i])
	for k := last; k > 0; k-- {
		l := n.layers[k]
		at -= l.out
		addColumns(n.byBias[i][at:], by)
		in, byIn := n.outputs(k-1, i, rows), n.derivatives(k-1, i, rows)
		blas.Gemm(n.with, share, by.matrix().T(), in.matrix(), 1, matrix(grads[l.w:l.b], l.out, l.in, l.in))
		blas.Gemm(n.with, 1, by.matrix(), matrix(params[l.w:l.b], l.out, l.in, l.in), 0, byIn.matrix())
		for r := range rows {
			n.activation.backward(byIn.row(r), in.row(r))
		}
		by = byIn
	}
	addColumns(n.byBias[i], by)
}

// addColumns adds to each of sums the elements of a column, in row order.
func addColumns[F plugins.Float](sums []float64, v view[F]) {
	for r := range v.rows {
		for j, x := range v.row(r) {
			sums[j] += float64(x)
		}
	}
}
