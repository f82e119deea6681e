package plugintest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
)

// slopes compares the gradient with differences of the loss, in the direction of the gradient of each
// tensor and in a random one. Losses may have kinks and may be computed in float32, so it is enough
// that the two agree within a hundredth at one of several distances.
func (s *subject) slopes(ctx context.Context) (string, error) {
	b, err := s.open(ctx, s.shared, plugins.Float64, nil, s.trials[:2])
	if err != nil {
		return "", err
	}
	defer b.Close()
	if err := s.begin(ctx, b, s.trials[:2]); err != nil {
		return "", err
	}
	for slot, start := range []string{"θ₀", "a point near θ₀"} {
		theta, grad := make([]float64, b.dim), make([]float64, b.dim)
		b.get(b.params, slot, theta)
		losses := []float64{0}
		loss := func(at []float64) (float64, error) {
			b.put(b.params, slot, at)
			err := slotErrors(b.Gradient(ctx, []int{slot}, 1, 0, losses))
			return losses[0], err
		}
		if _, err := loss(theta); err != nil {
			return "", err
		}
		b.get(b.grads, slot, grad)
		if i := notANumber(grad); i >= 0 {
			return "", failf("the gradient's element %d is %v at %s", i, grad[i], start)
		}
		if allZero(grad) {
			if rise, err := steepest(theta, loss); err != nil || rise != 0 {
				if err == nil {
					err = failf("the gradient is all zeros at %s, but the loss changes by %.6g when the parameters do: %s has to write to %s, as in %s[:] = …", start, rise, s.word.gradient, s.word.grad, s.word.grad)
				}
				return "", err
			}
		}
		tensors := b.Problem().Layout
		for _, t := range tensors[:min(len(tensors), mostTensors)] {
			part := grad[t.Offset : t.Offset+t.Size()]
			random := draws(t.Size(), 5, uint64(t.Offset))
			for n, along := range [][]float64{part, random} {
				if err := compare(theta, grad, t, along, loss); err != nil {
					return "", failf("at %s, tensor %s, in %s: %v", start, t.Name, []string{"the direction of its gradient", "a random direction"}[n], err)
				}
			}
		}
	}
	return "", nil
}

// mostTensors bounds how many tensors are looked at.
const mostTensors = 12

// compare looks for a distance at which the loss rises as the gradient says.
func compare(theta, grad []float64, t plugins.Tensor, along []float64, loss func([]float64) (float64, error)) error {
	length, size := math.Sqrt(dot(along, along)), math.Sqrt(dot(grad, grad))
	if length == 0 {
		return nil // the random direction tells whether that is right
	}
	part := grad[t.Offset : t.Offset+t.Size()]
	slope := dot(part, along) / length
	scale := max(math.Abs(slope), math.Sqrt(dot(part, part)/float64(len(part))), 1e-4*size/math.Sqrt(float64(len(grad))))
	nearest := math.Inf(1)
	measured := 0.0
	at := make([]float64, len(theta))
	for _, h := range []float64{1e-3, 1e-4, 1e-5, 1e-2, 1e-6, 0.1} {
		var f [2]float64
		for i, sign := range []float64{1, -1} {
			copy(at, theta)
			for j, d := range along {
				at[t.Offset+j] += sign * h * d / length
			}
			var err error
			if f[i], err = loss(at); err != nil {
				return err
			}
		}
		got := (f[0] - f[1]) / (2 * h)
		if off := math.Abs(got-slope) / scale; off < nearest {
			nearest, measured = off, got
		}
		if nearest < 0.01 {
			return nil
		}
	}
	text := fmt.Sprintf("the gradient says %.6g, differences of the loss say %.6g", slope, measured)
	switch ratio := slope / measured; {
	case allZero(part):
		text = fmt.Sprintf("it is all zeros, differences of the loss say %.6g", measured)
	case near(ratio, -1):
		text += ", which has the other sign"
	case near(ratio, math.Round(ratio)) && math.Abs(ratio) > 1.5:
		text += fmt.Sprintf(", %.0f times less: is it a sum where the loss is a mean, or added twice?", math.Round(ratio))
	case near(1/ratio, math.Round(1/ratio)) && math.Abs(1/ratio) > 1.5:
		text += fmt.Sprintf(", %.0f times more: is it a mean where the loss is a sum?", math.Round(1/ratio))
	}
	return errors.New(text)
}

// near reports whether a ratio is another within a hundredth.
func near(ratio, to float64) bool { return math.Abs(ratio-to) <= 0.01*math.Abs(to) }

