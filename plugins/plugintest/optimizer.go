package plugintest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// optimizerBasics come before the equalities, which hold where nothing happens.
var optimizerBasics = []check{{id: "optimizer/moves", required: true, run: (*subject).moves}}

var optimizerChecks = []check{
	{id: "gradient/untouched", required: true, run: (*subject).untouched},
	{id: "gradient/zero", required: true, run: (*subject).zeroGradient},
	{id: "gradient/not-finite", required: true, after: "slots/independent", run: (*subject).notFinite},
	{id: "dimension/one", required: true, run: (*subject).dimensionOne},
	{id: "dimension/million", required: true, run: (*subject).dimensionMillion},
	{id: "optimizer/learning-rate", required: true, after: "optimizer/moves", run: (*subject).learningRate},
	{id: "optimizer/gain", required: true, after: "optimizer/moves", run: (*subject).gain},
	{id: "optimizer/evaluate", required: true, after: "state/restore", run: (*subject).evaluation},
	{id: "optimizer/precision", required: true, after: "optimizer/moves", run: (*subject).precision},
	{id: "optimizer/descends", required: true, after: "determinism", run: (*subject).descends},
	{id: "optimizer/ill-conditioned", measures: true, after: "optimizer/descends", run: (*subject).illConditioned},
	{id: "optimizer/rosenbrock", measures: true, after: "optimizer/descends", run: (*subject).rosenbrock},
	{id: "state/size", run: (*subject).stateSize},
	{id: "timing", measures: true, after: "dimension/million", run: (*subject).timing},
}

// rate is the learning rate of a slot that runs the trial of its number.
func (s *subject) rate(slot int) float64 { return s.trials[slot].lr }

// smooth is ½Σ(θᵢ − 3)²/(1 + i mod 3).
func smooth(_ int, theta, grad []float64) float64 {
	loss := 0.0
	for i, x := range theta {
		grad[i] = (x - 3) / float64(1+i%3)
		loss += grad[i] * (x - 3) / 2
	}
	return loss
}

// matrix is a layout of n parameters, a multiple of 16, most of them in a matrix.
func matrix(n int) plugins.Layout {
	return plugins.NewLayout(
		plugins.Tensor{Name: "W", Shape: []int{n/16 - 1, 16}, Role: plugins.RoleWeight, Penalized: true},
		plugins.Tensor{Name: "b", Shape: []int{16}, Role: plugins.RoleBias},
	)
}

// untouched looks at the gradients after steps.
func (s *subject) untouched(ctx context.Context) (string, error) {
	trials := s.trials[:min(len(s.trials), 32)]
	b, err := s.open(ctx, s.shared, plugins.Float64, layout, trials)
	if err != nil {
		return "", err
	}
	defer b.Close()
	slots := upTo(len(trials))
	theta, grad := make([]float64, b.dim), make([]float64, b.dim)
	for range 3 {
		var with runner.StepInputs
		given := make([][]byte, len(trials))
		for slot, t := range trials {
			b.get(b.params, slot, theta)
			with.Losses = append(with.Losses, quadratic(t.seed, 0, theta, grad))
			with.Rates = append(with.Rates, t.lr)
			b.put(b.grads, slot, grad)
			given[slot] = bytes.Clone(b.of(b.grads, slot))
		}
		_, failed, err := b.Step(ctx, slots, with)
		if err := slotErrors(failed, err); err != nil {
			return "", err
		}
		for slot, t := range trials {
			if !bytes.Equal(given[slot], b.of(b.grads, slot)) {
				return "", failf("at %s a step changes grad, which belongs to the host: in a sweep that memory cannot be written to, and the step fails; copy it first", t)
			}
		}
	}
	return "", nil
}

