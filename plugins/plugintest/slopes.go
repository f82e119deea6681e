package plugintest

import (
	"context"
	"fmt"
	"math"

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
	return fmt.Errorf("the gradient says %.6g, differences of the loss say %.6g", slope, measured)
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
