package plugintest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// A Bench runs one component without judging it. Close it.
type Bench struct {
	s *subject
	t trial
}

// NewBench makes a Bench for a component of the plugin that ref names, with some settings.
func NewBench(ref string, c plugins.Component, settings plugins.Settings, o Options) (*Bench, error) {
	l, err := newLab(o, ref)
	if err != nil {
		return nil, err
	}
	t := trial{settings: settings, seed: 1}
	s := &subject{lab: l, Component: c, options: o, loss: plugins.LossFunction, examples: 1, layout: layout, seed: 1, data: someClasses, trials: []trial{t}}
	return &Bench{s: s, t: t}, nil
}

// Close stops the plugin.
func (b *Bench) Close() { b.s.close() }

// Descend takes steps of an optimizer on a test function, with each of the learning rates.
func (b *Bench) Descend(ctx context.Context, l *Landscape, lrs []float64, steps int) ([]Descent, error) {
	return b.s.sweep(ctx, l, lrs, steps)
}

// A Profile is the effect of a regularizer on one parameter.
type Profile struct {
	Theta, Value, Gradient []float64
	Prox                   []float64 // nil without a proximal map
}

// Profile measures a regularizer of strength lambda at values of a single parameter, its proximal map
// for a step. The number of training examples is 1.
func (b *Bench) Profile(ctx context.Context, theta []float64, lambda, step float64) (*Profile, error) {
	t := b.t
	t.lambda = lambda
	s := b.s
	p := &Profile{Theta: theta}
	var points [][]float64
	for _, x := range theta {
		points = append(points, []float64{x})
	}
	g, err := s.gauge(ctx, t, line(1))
	if err != nil {
		return nil, err
	}
	if p.Value, err = g.at(ctx, points); err != nil {
		g.Close()
		return nil, err
	}
	for _, x := range points {
		v, err := g.gradient(ctx, x, nil)
		if err != nil {
			g.Close()
			return nil, err
		}
		p.Gradient = append(p.Gradient, v[0])
	}
	if err := g.Close(); err != nil || !s.Has(plugins.FeatureProx) {
		return p, err
	}
	if g, err = s.gauge(ctx, s.mapped(t), line(1)); err != nil {
		return nil, err
	}
	defer g.Close()
	mapped, err := g.prox(ctx, points, step)
	for _, y := range mapped {
		p.Prox = append(p.Prox, y[0])
	}
	return p, err
}

// Train trains an objective by the built-in adam, at each of the learning rates, and measures its loss
// before the first epoch and after each. progress is called after each epoch.
func (b *Bench) Train(ctx context.Context, lrs []float64, epochs int, progress func(epoch int)) ([]Descent, error) {
	spec := runner.PluginSpec{DType: plugins.Float32, Objective: &runner.Choice{Plugin: b.s.ref, Component: b.s.Name, Settings: b.t.settings, Features: b.s.Features}, ObjectiveSeed: 1}
	for _, lr := range lrs {
		spec.Slots = append(spec.Slots, runner.PluginSlot{Optimizer: runner.Choice{Plugin: host.BuiltinRef, Component: "adam"}, LR: lr})
	}
	if b.s.Has(plugins.FeatureData) {
		spec.Data = someClasses
	}
	session, err := b.s.shared.Open(ctx, spec)
	if err != nil && spec.Data != nil { // it may be one of numbers
		spec.Data = someNumbers
		session, err = b.s.shared.Open(ctx, spec)
	}
	if err != nil {
		return nil, err
	}
	defer session.Close()
	slots := upTo(len(lrs))
	descents := make([]Descent, len(lrs))
	metrics := make([][]float64, len(lrs))
	for i, lr := range lrs {
		descents[i].LR = lr
		metrics[i] = make([]float64, len(b.s.Metrics))
	}
	loss := slices.Index(b.s.Metrics, plugins.MetricTrainLoss)
	if loss < 0 {
		return nil, fmt.Errorf("objective %s does not report %s", b.s.Name, plugins.MetricTrainLoss)
	}
	measure := func() error {
		if err := slotErrors(session.Metrics(ctx, slots, metrics)); err != nil {
			return err
		}
		for i := range descents {
			descents[i].Losses = append(descents[i].Losses, metrics[i][loss])
		}
		return nil
	}
	if err := slotErrors(session.Init(ctx, slots)); err != nil {
		return nil, err
	}
	if err := measure(); err != nil {
		return nil, err
	}
	losses, batches := make([]float64, len(lrs)), session.Problem().Batches
	for epoch := 1; epoch <= epochs; epoch++ {
		for batch := range batches {
			if err := slotErrors(session.Gradient(ctx, slots, epoch, batch, losses)); err != nil {
				return nil, err
			}
			_, failed, err := session.Step(ctx, slots, runner.StepInputs{Rates: lrs})
			if err := slotErrors(failed, err); err != nil {
				return nil, err
			}
		}
		if err := measure(); err != nil {
			return nil, err
		}
		progress(epoch)
	}
	inside, _ := session.Cost()
	for i := range descents {
		descents[i].Step = inside / time.Duration(max(1, epochs*batches*len(lrs)))
	}
	return descents, nil
}
