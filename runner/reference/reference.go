// Package reference computes optima to the last digits: of linear, logistic and softmax regression with penalties on
// absolute values and squares. The suboptimality J − J* of trials is measured against them.
//
// It computes in float64 with its own loops in a fixed order, so that its bits depend on no BLAS library. It knows no
// mini-batches, cohorts or seeds.
package reference

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/runner/data"
)

// The models that have a reference, by their names in tasks.
const (
	Linear   = "linear"   // mean of ½(h − y)²
	Logistic = "logistic" // mean of −log p(label), two classes
	Softmax  = "softmax"  // mean of −log p(label)
)

// A Problem is min J over w and b with J = mean loss + L1·Σ|w| + L2/2·Σw². The intercepts b are free.
type Problem struct {
	Model  string
	Train  data.Part[float64]
	L1, L2 float64
	// Weights is what a row of each class counts in the mean loss; nil where rows count alike.
	Weights []float64
}

// weight is what row i counts.
func (p *Problem) weight(i int) float64 {
	if p.Weights == nil {
		return 1
	}
	return p.Weights[p.Train.Labels[i]]
}

// A Solution is the minimum of a problem.
type Solution struct {
	Value float64 // J
	// Params are the weights, a row of D for each output, and after them an intercept for each output.
	Params []float64
	// Violation is max dist(0, ∂J/∂θ) at Params: 0 at an exact optimum. See [OptimalityViolation].
	Violation  float64
	Iterations int
}

// The reasons for no solution.
var (
	errNoOptimum    = errors.New("there is no finite optimum")
	errNotConverged = errors.New("the optimum was not found")
)

const (
	maxIterations = 1000
	// proximalSteps is the number of proximal steps before each Newton step: they are cheap beside it, and the
	// fewer wrong signs they leave, the fewer Newton steps there are.
	proximalSteps = 20
	// tolerance is how far an optimum may be violated, in the units of solver.units: far above
	// what rounding leaves, and J − J* goes with its square.
	tolerance = 1e-12
	// toleranceOfLinear is smaller, as another step costs little and a duality gap is that violation times
	// the size of the residual: about where rounding ends.
	toleranceOfLinear = 1e-14
	// stalled is what passes where rounding allows no more progress.
	stalled = 1e-9
	// growing is the change of outputs at the last step above which they have no limit: at a limit steps
	// are about the root of the tolerance or less, without one the outputs grow by 1 each.
	growing = 1e-2
)

// Solve finds the minimum by Newton's method on the weights that are not 0, after proximal gradient steps that
// decide which those are: Byrd, Chin, Nocedal, Oztoprak 2016 (Math. Program. 159), 3, with a
// projection onto the orthant as in Andrew, Gao 2007 (ICML), 3.2. Without L1 it is plain
// Newton-CG: Nocedal, Wright 2006, Numerical Optimization, algorithm 7.1.
func Solve(ctx context.Context, p Problem) (Solution, error) {
	s, err := newSolver(p)
	if err != nil {
		return Solution{}, err
	}
	for i := range maxIterations {
		if err := ctx.Err(); err != nil {
			return Solution{}, context.Cause(ctx)
		}
		if p.L1 == 0 && p.L2 == 0 && s.separates() {
			return Solution{}, fmt.Errorf("%w: the classes are linearly separable, so larger weights are always better; add a penalty", errNoOptimum)
		}
		if s.now.violation <= s.tolerance {
			return s.solution(i)
		}
		s.measureCurvature()
		moved := false
		for range proximalSteps {
			if p.L1 == 0 || s.now.violation <= s.tolerance || !s.proximalStep() {
				break
			}
			moved = true
		}
		if s.now.violation > s.tolerance {
			step, err := s.newtonStep(ctx)
			if err != nil {
				return Solution{}, err
			}
			moved = moved || step
		}
		if !moved {
			if s.now.violation <= stalled {
				return s.solution(i + 1)
			}
			return Solution{}, fmt.Errorf("%w: rounding ends the search at a violation of %.2g; standardize the features", errNotConverged, s.now.violation)
		}
	}
	return Solution{}, fmt.Errorf("%w within %d iterations: the violation is still %.2g; standardize the features or add a penalty", errNotConverged, maxIterations, s.now.violation)
}

// solution converts the intercepts from centred features.
func (s *solver) solution(iterations int) (Solution, error) {
	if s.problem.L1 == 0 && s.problem.L2 == 0 && s.problem.Model != Linear && s.lastMove > growing {
		return Solution{}, fmt.Errorf("%w: the weights grow without end, as if some features separate some classes; add a penalty", errNoOptimum)
	}
	params := append([]float64(nil), s.now.params...)
	for k := range s.outputs {
		w := params[k*s.x.D:][:s.x.D]
		shift := 0.0
		for j, mean := range s.x.means {
			shift += float64(mean * w[j])
		}
		params[s.outputs*s.x.D+k] -= shift
	}
	gradient := append([]float64(nil), s.now.gradient...)
	for k := range s.outputs {
		for j, mean := range s.x.means { // ∂/∂w for features that are not centred
			gradient[k*s.x.D+j] += float64(mean * gradient[s.outputs*s.x.D+k])
		}
	}
	return Solution{
		Value: s.now.value, Params: params, Iterations: iterations,
		Violation: OptimalityViolation(gradient, params, s.problem.L1, s.problem.L2, weightsOf(s.outputs, s.x.D)),
	}, nil
}

func (p Problem) check() error {
	t := p.Train
	switch {
	case p.Model != Linear && p.Model != Logistic && p.Model != Softmax:
		return fmt.Errorf("the model %q has no reference solution; linear, logistic and softmax have", p.Model)
	case t.N < 1 || t.D < 1:
		return errors.New("a reference solution needs at least one example and one feature")
	case !(p.L1 >= 0) || !(p.L2 >= 0) || math.IsInf(p.L1, 1) || math.IsInf(p.L2, 1):
		return fmt.Errorf("the coefficients l1 = %v and l2 = %v of the penalty must be finite and not negative", p.L1, p.L2)
	case p.Model == Linear && len(t.Y) != t.N:
		return errors.New("linear needs a number to predict for every example")
	case p.Model != Linear && len(t.Labels) != t.N:
		return fmt.Errorf("%s needs a class for every example", p.Model)
	case p.Model == Logistic && t.Classes != 2:
		return fmt.Errorf("logistic tells two classes apart, but the data has %d", t.Classes)
	}
	return nil
}
