package host

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/slots"
	"github.com/xrun-dev/xrun/runner"
)

// Local runs components inside this process, for tests: plugins in processes of their own have to
// give the same bits. Sweeps do not use it.
type Local struct {
	Components []plugins.Component
}

var _ runner.Plugins = (*Local)(nil)

type localSession struct {
	params, grads []byte
	stride, size  int
	width         int
	problem       plugins.Problem
	slots         []localSlot
	inside        time.Duration
}

type localSlot struct {
	objective, optimizer, base, regularizer slots.Session // each with the one slot 0; nil if there is none
	proximal                                bool
}

// sessions lists the sessions that are not nil, in the order in which they are saved.
func (s localSlot) sessions() []slots.Session {
	return slices.DeleteFunc([]slots.Session{s.objective, s.regularizer, s.optimizer, s.base}, func(s slots.Session) bool { return s == nil })
}

// stepper is the session that takes the steps.
func (s localSlot) stepper() slots.Session {
	if s.base != nil {
		return s.base
	}
	return s.optimizer
}

// gain is that of what takes the steps; 1 where a regularizer stands alone.
func (s localSlot) gain() float64 {
	if stepper := s.stepper(); stepper != nil {
		return stepper.Gain(0)
	}
	return 1
}

// Open implements runner.Plugins.
func (l *Local) Open(_ context.Context, spec runner.PluginSpec) (runner.PluginSession, error) {
	s := &localSession{width: spec.DType.Size(), slots: make([]localSlot, len(spec.Slots))}
	for i := range spec.Slots {
		if spec.Objective == nil {
			break
		}
		in := plugins.Instance{Settings: spec.Objective.Settings, Seed: uint64(spec.ObjectiveSeed), Data: spec.Data}
		opened, err := l.open(plugins.KindObjective, *spec.Objective, spec.DType, in)
		if err != nil {
			return nil, &runner.SlotError{Slot: i, Plugin: spec.Objective.Plugin, Err: err}
		}
		s.slots[i].objective = opened
		s.problem = pose(&spec, opened.Problem())
	}
	s.stride = spec.Layout.Dim()
	s.size = s.stride * s.width
	s.params, s.grads = protocol.Aligned(s.size*len(spec.Slots)), protocol.Aligned(s.size*len(spec.Slots))
	for i, slot := range spec.Slots {
		one := &s.slots[i]
		in := plugins.Instance{Layout: spec.Layout, Examples: spec.Examples, Loss: spec.Loss, NullGradient: spec.NullGradient, Seed: slot.Seed}
		for _, want := range []struct {
			into   *slots.Session
			kind   plugins.Kind
			choice *runner.Choice
		}{
			{&one.optimizer, plugins.KindOptimizer, optimizerOf(&slot)},
			{&one.base, plugins.KindOptimizer, slot.Optimizer.Base},
			{&one.regularizer, plugins.KindRegularizer, slot.Regularizer},
		} {
			if want.choice == nil {
				continue
			}
			in.Settings, in.LR, in.Lambda = want.choice.Settings, slot.LR, 0
			if want.kind == plugins.KindRegularizer {
				in.LR, in.Lambda = 0, slot.Lambda
				one.proximal = want.choice.Proximal()
			}
			opened, err := l.open(want.kind, *want.choice, spec.DType, in)
			if err != nil {
				return nil, &runner.SlotError{Slot: i, Plugin: want.choice.Plugin, Err: err}
			}
			*want.into = opened
		}
	}
	return s, nil
}

// pose fills in the problem of the cohort's objective.
func pose(spec *runner.PluginSpec, p plugins.Problem) plugins.Problem {
	for i := range p.Layout {
		p.Layout[i].Inputs = nil // the names are those of xrun's own data
		p.Layout[i].Penalized = spec.PenalizeBias || p.Layout[i].Role != plugins.RoleBias
	}
	spec.Layout, spec.Examples, spec.Loss, spec.NullGradient = p.Layout, p.Examples, p.Loss, math.NaN()
	return p
}

func (l *Local) open(kind plugins.Kind, c runner.Choice, dtype plugins.DType, in plugins.Instance) (slots.Session, error) {
	for _, have := range l.Components {
		if have.Kind == kind && have.Name == c.Component {
			if in.Layout = in.Layout.For(have.Features); !have.Has(plugins.FeatureData) {
				in.Data = nil
			}
			return slots.Open(have, dtype, []slots.Slot{{Number: 0, Instance: in}})
		}
	}
	return nil, fmt.Errorf("no %s %q", kind, c.Component)
}

func (l *Local) Close() error { return nil }

func (s *localSession) Slabs() (params, grads []byte, stride int) { return s.params, s.grads, s.stride }