// steepest is the largest of some changes of the loss at parameters around theta.
func steepest(theta []float64, loss func([]float64) (float64, error)) (float64, error) {
	first, err := loss(theta)
	if err != nil {
		return 0, err
	}
	most := 0.0
	for n := range 3 {
		at := draws(len(theta), 37, uint64(n))
		for i := range at {
			at[i] = theta[i] + 1e-3*at[i]
		}
		f, err := loss(at)
		if err != nil {
			return 0, err
		}
		if math.Abs(f-first) > math.Abs(most) {
			most = f - first
		}
	}
	return most, nil
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i] * b[i])
	}
	return sum
}

// mostBatches bounds how many batches of an epoch are averaged.
const mostBatches = 256

// epoch compares the mean over an epoch with what is reported for the training set.
func (s *subject) epoch(ctx context.Context) (string, error) {
	b, err := s.open(ctx, s.shared, plugins.Float64, nil, s.trials[:1])
	if err != nil {
		return "", err
	}
	defer b.Close()
	n := b.Problem().Batches
	text := fmt.Sprintf("%d parameters, %d examples, %d batches an epoch", b.dim, b.Problem().Examples, n)
	if n > mostBatches {
		return text, nil
	}
	if err := slotErrors(b.Init(ctx, []int{0})); err != nil {
		return "", err
	}
	theta, grad, mean := make([]float64, b.dim), make([]float64, b.dim), make([]float64, b.dim)
	b.get(b.params, 0, theta)
	losses, sum := []float64{0}, 0.0
	for batch := range n {
		if err := slotErrors(b.Gradient(ctx, []int{0}, 1, batch, losses)); err != nil {
			return "", err
		}
		sum += losses[0] / float64(n)
		b.get(b.grads, 0, grad)
		for i, g := range grad {
			mean[i] += g / float64(n)
		}
	}
	trained := func(step float64) (float64, error) {
		at, length := make([]float64, b.dim), math.Sqrt(dot(mean, mean))
		for i := range at {
			at[i] = theta[i]
			if length > 0 {
				at[i] += step * mean[i] / length
			}
		}
		b.put(b.params, 0, at)
		values := [][]float64{make([]float64, len(s.Metrics))}
		err := slotErrors(b.Metrics(ctx, []int{0}, values))
		for i, name := range s.Metrics {
			if name == plugins.MetricTrainLoss {
				return values[0][i], err
			}
		}
		return math.NaN(), err
	}
	const h = 1e-3
	var f [3]float64
	for i, step := range []float64{0, h, -h} {
		if f[i], err = trained(step); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s; at θ₀ the mean loss of an epoch is %.5g and train_loss %.5g, the mean gradient's length %.4g and the slope of train_loss along it %.4g",
		text, sum, f[0], math.Sqrt(dot(mean, mean)), (f[1]-f[2])/(2*h)), nil
}

// mean compares the mean of an epoch's losses with train_loss at θ₀. They may differ, by dropout or augmentation; that
// they differ by exactly the size of a batch or the number of batches or examples says that one of them is a sum.
func (s *subject) mean(ctx context.Context) (string, error) {
	b, err := s.open(ctx, s.shared, plugins.Float64, nil, s.trials[:1])
	if err != nil {
		return "", err
	}
	defer b.Close()
	p := b.Problem()
	if p.Batches > mostBatches {
		return "", skipf("an epoch has %d batches", p.Batches)
	}
	if err := slotErrors(b.Init(ctx, []int{0})); err != nil {
		return "", err
	}
	losses, sum := []float64{0}, 0.0
	for batch := range p.Batches {
		if err := slotErrors(b.Gradient(ctx, []int{0}, 1, batch, losses)); err != nil {
			return "", err
		}
		sum += losses[0] / float64(p.Batches)
	}
	values := [][]float64{make([]float64, len(s.Metrics))}
	if err := slotErrors(b.Metrics(ctx, []int{0}, values)); err != nil {
		return "", err
	}
	trained := values[0][max(0, slices.Index(s.Metrics, plugins.MetricTrainLoss))]
	ratio, size := sum/trained, float64(p.Examples)/float64(p.Batches)
	says := fmt.Sprintf("at θ₀ the mean over the batches of an epoch is %.6g, and %s %.6g", sum, plugins.MetricTrainLoss, trained)
	switch {
	case near(ratio, 1) || !(math.Abs(trained) > 1e-12):
		return "", nil
	case size >= 1.5 && near(ratio, size):
		return "", failf("%s, %.4g times less: %s has to return the mean over the mini-batch, and its gradient, not the sum", says, ratio, s.word.gradient)
	case size >= 1.5 && near(1/ratio, float64(p.Examples)), p.Batches > 1 && near(1/ratio, float64(p.Batches)):
		return "", failf("%s, %.4g times more: %s has to give the mean over the training set, not a sum", says, 1/ratio, s.word.evaluate)
	}
	return "", nil
}
