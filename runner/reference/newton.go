package reference

import (
	"context"
	"math"
)

// measureCurvature computes the diagonal of the Hessian, which scales proximal steps and conjugate gradients.
func (s *solver) measureCurvature() {
	d, k := s.x.D, s.outputs
	clear(s.curvature)
	for o := range k {
		second := func(i int) float64 {
			h := s.problem.weight(i) / float64(s.x.N)
			if p := s.now.z[i*k+o]; s.problem.Model != Linear {
				h = float64(h * float64(p*(1-p)))
			}
			return h
		}
		s.x.addSquares(second, s.curvature[o*d:][:d])
		for i := range s.x.N {
			s.curvature[k*d+o] += second(i)
		}
	}
	for i := range s.curvature {
		s.curvature[i] += s.l2(i)
		if constant := i < k*d && s.x.spread[i%d] == 0; constant || s.curvature[i] <= 0 {
			s.curvature[i] = 1 // the derivative is 0 as well
		}
	}
}

// hessian writes H·v, where H is the Hessian of J without L1 at the current point, restricted to the free parameters.
func (s *solver) hessian(out, v []float64) {
	k := s.outputs
	s.x.outputs(s.work, v)
	for i := range s.x.N {
		z, p := s.work[i*k:][:k], s.now.z[i*k:][:k]
		switch s.problem.Model {
		case Logistic:
			z[0] = float64(z[0] * float64(p[0]*(1-p[0])))
		case Softmax: // diag(p) − p·pᵀ
			mean := 0.0
			for o := range z {
				mean += float64(p[o] * z[o])
			}
			for o := range z {
				z[o] = float64(p[o] * (z[o] - mean))
			}
		}
		if s.problem.Weights != nil {
			for o := range z {
				z[o] = float64(s.problem.weight(i) * z[o])
			}
		}
	}
	s.x.back(out, s.work)
	for i := range out {
		out[i] += float64(s.l2(i) * v[i])
		if !s.free[i] {
			out[i] = 0
		}
	}
}

// proximalStep moves every parameter by the proximal map of its own curvature, halved until J decreases.
func (s *solver) proximalStep() bool {
	for t := 1.0; t > 1e-9; t /= 2 {
		decrease := 0.0
		for i, x := range s.now.params {
			g := s.now.gradient[i] + float64(s.l2(i)*x)
			step := t / s.curvature[i]
			y := soft(x-float64(step*g), float64(step*s.l1(i)))
			s.next.params[i] = y
			decrease += float64((y-x)*(y-x)) / step
		}
		s.evaluate(s.next)
		if s.accept(decrease) {
			return true
		}
	}
	return false
}

// soft is x moved towards 0 by at most a threshold.
func soft(x, threshold float64) float64 {
	if math.Abs(x) <= threshold {
		return 0
	}
	return x - math.Copysign(threshold, x)
}

// newtonStep minimises the quadratic model of J over the free parameters: intercepts and, under L1, the weights that
// are not 0, whose signs it keeps by setting to 0 what would cross it.
func (s *solver) newtonStep(ctx context.Context) (moved bool, err error) {
	for i, x := range s.now.params {
		s.free[i] = s.l1(i) == 0 || x != 0
	}
	if err := s.conjugateGradients(ctx); err != nil {
		return false, err
	}
	for t := 1.0; t > 1e-9; t /= 2 {
		slope := 0.0
		for i, x := range s.now.params {
			y := x + float64(t*s.direction[i])
			if s.l1(i) > 0 && float64(y*x) < 0 {
				y = 0
			}
			s.next.params[i] = y
			slope -= float64((y - x) * s.slope(i))
		}
		if !(slope > 0) {
			return false, nil // nowhere to go on this face
		}
		s.evaluate(s.next)
		if s.accept(slope) {
			s.lastMove = float64(t * s.reach())
			return true, nil
		}
	}
	return false, nil
}

// reach is the most by which the direction changes an output against the others of its row.
func (s *solver) reach() float64 {
	most := 0.0
	s.x.outputs(s.work, s.direction)
	for i := range s.x.N {
		low, high := 0.0, 0.0 // the output of the class that a logistic model does not name
		if s.outputs > 1 {
			low, high = math.Inf(1), math.Inf(-1)
		}
		for _, z := range s.work[i*s.outputs:][:s.outputs] {
			low, high = min(low, z), max(high, z)
		}
		most = max(most, high-low)
	}
	return most
}

// slope is the derivative of J by a free parameter.
func (s *solver) slope(i int) float64 {
	x := s.now.params[i]
	g := s.now.gradient[i] + float64(s.l2(i)*x)
	if l1 := s.l1(i); l1 > 0 && x != 0 {
		g += math.Copysign(l1, x)
	}
	return g
}

// accept moves to the next point if J has decreased by a ten-thousandth of what was promised, as Armijo asks,
// or, where rounding hides such a decrease, if the optimum is violated less there.
func (s *solver) accept(promised float64) bool {
	change := s.next.value - s.now.value
	hidden := math.Abs(change) <= 1e-13*math.Abs(s.now.value)
	if change <= -1e-4*promised && change < 0 && !hidden || hidden && s.next.violation < s.now.violation {
		s.now, s.next = s.next, s.now
		return true
	}
	return false
}

// conjugateGradients solves H·direction = −slope over the free parameters, the better the closer the optimum, so
// that Newton's method converges quadratically: Nocedal, Wright 2006, algorithm 5.3 and (7.3).
func (s *solver) conjugateGradients(ctx context.Context) error {
	s.gather()
	clear(s.direction)
	clear(s.residual)
	clear(s.z)
	for _, i := range s.face.free {
		s.residual[i] = -s.slope(i)
	}
	s.precondition(s.z, s.residual)
	copy(s.p, s.z)
	rho := product(s.residual, s.z)
	accuracy := max(min(s.now.violation, 0.1), 1e-8)
	if s.problem.Model == Linear {
		accuracy = 1e-8 // one step then leads to the optimum of its signs
	}
	goal, most := float64(rho*accuracy*accuracy), len(s.face.free)+200
	patience := s.face.cost(len(s.free))
	for i := 0; rho > goal && i < most; i++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if i == patience && s.factor() { // as much again is spent on a factor, with which a few products are enough
			s.precondition(s.z, s.residual)
			copy(s.p, s.z)
			rho = product(s.residual, s.z)
			goal = min(goal, float64(rho*accuracy*accuracy))
		}
		s.hessian(s.hp, s.p)
		curvature, scale := product(s.p, s.hp), 0.0
		for i, v := range s.p {
			scale += float64(v * float64(s.curvature[i]*v))
		}
		if !(curvature > 1e-14*scale) {
			break // rounding has led to where J is flat, as along copies of a feature
		}
		step, old := rho/curvature, rho
		for i := range s.direction {
			s.direction[i] += float64(step * s.p[i])
			s.residual[i] -= float64(step * s.hp[i])
		}
		s.precondition(s.z, s.residual)
		rho = product(s.residual, s.z)
		for i := range s.p {
			s.p[i] = s.z[i] + float64(rho/old*s.p[i])
		}
	}
	return nil
}

func product(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += float64(v * y[i])
	}
	return sum
}