func (s *localSession) Step(_ context.Context, active []int, with runner.StepInputs) (again []int, failed []*runner.SlotError, err error) {
	defer s.timed(time.Now())
	failed, err = s.each(active, func(i int, one localSlot, params, grad []byte) error {
		if one.regularizer != nil && !one.proximal {
			if _, err := one.regularizer.Run(slots.Penalize, 0, params, grad, slots.Scalars{}); err != nil {
				return err
			}
		}
		numbers := slots.Scalars{Rate: with.Rates[i]}
		if with.Losses != nil {
			numbers.Loss = with.Losses[i]
		}
		for _, optimizer := range []slots.Session{one.optimizer, one.base} {
			if optimizer == nil {
				continue
			}
			if _, err := optimizer.Run(slots.Step, 0, params, grad, numbers); err == plugins.ErrAgain {
				again = append(again, active[i])
				return nil
			} else if err != nil {
				return err
			}
		}
		if one.proximal {
			_, err := one.regularizer.Run(slots.Prox, 0, params, grad, slots.Scalars{Rate: with.Rates[i] * one.gain()})
			return err
		}
		return nil
	})
	return again, failed, err
}

func (s *localSession) Penalty(_ context.Context, dst []float64, active []int) ([]*runner.SlotError, error) {
	defer s.timed(time.Now())
	clear(dst)
	return s.each(active, func(i int, one localSlot, params, _ []byte) (err error) {
		if one.regularizer != nil {
			dst[i], err = one.regularizer.Run(slots.Value, 0, params, nil, slots.Scalars{})
		}
		return err
	})
}

func (s *localSession) AddPenalty(_ context.Context, active []int) ([]*runner.SlotError, error) {
	defer s.timed(time.Now())
	return s.each(active, func(_ int, one localSlot, params, grad []byte) (err error) {
		if one.regularizer != nil {
			_, err = one.regularizer.Run(slots.Penalize, 0, params, grad, slots.Scalars{})
		}
		return err
	})
}

func (s *localSession) Evaluate(_ context.Context, active []int) ([]*runner.SlotError, error) {
	defer s.timed(time.Now())
	return s.each(active, func(_ int, one localSlot, params, _ []byte) error {
		_, err := one.stepper().Run(slots.Evaluate, 0, params, nil, slots.Scalars{})
		return err
	})
}

func (s *localSession) Problem() plugins.Problem { return s.problem }

func (s *localSession) Init(_ context.Context, active []int) ([]*runner.SlotError, error) {
	defer s.timed(time.Now())
	return s.each(active, func(_ int, one localSlot, params, _ []byte) error {
		_, err := one.objective.Run(slots.Init, 0, params, nil, slots.Scalars{})
		return err
	})
}

func (s *localSession) Gradient(_ context.Context, active []int, epoch, batch int, losses []float64) ([]*runner.SlotError, error) {
	defer s.timed(time.Now())
	return s.each(active, func(i int, one localSlot, params, grad []byte) (err error) {
		losses[i], err = one.objective.Run(slots.Gradient, 0, params, grad, slots.Scalars{Epoch: epoch, Batch: batch})
		return err
	})
}

func (s *localSession) Metrics(_ context.Context, active []int, dst [][]float64) ([]*runner.SlotError, error) {
	defer s.timed(time.Now())
	return s.each(active, func(i int, one localSlot, params, _ []byte) error {
		_, err := one.objective.Run(slots.Metrics, 0, params, nil, slots.Scalars{Metrics: dst[i]})
		return err
	})
}

func (s *localSession) Coefficients(slot int) map[string]float64 {
	if r := s.slots[slot].regularizer; r != nil {
		return r.Coefficients(0)
	}
	return nil
}

func (s *localSession) Gain(slot int) float64 { return s.slots[slot].gain() }

func (s *localSession) Save(_ context.Context, slot int) (runner.SlotState, error) {
	var state runner.SlotState
	for _, one := range s.slots[slot].sessions() {
		saved, err := one.Save(0)
		if err != nil {
			return nil, &runner.SlotError{Slot: slot, Plugin: "local", Err: err}
		}
		state = append(state, saved)
	}
	return state, nil
}

func (s *localSession) Restore(_ context.Context, slot int, state runner.SlotState) error {
	for i, one := range s.slots[slot].sessions() {
		if err := one.Restore(0, state[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *localSession) each(active []int, do func(i int, one localSlot, params, grad []byte) error) ([]*runner.SlotError, error) {
	var failed []*runner.SlotError
	for i, slot := range active {
		at := slot * s.size
		if err := do(i, s.slots[slot], s.params[at:][:s.size:s.size], s.grads[at:][:s.size:s.size]); err != nil {
			failed = append(failed, &runner.SlotError{Slot: slot, Plugin: "local", Err: err})
		}
	}
	return failed, nil
}

func (s *localSession) timed(begin time.Time) { s.inside += time.Since(begin) }

func (s *localSession) Cost() (plugin, transport time.Duration) { return s.inside, 0 }

func (s *localSession) Close() error { return nil }
