package plugintest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// lab is where a plugin runs while it is looked at: twice on shared memory, in processes of their
// own, and once by messages.
type lab struct {
	ref                   string
	shared, other, inline runner.Plugins
}

// newLab makes workers of hosts that have not been told what the plugin supplies: they let it write
// to gradients, so that one which does is seen to.
func newLab(o Options, ref string) (*lab, error) {
	l := &lab{ref: ref}
	apart := host.New(o.host(false))
	unheard := o.host(false) // what is printed there is our own noise, besides what the others print as well
	unheard.Printed = func(string, string, int) {}
	for _, want := range []struct {
		into *runner.Plugins
		from *host.Host
	}{{&l.shared, apart}, {&l.other, host.New(unheard)}, {&l.inline, host.New(o.host(true))}} {
		w, err := want.from.Worker()
		if err != nil {
			l.close()
			return nil, err
		}
		*want.into = w
	}
	return l, nil
}

func (l *lab) close() {
	for _, w := range []runner.Plugins{l.shared, l.other, l.inline} {
		if w != nil {
			w.Close()
		}
	}
}

// A trial is what one slot is set up with.
type trial struct {
	settings   plugins.Settings // those that differ from the defaults
	lr, lambda float64
	seed       uint64
	edge       bool // one of its settings stands at the end of its range
}

// String names the trial by its particular settings.
func (t trial) String() string {
	var parts []string
	for _, name := range t.settings.Names() {
		parts = append(parts, name+" = "+t.settings[name].String())
	}
	if len(parts) == 0 {
		return "the defaults"
	}
	return strings.Join(parts, ", ")
}

// bench is an open session with access to its slots by number.
type bench struct {
	runner.PluginSession
	dtype         plugins.DType
	dim, stride   int
	params, grads []byte
	reverse, base bool // what the optimizer declares
	losses        bool
}

// open opens one slot for each trial. The component stands alone in its slots. An objective says itself
// what the layout is.
func (s *subject) open(ctx context.Context, w runner.Plugins, dtype plugins.DType, layout plugins.Layout, trials []trial) (*bench, error) {
	spec := runner.PluginSpec{DType: dtype, Layout: layout, Examples: s.examples, Loss: s.loss, NullGradient: nullGradient}
	for _, t := range trials {
		slot := runner.PluginSlot{LR: t.lr, Lambda: t.lambda, Seed: t.seed}
		choice := runner.Choice{Plugin: s.ref, Component: s.Name, Settings: t.settings, Features: s.Features}
		switch s.Kind {
		case plugins.KindRegularizer:
			choice.Settings = s.complete(t.settings) // the host looks for the mode
			slot.Regularizer = &choice
		case plugins.KindObjective: // one for all slots
			spec.Objective, spec.ObjectiveSeed = &choice, s.seed
			if s.Has(plugins.FeatureData) {
				spec.Data = s.data
			}
		default:
			slot.Optimizer = choice
		}
		spec.Slots = append(spec.Slots, slot)
	}
	opened, err := w.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	if s.Kind == plugins.KindObjective {
		layout = opened.Problem().Layout
	}
	b := &bench{PluginSession: opened, dtype: dtype, dim: layout.Dim(),
		reverse: s.Has(plugins.FeatureReverse), base: s.Has(plugins.FeatureBase), losses: s.Has(plugins.FeatureLoss)}
	b.params, b.grads, b.stride = opened.Slabs()
	return b, nil
}

// The task that regularizers are told of.
const (
	examples     = 11
	nullGradient = 0.7
)

// of are the bytes of a slot.
func (b *bench) of(slab []byte, slot int) []byte {
	width := b.dtype.Size()
	return slab[slot*b.stride*width:][: b.dim*width : b.dim*width]
}

// put writes a vector, rounded to the element type.
func (b *bench) put(slab []byte, slot int, from []float64) {
	to := b.of(slab, slot)
	for i, x := range from {
		if b.dtype == plugins.Float32 {
			binary.LittleEndian.PutUint32(to[i*4:], math.Float32bits(float32(x)))
		} else {
			binary.LittleEndian.PutUint64(to[i*8:], math.Float64bits(x))
		}
	}
}

// get reads a vector.
func (b *bench) get(slab []byte, slot int, to []float64) { decode(b.of(slab, slot), b.dtype, to) }

func decode(from []byte, dtype plugins.DType, to []float64) {
	for i := range to {
		if dtype == plugins.Float32 {
			to[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(from[i*4:])))
		} else {
			to[i] = math.Float64frombits(binary.LittleEndian.Uint64(from[i*8:]))
		}
	}
}

// An oracle gives the loss of a slot at θ and writes its gradient.
type oracle func(slot int, theta, grad []float64) (loss float64)

// mostEvaluations bounds how often an optimizer may ask for another gradient in one step.
const mostEvaluations = 10_000

// step takes one step in each of some slots, evaluating as often as the optimizer asks, and for one
// that wants a base stepping with plain gradient descent. Slots that report errors come back by
// number.
func (b *bench) step(ctx context.Context, slots []int, rate func(slot int) float64, f oracle) (map[int]error, error) {
	theta, grad := make([]float64, b.dim), make([]float64, b.dim)
	bad := map[int]error{}
	left := slots
	for round := 0; len(left) > 0; round++ {
		if round == mostEvaluations {
			return bad, failf("asked %d times for another evaluation in one step: bound the search", round)
		}
		var with runner.StepInputs
		for _, slot := range left {
			b.get(b.params, slot, theta)
			loss := f(slot, theta, grad)
			b.put(b.grads, slot, grad)
			with.Rates = append(with.Rates, rate(slot))
			with.Losses = append(with.Losses, loss)
		}
		again, failed, err := b.Step(ctx, left, with)
		if err != nil {
			return bad, err
		}
		for _, e := range failed {
			bad[e.Slot] = e.Err
		}
		left = again
	}
	if b.base {
		for _, slot := range slots {
			b.get(b.params, slot, theta)
			b.get(b.grads, slot, grad)
			for i, g := range grad {
				theta[i] -= float64(rate(slot) * g)
			}
			b.put(b.params, slot, theta)
		}
	}
	return bad, nil
}

// evaluated reads the parameters that an optimizer wants to be judged at.
func (s *subject) evaluated(ctx context.Context, b *bench, slots []int, to func(slot int, theta []float64)) error {
	theta := make([]float64, b.dim)
	kept := make(map[int][]byte, len(slots))
	if s.Has(plugins.FeatureEval) {
		for _, slot := range slots {
			kept[slot] = append([]byte(nil), b.of(b.params, slot)...)
		}
		if err := slotErrors(b.Evaluate(ctx, slots)); err != nil {
			return err
		}
	}
	for _, slot := range slots {
		b.get(b.params, slot, theta)
		to(slot, theta)
		if k, ok := kept[slot]; ok {
			copy(b.of(b.params, slot), k)
		}
	}
	return nil
}

// slotErrors joins the errors of slots and of the session.
func slotErrors(failed []*runner.SlotError, err error) error {
	if err == nil && len(failed) > 0 {
		return failed[0]
	}
	return err
}

// reported makes an error of those that slots reported, naming the trial of the first.
func reported(bad map[int]error, trials []trial, slots []int) error {
	for i, slot := range slots {
		if err := bad[slot]; err != nil {
			return fmt.Errorf("at %s it reports: %w", trials[i], err)
		}
	}
	return nil
}

// complete fills in the defaults, for what only the host reads.
func (s *subject) complete(given plugins.Settings) plugins.Settings {
	all, err := s.Complete(given)
	if err != nil {
		return given // wrong on purpose
	}
	return all
}
