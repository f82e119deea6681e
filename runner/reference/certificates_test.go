package reference

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// random is a problem of m examples with d features, of which the first few matter.
func random(model string, m, d, classes int) Problem {
	rng := rand.New(rand.NewPCG(uint64(m), uint64(d)))
	t := data.Part[float64]{N: m, D: d, Classes: classes}
	for range m {
		signal := 0.5
		for j := range d {
			x := float64(j) + rng.NormFloat64()*(1+float64(j%3)) // of unequal means and spreads
			signal += (x - float64(j)) / float64(1+j*j)
			t.X = append(t.X, x)
		}
		signal += rng.NormFloat64()
		if classes == 0 {
			t.Y = append(t.Y, signal)
		} else {
			t.Labels = append(t.Labels, int32(max(0, min(classes-1, int(math.Floor(signal))))))
		}
	}
	return Problem{Model: model, Train: t}
}

func problems() []Problem {
	two, three := random(Logistic, 90, 7, 2), random(Softmax, 120, 5, 3)
	two.Weights, three.Weights = []float64{0.6, 1.7}, []float64{0.5, 2, 0.75}
	return []Problem{random(Linear, 80, 9, 0), random(Logistic, 90, 7, 2), random(Softmax, 120, 5, 3), two, three}
}

// objective is J and the gradient of its mean loss, spelled out.
func objective(p Problem, params []float64) (j float64, gradient []float64) {
	d := p.Train.D
	k := len(params) / (d + 1)
	gradient = make([]float64, len(params))
	n := float64(p.Train.N)
	for i := range p.Train.N {
		x := p.Train.X[i*d : (i+1)*d]
		z, own := make([]float64, k), 0.0
		for o := range z {
			z[o] = params[k*d+o]
			for f, v := range x {
				z[o] += params[o*d+f] * v
			}
		}
		switch p.Model {
		case Linear:
			z[0] -= p.Train.Y[i]
			j += z[0] * z[0] / 2 / n
		case Logistic:
			label := float64(p.Train.Labels[i])
			own = (math.Log(1+math.Exp(z[0])) - label*z[0]) / n
			j += own
			z[0] = 1/(1+math.Exp(-z[0])) - label
		case Softmax:
			sum := 0.0
			for _, v := range z {
				sum += math.Exp(v)
			}
			own = (math.Log(sum) - z[p.Train.Labels[i]]) / n
			j += own
			for o, v := range z {
				z[o] = math.Exp(v) / sum
			}
			z[p.Train.Labels[i]]--
		}
		if p.Weights != nil {
			w := p.Weights[p.Train.Labels[i]]
			j += (w - 1) * own
			for o := range z {
				z[o] *= w
			}
		}
		for o, r := range z {
			for f, v := range x {
				gradient[o*d+f] += r * v / n
			}
			gradient[k*d+o] += r / n
		}
	}
	for _, w := range params[:k*d] {
		j += p.L1*math.Abs(w) + p.L2/2*w*w
	}
	return j, gradient
}

// A solution has the value that J has there, its certificate holds, and nothing nearby or far away is lower.
func TestSolutionsAreMinima(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, p := range problems() {
		for _, c := range [][2]float64{{0, 0}, {0, 0.03}, {0.02, 0}, {0.05, 0.1}, {0.3, 0}} {
			p.L1, p.L2 = c[0], c[1]
			s := solve(t, p)
			j, g := objective(p, s.Params)
			if math.Abs(j/s.Value-1) > 1e-13 {
				t.Errorf("%s %v: value %v, but J is %v", p.Model, c, s.Value, j)
			}
			outputs := len(s.Params) / (p.Train.D + 1)
			if v := OptimalityViolation(g, s.Params, p.L1, p.L2, weightsOf(outputs, p.Train.D)); v > 3e-11 || s.Violation > 3e-11 { // rounding hides what is less
				t.Errorf("%s %v: violated by %v, certified %v", p.Model, c, v, s.Violation)
			}
			for try := range 300 {
				x := slices.Clone(s.Params)
				for i := range x {
					x[i] += math.Pow(10, -float64(try%6)) * rng.NormFloat64()
				}
				if other, _ := objective(p, x); other < j {
					t.Fatalf("%s %v: J* is %v, but %v elsewhere", p.Model, c, j, other)
				}
			}
		}
	}
}

