package host

import (
	"context"
	"fmt"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/slots"
	"github.com/xrun-dev/xrun/runner"
)

// Local runs components inside this process. It is the yardstick: what plugins do in processes
// of their own has to give its bits. Sweeps do not use it.
type Local struct {
	Components []plugins.Component
}

var _ runner.Plugins = (*Local)(nil)

type localSession struct {
	params, grads []byte
	stride, size  int
	width         int
	slots         []localSlot
	inside        time.Duration
}

type localSlot struct {
	optimizer, regularizer slots.Session // each with the one slot 0
	proximal               bool
}

// Open implements runner.Plugins.
func (l *Local) Open(_ context.Context, spec runner.PluginSpec) (runner.PluginSession, error) {
	s := &localSession{stride: spec.Layout.Dim(), width: spec.DType.Size()}
	s.size = s.stride * s.width
	s.params, s.grads = protocol.Aligned(s.size*len(spec.Slots)), protocol.Aligned(s.size*len(spec.Slots))
	for i, slot := range spec.Slots {
		var one localSlot
		in := plugins.Instance{Settings: slot.Optimizer.Settings, Layout: spec.Layout, Seed: slot.Seed}
		var err error
		if one.optimizer, err = l.open(plugins.KindOptimizer, slot.Optimizer, spec.DType, in); err != nil {
			return nil, &runner.SlotError{Slot: i, Plugin: slot.Optimizer.Plugin, Err: err}
		}
		if r := slot.Regularizer; r != nil {
			in.Settings, in.Lambda, in.Examples = r.Settings, slot.Lambda, spec.Examples
			if one.regularizer, err = l.open(plugins.KindRegularizer, *r, spec.DType, in); err != nil {
				return nil, &runner.SlotError{Slot: i, Plugin: r.Plugin, Err: err}
			}
			one.proximal = r.Settings[plugins.SettingMode].Text == plugins.ModeProximal
		}
		s.slots = append(s.slots, one)
	}
	return s, nil
}

func (l *Local) open(kind plugins.Kind, c runner.Choice, dtype plugins.DType, in plugins.Instance) (slots.Session, error) {
	for _, have := range l.Components {
		if have.Kind == kind && have.Name == c.Component {
			return slots.Open(have, dtype, []slots.Slot{{Number: 0, Instance: in}})
		}
	}
	return nil, fmt.Errorf("no %s %q", kind, c.Component)
}

func (l *Local) Close() error { return nil }

func (s *localSession) Slabs() (params, grads []byte, stride int) { return s.params, s.grads, s.stride }

func (s *localSession) Step(_ context.Context, active []int, rates []float64) ([]*runner.SlotError, error) {
	defer s.timed(time.Now())
	return s.each(active, func(i int, one localSlot, params, grad []byte) (err error) {
		if one.regularizer != nil && !one.proximal {
			if _, err := one.regularizer.Run(slots.Penalize, 0, params, grad, 0); err != nil {
				return err
			}
		}
		if _, err := one.optimizer.Run(slots.Step, 0, params, grad, rates[i]); err != nil {
			return err
		}
		if one.proximal {
			_, err = one.regularizer.Run(slots.Prox, 0, params, grad, rates[i]*one.optimizer.Gain(0))
		}
		return err
	})
}

func (s *localSession) Penalty(_ context.Context, dst []float64, active []int) ([]*runner.SlotError, error) {
	defer s.timed(time.Now())
	clear(dst)
	return s.each(active, func(i int, one localSlot, params, _ []byte) (err error) {
		if one.regularizer != nil {
			dst[i], err = one.regularizer.Run(slots.Value, 0, params, nil, 0)
		}
		return err
	})
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
