package models

import (
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/gemm"
	"github.com/xrun-dev/xrun/runner/passes"
)

func (n *network[F]) Gradient(batch data.Part[F], s Slab[F], active []int) {
	for _, slot := range active {
		grads := s.grads(slot, n.dim)
		if n.sparse || batch.N == 0 {
			clear(grads)
			continue
		}
		for _, l := range n.layers {
			clear(grads[l.b:][:l.out])
		}
	}
	share := 1 / F(max(1, batch.N))
	for from := 0; from < batch.N; from += chunk {
		examples := min(chunk, batch.N-from)
		n.take(batch, from, examples)
		for left := active; len(left) > 0; {
			slots := left[:min(n.slots, len(left))]
			left = left[len(slots):]
			n.gradient(batch, from, examples, s, slots, share)
		}
	}
}

// gradient adds a chunk's part of the gradients of slots that are computed together. The first chunk of a batch begins the
// sums anew.
func (n *network[F]) gradient(batch data.Part[F], from, examples int, s Slab[F], slots []int, share F) {
	out := n.forward(batch, from, examples, s, slots)
	by, rows := out, n.layers[0].out
	if len(n.layers) > 1 {
		by = tile(n.by, len(slots)*rows, examples)
	}
	for i, slot := range slots {
		params, grads := s.params(slot, n.dim), s.grads(slot, n.dim)
		mine := slotOf(by, i, rows)
		if len(n.layers) == 1 {
			n.head.differentiate(mine, n.targets, examples, share)
		} else {
			n.forwardDeep(slotOf(out, i, rows), examples, params)
			n.backwardDeep(slotOf(out, i, rows), mine, from, examples, params, grads, share)
		}
		passes.Sums(grads[n.layers[0].b:], mine, examples)
	}
	n.backward(batch, from, examples, by, s, slots)
}

// take prepares a chunk of rows: the inputs, so that examples are the elements of a vector, and the targets.
func (n *network[F]) take(part data.Part[F], from, examples int) {
	n.targets.take(part, from, examples)
	if in := n.layers[0].in; !n.sparse && in <= mostInputs {
		n.turn(part, from, examples, 0, in)
	}
}

// turn writes some features of a chunk to inputs.
func (n *network[F]) turn(part data.Part[F], from, examples, feature, count int) {
	for i := range examples {
		n.places[i] = (from+i)*n.layers[0].in + feature
	}
	passes.Transpose(n.inputs, stride[F](examples), part.X, n.places[:examples], count)
}

// forward computes the outputs of the first layer for slots that are computed together, before activation.
func (n *network[F]) forward(part data.Part[F], from, examples int, s Slab[F], slots []int) passes.Tile[F] {
	first := n.layers[0]
	out := tile(n.outputs, len(slots)*first.out, examples)
	if n.sparse {
		n.sparseForward(part.Sparse.Rows(from, from+examples), out, s, slots)
		return out
	}
	weights, biases := n.firsts(out.Stride, s.Stride, slots)
	columns := passes.Padded(examples)
	z := stack(out.Data, n.rows[:len(slots)], first.out, out.Stride)
	n.begin(z, s.Params, biases, columns)
	for feature := 0; feature < first.in; feature += mostInputs {
		count := min(mostInputs, first.in-feature)
		if first.in > mostInputs {
			n.turn(part, from, examples, feature, count)
		}
		w := stack(s.Params[feature:], weights, first.out, first.in)
		gemm.Add(z, w, gemm.Matrix[F]{Data: n.inputs, Row: out.Stride}, count, columns)
	}
	return out
}

// begin begins chains with the biases at some places: b·1 + 0.
func (n *network[F]) begin(z gemm.Stack[F], biases []F, at []int, columns int) {
	gemm.Set(z, gemm.Stack[F]{Data: biases, At: at, Rows: z.Rows, Row: 1, Col: 1}, gemm.Matrix[F]{Data: n.ones, Row: chunk}, 1, columns)
}