// At the largest strength all weights are 0, just below it some are not.
func TestNullGradientIsTheLargestStrength(t *testing.T) {
	for _, p := range problems() {
		largest := NullGradient(p.Model, p.Train, p.Weights)
		for _, c := range []struct {
			fraction float64
			empty    bool
		}{{1.001, true}, {1 + 1e-9, true}, {0.999, false}} {
			p.L1 = c.fraction * largest
			if got := nonzero(solve(t, p), p) == 0; got != c.empty {
				t.Errorf("%s at %v of the largest strength: all weights 0 is %v", p.Model, c.fraction, got)
			}
		}
	}
	if v := NullGradient("mlp", problems()[0].Train, nil); !math.IsNaN(v) {
		t.Errorf("an mlp has the null gradient %v", v)
	}
	constant := problems()[0]
	for i := range constant.Train.Y {
		constant.Train.Y[i] = 3
	}
	if v := NullGradient(Linear, constant.Train, nil); v > 1e-14 {
		t.Errorf("a constant target has the null gradient %v", v)
	}
}

// The gap is an upper bound of J − J* anywhere, and vanishes at the optimum.
func TestDualityGapBoundsSuboptimality(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	p := random(Linear, 80, 9, 0)
	for _, c := range [][2]float64{{0.05, 0}, {0.4, 0}, {0.05, 0.2}, {0, 0.1}} {
		p.L1, p.L2 = c[0], c[1]
		s := solve(t, p)
		if gap := DualityGap(p.Train, s.Params, p.L1, p.L2); gap > 1e-12*s.Value {
			t.Errorf("%v: gap %v at the optimum %v", c, gap, s.Value)
		}
		for try := range 100 {
			x := slices.Clone(s.Params)
			for i := range x {
				x[i] += math.Pow(10, -float64(try%5)) * rng.NormFloat64()
			}
			// The gap is of the weights with their best intercept.
			residual := 0.0
			for i := range p.Train.N {
				r := p.Train.Y[i]
				for j := range p.Train.D {
					r -= x[j] * p.Train.X[i*p.Train.D+j]
				}
				residual += r / float64(p.Train.N)
			}
			x[p.Train.D] = residual
			j, _ := objective(p, x)
			if gap := DualityGap(p.Train, x, p.L1, p.L2); gap < (j-s.Value)*(1-1e-9)-1e-14 {
				t.Errorf("%v: gap %v is less than J − J* = %v", c, gap, j-s.Value)
			}
		}
	}
	if gap := DualityGap(p.Train, make([]float64, 10), 0, 0); !math.IsInf(gap, 1) {
		t.Errorf("without a penalty the gap is %v", gap)
	}
}

func TestOptimalityViolationByHand(t *testing.T) {
	spans := []plugins.Span{{From: 1, To: 5}}
	for i, want := range []float64{0.25, 0.5, 0, 0.25, 1, 0.5} {
		params, gradient := []float64{9, 2, 0, 0, -1, 7}, make([]float64, 6)
		balanced := []float64{0, -2, 0.5, -0.5, 1.5, 0} // −l1·sign θ − l2·θ with l1 = 1 and l2 = ½
		copy(gradient, balanced)
		gradient[i] = []float64{0.25, -1.5, -1, 1.25, 2.5, -0.5}[i]
		if got := OptimalityViolation(gradient, params, 1, 0.5, spans); got != want {
			t.Errorf("parameter %d: violation %v, want %v", i, got, want)
		}
	}
}

