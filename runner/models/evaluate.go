package models

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

func (n *network[F]) Evaluate(part data.Part[F], s Slab[F], active []int, out []Score) {
	variation := 0.0
	if part.Labels == nil {
		variation = variationOf(part.Y)
	}
	for len(active) > 0 {
		slots := active[:min(n.slots, len(active))]
		n.evaluate(part, s, slots)
		for i, t := range n.tallies[:len(slots)] {
			out[i] = t.score(part.N, part.Labels == nil, variation)
		}
		active, out = active[len(slots):], out[len(slots):]
	}
}

// evaluate fills the tallies of the slots of one panel.
func (n *network[F]) evaluate(part data.Part[F], s Slab[F], slots []int) {
	last := len(n.layers) - 1
	n.load(s, slots)
	clear(n.tallies)
	for from := 0; from < part.N; from += chunk {
		rows := min(chunk, part.N-from)
		n.forward(part, from, rows, s, slots)
		for i := range slots {
			n.forwardDeep(i, rows)
			n.head.score(n.outputs(last, i, rows), part, from, &n.tallies[i])
		}
	}
}

// variationOf is Σ(ȳ−y)².
func variationOf[F plugins.Float](y []F) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range y {
		sum += float64(v)
	}
	mean := sum / float64(len(y))
	constant := true
	for _, v := range y {
		constant = constant && v == y[0]
		e := float64(v) - mean
		squares += float64(e * e)
	}
	if constant { // rounding may have made it tiny instead of 0
		return 0
	}
	return squares
}

// score turns the sums over n rows into means.
func (t tally) score(n int, regression bool, variation float64) Score {
	m := float64(max(1, n))
	if !regression {
		return Score{Loss: t.loss / m, Accuracy: float64(t.correct) / m}
	}
	s := Score{Loss: t.loss / (2 * m), RMSE: math.Sqrt(t.loss / m)}
	switch {
	case variation > 0 || math.IsNaN(t.loss):
		s.R2 = 1 - t.loss/variation
	case t.loss == 0:
		s.R2 = 1
	}
	return s
}
