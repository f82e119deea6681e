package runner

import (
	"context"
	"fmt"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
)

// maxEvaluations limits how often an optimizer may ask for the gradient within one step. No line
// search needs as many, and one that never ends fails its own trial only.
const maxEvaluations = 1000

// step takes one update of every active slot on a mini-batch of the epoch. Optimizers that ask for it get the
// gradient at further points of the same mini-batch; the others wait for them.
func (l *lockstep[F]) step(ctx context.Context, i int) error {
	l.setRates()
	slots, rates := l.active, l.rates
	l.steps++
	for round := 1; ; round++ {
		failed, err := l.problem.gradient(ctx, i, slots)
		if err != nil {
			return err
		}
		if len(failed) > 0 {
			slots = slices.Clone(slots)
			for _, f := range failed {
				l.fail(f)
			}
			slots = slices.DeleteFunc(slots, func(slot int) bool { return l.members[slot].ended })
			rates = l.ratesOf(slots)
			if len(slots) == 0 {
				return nil
			}
		}
		losses, err := l.losses(ctx, slots)
		if err != nil {
			return err
		}
		again, failed, err := l.stepper.Step(ctx, slots, StepInputs{Rates: rates, Losses: losses})
		for _, f := range failed {
			l.fail(f)
		}
		if err != nil {
			return err
		}
		// A slot can have both: a regularizer that failed, and an optimizer that asks for more.
		again = slices.DeleteFunc(again, func(slot int) bool { return l.members[slot].ended })
		rates = l.ratesOf(again)
		if len(again) == 0 {
			return nil
		}
		for _, slot := range again {
			l.costs[slot].GradientEvals++
			if round == maxEvaluations {
				l.fail(&SlotError{Slot: slot, Plugin: l.members[slot].trial.Optimizer.Plugin, Err: fmt.Errorf("asked for more than %d gradients in one step", maxEvaluations)})
			}
		}
		if round == maxEvaluations {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		slots = again
	}
}

// ratesOf are the learning rates of some active slots.
func (l *lockstep[F]) ratesOf(slots []int) []float64 {
	if len(slots) == 0 {
		return nil
	}
	rates := make([]float64, len(slots))
	for i, slot := range slots {
		rates[i] = l.rates[slices.Index(l.active, slot)]
	}
	return rates
}

// losses are the objectives of slots on the mini-batch of the newest gradient, for the optimizers that want them: mean
// loss plus the penalty whose gradient they are given. It is nil when none does.
func (l *lockstep[F]) losses(ctx context.Context, slots []int) ([]float64, error) {
	if !l.lossy {
		return nil, nil
	}
	var want, index []int
	for i, slot := range slots {
		if l.members[slot].trial.Optimizer.Has(plugins.FeatureLoss) {
			want, index = append(want, slot), append(index, i)
		}
	}
	if want == nil {
		return nil, nil
	}
	batch, penalty := make([]float64, len(want)), make([]float64, len(want))
	l.problem.loss(batch, want)
	if _, err := l.penalizer.Penalty(ctx, penalty, want); err != nil { // a slot that fails here fails again at the end of the epoch
		return nil, err
	}
	losses := make([]float64, len(slots))
	for n, slot := range want {
		losses[index[n]] = batch[n]
		if !l.members[slot].trial.Regularizer.Proximal() {
			losses[index[n]] += penalty[n]
		}
	}
	return losses, nil
}

// enterEvaluation replaces the parameters that are trained by those to evaluate, where an optimizer
// tells them apart. Before training there is no difference.
func (l *lockstep[F]) enterEvaluation(ctx context.Context, epoch int) error {
	if epoch == 0 {
		return nil
	}
	var slots []int
	for _, slot := range l.active {
		if l.members[slot].trial.Optimizer.Has(plugins.FeatureEval) {
			slots = append(slots, slot)
			l.trained[slot] = append(l.trained[slot][:0], l.params(slot)...)
		}
	}
	if slots == nil {
		return nil
	}
	failed, err := l.stepper.Evaluate(ctx, slots)
	for _, f := range failed {
		l.fail(f)
	}
	return err
}

// leaveEvaluation puts back the parameters that are trained.
func (l *lockstep[F]) leaveEvaluation() {
	for _, slot := range l.active {
		if trained := l.trained[slot]; len(trained) > 0 {
			copy(l.params(slot), trained)
			l.trained[slot] = trained[:0]
		}
	}
}
