package models

import (
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// A head turns the outputs of a network into a loss. The first row of a view is the row from of the part. Logarithms
// and exponentials are computed in float64.
type head[F plugins.Float] interface {
	// differentiate replaces the outputs by the derivatives of each row's loss.
	differentiate(out view[F], part data.Part[F], from int)
	// score adds the rows to t.
	score(out view[F], part data.Part[F], from int, t *tally)
	metrics() []string
}

// A tally has the sums that scores are made of, in row order.
type tally struct {
	loss    float64 // of a regression: Σ(h−y)²
	correct int
}

// The metrics that apply, by kind of model.
var (
	metricsOfLoss       = []string{"loss"}
	metricsOfClasses    = []string{"loss", "accuracy"}
	metricsOfRegression = []string{"loss", "rmse", "r2"}
)

func newHead[F plugins.Float](c Config) head[F] {
	switch {
	case c.Name == "logistic":
		return logistic[F]{make([]float64, chunk)}
	case c.classifies():
		return softmax[F]{make([]float64, c.Classes)}
	}
	return squares[F]{}
}

// squares is ½(h−y)².
type squares[F plugins.Float] struct{}

func (squares[F]) metrics() []string { return metricsOfRegression }

func (squares[F]) differentiate(out view[F], part data.Part[F], from int) {
	for i := range out.rows {
		out.data[i*out.stride] -= part.Y[from+i]
	}
}

func (squares[F]) score(out view[F], part data.Part[F], from int, t *tally) {
	for i := range out.rows {
		e := float64(out.data[i*out.stride]) - float64(part.Y[from+i])
		t.loss += float64(e * e)
	}
}

// logistic is −log p(label), where class 1 has the probability 1/(1+exp(−z)).
// It only takes exponentials of negative numbers, so nothing overflows.
type logistic[F plugins.Float] struct {
	exps []float64 // working memory, one for each row of a chunk
}

func (logistic[F]) metrics() []string { return metricsOfClasses }

// tails are exp(−|z|) for every row.
func (h logistic[F]) tails(out view[F]) []float64 {
	tails := h.exps[:out.rows]
	for i := range tails {
		tails[i] = -math.Abs(float64(out.data[i*out.stride]))
	}
	exponentiate(tails)
	return tails
}

func (h logistic[F]) differentiate(out view[F], part data.Part[F], from int) {
	for i, e := range h.tails(out) {
		p := 1 / (1 + e)
		if out.data[i*out.stride] < 0 {
			p = e / (1 + e)
		}
		out.data[i*out.stride] = F(p - float64(part.Labels[from+i]))
	}
}

func (h logistic[F]) score(out view[F], part data.Part[F], from int, t *tally) {
	for i, e := range h.tails(out) {
		z, label := float64(out.data[i*out.stride]), part.Labels[from+i]
		t.loss += math.Log1p(e) + (max(z, 0) - float64(z*float64(label)))
		if label == 0 && z <= 0 || label == 1 && z > 0 {
			t.correct++
		}
	}
}

// softmax is −log p(label), where p is proportional to exp(z). The greatest z is subtracted first, so that exponentials
// do not overflow.
type softmax[F plugins.Float] struct {
	exps []float64 // working memory, one for each class
}

func (softmax[F]) metrics() []string { return metricsOfClasses }

// exponentials fills exps from the outputs of a row; greatest is the first of the greatest outputs.
func (h softmax[F]) exponentials(row []F, greatest int) (sum float64) {
	exps, top := h.exps[:len(row)], row[greatest]
	for j, z := range row {
		exps[j] = float64(z - top)
	}
	exponentiate(exps)
	for _, e := range exps {
		sum += e
	}
	return sum
}

func (h softmax[F]) differentiate(out view[F], part data.Part[F], from int) {
	for i := range out.rows {
		row := out.row(i)
		scale := 1 / h.exponentials(row, greatestOf(row))
		for j := range row {
			row[j] = F(h.exps[j] * scale)
		}
		row[part.Labels[from+i]] -= 1
	}
}

// sumsInLog is the number of rows that share a logarithm, of the product of their sums. Each sum is from 1 to the number
// of classes, so the product does not overflow.
const sumsInLog = 16

func (h softmax[F]) score(out view[F], part data.Part[F], from int, t *tally) {
	product := 1.0
	for i := range out.rows {
		row, label := out.row(i), int(part.Labels[from+i])
		greatest := greatestOf(row)
		sum := h.exponentials(row, greatest)
		t.loss -= float64(row[label] - row[greatest])
		if greatest == label && sum == sum {
			t.correct++
		}
		if product *= sum; i%sumsInLog == sumsInLog-1 {
			t.loss += math.Log(product)
			product = 1
		}
	}
	t.loss += math.Log(product)
}

// greatestOf is the index of the first of the greatest elements.
func greatestOf[F plugins.Float](row []F) int {
	first, top := 0, row[0]
	for j, z := range row {
		if z > top {
			first, top = j, z
		}
	}
	return first
}
