package plugintest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// regularizerBasics come before the equalities: what changes theta, or overwrites, gives other bits there too.
var regularizerBasics = []check{
	{id: "regularizer/untouched", required: true, run: (*subject).regularizerUntouched},
	{id: "gradient/added", required: true, after: "regularizer/untouched", run: (*subject).added},
}

var regularizerChecks = []check{
	{id: "regularizer/zero-strength", required: true, after: "gradient/added", run: (*subject).zeroStrength},
	{id: "regularizer/strength", required: true, after: "regularizer/untouched", run: (*subject).strength},
	{id: "regularizer/value", required: true, after: "regularizer/untouched", run: (*subject).value},
	{id: "regularizer/unpenalised", required: true, after: "gradient/added", run: (*subject).unpenalised},
	{id: "gradient/finite-differences", required: true, after: "gradient/added", run: (*subject).finiteDifferences},
	{id: "prox/definition", required: true, after: "regularizer/value", run: (*subject).prox},
	{id: "coefficients/sum", required: true, after: "regularizer/value", run: (*subject).coefficientsSum},
	{id: "regularizer/precision", required: true, after: "gradient/finite-differences", run: (*subject).regularizerPrecision},
	{id: "gradient/not-finite", required: true, after: "slots/independent", run: (*subject).notFinite},
	{id: "dimension/one", required: true, run: (*subject).dimensionOne},
	{id: "dimension/million", required: true, run: (*subject).dimensionMillion},
	{id: "timing", measures: true, after: "dimension/million", run: (*subject).timing},
}

// penalty calls all that a regularizer has.
func (s *subject) penalty(ctx context.Context, b *bench, slots []int) error {
	values, with := make([]float64, len(slots)), runner.StepInputs{}
	for range slots {
		with.Rates = append(with.Rates, 0.1)
	}
	if err := slotErrors(b.Penalty(ctx, values, slots)); err != nil {
		return err
	}
	if err := slotErrors(b.AddPenalty(ctx, slots)); err != nil {
		return err
	}
	_, failed, err := b.Step(ctx, slots, with)
	return slotErrors(failed, err)
}

// proximal reports whether a trial's proximal map is what takes part in a step.
func (s *subject) proximal(t trial) bool {
	return s.Has(plugins.FeatureProx) && s.complete(t.settings)[plugins.SettingMode].Text == plugins.ModeProximal
}