// firsts says where the first layers of slots stand in a slab, and their outputs in a tile.
func (n *network[F]) firsts(tileStride, slabStride int, slots []int) (weights, biases []int) {
	first := n.layers[0]
	for i, slot := range slots {
		n.weights[i] = slot*slabStride + first.w
		n.biases[i] = slot*slabStride + first.b
		n.rows[i] = i * first.out * tileStride
	}
	return n.weights[:len(slots)], n.biases[:len(slots)]
}

// backward adds a chunk's part of the gradients of first layers, from the derivatives by their outputs.
func (n *network[F]) backward(batch data.Part[F], from, examples int, by passes.Tile[F], s Slab[F], slots []int) {
	if n.sparse {
		n.sparseBackward(batch.Sparse.Rows(from, from+examples), by, s, slots)
		return
	}
	first := n.layers[0]
	weights, _ := n.firsts(by.Stride, s.Stride, slots)
	multiply := gemm.Add[F]
	if from == 0 {
		multiply = gemm.Set[F]
	}
	multiply(stack(s.Grads, weights, first.out, first.in), stack(by.Data, n.rows[:len(slots)], first.out, by.Stride),
		gemm.Matrix[F]{Data: batch.X[from*first.in:], Row: first.in}, examples, first.in)
}

var atZero = []int{0}

// forwardDeep computes the outputs of the layers after the first, whose outputs it activates. All but the last are activated.
func (n *network[F]) forwardDeep(first passes.Tile[F], examples int, params []F) (last passes.Tile[F]) {
	in, columns := first, passes.Padded(examples)
	for d := range n.deep {
		n.activation.apply(in, examples)
		l := n.layers[d+1]
		out := tile(n.deep[d].outputs, l.out, examples)
		z := stack(out.Data, atZero, l.out, out.Stride)
		n.begin(z, params[l.b:], atZero, columns)
		gemm.Add(z, stack(params[l.w:l.b], atZero, l.out, l.in), gemm.Matrix[F]{Data: in.Data, Row: in.Stride}, l.in, columns)
		in = out
	}
	return in
}

// backwardDeep adds a chunk's part of the gradient of the layers after the first, and writes the derivatives by the first
// layer's outputs.
func (n *network[F]) backwardDeep(first, byFirst passes.Tile[F], from, examples int, params, grads []F, share F) {
	columns := passes.Padded(examples)
	multiply := gemm.Add[F]
	if from == 0 {
		multiply = gemm.Set[F]
	}
	for d := len(n.deep) - 1; d >= 0; d-- {
		l := n.layers[d+1]
		by, in, byIn := tile(n.deep[d].by, l.out, examples), first, byFirst
		if d > 0 {
			in, byIn = tile(n.deep[d-1].outputs, l.in, examples), tile(n.deep[d-1].by, l.in, examples)
		}
		if d == len(n.deep)-1 { // the head turns outputs into derivatives in place
			by = tile(n.deep[d].outputs, l.out, examples)
			n.head.differentiate(by, n.targets, examples, share)
		}
		passes.Sums(grads[l.b:], by, examples)
		row := stride[F](l.in)
		for i := range l.in {
			n.places[i] = i * in.Stride
		}
		passes.Transpose(n.turned, row, in.Data, n.places[:l.in], examples)
		multiply(stack(grads[l.w:l.b], atZero, l.out, l.in), stack(by.Data, atZero, l.out, by.Stride), gemm.Matrix[F]{Data: n.turned, Row: row}, examples, l.in)
		gemm.Set(stack(byIn.Data, atZero, l.in, byIn.Stride), gemm.Stack[F]{Data: params[l.w:l.b], At: atZero, Rows: l.in, Row: 1, Col: l.in},
			gemm.Matrix[F]{Data: by.Data, Row: by.Stride}, l.out, columns)
		n.activation.backward(byIn, in, examples)
	}
}
