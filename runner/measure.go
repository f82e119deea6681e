package runner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/reference"
)

// EventNoOptimum is the kind of the event of a run whose suboptimality is not a number, because its optimum is not known.
const EventNoOptimum = "no_optimum"

// prepareMeasures finds the optima that suboptimality is measured against.
func (l *lockstep[F]) prepareMeasures(ctx context.Context) error {
	if !slices.Contains(l.task.Report, Suboptimality) {
		return nil
	}
	l.optima = make([]float64, len(l.members))
	for slot, m := range l.members {
		value, err := l.optimum(ctx, slot)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errStore):
			return err
		case err != nil:
			value = math.NaN()
			if m.place.from == nil && m.recorded < 0 {
				l.update.Events = append(l.update.Events, Event{Run: m.run, At: time.Now(), Kind: EventNoOptimum, Message: "suboptimality is not known: " + err.Error()})
			}
		}
		l.optima[slot] = value
	}
	return nil
}

// measure computes the requested metrics of the active slots, by slot.
func (l *lockstep[F]) measure(ctx context.Context, j map[int]float64) (map[int][]float64, error) {
	want := l.task.Report
	if len(want) == 0 {
		return nil, nil
	}
	gradient := slices.Contains(want, GradientNorm) || slices.Contains(want, Optimality)
	if gradient {
		l.native.model.Gradient(l.native.parts.Train, l.slab, l.active)
	}
	all := map[int][]float64{}
	for _, slot := range l.active {
		values := make([]float64, len(want))
		if l.native != nil {
			l.native.score(slot, want, values)
		}
		for i, name := range want {
			switch name {
			case Zeros:
				values[i] = float64(l.zeros(slot))
			case Optimality:
				values[i] = l.optimality(slot)
			case DualityGap:
				values[i] = l.dualityGap(slot)
			case Suboptimality:
				values[i] = above(j[slot], l.optima[slot])
			}
		}
		all[slot] = values
	}
	if at := slices.Index(want, GradientNorm); at >= 0 {
		failed, err := l.penalizer.AddPenalty(ctx, l.active)
		for _, f := range failed {
			l.fail(f)
		}
		if err != nil {
			return nil, err
		}
		for _, slot := range l.active {
			all[slot][at] = norm(l.grads(slot))
		}
	}
	return all, nil
}

// above is J − J*. A difference below 0 by rounding is 0.
func above(j, optimum float64) float64 {
	const rounding = 1e-12
	if d := j - optimum; !(d < 0) || -d > rounding*math.Abs(optimum) {
		return d
	}
	return 0
}

// grads is the gradient of one slot.
func (l *lockstep[F]) grads(slot int) []F {
	return l.slab.Grads[slot*l.slab.Stride:][:l.layout.Dim()]
}

// norm is the Euclidean norm, computed in float64 in the order of the vector.
func norm[F plugins.Float](v []F) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(float64(x) * float64(x))
	}
	return math.Sqrt(sum)
}

func (l *lockstep[F]) zeros(slot int) int {
	n := 0
	for _, span := range l.layout.Penalized() {
		for _, x := range l.params(slot)[span.From:span.To] {
			if x == 0 {
				n++
			}
		}
	}
	return n
}

// elastic returns the coefficients of Σ|θ| and ½Σθ² in a slot's penalty; ok is false if it has other
// parts or does not tell them.
func (l *lockstep[F]) elastic(slot int) (l1, l2 float64, ok bool) {
	if l.members[slot].trial.Regularizer == nil {
		return 0, 0, true
	}
	parts := l.penalizer.Coefficients(slot)
	l1, hasL1 := parts[plugins.PartL1]
	l2, hasL2 := parts[plugins.PartL2]
	known := 0
	for _, has := range []bool{hasL1, hasL2} {
		if has {
			known++
		}
	}
	return l1, l2, known > 0 && known == len(parts)
}

func (l *lockstep[F]) optimality(slot int) float64 {
	l1, l2, ok := l.elastic(slot)
	if !ok {
		return math.NaN()
	}
	return reference.OptimalityViolation(doubles(l.grads(slot)), doubles(l.params(slot)), l1, l2, l.layout.Penalized())
}

func (l *lockstep[F]) dualityGap(slot int) float64 {
	l1, l2, ok := l.elastic(slot)
	if !ok || l.task.Model != reference.Linear || l1 == 0 || l.task.PenalizeBias {
		return math.NaN()
	}
	return reference.DualityGap(l.trainingSet(), doubles(l.params(slot)), l1, l2)
}

// trainingSet is the training set in float64, as the reference solver takes it.
func (l *lockstep[F]) trainingSet() data.Part[float64] { return l.native.trainingSet() }

func (n *native[F]) trainingSet() data.Part[float64] {
	if part, ok := any(n.parts.Train).(data.Part[float64]); ok {
		return part
	}
	if n.double == nil {
		t := n.parts.Train
		double := data.Part[float64]{X: doubles(t.X), Y: doubles(t.Y), Labels: t.Labels, N: t.N, D: t.D, Classes: t.Classes}
		double.Sparse = data.CSR[float64]{RowStart: t.Sparse.RowStart, RowEnd: t.Sparse.RowEnd, Column: t.Sparse.Column, Value: doubles(t.Sparse.Value)}
		n.double = &double
	}
	return *n.double
}

// doubles is v in float64: v itself where it is that already.
func doubles[F plugins.Float](v []F) []float64 {
	if same, ok := any(v).([]float64); ok {
		return same
	}
	if v == nil {
		return nil
	}
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// nullGradient is computed for regularizers whose λ is a fraction of it, and is NaN for others.
func (l *lockstep[F]) nullGradient() float64 {
	for _, m := range l.members {
		if r := m.trial.Regularizer; r != nil && r.Settings[plugins.SettingConvention].Text == plugins.ConventionNullGradient && l.task.Dataset != "" {
			return reference.NullGradient(l.task.Model, l.trainingSet(), l.native.config.ClassWeights)
		}
	}
	return math.NaN()
}

// optimum is the least J of a slot's problem.
func (l *lockstep[F]) optimum(ctx context.Context, slot int) (float64, error) {
	l1, l2, ok := l.elastic(slot)
	switch {
	case !ok:
		return 0, fmt.Errorf("no reference solver knows the penalty %s", l.members[slot].trial.Regularizer.Component)
	case l.task.Dataset == "":
		value, known := l.native.config.Optimum()
		if !known || l1 > 0 || l2 > 0 {
			return 0, fmt.Errorf("the optimum of %s under a penalty is not known", l.task.Model)
		}
		return value, nil
	case l.task.PenalizeBias:
		return 0, errors.New("the reference solver leaves intercepts free, and penalize_bias does not")
	case !slices.Contains([]string{reference.Linear, reference.Logistic, reference.Softmax}, l.task.Model):
		return 0, fmt.Errorf("no reference solver finds the optimum of the model %s", l.task.Model)
	}
	return l.worker.optima.find(ctx, l.worker.options.Optima, reference.Problem{Model: l.task.Model, Train: l.trainingSet(), L1: l1, L2: l2, Weights: l.native.config.ClassWeights}, partsKey[F](l.task, l.members[0].trial.Seed))
}