// each measures every trial by itself, at a strength.
func (s *subject) each(ctx context.Context, lambda float64, do func(g *gauge) error) error {
	for _, t := range s.trials {
		t.lambda = lambda
		g, err := s.gauge(ctx, t, layout)
		if err != nil {
			return fmt.Errorf("with λ = %g and %s: %w", lambda, t, err)
		}
		err = do(g)
		g.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// points are vectors away from 0 in every element, where most penalties have their kink.
func points(n, dim int, seed uint64) [][]float64 {
	all := make([][]float64, n)
	for k := range all {
		all[k] = draws(dim, seed, 50+uint64(k))
		for i, x := range all[k] {
			all[k][i] = x + math.Copysign(0.25, x)
		}
	}
	return all
}

// zeroStrength wants nothing to happen at λ = 0.
func (s *subject) zeroStrength(ctx context.Context) (string, error) {
	err := s.each(ctx, 0, func(g *gauge) error {
		xs := points(4, g.dim, 1)
		values, err := g.at(ctx, xs)
		if err != nil {
			return err
		}
		for k, x := range xs {
			if values[k] != 0 {
				return failf("with λ = 0 and %s the value is %g", g.t, values[k])
			}
			v, err := g.gradient(ctx, x, nil)
			if err != nil {
				return err
			}
			for i, d := range v {
				if d != 0 {
					return failf("with λ = 0 and %s the gradient has an element %d of %g", g.t, i, d)
				}
			}
		}
		if !s.proximal(g.t) {
			return nil
		}
		mapped, err := g.prox(ctx, xs, 0.5)
		if err != nil {
			return err
		}
		for k, x := range xs {
			if !slices.Equal(mapped[k], x) {
				return failf("with λ = 0 and %s the proximal map moves parameters", g.t)
			}
		}
		return nil
	})
	return "", err
}

// widths are the sizes of the points at which strengths are told apart. A penalty may have the same gradient for
// two of them at large points (SCAD and MCP are flat there), and the same map at small ones (to 0).
var widths = []float64{1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 100}

// strength wants λ to make a difference: in the value, the gradient or the proximal map, at any of many points.
func (s *subject) strength(ctx context.Context) (string, error) {
	lambdas := []float64{0.5, 2}
	for _, t := range s.trials {
		var seen [2][]byte
		for i, lambda := range lambdas {
			t.lambda = lambda
			var err error
			if seen[i], err = s.effects(ctx, t); err != nil {
				return "", fmt.Errorf("with λ = %g and %s: %w", lambda, t, err)
			}
		}
		if bytes.Equal(seen[0], seen[1]) {
			return "", failf("λ = %g and λ = %g do the same with %s: value, gradient%s are equal at %d points of sizes from %g to %g; use %s",
				lambdas[0], lambdas[1], t, map[bool]string{true: " and proximal map"}[s.Has(plugins.FeatureProx)], len(widths), widths[0], widths[len(widths)-1], s.word.lambda)
		}
	}
	return "", nil
}

// effects is all that a regularizer does at points of many sizes, as bytes.
func (s *subject) effects(ctx context.Context, t trial) ([]byte, error) {
	g, err := s.gauge(ctx, t, layout)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	xs := points(len(widths), g.dim, 2)
	for k, w := range widths {
		for i := range xs[k] {
			xs[k][i] *= w
		}
	}
	values, err := g.at(ctx, xs)
	if err != nil {
		return nil, err
	}
	all := fmt.Append(nil, values)
	for _, x := range xs {
		v, err := g.gradient(ctx, x, nil)
		if err != nil {
			return nil, err
		}
		all = fmt.Append(all, v)
	}
	if !s.proximal(t) {
		return all, nil
	}
	mapped, err := g.prox(ctx, xs, 0.5)
	return fmt.Append(all, mapped), err
}

// value wants R ≥ 0 everywhere.
func (s *subject) value(ctx context.Context) (string, error) {
	err := s.each(ctx, 0.7, func(g *gauge) error {
		xs := append(points(20, g.dim, 3), make([]float64, g.dim))
		values, err := g.at(ctx, xs)
		if err != nil {
			return err
		}
		for _, v := range values {
			if !(v >= 0) {
				return failf("with λ = 0.7 and %s the value of a random point is %g, want 0 or more", g.t, v)
			}
		}
		return nil
	})
	return "", err
}

// unpenalised wants tensors that are left out to be left alone.
func (s *subject) unpenalised(ctx context.Context) (string, error) {
	free := func(i int) (string, bool) {
		for _, t := range layout {
			if i >= t.Offset && i < t.Offset+t.Size() {
				return t.Name, !t.Penalized
			}
		}
		return "", false
	}
	err := s.each(ctx, 0.7, func(g *gauge) error {
		x := points(1, g.dim, 4)[0]
		for i := range x {
			x[i] *= 5
		}
		moved := slices.Clone(x)
		for i := range moved {
			if _, f := free(i); f {
				moved[i] += 3
			}
		}
		values, err := g.at(ctx, [][]float64{x, moved})
		if err != nil {
			return err
		}
		if values[0] != values[1] {
			return failf("with %s the value changes from %g to %g with biases that are not penalised: %s", g.t, values[0], values[1], s.word.penalized)
		}
		v, err := g.gradient(ctx, x, nil)
		if err != nil {
			return err
		}
		for i, d := range v {
			if name, f := free(i); f && d != 0 {
				return failf("with %s the gradient of %s, which is not penalised, gets %g: %s", g.t, name, d, s.word.penalized)
			}
		}
		if !s.proximal(g.t) {
			return nil
		}
		mapped, err := g.prox(ctx, [][]float64{x}, 0.5)
		if err != nil {
			return err
		}
		for i, y := range mapped[0] {
			if name, f := free(i); f && y != x[i] {
				return failf("with %s the proximal map moves %s, which is not penalised, from %g to %g: %s", g.t, name, x[i], y, s.word.penalized)
			}
		}
		return nil
	})
	return "", err
}

// finiteDifferences compares the gradient with central differences of the value, but for elements
// that have a kink there.
func (s *subject) finiteDifferences(ctx context.Context) (string, error) {
	compared := 0
	err := s.each(ctx, 0.7, func(g *gauge) error {
		for k, x := range points(2, g.dim, 5) {
			v, err := g.gradient(ctx, x, draws(g.dim, 5, 70+uint64(k)))
			if err != nil {
				return err
			}
			const h = 1e-5
			around := [][]float64{x}
			for i := range x {
				for _, by := range []float64{h, -h} {
					p := slices.Clone(x)
					p[i] += by
					around = append(around, p)
				}
			}
			values, err := g.at(ctx, around)
			if err != nil {
				return err
			}
			largest := 1e-3
			for _, d := range v {
				largest = max(largest, math.Abs(d))
			}
			for i, d := range v {
				up, down := (values[1+2*i]-values[0])/h, (values[0]-values[2+2*i])/h
				if math.IsInf(up-down, 0) || math.IsNaN(up-down) || math.Abs(up-down) > 1e-2*largest {
					continue // a kink, or the end of where R is finite
				}
				compared++
				if want := (up + down) / 2; math.Abs(d-want) > 1e-5*largest {
					if largest == 1e-3 && allZero(v) {
						return failf("with λ = 0.7 and %s the gradient is all zeros, but the value rises by %.8g a unit at θ = %.4g: %s adds nothing to %s", g.t, want, x[i], s.word.addGradient, s.word.grad)
					}
					return failf("with λ = 0.7 and %s the gradient's element %d at θ = %.4g is %.8g, but the value rises by %.8g a unit", g.t, i, x[i], d, want)
				}
			}
		}
		return nil
	})
	if err == nil && compared == 0 {
		return "", skipf("the value has a kink, or no finite value, at every random point")
	}
	return "", err
}

func allZero(v []float64) bool {
	return !slices.ContainsFunc(v, func(x float64) bool { return x != 0 })
}

// regularizerUntouched looks at what each method must leave alone: parameters and gradients are filled, and the
// value may change neither, the gradient no parameters, the proximal map no gradients.
func (s *subject) regularizerUntouched(ctx context.Context) (string, error) {
	for _, l := range []plugins.Layout{layout, line(6)} { // some languages work on a copy of parts that lie apart
		for _, t := range s.trials {
			t.lambda = 0.7
			g, err := s.gauge(ctx, t, l)
			if err != nil {
				return "", fmt.Errorf("with λ = %g and %s: %w", t.lambda, t, err)
			}
			err = g.untouched(ctx)
			g.Close()
			if err != nil {
				return "", err
			}
		}
	}
	return "", nil
}

func (g *gauge) untouched(ctx context.Context) error {
	s := g.s
	x, noise := points(1, g.dim, 7)[0], draws(g.dim, 7, 71)
	g.put(g.params, 0, x)
	g.put(g.grads, 0, noise)
	params, grads := bytes.Clone(g.of(g.params, 0)), bytes.Clone(g.of(g.grads, 0))
	for range 2 { // a second call sees what the first one left
		if err := slotErrors(g.Penalty(ctx, g.values[:1], g.slots[:1])); err != nil {
			return fmt.Errorf("at %s it reports: %w", g.t, err)
		}
		switch {
		case !bytes.Equal(params, g.of(g.params, 0)):
			return failf("with %s %s changes %s: compute on a copy", g.t, s.word.value, s.word.theta)
		case !bytes.Equal(grads, g.of(g.grads, 0)):
			return failf("with %s %s changes the gradient", g.t, s.word.value)
		}
	}
	if err := slotErrors(g.AddPenalty(ctx, g.slots[:1])); err != nil {
		return fmt.Errorf("at %s it reports: %w", g.t, err)
	}
	if !bytes.Equal(params, g.of(g.params, 0)) {
		return failf("with %s %s changes %s: it may change %s only", g.t, s.word.addGradient, s.word.theta, s.word.grad)
	}
	if !s.proximal(g.t) {
		return nil
	}
	g.put(g.grads, 0, noise)
	if _, err := g.prox(ctx, [][]float64{x}, 0.5); err != nil {
		return err
	}
	if !bytes.Equal(grads, g.of(g.grads, 0)) {
		return failf("with %s %s changes the gradient", g.t, s.word.prox)
	}
	return nil
}

// added hands over gradients that hold something: what is added may not depend on it. The tolerance is that of a few
// roundings of the sum.
func (s *subject) added(ctx context.Context) (string, error) {
	return "", s.each(ctx, 0.7, func(g *gauge) error {
		for k, x := range points(2, g.dim, 8) {
			plain, err := g.gradient(ctx, x, nil)
			if err != nil {
				return err
			}
			var left [2][]float64
			for n, size := range []float64{1, 30} {
				before := draws(g.dim, 8, 80+uint64(2*k+n))
				for i := range before {
					before[i] *= size
				}
				v, err := g.gradient(ctx, x, before)
				if err != nil {
					return err
				}
				left[n] = make([]float64, g.dim)
				for i, d := range v {
					left[n][i] = before[i] + d
				}
				for i, d := range v {
					if math.Abs(d-plain[i]) <= 1e-13*(1+math.Abs(before[i])+math.Abs(plain[i])) {
						continue
					}
					if math.Abs(left[n][i]-plain[i]) <= 1e-13*(1+math.Abs(before[i])+math.Abs(plain[i])) {
						return failf("with %s %s overwrites the gradient: element %d was %.6g and is %.6g, as if it had been 0; the gradient of the loss is lost. Add to it: %s",
							g.t, s.word.addGradient, i, before[i], left[n][i], s.word.addTo)
					}
					return failf("with %s %s adds %.6g to element %d of a gradient that is 0 there, and %.6g where it is %.6g: what it adds may depend on %s only. %s",
						g.t, s.word.addGradient, plain[i], i, d, before[i], s.word.theta, s.word.addTo)
				}
			}
		}
		return nil
	})
}

// coefficientsSum compares the value with the coefficients that a component tells.
func (s *subject) coefficientsSum(ctx context.Context) (string, error) {
	if !s.Has(plugins.FeatureCoefficients) {
		return "", skipf("it does not declare %s", plugins.FeatureCoefficients)
	}
	x := points(1, layout.Dim(), 6)[0]
	sizes := map[string]float64{}
	for _, span := range layout.Penalized() {
		for _, v := range x[span.From:span.To] {
			sizes[plugins.PartL1] += math.Abs(v)
			sizes[plugins.PartL2] += v * v / 2
		}
	}
	type seen struct {
		parts map[string]float64
		value float64
	}
	before := map[string]seen{}
	for _, lambda := range []float64{0.7, 1.9} {
		err := s.each(ctx, lambda, func(g *gauge) error {
			values, err := g.at(ctx, [][]float64{x})
			if err != nil {
				return err
			}
			now := seen{g.Coefficients(0), values[0]}
			if len(now.parts) == 0 {
				return failf("declares %s, but tells none with %s", plugins.FeatureCoefficients, g.t)
			}
			sum, known, first := 0.0, true, before[g.t.String()]
			for part, c := range now.parts {
				size, ok := sizes[part]
				known = known && ok
				sum += c * size
				if !ok && part != plugins.PartGroup && part != plugins.PartHuber {
					return failf("tells a coefficient of %q with %s; the parts are %s", part, g.t,
						strings.Join([]string{plugins.PartL1, plugins.PartL2, plugins.PartGroup, plugins.PartHuber}, ", "))
				}
			}
			switch {
			case known && math.Abs(sum-now.value) > 1e-9*math.Abs(now.value):
				return failf("with λ = %g and %s the coefficients %v stand for the value %.10g, but it is %.10g", lambda, g.t, now.parts, sum, now.value)
			case !known && len(now.parts) == 1 && first.parts != nil:
				// What belongs to a group, or where squares end, is not known here; only that R is in proportion.
				for part, c := range now.parts {
					if math.Abs(c*first.value-first.parts[part]*now.value) > 1e-9*math.Abs(c*first.value) {
						return failf("with %s the coefficient of %s goes from %g to %g with λ, but the value from %.10g to %.10g", g.t, part,
							first.parts[part], c, first.value, now.value)
					}
				}
			}
			before[g.t.String()] = now
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return "", nil
}
