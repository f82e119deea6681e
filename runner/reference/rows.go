package reference

import (
	"math"

	"github.com/xrun-dev/xrun/runner/data"
)

// rows are the features of the training set. A solver uses them through dot, add and addSquares; only these know how
// features are stored.
//
// Features are centred in effect. With a free intercept that is the same problem, and features far from 0 do not spoil
// it. Their means are kept apart, so that zeros stay zeros.
type rows struct {
	data.Part[float64]
	means  []float64
	spread []float64 // population standard deviations; 0 where constant
}

func newRows(part data.Part[float64]) *rows {
	x := &rows{Part: part, means: make([]float64, part.D), spread: make([]float64, part.D)}
	for i := range part.N {
		x.add(i, 1/float64(part.N), x.means)
	}
	x.addSquares(func(int) float64 { return 1 / float64(part.N) }, x.spread)
	for j, squares := range x.spread {
		x.spread[j] = math.Sqrt(squares)
		if x.spread[j] <= 1e-14*math.Abs(x.means[j]) { // a constant, up to rounding
			x.spread[j] = 0
		}
	}
	return x
}

// dot is the product of row i, not centred, with w.
func (x *rows) dot(i int, w []float64) float64 {
	sum := 0.0
	if x.IsSparse() {
		columns, values := x.Sparse.Row(i)
		for n, v := range values {
			sum += float64(v * w[columns[n]])
		}
		return sum
	}
	for j, v := range x.X[i*x.D:][:len(w)] {
		sum += float64(v * w[j])
	}
	return sum
}

// add adds a times row i, not centred, to out.
func (x *rows) add(i int, a float64, out []float64) {
	if x.IsSparse() {
		columns, values := x.Sparse.Row(i)
		for n, v := range values {
			out[columns[n]] += float64(a * v)
		}
		return
	}
	for j, v := range x.X[i*x.D:][:len(out)] {
		out[j] += float64(a * v)
	}
}

// addSquares adds the squares of all rows, centred, to out, each row times its factor.
func (x *rows) addSquares(factor func(i int) float64, out []float64) {
	if !x.IsSparse() {
		for i := range x.N {
			a := factor(i)
			for j, v := range x.X[i*x.D:][:len(out)] {
				v -= x.means[j]
				out[j] += float64(a * float64(v*v))
			}
		}
		return
	}
	total := 0.0 // what every row adds where it is 0, and more or less where it is not
	for i := range x.N {
		a := factor(i)
		total += a
		columns, values := x.Sparse.Row(i)
		for n, v := range values {
			mean := x.means[columns[n]]
			out[columns[n]] += float64(a * (float64((v-mean)*(v-mean)) - float64(mean*mean)))
		}
	}
	for j, mean := range x.means[:len(out)] {
		out[j] += float64(total * float64(mean*mean))
	}
}

// outputs writes z = w·x + b for every row and output; params are laid out as in [Solution].
func (x *rows) outputs(z, params []float64) {
	k := len(z) / x.N
	for o := range k {
		w := params[o*x.D:][:x.D]
		b := params[k*x.D+o]
		for j, mean := range x.means {
			b -= float64(mean * w[j])
		}
		for i := range x.N {
			z[i*k+o] = x.dot(i, w) + b
		}
	}
}

// back is the transpose of outputs, divided by the number of rows. The derivative by a constant feature is 0, without
// rounding errors.
func (x *rows) back(out, z []float64) {
	k := len(z) / x.N
	clear(out)
	for o := range k {
		w, sum := out[o*x.D:][:x.D], 0.0
		for i := range x.N {
			if a := z[i*k+o] / float64(x.N); a != 0 {
				x.add(i, a, w)
				sum += a
			}
		}
		out[k*x.D+o] = sum
		for j, mean := range x.means {
			w[j] -= float64(mean * sum)
			if x.spread[j] == 0 {
				w[j] = 0
			}
		}
	}
}