func TestProblemsWithoutAnOptimum(t *testing.T) {
	separable := Problem{Model: Logistic, Train: data.Part[float64]{X: []float64{1, 2, 3, 4}, Labels: []int32{0, 0, 1, 1}, N: 4, D: 1, Classes: 2}}
	// Class 2 has the feature 5 and nothing else has; the others overlap.
	partly := Problem{Model: Softmax, Train: data.Part[float64]{X: []float64{1, 0, 0, 0, 2, 0, 1, 0, 0, 1, 3, 1}, Labels: []int32{0, 1, 0, 1, 2, 2}, N: 6, D: 2, Classes: 3}}
	quasi := Problem{Model: Logistic, Train: data.Part[float64]{X: []float64{1, 2, 2, 3}, Labels: []int32{0, 0, 1, 1}, N: 4, D: 1, Classes: 2}}
	absent := Problem{Model: Softmax, L2: 1, Train: data.Part[float64]{X: []float64{1, 2, 3}, Labels: []int32{0, 0, 2}, N: 3, D: 1, Classes: 3}}
	for name, p := range map[string]Problem{"separable": separable, "partly": partly, "quasi-separable": quasi, "absent class": absent} {
		if s, err := Solve(context.Background(), p); !errors.Is(err, errNoOptimum) {
			t.Errorf("%s: solution %+v, error %v", name, s, err)
		}
	}
	for name, p := range map[string]Problem{"separable": separable, "partly": partly, "quasi-separable": quasi} {
		p.L2 = 0.01
		if s, err := Solve(context.Background(), p); err != nil || s.Violation > 1e-11 {
			t.Errorf("%s with a penalty: solution %+v, error %v", name, s, err)
		}
	}
}

func TestProblemsThatMakeNoSense(t *testing.T) {
	good := random(Linear, 20, 2, 0)
	for _, change := range []func(*Problem){
		func(p *Problem) { p.Model = "mlp" },
		func(p *Problem) { p.Model = Softmax },
		func(p *Problem) { p.L1 = -1 },
		func(p *Problem) { p.L2 = math.NaN() },
		func(p *Problem) { p.Train.N = 0 },
	} {
		bad := good
		change(&bad)
		if _, err := Solve(context.Background(), bad); err == nil {
			t.Errorf("%s with l1 %v and l2 %v on %d examples was accepted", bad.Model, bad.L1, bad.L2, bad.Train.N)
		}
	}
}

// Features far from 0, of unequal scales, constant or repeated do not get in the way.
func TestAwkwardFeatures(t *testing.T) {
	for _, p := range problems() {
		p.L2 = 0.05
		want := solve(t, p)
		d := p.Train.D
		shifted := p
		shifted.Train.X = slices.Clone(p.Train.X)
		for i := range shifted.Train.X {
			shifted.Train.X[i] += 1000 * float64(1+i%d)
		}
		if got := solve(t, shifted); math.Abs(got.Value/want.Value-1) > 1e-10 {
			t.Errorf("%s: J* went from %v to %v as features moved", p.Model, want.Value, got.Value)
		}
		wider := p // a constant feature, and one that is there twice
		wider.Train.X, wider.Train.D = nil, d+2
		for i := range p.Train.N {
			row := p.Train.X[i*d : (i+1)*d]
			wider.Train.X = append(append(wider.Train.X, row...), 0.1, row[0])
		}
		wider.L2 = 0
		narrow := p
		narrow.L2 = 0
		if got, want := solve(t, wider), solve(t, narrow); math.Abs(got.Value/want.Value-1) > 1e-10 {
			t.Errorf("%s: J* went from %v to %v with features that add nothing", p.Model, want.Value, got.Value)
		}
	}
}

func TestSolveHeedsItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := Solve(ctx, problems()[0]); !errors.Is(err, cause) {
		t.Errorf("error %v, want the cause of the cancellation", err)
	}
}