// zeroGradient steps without a gradient, at first and after some steps with one. Decay may move
// parameters, and where a setting stands at the end of its range the rule may be undefined.
func (s *subject) zeroGradient(ctx context.Context) (string, error) {
	trials := s.trials[:min(len(s.trials), 32)]
	moved, by, undefined := "", 0.0, ""
	for _, before := range []int{0, 3} {
		for _, at := range []float64{1, 0} {
			b, err := s.open(ctx, s.shared, plugins.Float64, layout, trials)
			if err != nil {
				return "", err
			}
			slots := upTo(len(trials))
			start, theta := make([]float64, b.dim), make([]float64, b.dim)
			for slot, t := range trials {
				for i, x := range draws(b.dim, t.seed, 1) {
					start[i] = at * x
				}
				b.put(b.params, slot, start)
			}
			for step := range before + 5 {
				f := func(slot int, theta, grad []float64) float64 { clear(grad); return 1 }
				if step < before {
					f = func(slot int, theta, grad []float64) float64 { return quadratic(trials[slot].seed, step, theta, grad) }
				}
				bad, err := b.step(ctx, slots, s.rate, f)
				if err == nil {
					err = reported(bad, trials, slots)
				}
				if err != nil {
					b.Close()
					return "", err
				}
			}
			for slot, t := range trials {
				b.get(b.params, slot, theta)
				switch i := notANumber(theta); {
				case i >= 0 && t.edge: // such as an ε of 0, which whoever asks for it has chosen
					undefined = t.String()
					continue
				case i >= 0:
					b.Close()
					return "", failf("a gradient of 0 makes θ[%d] %v at %s, %s: guard the division by the gradient's size", i, theta[i], t, after(before))
				}
				if before == 0 && at == 1 {
					for i, x := range draws(b.dim, t.seed, 1) {
						if d := math.Abs(theta[i] - x); d > by {
							moved, by = t.String(), d
						}
					}
				}
			}
			if err := b.Close(); err != nil {
				return "", err
			}
		}
	}
	switch {
	case undefined != "":
		return fmt.Sprintf("with %s, the end of its range, a gradient of 0 gives NaN: say so in the setting's doc", undefined), nil
	case by > 0:
		return fmt.Sprintf("θ moves without a gradient, by up to %.2g in 5 steps with %s: is that decay?", by, moved), nil
	}
	return "", nil
}

func after(steps int) string {
	if steps == 0 {
		return "at the first steps"
	}
	return fmt.Sprintf("after %d steps with one", steps)
}

func notANumber(v []float64) int {
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return i
		}
	}
	return -1
}

// notFinite gives one trial gradients that are not numbers: the others must not notice.
func (s *subject) notFinite(ctx context.Context) (string, error) {
	r := recipe{dtype: plugins.Float64, layout: s.layout, steps: 4, slots: upTo(min(len(s.trials), 32))}
	if len(r.slots) == 1 { // it needs company
		t := s.trials[0]
		t.seed, t.lr = 2, lrs[1]
		s.trials = append(s.trials, t)
		defer func() { s.trials = s.trials[:1] }()
		r.slots = upTo(2)
	}
	want, err := s.run(ctx, s.shared, r)
	if err != nil {
		return "", err
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64} {
		for _, sick := range []int{0, len(r.slots) - 1} {
			r.poison = map[int]float64{sick: v}
			got, err := s.run(ctx, s.shared, r)
			var fault *runner.Fault
			if errors.As(err, &fault) {
				return "", fmt.Errorf("numbers that are %v in one trial end the process: %w", v, err)
			}
			if err != nil {
				return "", err
			}
			got[sick] = nil
			if err := s.same(got, want, r, fmt.Sprintf("numbers that are %v in another trial infect this one", v)); err != nil {
				return "", err
			}
		}
	}
	return "", nil
}

// dimensionOne steps with one parameter, as a vector and as a matrix.
func (s *subject) dimensionOne(ctx context.Context) (string, error) {
	square := plugins.NewLayout(plugins.Tensor{Name: "theta", Shape: []int{1, 1}, Role: plugins.RoleWeight, Penalized: true})
	for _, l := range []plugins.Layout{line(1), square} {
		for _, dtype := range dtypes {
			if err := s.survives(ctx, dtype, l, min(len(s.trials), 32), 5); err != nil {
				return "", fmt.Errorf("with one parameter of shape %v: %w", l[0].Shape, err)
			}
		}
	}
	return "", nil
}

// million is how many parameters a large model is taken to have.
const million = 1_000_000

