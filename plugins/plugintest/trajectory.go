package plugintest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// layout describes a small network whose biases are not penalised. Its inputs are called what those of an encoded table
// may be.
var layout = plugins.NewLayout(
	plugins.Tensor{Name: "W1", Shape: []int{4, 3}, Role: plugins.RoleWeight, Penalized: true, Inputs: []string{"age", "age=(missing)", "port=Cork"}},
	plugins.Tensor{Name: "b1", Shape: []int{4}, Role: plugins.RoleBias},
	plugins.Tensor{Name: "W2", Shape: []int{2, 4}, Role: plugins.RoleWeight, Penalized: true},
	plugins.Tensor{Name: "b2", Shape: []int{2}, Role: plugins.RoleBias},
)

// line is the layout of n weights in one tensor.
func line(n int) plugins.Layout {
	return plugins.NewLayout(plugins.Tensor{Name: "theta", Shape: []int{n}, Role: plugins.RoleWeight, Penalized: true})
}

// recipe says how trials are run side by side. What a trial sees depends on the trial alone, not on
// its slot or its neighbours.
type recipe struct {
	dtype  plugins.DType
	layout plugins.Layout
	steps  int
	slots  []int // slot i runs s.trials[slots[i]]
	active []int // the slots that run, in the order in which they are handed over; nil: all
	// Before step pause the trials are saved and go on in a session of into. 0: never.
	pause int
	into  runner.Plugins
	// poison replaces the gradient's elements and the loss of a trial.
	poison map[int]float64
	// look is called with each slot after each step of an optimizer, if it is not nil.
	look func(b *bench, slot int) error
}

// A history is what a trial leaves behind at each step, as bytes.
type history [][]byte

// trial is a trial by its number: the trials come first, then the further ones.
func (s *subject) trial(n int) trial {
	if n < len(s.trials) {
		return s.trials[n]
	}
	return s.further[n-len(s.trials)]
}

// run runs a recipe. The histories have the numbers of trials; those that do not run are nil.
func (s *subject) run(ctx context.Context, w runner.Plugins, r recipe) ([]history, error) {
	var trials []trial
	for _, t := range r.slots {
		trials = append(trials, s.trial(t))
	}
	if r.active == nil {
		r.active = upTo(len(r.slots))
	}
	b, err := s.open(ctx, w, r.dtype, r.layout, trials)
	if err != nil {
		return nil, err
	}
	defer func() { b.Close() }()
	switch s.Kind {
	case plugins.KindOptimizer:
		for slot, t := range trials {
			b.put(b.params, slot, draws(b.dim, t.seed, 1))
		}
	case plugins.KindObjective:
		if err := s.begin(ctx, b, trials); err != nil {
			return nil, err
		}
	}
	histories := make([]history, len(s.trials)+len(s.further))
	for step := range r.steps {
		if step == r.pause && step > 0 {
			if b, err = s.move(ctx, b, r, trials); err != nil {
				return nil, err
			}
		}
		switch s.Kind {
		case plugins.KindRegularizer:
			err = s.penalise(ctx, b, r, trials, step, histories)
		case plugins.KindObjective:
			err = s.learn(ctx, b, r, step, histories)
		default:
			err = s.descend(ctx, b, r, trials, step, histories)
		}
		if err != nil {
			return nil, err
		}
	}
	return histories, nil
}

// descend takes one step of an optimizer on the noisy quadratic of each trial.
func (s *subject) descend(ctx context.Context, b *bench, r recipe, trials []trial, step int, histories []history) error {
	bad, err := b.step(ctx, r.active, func(slot int) float64 {
		return trials[slot].lr * (1 - 0.02*float64(step%25))
	}, func(slot int, theta, grad []float64) float64 {
		loss := quadratic(trials[slot].seed, step, theta, grad)
		if v, ok := r.poison[r.slots[slot]]; ok {
			loss = v
			for i := range grad {
				grad[i] = v
			}
		}
		return loss
	})
	if err != nil {
		return err
	}
	for _, slot := range r.active {
		if _, poisoned := r.poison[r.slots[slot]]; bad[slot] != nil && !poisoned {
			return reported(map[int]error{0: bad[slot]}, trials[slot:slot+1], []int{0})
		}
		at := r.slots[slot]
		histories[at] = append(histories[at], bytes.Clone(b.of(b.params, slot)))
		if r.look != nil {
			if err := r.look(b, slot); err != nil {
				return err
			}
		}
	}
	return nil
}

// quadratic is ½Σ dᵢ(θᵢ − cᵢ)² + 0.1·Σ nᵢθᵢ with the noise n of a step, and its gradient: the same
// at each evaluation within a step, so that line searches make sense.
func quadratic(seed uint64, step int, theta, grad []float64) float64 {
	fixed := rand.New(rand.NewPCG(seed, 2))
	noise := rand.New(rand.NewPCG(seed, 1000+uint64(step)))
	loss := 0.0
	for i, x := range theta {
		d, away, n := 0.2+fixed.Float64(), x-fixed.NormFloat64(), 0.1*noise.NormFloat64()
		grad[i] = d*away + n
		loss += d*away*away/2 + n*x
	}
	return loss
}

