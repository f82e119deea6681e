package models

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
	"github.com/xrun-dev/xrun/runner/passes"
)

// A head turns the outputs of a network for a chunk of examples into a loss.
type head[F plugins.Float] interface {
	// differentiate replaces the outputs by the derivatives of each example's loss, times share.
	differentiate(out passes.Tile[F], of targets[F], examples int, share F)
	// score adds the examples to t.
	score(out passes.Tile[F], of targets[F], examples int, t *tally)
	// predict writes what each example's outputs mean to values: the number of a regression, or the probability of each
	// class. classes gets the class that score takes for the likeliest; a regression has none.
	predict(out passes.Tile[F], examples int, values []float64, classes []int)
	metrics() []string
}

// The metrics that apply, by kind of model.
var (
	metricsOfLoss       = []string{"loss"}
	metricsOfClasses    = []string{"loss", "accuracy"}
	metricsOfRegression = []string{"loss", "rmse", "r2"}
)

func newHead[F plugins.Float](c Config) head[F] {
	facts := classFacts[F]{rest: make([]F, chunk), gap: make([]F, chunk), first: make([]F, chunk), weights: c.ClassWeights}
	switch {
	case c.Name == "logistic":
		return logistic[F]{facts}
	case c.classifies():
		return softmax[F]{facts, make([]float64, c.Classes)}
	}
	return squares[F]{}
}

// squares is ½(h−y)².
type squares[F plugins.Float] struct{}

func (squares[F]) metrics() []string { return metricsOfRegression }

func (squares[F]) differentiate(out passes.Tile[F], of targets[F], examples int, share F) {
	z := out.Row(0, examples)
	for i, y := range of.y[:examples] {
		z[i] = F((z[i] - y) * share)
	}
}

// score has eight sums, of every eighth example, which are added as halves, so that they do not wait for each other.
func (squares[F]) score(out passes.Tile[F], of targets[F], examples int, t *tally) {
	var parts [8]float64
	z := out.Row(0, examples)
	for i, y := range of.y[:examples] {
		e := float64(z[i]) - float64(y)
		parts[i%8] += float64(e * e)
	}
	t.loss += ((parts[0] + parts[4]) + (parts[2] + parts[6])) + ((parts[1] + parts[5]) + (parts[3] + parts[7]))
}

func (squares[F]) predict(out passes.Tile[F], examples int, values []float64, _ []int) {
	for i, z := range out.Row(0, examples) {
		values[i] = float64(z)
	}
}

// classFacts are what the losses and likeliest classes of a chunk are made of; see [passes.Loss].
type classFacts[F plugins.Float] struct {
	rest, gap, first []F
	weights          []float64 // by class; nil where rows count alike
}

func (classFacts[F]) metrics() []string { return metricsOfClasses }

func (c classFacts[F]) count(of targets[F], examples int, t *tally) {
	correct := 0
	first, rest := c.first[:examples], c.rest[:examples]
	for i, label := range of.labels[:examples] {
		if int32(first[i]) == label && rest[i] == rest[i] {
			correct++
		}
	}
	t.correct += correct
	if c.weights != nil {
		t.loss += c.weighted(of, examples)
		return
	}
	t.loss += passes.Loss(c.rest, c.gap, examples)
}

// weighted is the sum of weighted losses. It has the parts of [passes.Loss].
func (c classFacts[F]) weighted(of targets[F], examples int) float64 {
	var parts [8]float64
	for i, label := range of.labels[:examples] {
		parts[i%8] += float64(c.weights[label] * (elementary.Log1p(float64(c.rest[i])) + float64(c.gap[i])))
	}
	return ((parts[0] + parts[4]) + (parts[2] + parts[6])) + ((parts[1] + parts[5]) + (parts[3] + parts[7]))
}

// weigh multiplies derivatives by the weights of their examples.
func (c classFacts[F]) weigh(out passes.Tile[F], of targets[F], examples int) {
	if c.weights == nil {
		return
	}
	for j := range out.Rows {
		row := out.Row(j, examples)
		for i, label := range of.labels[:examples] {
			row[i] = F(row[i] * F(c.weights[label]))
		}
	}
}

// logistic is −log p(label), where class 1 has the probability 1/(1+exp(−z)).
type logistic[F plugins.Float] struct{ classFacts[F] }

func (h logistic[F]) differentiate(out passes.Tile[F], of targets[F], examples int, share F) {
	passes.LogisticDerivative(out.Data, of.labels, examples, share)
	h.weigh(out, of, examples)
}

func (h logistic[F]) score(out passes.Tile[F], of targets[F], examples int, t *tally) {
	passes.LogisticScore(out.Data, of.labels, examples, h.rest, h.gap, h.first)
	h.count(of, examples, t)
}

// predict only takes exponentials of negative numbers, so nothing overflows.
func (h logistic[F]) predict(out passes.Tile[F], examples int, values []float64, classes []int) {
	for i, z := range out.Row(0, examples) {
		e := elementary.Exp(-math.Abs(float64(z)))
		less, more := e/(1+e), 1/(1+e)
		if z > 0 {
			values[2*i], values[2*i+1], classes[i] = less, more, 1
		} else {
			values[2*i], values[2*i+1], classes[i] = more, less, 0
		}
	}
}

// softmax is −log p(label), where p is proportional to exp(z).
type softmax[F plugins.Float] struct {
	classFacts[F]
	exps []float64 // working memory, one for each class
}

func (h softmax[F]) differentiate(out passes.Tile[F], of targets[F], examples int, share F) {
	passes.SoftmaxDerivative(out, of.labels, examples, share)
	h.weigh(out, of, examples)
}

func (h softmax[F]) score(out passes.Tile[F], of targets[F], examples int, t *tally) {
	passes.SoftmaxScore(out, of.labels, examples, h.rest, h.gap, h.first)
	h.count(of, examples, t)
}

// predict subtracts the greatest output first, so that exponentials do not overflow.
func (h softmax[F]) predict(out passes.Tile[F], examples int, values []float64, classes []int) {
	for i := range examples {
		column := out.Data[i:]
		first := 0
		for j := range out.Rows {
			if column[j*out.Stride] > column[first*out.Stride] {
				first = j
			}
		}
		sum := 0.0
		for j := range out.Rows {
			h.exps[j] = elementary.Exp(float64(column[j*out.Stride]) - float64(column[first*out.Stride]))
			sum += h.exps[j]
		}
		classes[i] = first
		for j, e := range h.exps[:out.Rows] {
			values[i*out.Rows+j] = e / sum
		}
	}
}