func (s *subject) dimensionMillion(ctx context.Context) (string, error) {
	if s.options.Short {
		return "", skipf("left out of short checks")
	}
	if err := s.survives(ctx, plugins.Float32, matrix(million), 1, 2); err != nil {
		return "", fmt.Errorf("with a million parameters: %w", err)
	}
	return "", nil
}

// survives takes steps with the first trials and wants numbers.
func (s *subject) survives(ctx context.Context, dtype plugins.DType, l plugins.Layout, n, steps int) error {
	trials, slots := s.trials[:n], upTo(n)
	b, err := s.open(ctx, s.shared, dtype, l, trials)
	if err != nil {
		return err
	}
	defer b.Close()
	for range steps {
		var bad map[int]error
		var err error
		if s.Kind == plugins.KindRegularizer {
			err = s.penalty(ctx, b, slots)
		} else {
			bad, err = b.step(ctx, slots, s.rate, smooth)
		}
		if err == nil {
			err = reported(bad, trials, slots)
		}
		if err != nil {
			return err
		}
	}
	theta := make([]float64, b.dim)
	b.get(b.params, 0, theta)
	if i := notANumber(theta); i >= 0 {
		return failf("θ[%d] is %v after %d steps with %s", i, theta[i], steps, trials[0])
	}
	return nil
}

// moves wants steps to change the parameters, and to go on from where they are. It uses the process that determinism does
// not look at.
func (s *subject) moves(ctx context.Context) (string, error) {
	trials := []trial{s.trials[0], s.trials[0]}
	b, err := s.open(ctx, s.inline, plugins.Float64, layout, trials)
	if err != nil {
		return "", err
	}
	defer b.Close()
	slots := upTo(len(trials))
	var start [2][]byte
	for slot := range slots {
		b.put(b.params, slot, draws(b.dim, 1, uint64(slot+1)))
		start[slot] = bytes.Clone(b.of(b.params, slot))
	}
	for step := range 5 {
		bad, err := b.step(ctx, slots, func(int) float64 { return trials[0].lr }, func(_ int, theta, grad []float64) float64 {
			copy(grad, draws(b.dim, 1, uint64(100+step))) // the same in both slots, that of a plane
			return 10 + dot(grad, theta)
		})
		if err == nil {
			err = reported(bad, trials, slots)
		}
		if err != nil {
			return "", err
		}
		if step == 0 && bytes.Equal(b.of(b.params, 0), b.of(b.params, 1)) {
			return "", failf("the first step leads to the same parameters wherever it starts: it overwrites them; subtract from what is there")
		}
		if !bytes.Equal(start[0], b.of(b.params, 0)) {
			return "", nil
		}
	}
	return "", failf("five steps leave the parameters as they were: %s", s.word.inPlace)
}

// How close the steps under a constant gradient have to come to lr·gain·g, and in how many steps.
const (
	gainOff   = 1e-3
	gainSteps = 2000
)

// gain compares what steps settle at under a constant gradient with the gain that the component tells. The parameters
// are put back to 0 before each step, where decay does nothing.
func (s *subject) gain(ctx context.Context) (string, error) {
	if !s.Has(plugins.FeatureGain) {
		return "", skipf("it does not declare %s", plugins.FeatureGain)
	}
	if s.Has(plugins.FeatureReverse) || s.Has(plugins.FeatureBase) {
		return "", skipf("its steps are not its own alone")
	}
	trials := s.trials[:min(len(s.trials), 8)]
	b, err := s.open(ctx, s.shared, plugins.Float64, layout, trials)
	if err != nil {
		return "", err
	}
	defer b.Close()
	told, ok := b.PluginSession.(interface{ Gain(slot int) float64 })
	if !ok {
		return "", skipf("its gain cannot be asked for")
	}
	slots, g, zero := upTo(len(trials)), draws(b.dim, 1, 21), make([]float64, b.dim)
	moved, before, settled := make([]float64, b.dim), make([]float64, len(slots)), make([]bool, len(slots))
	for step := range gainSteps {
		for _, slot := range slots {
			b.put(b.params, slot, zero)
		}
		bad, err := b.step(ctx, slots, s.rate, func(_ int, _, grad []float64) float64 { copy(grad, g); return 1 })
		if err == nil {
			err = reported(bad, trials, slots)
		}
		if err != nil {
			return "", err
		}
		for _, slot := range slots {
			b.get(b.params, slot, moved)
			length := math.Sqrt(dot(moved, moved))
			settled[slot] = step > 10 && math.Abs(length-before[slot]) <= 1e-8*length
			before[slot] = length
		}
		if !slices.Contains(settled, false) {
			break
		}
	}
	for _, slot := range slots {
		if !settled[slot] {
			continue // such as a momentum of 0.999
		}
		b.get(b.params, slot, moved)
		got := -dot(moved, g) / dot(g, g) / trials[slot].lr
		if want := told.Gain(slot); !(math.Abs(got-want) <= gainOff*math.Abs(want)) {
			return "", failf("with %s %s gives %.6g, but under a constant gradient the steps settle at %.6g times lr·gradient", trials[slot], s.word.gain, want, got)
		}
	}
	return "", nil
}