// penalise calls all that a regularizer has, at a point and a gradient of the step's own.
func (s *subject) penalise(ctx context.Context, b *bench, r recipe, trials []trial, step int, histories []history) error {
	var with runner.StepInputs
	for _, slot := range r.active {
		b.put(b.params, slot, draws(b.dim, trials[slot].seed, 10+uint64(step)))
		b.put(b.grads, slot, draws(b.dim, trials[slot].seed, 1000+uint64(step)))
		with.Rates = append(with.Rates, 0.1+0.05*float64(step))
		if v, ok := r.poison[r.slots[slot]]; ok {
			theta := make([]float64, b.dim)
			for i := range theta {
				theta[i] = v
			}
			b.put(b.params, slot, theta)
		}
	}
	values := make([]float64, len(r.active))
	failed, err := b.Penalty(ctx, values, r.active)
	if err := s.unless(r, failed, err); err != nil {
		return err
	}
	failed, err = b.AddPenalty(ctx, r.active)
	if err := s.unless(r, failed, err); err != nil {
		return err
	}
	_, failed, err = b.Step(ctx, r.active, with)
	if err := s.unless(r, failed, err); err != nil {
		return err
	}
	for i, slot := range r.active {
		entry := bytes.Clone(b.of(b.params, slot))
		entry = append(entry, b.of(b.grads, slot)...)
		bits := math.Float64bits(values[i])
		for shift := 0; shift < 64; shift += 8 {
			entry = append(entry, byte(bits>>shift))
		}
		at := r.slots[slot]
		histories[at] = append(histories[at], entry)
	}
	return nil
}

// unless is the error of an operation, unless it is of poisoned slots only.
func (s *subject) unless(r recipe, failed []*runner.SlotError, err error) error {
	if err != nil {
		return err
	}
	for _, e := range failed {
		if e.Slot < 0 {
			return e
		}
		if _, poisoned := r.poison[r.slots[e.Slot]]; !poisoned {
			return reported(map[int]error{0: e.Err}, []trial{s.trial(r.slots[e.Slot])}, []int{0})
		}
	}
	return nil
}

// move saves all slots and puts them back into a new session, where they go on.
func (s *subject) move(ctx context.Context, b *bench, r recipe, trials []trial) (*bench, error) {
	states := make([]runner.SlotState, len(trials))
	kept := make([][]byte, len(trials))
	for slot, t := range trials {
		state, err := b.Save(ctx, slot)
		if err != nil {
			b.Close()
			return b, failf("cannot save its state at %s: %v", t, err)
		}
		for _, part := range state {
			states[slot] = append(states[slot], bytes.Clone(part))
		}
		kept[slot] = bytes.Clone(b.of(b.params, slot))
	}
	if err := b.Close(); err != nil {
		return b, err
	}
	next, err := s.open(ctx, r.into, r.dtype, r.layout, trials)
	if err != nil {
		return b, err
	}
	for slot, t := range trials {
		copy(next.of(next.params, slot), kept[slot])
		if err := next.Restore(ctx, slot, states[slot]); err != nil {
			return next, failf("cannot restore what it saved at %s: %v", t, err)
		}
	}
	return next, nil
}

// draws are n numbers from N(0, 1), the same for the same seed and stream.
func draws(n int, seed, stream uint64) []float64 {
	rng := rand.New(rand.NewPCG(seed, stream))
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

// same compares the histories of those trials that both have run.
func (s *subject) same(got, want []history, r recipe, how string) error {
	for t := range want {
		if got[t] == nil || want[t] == nil {
			continue
		}
		for step := range want[t] {
			if bytes.Equal(got[t][step], want[t][step]) {
				continue
			}
			return failf("%s: after step %d with %s, lr %g, %s, %s", how, step+1, s.trial(t), s.trial(t).lr, r.dtype,
				difference(got[t][step], want[t][step], r))
		}
	}
	return nil
}

// difference names the first element in which two entries of a history differ.
func difference(got, want []byte, r recipe) string {
	width, dim := r.dtype.Size(), r.layout.Dim()
	n := min(len(got), len(want)) / width
	a, b := make([]float64, n), make([]float64, n)
	decode(got, r.dtype, a)
	decode(want, r.dtype, b)
	i := slices.IndexFunc(upTo(n), func(i int) bool {
		return !bytes.Equal(got[i*width:][:width], want[i*width:][:width])
	})
	switch {
	case i < 0:
		return "the sizes differ"
	case i < dim:
		return fmt.Sprintf("θ[%d] is %.17g and not %.17g", i, a[i], b[i])
	case i < 2*dim:
		return fmt.Sprintf("the gradient's element %d is %.17g and not %.17g", i-dim, a[i], b[i])
	}
	return "the value differs"
}

func upTo(n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = i
	}
	return v
}
