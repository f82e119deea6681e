// Package passes goes over the outputs of a layer while they are in the cache: activations, the softmax and the logistic
// function with their losses and derivatives, and sums.
//
// Outputs are tiles: a row for each output, a column for each example of a batch, so that the examples are the elements of
// a vector. The kernels for AVX-512 and AVX2, which the program in ../gemm/gen/passes writes, and plain Go give the same
// bits: the functions are those of package elementary, and sums have a stated order.
package passes

import (
	"fmt"

	"github.com/xrun-dev/xrun/plugins"
)

// Lanes divides the number of columns in the memory of a tile. What stands in columns behind the last example does not
// matter, but where it says otherwise, and is overwritten.
const Lanes = 16

// Padded is the least multiple of Lanes that is not below n.
func Padded(n int) int { return (n + Lanes - 1) / Lanes * Lanes }

// A Tile has its row i at Data[i·Stride], with room for Padded columns.
type Tile[F plugins.Float] struct {
	Data   []F
	Rows   int
	Stride int
}

// Row is the row i, of n columns.
func (t Tile[F]) Row(i, n int) []F { return t.Data[i*t.Stride:][:n] }

func (t Tile[F]) check(columns int) {
	if t.Rows < 1 || columns < 0 || t.Stride < columns || len(t.Data) < (t.Rows-1)*t.Stride+columns {
		panic(fmt.Sprintf("passes: a tile of %d × %d, in steps of %d, has %d elements", t.Rows, columns, t.Stride, len(t.Data)))
	}
}

func enough[F any](name string, v []F, columns int) {
	if len(v) < columns {
		panic(fmt.Sprintf("passes: %s of %d columns have %d elements", name, columns, len(v)))
	}
}

// SoftmaxDerivative replaces the outputs of n examples by the derivatives of share·(−log p(label)) by them, where p is
// proportional to exp(z): share·p, less share for the label. The greatest output is subtracted first, so that nothing
// overflows. A p below e⁻⁶⁰⁰ times the greatest, in float32 below e⁻⁶⁴, counts as 0. Labels are as long as a padded row.
func SoftmaxDerivative[F plugins.Float](z Tile[F], labels []int32, n int, share F) {
	n = Padded(n)
	z.check(n)
	enough("labels", labels, n)
	if n > 0 && !softmaxDerivative(z, labels, n, share) {
		plainSoftmaxDerivative(z, labels, n, share)
	}
}

// SoftmaxScore gives what the losses of n examples are made of, see [Loss], and the class that is likeliest: the first of
// those with the greatest output. An example with an infinite output, or one that is no number, has no loss.
func SoftmaxScore[F plugins.Float](z Tile[F], labels []int32, n int, rest, gap, first []F) {
	n = Padded(n)
	z.check(n)
	enough("labels", labels, n)
	enough("sums", rest, n)
	enough("gaps", gap, n)
	enough("classes", first, n)
	if n > 0 && !softmaxScore(z, labels, n, rest, gap, first) {
		plainSoftmaxScore(z, labels, n, rest, gap, first)
	}
}

// LogisticDerivative does for one output, of which class 1 has the probability 1/(1+exp(−z)), what [SoftmaxDerivative] does
// for several.
func LogisticDerivative[F plugins.Float](z []F, labels []int32, n int, share F) {
	n = Padded(n)
	enough("outputs", z, n)
	enough("labels", labels, n)
	if n > 0 && !logisticDerivative(z, labels, n, share) {
		plainLogisticDerivative(z, labels, n, share)
	}
}

// LogisticScore does for one output what [SoftmaxScore] does for several.
func LogisticScore[F plugins.Float](z []F, labels []int32, n int, rest, gap, first []F) {
	n = Padded(n)
	enough("outputs", z, n)
	enough("labels", labels, n)
	enough("sums", rest, n)
	enough("gaps", gap, n)
	enough("classes", first, n)
	if n > 0 && !logisticScore(z, labels, n, rest, gap, first) {
		plainLogisticScore(z, labels, n, rest, gap, first)
	}
}

// Loss is the sum of the losses of n examples, log(1+rest) + gap each, in float64: rest is the sum of exponentials but for
// the greatest, relative to it, and gap the greatest output less that of the label. Elements behind n become 0. The sum has
// eight parts, of every eighth example, which are added as halves: part i and part i+4, then i and i+2, i+1.
func Loss[F plugins.Float](rest, gap []F, n int) float64 {
	columns := Padded(n)
	enough("sums", rest, columns)
	enough("gaps", gap, columns)
	clear(rest[n:columns])
	clear(gap[n:columns])
	if n == 0 {
		return 0
	}
	if sum, done := loss(rest, gap, columns); done {
		return sum
	}
	return plainLoss(rest[:columns], gap[:columns])
}

// Tanh replaces n columns by their hyperbolic tangents, TanhDerivative multiplies the derivatives d by those of the
// activation with the results h: by 1−h².
func Tanh[F plugins.Float](h Tile[F], n int) {
	n = Padded(n)
	h.check(n)
	if n > 0 && !tanh(h, n) {
		plainTanh(h, n)
	}
}

// TanhDerivative is described at [Tanh].
func TanhDerivative[F plugins.Float](d, h Tile[F], n int) {
	n = Padded(n)
	d.check(n)
	h.check(n)
	if n > 0 && !tanhDerivative(d, h, n) {
		plainTanhDerivative(d, h, n)
	}
}

// Relu replaces n columns by max(0, x). ReluDerivative sets derivatives to 0 where the result h is not above 0. What is no
// number stays none.
func Relu[F plugins.Float](h Tile[F], n int) {
	n = Padded(n)
	h.check(n)
	if n > 0 && !relu(h, n) {
		plainRelu(h, n)
	}
}

// ReluDerivative is described at [Relu].
func ReluDerivative[F plugins.Float](d, h Tile[F], n int) {
	n = Padded(n)
	d.check(n)
	h.check(n)
	if n > 0 && !reluDerivative(d, h, n) {
		plainReluDerivative(d, h, n)
	}
}

// Sums adds to each element of sums that of n columns of a row. A row's sum has 16 parts, of every 16th column, which are
// added as halves: part i and part i+8, then i and i+4, i+2, i+1. Elements of z behind n become 0.
func Sums[F plugins.Float](sums []F, z Tile[F], n int) {
	columns := Padded(n)
	z.check(columns)
	enough("sums", sums, z.Rows)
	for i := range z.Rows {
		clear(z.Row(i, columns)[n:])
	}
	if n > 0 && !sumsOf(sums, z, columns) {
		plainSums(sums, z, columns)
	}
}

// Transpose writes rows of so many columns, which begin in from at the given places, below each other: element k of row i to
// to[k·stride+i]. It gathers a mini-batch so that its examples are the elements of a vector.
func Transpose[F plugins.Float](to []F, stride int, from []F, at []int, columns int) {
	if len(at) == 0 || columns == 0 {
		return
	}
	for _, place := range at {
		if place < 0 || place+columns > len(from) {
			panic(fmt.Sprintf("passes: a row of %d elements from %d on is beyond %d", columns, place, len(from)))
		}
	}
	if stride < len(at) || len(to) < (columns-1)*stride+len(at) {
		panic(fmt.Sprintf("passes: %d columns of %d elements, %d apart, do not fit into %d", columns, len(at), stride, len(to)))
	}
	rows, done := transpose(to, stride, from, at, columns)
	for i, place := range at {
		first := 0
		if i < rows {
			first = done
		}
		for k, x := range from[place+first:][:columns-first] {
			to[(first+k)*stride+i] = x
		}
	}
}
