package reference

import (
	"math"

	"github.com/xrun-dev/xrun/plugins/elementary"
)

// point is J and its derivatives at some parameters.
type point struct {
	params   []float64
	z        []float64 // N × outputs: residuals h − y of linear, probabilities of the others
	gradient []float64 // of the mean loss
	value    float64   // J
	// violation is the largest of the optimality conditions', each in its own unit.
	violation float64
}

// solver is the state of a search. Its parameters are for centred features.
type solver struct {
	problem Problem
	x       *rows
	outputs int
	units   []float64 // what a violation of 1 means, by parameter

	tolerance float64 // the violation that is none

	now, next *point
	curvature []float64 // the diagonal of the Hessian of J without L1
	lastMove  float64   // the most by which the last Newton step changed an output

	work               []float64 // N × outputs
	free               []bool    // parameters that a Newton step may move
	face               face      // and what there is of them
	direction          []float64
	residual, z, p, hp []float64 // of conjugate gradients
}

// newSolver starts at the best model without weights.
func newSolver(problem Problem) (*solver, error) {
	if err := problem.check(); err != nil {
		return nil, err
	}
	intercepts, err := nullModel(problem)
	if err != nil {
		return nil, err
	}
	k, n, d := len(intercepts), problem.Train.N, problem.Train.D
	dim := k*d + k
	vector := func() []float64 { return make([]float64, dim) }
	s := &solver{
		problem: problem, x: newRows(problem.Train), outputs: k,
		units: vector(), curvature: vector(), free: make([]bool, dim), direction: vector(),
		work: make([]float64, n*k), residual: vector(), z: vector(), p: vector(), hp: vector(),
		now:  &point{params: vector(), z: make([]float64, n*k), gradient: vector()},
		next: &point{params: vector(), z: make([]float64, n*k), gradient: vector()},
	}
	if s.tolerance = tolerance; problem.Model == Linear {
		s.tolerance = toleranceOfLinear
	}
	copy(s.now.params[k*d:], intercepts)
	s.now.violation = math.Inf(1)
	s.evaluate(s.now)
	s.measureUnits()
	s.now.violation = s.violation(s.now)
	return s, nil
}

// measureUnits bounds every derivative of the null model by the lengths of feature and residual.
func (s *solver) measureUnits() {
	squares := 0.0
	for i := range s.x.N {
		for k := range s.outputs {
			r := s.residualOf(s.now, i, k)
			squares += float64(r * r)
		}
	}
	length := math.Sqrt(squares / float64(s.x.N))
	if length == 0 {
		length = 1
	}
	for i := range s.units {
		s.units[i] = length
		if i < s.outputs*s.x.D && s.x.spread[i%s.x.D] > 0 {
			s.units[i] = float64(length * s.x.spread[i%s.x.D])
		}
	}
}

// residualOf is the derivative of the loss of row i by output k, weighted.
func (s *solver) residualOf(p *point, i, k int) float64 {
	r := p.z[i*s.outputs+k]
	switch s.problem.Model {
	case Logistic:
		r -= float64(s.problem.Train.Labels[i])
	case Softmax:
		if int(s.problem.Train.Labels[i]) == k {
			r--
		}
	}
	return float64(s.problem.weight(i) * r)
}

// evaluate fills a point from its parameters.
func (s *solver) evaluate(p *point) {
	s.x.outputs(p.z, p.params)
	loss := 0.0
	for i := range s.x.N {
		loss += float64(s.problem.weight(i) * s.toProbabilities(p.z[i*s.outputs:][:s.outputs], i))
	}
	for i := range s.x.N {
		for k := range s.outputs {
			s.work[i*s.outputs+k] = s.residualOf(p, i, k)
		}
	}
	s.x.back(p.gradient, s.work)
	absolute, squares := 0.0, 0.0
	for _, w := range p.params[:s.outputs*s.x.D] {
		absolute += math.Abs(w)
		squares += float64(w * w)
	}
	p.value = loss/float64(s.x.N) + float64(s.problem.L1*absolute) + float64(s.problem.L2*squares)/2
	p.violation = s.violation(p)
}

// toProbabilities replaces the outputs of row i by residuals or probabilities, and returns its loss.
func (s *solver) toProbabilities(z []float64, i int) float64 {
	switch s.problem.Model {
	case Linear:
		z[0] -= s.problem.Train.Y[i]
		return float64(z[0]*z[0]) / 2
	case Logistic:
		x, tail := z[0], elementary.Exp(-math.Abs(z[0]))
		if z[0] = 1 / (1 + tail); x < 0 {
			z[0] = tail / (1 + tail)
		}
		return elementary.Log1p(tail) + (max(x, 0) - float64(x*float64(s.problem.Train.Labels[i])))
	}
	top := z[0]
	for _, v := range z {
		top = max(top, v)
	}
	sum, own := 0.0, z[s.problem.Train.Labels[i]]-top
	for k, v := range z {
		z[k] = elementary.Exp(v - top)
		sum += z[k]
	}
	for k := range z {
		z[k] /= sum
	}
	return elementary.Log(sum) - own
}

// violation is the largest distance of 0 from a subdifferential, in units.
func (s *solver) violation(p *point) float64 {
	worst := 0.0
	for i, g := range p.gradient {
		if v := distance(g, p.params[i], s.l1(i), s.l2(i)) / s.units[i]; v > worst || v != v {
			worst = v
		}
	}
	return worst
}

// l1 and l2 are the coefficients of a parameter.
func (s *solver) l1(i int) float64 { return s.ofWeight(i, s.problem.L1) }
func (s *solver) l2(i int) float64 { return s.ofWeight(i, s.problem.L2) }

func (s *solver) ofWeight(i int, coefficient float64) float64 {
	if i < s.outputs*s.x.D {
		return coefficient
	}
	return 0
}

// separates reports whether the class of every example is its single most likely one.
func (s *solver) separates() bool {
	for i := range s.x.N {
		row := s.now.z[i*s.outputs:][:s.outputs]
		switch s.problem.Model {
		case Linear:
			return false
		case Logistic:
			if label := s.problem.Train.Labels[i]; label == 1 && !(row[0] > 0.5) || label == 0 && !(row[0] < 0.5) {
				return false
			}
		case Softmax:
			own := int(s.problem.Train.Labels[i])
			for k, p := range row {
				if k != own && !(p < row[own]) {
					return false
				}
			}
		}
	}
	return true
}
