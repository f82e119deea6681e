package plugintest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/models"
)

// A Landscape is a test function to descend on.
type Landscape struct {
	Name   string
	Layout plugins.Layout
	Start  []float64
	Least  float64 // its value at the minimum
	model  models.Model[float64]
	shift  float64 // the minimum of a function that has it at 0
	x      []float64
}

// NewLandscape makes a test function that sweeps know too, such as rosenbrock. A quadratic has the
// condition 10 unless it is given, and its minimum at 1 in every direction, since decay, which draws to
// 0, is no descent.
func NewLandscape(name string, dim int, condition float64) (*Landscape, error) {
	f, ok := models.FunctionNamed(name)
	if !ok {
		known := ""
		for i, f := range models.Functions {
			if i > 0 {
				known += ", "
			}
			known += f.Name
		}
		return nil, fmt.Errorf("there is no test function %q; there are %s", name, known)
	}
	l := &Landscape{Name: name, Start: make([]float64, dim), x: make([]float64, dim)}
	c := models.Config{Name: name, Dimension: dim}
	if f.Conditioned {
		c.Condition, l.shift = condition, 1
	}
	var err error
	if l.model, err = models.New[float64](c); err != nil {
		return nil, err
	}
	l.Layout = line(dim)
	if dim%2 == 0 && dim > 2 { // for methods that treat matrices in their own way
		l.Layout[0].Shape = []int{dim / 2, 2}
	}
	l.Least, _ = c.Optimum()
	l.model.Init(l.Start, rand.New(rand.NewPCG(7, 7)))
	for i := range l.Start {
		l.Start[i] += l.shift
	}
	return l, nil
}

// Gradient writes the gradient at theta and returns the value.
func (l *Landscape) Gradient(theta, grad []float64) float64 {
	for i, v := range theta {
		l.x[i] = v - l.shift
	}
	slab := models.Slab[float64]{Params: l.x, Grads: grad, Stride: len(l.x)}
	var score [1]models.Score
	l.model.Gradient(data.Part[float64]{}, slab, []int{0})
	l.model.Evaluate(data.Part[float64]{}, slab, []int{0}, score[:])
	return score[0].Loss
}

// A Descent is the course of an optimizer under one learning rate.
type Descent struct {
	LR     float64
	Losses []float64     // before the first step, and after each
	Step   time.Duration // mean time in the plugin for one step
	Regret float64       // Σ (f(θₜ) − f*) over the steps, in units of f(θ₀) − f*
}

// Last is the value at the end, or infinite if there is none.
func (d Descent) Last() float64 {
	last := d.Losses[len(d.Losses)-1]
	if math.IsNaN(last) {
		return math.Inf(1)
	}
	return last
}

// Rates are learning rates from one to another power of ten, half a decade apart.
func Rates(from, to float64) []float64 {
	var all []float64
	for e := 2 * math.Log10(from); e <= 2*math.Log10(to)+1e-9; e++ {
		all = append(all, math.Pow(10, e/2))
	}
	return all
}

// sweep descends with the first trial at each of the learning rates, side by side.
func (s *subject) sweep(ctx context.Context, l *Landscape, lrs []float64, steps int) ([]Descent, error) {
	trials := make([]trial, len(lrs))
	descents := make([]Descent, len(lrs))
	for i, lr := range lrs {
		trials[i] = s.trials[0]
		trials[i].lr = lr
		descents[i].LR = lr
	}
	b, err := s.open(ctx, s.shared, plugins.Float64, l.Layout, trials)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	scratch := make([]float64, b.dim)
	for slot := range trials {
		b.put(b.params, slot, l.Start)
		descents[slot].Losses = append(descents[slot].Losses, l.Gradient(l.Start, scratch))
	}
	slots := upTo(len(lrs))
	for range steps {
		bad, err := b.step(ctx, slots, func(slot int) float64 { return lrs[slot] },
			func(_ int, theta, grad []float64) float64 { return l.Gradient(theta, grad) })
		if err == nil {
			err = reported(bad, trials, slots)
		}
		if err != nil {
			return nil, err
		}
		err = s.evaluated(ctx, b, slots, func(slot int, theta []float64) {
			d := &descents[slot]
			f := l.Gradient(theta, scratch)
			d.Losses = append(d.Losses, f)
			d.Regret += (f - l.Least) / (d.Losses[0] - l.Least)
		})
		if err != nil {
			return nil, err
		}
	}
	inside, _ := b.Cost()
	for i := range descents {
		descents[i].Step = inside / time.Duration(max(1, steps*len(lrs)))
	}
	return descents, nil
}

// Best is the descent that ends lowest.
func Best(all []Descent) Descent {
	b := all[0]
	for _, d := range all[1:] {
		if d.Last() < b.Last() {
			b = d
		}
	}
	return b
}

// tried runs a sweep over learning rates on a function and says how the best did.
func (s *subject) tried(ctx context.Context, name string, dim int, condition float64) (Descent, *Landscape, string, error) {
	l, err := NewLandscape(name, dim, condition)
	if err != nil {
		return Descent{}, nil, "", err
	}
	steps := 300
	if s.options.Short {
		steps = 100
	}
	all, err := s.sweep(ctx, l, Rates(1e-4, 100), steps)
	if err != nil {
		return Descent{}, nil, "", err
	}
	d := Best(all)
	text := fmt.Sprintf("f − f* from %.3g to %.3g in %d steps at lr %.3g, the best of %d; regret %.3g",
		d.Losses[0]-l.Least, d.Last()-l.Least, steps, d.LR, len(all), d.Regret)
	return d, l, text, nil
}

// enough is the share of f(θ₀) − f* that may be left on a quadratic at the best learning rate.
const enough = 0.5

// descends wants headway on a well-conditioned quadratic at one of many learning rates.
func (s *subject) descends(ctx context.Context) (string, error) {
	d, l, text, err := s.tried(ctx, "quadratic", 10, 10)
	if err != nil {
		return "", err
	}
	if share := (d.Last() - l.Least) / (d.Losses[0] - l.Least); !(share < enough) {
		return "", failf("no learning rate from 1e-4 to 100 leads down a quadratic: %s; is the sign of the step right?", text)
	}
	return text, nil
}

func (s *subject) illConditioned(ctx context.Context) (string, error) {
	_, _, text, err := s.tried(ctx, "quadratic", 10, 1e4)
	return text, err
}

func (s *subject) rosenbrock(ctx context.Context) (string, error) {
	_, _, text, err := s.tried(ctx, "rosenbrock", 2, 0)
	return text, err
}