// evaluation calls for the parameters to judge in the midst of steps: twice the same, without an effect on the steps, and
// not always those that are trained.
func (s *subject) evaluation(ctx context.Context) (string, error) {
	if !s.Has(plugins.FeatureEval) {
		return "", skipf("it does not declare %s", plugins.FeatureEval)
	}
	r := s.beside(plugins.Float64)
	want, err := s.run(ctx, s.shared, r)
	if err != nil {
		return "", err
	}
	differs := false
	r.look = func(b *bench, slot int) error {
		trained := bytes.Clone(b.of(b.params, slot))
		var judged [2][]byte
		for i := range judged {
			if err := slotErrors(b.Evaluate(ctx, []int{slot})); err != nil {
				return err
			}
			judged[i] = bytes.Clone(b.of(b.params, slot))
			copy(b.of(b.params, slot), trained)
		}
		differs = differs || !bytes.Equal(judged[0], trained)
		if !bytes.Equal(judged[0], judged[1]) {
			return failf("at %s %s gives other parameters when it is called again: it may change nothing but %s", s.trial(r.slots[slot]), s.word.evaluate, s.word.theta)
		}
		return nil
	}
	got, err := s.run(ctx, s.shared, r)
	if err != nil {
		return "", err
	}
	if err := s.same(got, want, r, s.word.evaluate+" has an effect on later steps: it may change nothing but "+s.word.theta); err != nil {
		return "", err
	}
	if !differs {
		return "", failf("%s leaves the parameters as they are, after each of %d steps: %s, or leave it out", s.word.evaluate, r.steps, s.word.inPlace)
	}
	return "", nil
}

// learningRate compares steps at several learning rates. A line search may find the same point from
// each of them; any other method that does so ignores the rate.
func (s *subject) learningRate(ctx context.Context) (string, error) {
	rates := []float64{1e-4, 1e-3, 1e-2, 0.1, 1}
	trials := make([]trial, len(rates))
	for i, lr := range rates {
		trials[i] = s.trials[0]
		trials[i].lr = lr
	}
	b, err := s.open(ctx, s.shared, plugins.Float64, layout, trials)
	if err != nil {
		return "", err
	}
	defer b.Close()
	slots := upTo(len(rates))
	for step := range 3 {
		bad, err := b.step(ctx, slots, func(slot int) float64 { return rates[slot] },
			func(_ int, theta, grad []float64) float64 { return quadratic(1, step, theta, grad) })
		if err == nil {
			err = reported(bad, trials, slots)
		}
		if err != nil {
			return "", err
		}
		for _, slot := range slots[1:] {
			if !bytes.Equal(b.of(b.params, slot), b.of(b.params, 0)) {
				return "", nil
			}
		}
	}
	if s.Has(plugins.FeatureReverse) {
		return "its search finds the same points at every lr", nil
	}
	return "", failf("three steps lead to the same points at every lr from %g to %g: use lr, or a sweep over it compares nothing", rates[0], rates[len(rates)-1])
}
