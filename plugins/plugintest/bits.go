package plugintest

import (
	"context"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// sameBits are the equalities that results rest on: whatever runs beside a trial, wherever, and
// however often it is interrupted, its numbers are the same.
var sameBits = []check{
	{id: "determinism", required: true, run: (*subject).determinism},
	{id: "slots/independent", required: true, after: "determinism", run: (*subject).independent},
	{id: "transport/inline", required: true, after: "slots/independent", run: (*subject).messages},
	{id: "state/restore", required: true, after: "slots/independent", run: (*subject).restored},
	{id: "settings/used", after: "determinism", run: (*subject).used},
}

// How long the histories of comparisons are.
const steps = 12

// beside is a recipe for all trials side by side, as many as there may be.
func (s *subject) beside(dtype plugins.DType) recipe {
	return recipe{dtype: dtype, layout: s.layout, steps: steps, slots: upTo(min(len(s.trials)+len(s.further), most))}
}

// most bounds how many trials run side by side; a session has at most 256 slots.
const most = 128

var dtypes = []plugins.DType{plugins.Float64, plugins.Float32}

// determinism runs the same trials in two processes, neither of which has taken a step before if this
// is the plugin's first component: what leaks from session to session is another check's matter.
func (s *subject) determinism(ctx context.Context) (string, error) {
	for _, dtype := range dtypes {
		r := s.beside(dtype)
		want, err := s.run(ctx, s.shared, r)
		if err != nil {
			return "", err
		}
		began := time.Now()
		got, err := s.run(ctx, s.other, r)
		if err != nil {
			return "", err
		}
		s.cold = max(s.cold, time.Since(began))
		if err := s.same(got, want, r, "another process gives other numbers from the same seed"); err != nil {
			return "", err
		}
	}
	return "", nil
}

// independent runs each trial alone, in a slot of another number, and all of them in another order
// beside slots that are not used.
func (s *subject) independent(ctx context.Context) (string, error) {
	for _, dtype := range dtypes {
		all := s.beside(dtype)
		want, err := s.run(ctx, s.shared, all)
		if err != nil {
			return "", err
		}
		for _, t := range all.slots[:min(len(all.slots), 6)] {
			alone := recipe{dtype: dtype, layout: s.layout, steps: steps, slots: []int{t}}
			got, err := s.run(ctx, s.shared, alone)
			if err != nil {
				return "", err
			}
			if err := s.same(got, want, alone, "a trial alone differs from the same trial among others: nothing may be shared between slots"); err != nil {
				return "", err
			}
		}
		mixed := all
		mixed.slots = slices.Clone(all.slots)
		slices.Reverse(mixed.slots)
		mixed.slots = append([]int{0, 0}, mixed.slots...)
		for i := len(mixed.slots) - 1; i >= 2; i-- { // the first two stay idle
			mixed.active = append(mixed.active, i)
		}
		got, err := s.run(ctx, s.shared, mixed)
		if err != nil {
			return "", err
		}
		if err := s.same(got, want, mixed, "trials in other slots and another order differ: nothing may be shared between slots"); err != nil {
			return "", err
		}
	}
	return "", nil
}

// messages compares shared memory with what goes by gRPC.
func (s *subject) messages(ctx context.Context) (string, error) {
	for _, dtype := range dtypes {
		r := s.beside(dtype)
		want, err := s.run(ctx, s.shared, r)
		if err != nil {
			return "", err
		}
		got, err := s.run(ctx, s.inline, r)
		if err != nil {
			return "", err
		}
		if err := s.same(got, want, r, "by messages it gives other numbers than on shared memory"); err != nil {
			return "", err
		}
	}
	return "", nil
}

// restored saves all trials half-way and lets them go on in another session of the same process,
// and in another process.
func (s *subject) restored(ctx context.Context) (string, error) {
	for _, c := range []struct {
		dtype  plugins.DType
		steps  int
		pauses []int
		into   runner.Plugins
		name   string
	}{
		{plugins.Float64, steps, []int{1, steps / 2}, s.shared, "another session"},
		{plugins.Float64, steps, []int{steps / 2}, s.other, "another process"},
		{plugins.Float32, steps, []int{steps / 2}, s.other, "another process"},
		{plugins.Float64, lastSteps, []int{2 * lastSteps / 3}, s.shared, "another session"}, // what comes later, such as the end of a warm-up
	} {
		r := s.beside(c.dtype)
		r.steps = c.steps
		if s.Kind == plugins.KindObjective {
			r.steps = steps
		}
		want, err := s.run(ctx, s.shared, r)
		if err != nil {
			return "", err
		}
		for _, pause := range c.pauses {
			r.pause, r.into = min(pause, r.steps-1), c.into
			got, err := s.run(ctx, s.shared, r)
			if err != nil {
				return "", err
			}
			if err := s.same(got, want, r, "saved and restored into "+c.name+" it goes on otherwise: "+s.word.state); err != nil {
				return "", err
			}
		}
	}
	return "", nil
}
