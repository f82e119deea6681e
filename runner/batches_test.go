package runner

import (
	"math"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
)

func noisy(seed int64, batch int) *batches[float64] {
	return newBatches(data.Part[float64]{}, Task{Model: "noisy_quadratic", Native: Native{Batch: batch, TestFunction: TestFunction{Dimension: 50, Noise: 0.5}}}, seed)
}

// Noise has the deviation asked for, is new at every step and the same for equal seeds.
func TestNoiseOfBatches(t *testing.T) {
	a, again, other := noisy(1, 4), noisy(1, 4), noisy(2, 4)
	var last []float64
	n, sum, squares := 0.0, 0.0, 0.0
	for range 100 {
		for _, b := range []*batches[float64]{a, again, other} {
			b.epoch()
		}
		batch := a.batch(0)
		if batch.N != 4 || batch.D != 50 || len(batch.X) != 200 || a.steps() != 1 {
			t.Fatalf("batch of %d × %d, %d numbers, %d steps", batch.N, batch.D, len(batch.X), a.steps())
		}
		if !slices.Equal(batch.X, again.batch(0).X) {
			t.Fatal("equal seeds drew different noise")
		}
		if slices.Equal(batch.X, other.batch(0).X) || slices.Equal(batch.X, last) {
			t.Fatal("the same noise was drawn twice")
		}
		last = slices.Clone(batch.X)
		for _, x := range last {
			n, sum, squares = n+1, sum+x, squares+x*x
		}
	}
	if mean, deviation := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 0.02 || math.Abs(deviation-0.5) > 0.02 {
		t.Errorf("noise has the mean %v and the deviation %v, want 0 and 0.5", mean, deviation)
	}
}

// A task that names no batch draws once a step.
func TestNoiseOfOneDraw(t *testing.T) {
	if batch := noisy(1, 0).batch(0); batch.N != 1 || len(batch.X) != 50 {
		t.Errorf("batch of %d rows, %d numbers", batch.N, len(batch.X))
	}
}
