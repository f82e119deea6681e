package reference

import (
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
	"github.com/xrun-dev/xrun/runner/data"
)

// OptimalityViolation is the largest distance of 0 from the subdifferential of J = mean loss + l1·Σ|θ| + l2/2·Σθ²
// by a parameter: 0 exactly at a minimum if the loss is convex. gradient is that of the mean loss at params; the
// penalty applies to the spans.
func OptimalityViolation(gradient, params []float64, l1, l2 float64, penalized []plugins.Span) float64 {
	worst, from := 0.0, 0
	see := func(from, to int, l1, l2 float64) {
		for i := from; i < to; i++ {
			if v := distance(gradient[i], params[i], l1, l2); v > worst || v != v {
				worst = v
			}
		}
	}
	for _, span := range penalized {
		see(from, span.From, 0, 0)
		see(span.From, span.To, l1, l2)
		from = span.To
	}
	see(from, len(params), 0, 0)
	return worst
}

// distance of 0 from the subdifferential by one parameter x, where the loss has the derivative g.
func distance(g, x, l1, l2 float64) float64 {
	if l1 == 0 || x != 0 {
		g += float64(l2 * x)
		if l1 != 0 {
			g += math.Copysign(l1, x)
		}
		return math.Abs(g)
	}
	if v := math.Abs(g) - l1; !(v <= 0) {
		return v
	}
	return 0
}

// weightsOf is the span of the weights in front of the intercepts.
func weightsOf(outputs, features int) []plugins.Span {
	return []plugins.Span{{From: 0, To: outputs * features}}
}

// DualityGap bounds J − J* of a linear model from above, whatever its parameters, laid out as in [Solution]: it is the
// difference of J to the dual objective at the residual of the weights with their best intercept,
// which without L2 is scaled into the dual's feasible set (Kim, Koh, Lustig, Boyd, Gorinevsky 2007,
// IEEE J. Sel. Top. Signal Process. 1, III). A free intercept centres the residual. Infinite
// where the problem has no penalty, and so no such bound, unless the residual is orthogonal to all features.
func DualityGap(train data.Part[float64], params []float64, l1, l2 float64) float64 {
	x := newRows(train)
	r := make([]float64, x.N)
	x.outputs(r, append(append([]float64(nil), params[:x.D]...), 0))
	mean, n := 0.0, float64(x.N)
	for i := range r {
		r[i] = train.Y[i] - r[i]
		mean += r[i] / n
	}
	squares, product := 0.0, 0.0
	for i := range r {
		r[i] -= mean
		squares += float64(r[i]*r[i]) / n
		product += float64(r[i]*train.Y[i]) / n
	}
	q := make([]float64, x.D+1)
	x.back(q, r)
	largest := 0.0
	for _, v := range q[:x.D] {
		largest = max(largest, math.Abs(v))
	}
	scale, dual := 1.0, 0.0
	if l2 == 0 && largest > l1 {
		if scale = l1 / largest; scale == 0 {
			return math.Inf(1)
		}
	}
	off := params[x.D] - mean // an intercept that is not the best costs its square
	for j, mean := range x.means {
		off += float64(mean * params[j])
	}
	primal := squares/2 + float64(off*off)/2
	for j, w := range params[:x.D] {
		primal += float64(l1*math.Abs(w)) + float64(l2*float64(w*w))/2
		if over := math.Abs(q[j]) - l1; l2 > 0 && over > 0 {
			dual -= float64(over*over) / (2 * l2)
		}
	}
	dual += float64(scale*product) - float64(scale*float64(scale*squares))/2
	return max(primal-dual, 0)
}

// NullGradient is max |∂ mean loss/∂w| of the model that has nothing but its best intercepts: the least L1 at
// which all weights are 0. It is NaN for models without such a number. weights is what a row of each class counts; nil
// where rows count alike.
func NullGradient(model string, train data.Part[float64], weights []float64) float64 {
	s, err := newSolver(Problem{Model: model, Train: train, Weights: weights})
	if err != nil {
		return math.NaN()
	}
	largest := 0.0
	for _, g := range s.now.gradient[:s.outputs*s.x.D] {
		largest = max(largest, math.Abs(g))
	}
	return largest
}

// nullModel is the best intercepts without weights: the mean, or the logarithms of the classes' shares.
func nullModel(p Problem) ([]float64, error) {
	n := float64(p.Train.N)
	if p.Model == Linear {
		mean := 0.0
		for _, y := range p.Train.Y {
			mean += y / n
		}
		return []float64{mean}, nil
	}
	logs := make([]float64, p.Train.Classes)
	for _, label := range p.Train.Labels {
		logs[label]++
	}
	for k, count := range logs {
		if count == 0 {
			return nil, fmt.Errorf("%w: no training example is of class %d, whose intercept has no bound; split the data in a stratified way", errNoOptimum, k)
		}
		share := count / n
		if p.Weights != nil {
			share = float64(p.Weights[k] * share)
		}
		logs[k] = elementary.Log(share)
	}
	if p.Model == Logistic {
		return []float64{logs[1] - logs[0]}, nil
	}
	return logs, nil
}
