package plugintest

import (
	"context"
	"fmt"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// timing measures what a step costs inside the plugin, and what getting there costs.
func (s *subject) timing(ctx context.Context) (string, error) {
	inside, transport, err := s.cost(ctx, 1024, 200)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("%s a step of 1024 parameters and %s for the way there and back", micro(inside), micro(transport))
	if s.options.Short {
		return text, nil
	}
	if inside, _, err = s.cost(ctx, million, 3); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s; %.2g ns a parameter of a million", text, float64(inside.Nanoseconds())/million), nil
}

func micro(d time.Duration) string { return fmt.Sprintf("%.3g µs", float64(d.Nanoseconds())/1e3) }

// cost is the mean of some calls with float32 parameters.
func (s *subject) cost(ctx context.Context, dim, calls int) (inside, transport time.Duration, err error) {
	b, err := s.open(ctx, s.shared, plugins.Float32, matrix(dim/16*16), s.trials[:1])
	if err != nil {
		return 0, 0, err
	}
	defer b.Close()
	slots := []int{0}
	theta, grad := make([]float64, b.dim), make([]float64, b.dim)
	loss := smooth(0, theta, grad)
	b.put(b.grads, 0, grad)
	one := func() error {
		if s.Kind == plugins.KindRegularizer {
			return s.penalty(ctx, b, slots)
		}
		_, failed, err := b.Step(ctx, slots, runner.StepInputs{Rates: []float64{1e-3}, Losses: []float64{loss}})
		return slotErrors(failed, err)
	}
	if err := one(); err != nil {
		return 0, 0, err
	}
	i0, t0 := b.Cost()
	for range calls {
		if err := one(); err != nil {
			return 0, 0, err
		}
	}
	i1, t1 := b.Cost()
	return (i1 - i0) / time.Duration(calls), (t1 - t0) / time.Duration(calls), nil
}

// stateSize compares what a component saves with what it declares.
func (s *subject) stateSize(ctx context.Context) (string, error) {
	const dim = 4096
	b, err := s.open(ctx, s.shared, plugins.Float32, matrix(dim), s.trials[:1])
	if err != nil {
		return "", err
	}
	defer b.Close()
	if _, err := b.step(ctx, []int{0}, s.rate, smooth); err != nil {
		return "", err
	}
	state, err := b.Save(ctx, 0)
	if err != nil {
		return "", err
	}
	return s.sizeOfState(state, dim)
}

func (s *subject) sizeOfState(state runner.SlotState, dim int) (string, error) {
	declared := s.StateFloats
	bytes := 0
	for _, part := range state {
		bytes += len(part)
	}
	numbers := float64(bytes) / 4 / float64(dim)
	// Text encodings of numbers, such as base64, take a third more.
	if numbers > 1.4*float64(declared)+0.25 {
		return "", failf("saves %.2f numbers for each parameter, but declares %d as %s: declare at least that many", numbers, declared, s.word.stateFloats)
	}
	return "", nil
}
