package models

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/passes"
)

func (n *network[F]) Evaluate(part data.Part[F], s Slab[F], active []int, out []Score) {
	variation := 0.0
	if part.Labels == nil {
		variation = variationOf(part.Y)
	}
	if len(n.tallies) < len(active) {
		n.tallies = make([]tally, len(active))
	}
	clear(n.tallies)
	for from := 0; from < part.N; from += chunk {
		examples := min(chunk, part.N-from)
		n.take(part, from, examples)
		for i := 0; i < len(active); i += n.slots {
			n.evaluate(part, from, examples, s, active[i:min(i+n.slots, len(active))], n.tallies[i:])
		}
	}
	for i := range active {
		out[i] = n.tallies[i].score(part.N, part.Labels == nil, variation)
	}
}

// evaluate adds a chunk to the tallies of slots that are computed together.
func (n *network[F]) evaluate(part data.Part[F], from, examples int, s Slab[F], slots []int, tallies []tally) {
	first := n.forward(part, from, examples, s, slots)
	for i, slot := range slots {
		z := n.forwardDeep(slotOf(first, i, n.layers[0].out), examples, s.params(slot, n.dim))
		n.head.score(z, n.targets, examples, &tallies[i])
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

// A tally has the sums that scores are made of: those of chunks of rows, in their order.
type tally struct {
	loss    float64 // of a regression: Σ(h−y)²
	correct int
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

// targets are those of a chunk of rows, padded.
type targets[F plugins.Float] struct {
	labels []int32
	y      []F
}

func (t *targets[F]) take(part data.Part[F], from, examples int) {
	if part.Labels != nil {
		clear(t.labels[copy(t.labels, part.Labels[from:from+examples]):passes.Padded(examples)])
	}
	if part.Y != nil {
		copy(t.y, part.Y[from:from+examples])
	}
}
