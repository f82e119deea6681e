package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// BenchmarkBuild is a comparison of a grid of two optimizers whose means form a bowl, with everything read already.
func BenchmarkBuild(b *testing.B) {
	for _, size := range []struct{ points, seeds int }{{10, 3}, {105, 5}, {2000, 5}} {
		b.Run(fmt.Sprintf("%dx%d", size.points, size.seeds), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			var results []runner.Result
			for i := range size.points {
				values := make([]float64, size.seeds)
				side := math.Ceil(math.Sqrt(float64(size.points / 2)))
				lr, lambda := math.Floor(float64(i/2)/side)/side, math.Mod(float64(i/2), side)/side
				at := 4*lr - 2 + lambda
				for k := range values {
					values[k] = (0.2 + 0.1*at*at) * math.Exp(0.1*rng.NormFloat64())
				}
				results = append(results, comparetest.Results([]string{"sgd", "adam"}[i%2], 1+lr, 1+lambda, values...)...)
			}
			q := Question{Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}
			for b.Loop() {
				Build(q, results, nil)
			}
		})
	}
}
