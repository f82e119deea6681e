package plugintest

import (
	"context"
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// gauge measures one regularizer at many points.
type gauge struct {
	*bench
	s      *subject
	t      trial
	slots  []int
	values []float64
}

// side is how many points are measured at once.
const side = 32

// gauge opens a trial in as many slots as points are measured at once.
func (s *subject) gauge(ctx context.Context, t trial, l plugins.Layout) (*gauge, error) {
	b, err := s.open(ctx, s.shared, plugins.Float64, l, slices.Repeat([]trial{t}, side))
	if err != nil {
		return nil, err
	}
	return &gauge{bench: b, s: s, t: t, slots: upTo(side), values: make([]float64, side)}, nil
}

// at are the values R of points.
func (g *gauge) at(ctx context.Context, points [][]float64) ([]float64, error) {
	var all []float64
	for len(points) > 0 {
		n := min(len(points), side)
		for slot, p := range points[:n] {
			g.put(g.params, slot, p)
		}
		if err := slotErrors(g.Penalty(ctx, g.values[:n], g.slots[:n])); err != nil {
			return nil, fmt.Errorf("at %s it reports: %w", g.t, err)
		}
		all = append(all, g.values[:n]...)
		points = points[n:]
	}
	return all, nil
}

// gradient is what AddPenalty adds at a point to a gradient that held before; nil: zeros.
func (g *gauge) gradient(ctx context.Context, point, before []float64) ([]float64, error) {
	g.put(g.params, 0, point)
	v := make([]float64, len(point))
	if before != nil {
		copy(v, before)
	}
	g.put(g.grads, 0, v)
	if err := slotErrors(g.AddPenalty(ctx, g.slots[:1])); err != nil {
		return nil, fmt.Errorf("at %s it reports: %w", g.t, err)
	}
	g.get(g.grads, 0, v)
	for i := range before {
		v[i] -= before[i]
	}
	return v, nil
}

// prox is the proximal map of points for a step.
func (g *gauge) prox(ctx context.Context, points [][]float64, step float64) ([][]float64, error) {
	var all [][]float64
	for len(points) > 0 {
		n := min(len(points), side)
		with := runner.StepInputs{}
		for slot, p := range points[:n] {
			g.put(g.params, slot, p)
			with.Rates = append(with.Rates, step)
		}
		_, failed, err := g.Step(ctx, g.slots[:n], with)
		if err := slotErrors(failed, err); err != nil {
			return nil, fmt.Errorf("at %s it reports: %w", g.t, err)
		}
		for slot, p := range points[:n] {
			v := make([]float64, len(p))
			g.get(g.params, slot, v)
			all = append(all, v)
		}
		points = points[n:]
	}
	return all, nil
}
