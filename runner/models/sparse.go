package models

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/passes"
)

// sparseForward computes the outputs of first layers, before activation. It multiplies what is not 0 only, and reads the
// weights where they stand: to gather them would cost more than the product. Each output has a sum of its own, in the order
// of a row's columns, of products that are rounded. Several outputs are computed at a time, which wait for memory together.
func (n *network[F]) sparseForward(x data.CSR[F], out passes.Tile[F], s Slab[F], slots []int) {
	first, rows := n.layers[0], len(x.RowStart)
	for i, slot := range slots {
		params, mine := s.params(slot, n.dim), slotOf(out, i, first.out)
		weights, biases := params[first.w:first.b], params[first.b:][:first.out]
		j := 0
		for ; j+5 <= first.out; j += 5 {
			w0, w1, w2, w3, w4 := row(weights, j, first.in), row(weights, j+1, first.in), row(weights, j+2, first.in), row(weights, j+3, first.in), row(weights, j+4, first.in)
			w1, w2, w3, w4 = w1[:len(w0)], w2[:len(w0)], w3[:len(w0)], w4[:len(w0)]
			for r := range rows {
				columns, values := x.Row(r)
				values = values[:len(columns)]
				var s0, s1, s2, s3, s4 F
				for k, column := range columns {
					v := values[k]
					s0 += F(v * w0[column])
					s1 += F(v * w1[column])
					s2 += F(v * w2[column])
					s3 += F(v * w3[column])
					s4 += F(v * w4[column])
				}
				z := mine.Data[j*mine.Stride+r:]
				z[0], z[mine.Stride], z[2*mine.Stride] = biases[j]+s0, biases[j+1]+s1, biases[j+2]+s2
				z[3*mine.Stride], z[4*mine.Stride] = biases[j+3]+s3, biases[j+4]+s4
			}
		}
		for ; j+2 <= first.out; j += 2 {
			w0, w1 := row(weights, j, first.in), row(weights, j+1, first.in)
			w1 = w1[:len(w0)]
			for r := range rows {
				columns, values := x.Row(r)
				values = values[:len(columns)]
				var s0, s1 F
				for k, column := range columns {
					s0 += F(values[k] * w0[column])
					s1 += F(values[k] * w1[column])
				}
				mine.Data[j*mine.Stride+r], mine.Data[(j+1)*mine.Stride+r] = biases[j]+s0, biases[j+1]+s1
			}
		}
		if j < first.out {
			w, z := row(weights, j, first.in), mine.Row(j, rows)
			for r := range rows {
				columns, values := x.Row(r)
				z[r] = biases[j] + dot(columns, values, w)
			}
		}
	}
}

func row[F plugins.Float](matrix []F, i, columns int) []F { return matrix[i*columns:][:columns] }

// dot is the product of a sparse vector and a dense one.
func dot[F plugins.Float](columns []int32, values, weights []F) F {
	sum := F(0)
	values = values[:len(columns)]
	for k, column := range columns {
		sum += F(values[k] * weights[column])
	}
	return sum
}

// sparseBackward adds the chunk's part of the gradients of first layers, in the order of rows. Products are rounded.
func (n *network[F]) sparseBackward(x data.CSR[F], by passes.Tile[F], s Slab[F], slots []int) {
	first := n.layers[0]
	for i, slot := range slots {
		grads, mine := s.grads(slot, n.dim)[first.w:first.b], slotOf(by, i, first.out)
		rows, j := len(x.RowStart), 0
		for ; j+5 <= first.out; j += 5 {
			g0, g1, g2, g3, g4 := row(grads, j, first.in), row(grads, j+1, first.in), row(grads, j+2, first.in), row(grads, j+3, first.in), row(grads, j+4, first.in)
			g1, g2, g3, g4 = g1[:len(g0)], g2[:len(g0)], g3[:len(g0)], g4[:len(g0)]
			for r := range rows {
				columns, values := x.Row(r)
				values = values[:len(columns)]
				d := mine.Data[j*mine.Stride+r:]
				f0, f1, f2, f3, f4 := d[0], d[mine.Stride], d[2*mine.Stride], d[3*mine.Stride], d[4*mine.Stride]
				for k, column := range columns {
					v := values[k]
					g0[column] += F(f0 * v)
					g1[column] += F(f1 * v)
					g2[column] += F(f2 * v)
					g3[column] += F(f3 * v)
					g4[column] += F(f4 * v)
				}
			}
		}
		for ; j < first.out; j++ {
			g, d := row(grads, j, first.in), mine.Row(j, rows)
			for r := range rows {
				columns, values := x.Row(r)
				add(g, d[r], columns, values)
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
