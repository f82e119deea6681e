package models

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/streams"
)

// A Function describes a test function: a J(θ) without data, with a known minimum.
type Function struct {
	Name string
	// Dimensions it can have: Least and more, in steps of Step; Least alone if Step is 0.
	Least, Step int
	Conditioned bool // it has a condition, the largest eigenvalue over the smallest
	Noisy       bool // its gradients are drawn: see Config.Noise

	start     func(x []float64, rng *rand.Rand)
	minimiser func(x []float64)
	value     func(x, eigenvalues []float64) float64
	gradient  func(grad, x, eigenvalues []float64)
}

// Functions are the test functions. Jitter moves their classic starts, so that replicates differ and their spread has a
// meaning.
var Functions = []Function{
	{Name: "quadratic", Least: 1, Step: 1, Conditioned: true,
		start: normal, minimiser: all(0), value: quadratic, gradient: quadraticGradient},
	{Name: "noisy_quadratic", Least: 1, Step: 1, Conditioned: true, Noisy: true,
		start: normal, minimiser: all(0), value: quadratic, gradient: quadraticGradient},
	{Name: "rosenbrock", Least: 2, Step: 1,
		start: around(-1.2, 1), minimiser: all(1), value: rosenbrock, gradient: rosenbrockGradient},
	{Name: "beale", Least: 2,
		start: around(1, 1), minimiser: pairs(3, 0.5), value: beale, gradient: bealeGradient},
	{Name: "saddle", Least: 2, Step: 2,
		start: around(1, 0), minimiser: pairs(0, 1), value: saddle, gradient: saddleGradient},
	{Name: "rastrigin", Least: 1, Step: 1,
		start: anywhere(5.12), minimiser: all(0), value: rastrigin, gradient: rastriginGradient},
}

// FunctionNamed finds a test function; ok is false for other models.
func FunctionNamed(name string) (f Function, ok bool) {
	i := slices.IndexFunc(Functions, func(f Function) bool { return f.Name == name })
	if i < 0 {
		return Function{}, false
	}
	return Functions[i], true
}

// CheckDimension returns an error if the function cannot have n dimensions.
func (f Function) CheckDimension(n int) error {
	if n >= f.Least && (n == f.Least || f.Step > 0 && (n-f.Least)%f.Step == 0) {
		return nil
	}
	hint := fmt.Sprintf("it has %d or more", f.Least)
	switch f.Step {
	case 0:
		hint = fmt.Sprintf("it has %d", f.Least)
	case 2:
		hint = "it has an even number"
	}
	return &configError{f.Name, fmt.Sprintf("cannot have the dimension %d", n), hint}
}

// Optimum is the least value of the model's loss, known for test functions.
func (c Config) Optimum() (value float64, known bool) {
	f, ok := FunctionNamed(c.Name)
	if !ok || c.check() != nil {
		return 0, false
	}
	x := make([]float64, c.Dimension)
	f.minimiser(x)
	return f.value(x, c.eigenvalues()), true
}

func (c Config) checkFunction(f Function) error {
	if err := f.CheckDimension(c.Dimension); err != nil {
		return err
	}
	if f.Conditioned && !(c.Condition >= 1 && c.Condition <= 1e300) {
		return &configError{c.Name, fmt.Sprintf("has the condition %v", c.Condition), "it is the largest eigenvalue over the smallest, 1 or more"}
	}
	if !(c.Noise >= 0 && c.Noise <= 1e100) || c.Noise > 0 && !f.Noisy {
		return &configError{c.Name, fmt.Sprintf("has the noise %v", c.Noise), "noise is a standard deviation; only noisy_quadratic has it"}
	}
	return nil
}

// objective trains a test function. It computes in float64 and rounds to F at the end.
type objective[F plugins.Float] struct {
	Function
	layout      plugins.Layout
	eigenvalues []float64
	x, grad     []float64 // working memory
	sum         []float64
}

func newObjective[F plugins.Float](f Function, c Config) *objective[F] {
	n := c.Dimension
	o := &objective[F]{Function: f, eigenvalues: c.eigenvalues(), x: make([]float64, n), grad: make([]float64, n), sum: make([]float64, n)}
	for i, d := range o.eigenvalues {
		o.eigenvalues[i] = float64(F(d))
	}
	o.layout = plugins.Layout{{Name: "theta", Shape: []int{n}, Role: plugins.RoleWeight, Penalized: true}}
	return o
}

func (o *objective[F]) Layout() plugins.Layout { return o.layout }

func (o *objective[F]) Metrics() []string { return metricsOfLoss }

func (o *objective[F]) Init(params []F, rng *rand.Rand) {
	o.start(o.x, rng)
	for i, x := range o.x {
		params[i] = F(x)
	}
}

// Gradient is the mean of ∇J(θ − c) over the rows c of batch; without rows, ∇J(θ).
func (o *objective[F]) Gradient(batch data.Part[F], s Slab[F], active []int) {
	n := len(o.x)
	for _, slot := range active {
		params, grads := s.params(slot, n), s.grads(slot, n)
		sum := o.sum
		if len(batch.X) == 0 {
			o.gradient(sum, o.at(params, nil), o.eigenvalues)
		} else {
			clear(sum)
			for row := range batch.N {
				o.gradient(o.grad, o.at(params, batch.X[row*n:]), o.eigenvalues)
				for i, g := range o.grad {
					sum[i] += g / float64(batch.N)
				}
			}
		}
		for i, g := range sum {
			grads[i] = F(g)
		}
	}
}

// Evaluate gives J(θ) without noise, whatever the part.
func (o *objective[F]) Evaluate(_ data.Part[F], s Slab[F], active []int, out []Score) {
	for i, slot := range active {
		out[i] = Score{Loss: o.value(o.at(s.params(slot, len(o.x)), nil), o.eigenvalues)}
	}
}

// at is params minus a shift, in float64.
func (o *objective[F]) at(params, shift []F) []float64 {
	for i := range o.x {
		o.x[i] = float64(params[i])
		if shift != nil {
			o.x[i] -= float64(shift[i])
		}
	}
	return o.x
}

// normal draws from N(0, 1).
func normal(x []float64, rng *rand.Rand) {
	for i := range x {
		x[i] = streams.Normal(rng)
	}
}

// anywhere draws uniformly from ±limit.
func anywhere(limit float64) func([]float64, *rand.Rand) {
	return func(x []float64, rng *rand.Rand) {
		for i := range x {
			x[i] = float64(limit * (float64(2*rng.Float64()) - 1))
		}
	}
}

// jitter is the standard deviation of starts around their classic points.
const jitter = 0.1

// around draws from N((a, b, a, b, …), jitter²).
func around(a, b float64) func([]float64, *rand.Rand) {
	return func(x []float64, rng *rand.Rand) {
		pairs(a, b)(x)
		for i := range x {
			x[i] += float64(jitter * streams.Normal(rng))
		}
	}
}

// pairs is the point (a, b, a, b, …), all the point (a, a, …).
func pairs(a, b float64) func([]float64) {
	return func(x []float64) {
		for i := range x {
			x[i] = a
			if i%2 == 1 {
				x[i] = b
			}
		}
	}
}

func all(a float64) func([]float64) { return pairs(a, a) }
