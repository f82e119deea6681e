package compare_test

import (
	"math"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// The constant is judged under the seeds of the best point, and a best point that it may equal is a warning.
func TestConstants(t *testing.T) {
	for name, c := range map[string]struct {
		goal      stop.Goal
		values    []float64
		constants []float64 // NaN: of a run that has none
		known     bool
		told      bool
	}{
		"better under every seed": {stop.Max, []float64{0.9, 0.91, 0.92}, []float64{0.6, 0.61, 0.6}, true, true},
		"worse":                   {stop.Max, []float64{0.5, 0.51, 0.52}, []float64{0.6, 0.61, 0.6}, true, false},
		"better by chance":        {stop.Max, []float64{0.6, 0.9, 0.62}, []float64{0.6, 0.61, 0.6}, true, false},
		"a loss":                  {stop.Min, []float64{0.1, 0.11, 0.12}, []float64{0.69, 0.68, 0.69}, true, true},
		"a loss that is greater":  {stop.Min, []float64{0.8, 0.81, 0.82}, []float64{0.69, 0.68, 0.69}, true, false},
		"equal":                   {stop.Max, []float64{0.6, 0.6, 0.6}, []float64{0.6, 0.6, 0.6}, true, false},
		"equal but for rounding":  {stop.Max, []float64{0.6 + 1e-16, 0.6 + 1e-16, 0.6}, []float64{0.6, 0.6, 0.6}, true, false},
		"better by the same":      {stop.Max, []float64{0.75, 0.75, 0.75}, []float64{0.5, 0.5, 0.5}, true, true},
		"one seed":                {stop.Max, []float64{0.9}, []float64{0.6}, true, true},
		"one seed that is worse":  {stop.Max, []float64{0.5}, []float64{0.6}, true, false},
		"an earlier run":          {stop.Max, []float64{0.9, 0.91}, []float64{0.6, math.NaN()}, false, true},
		"a program":               {stop.Max, []float64{0.9, 0.91}, []float64{math.NaN(), math.NaN()}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := compare.Build(compare.Question{Sweep: "s", Metric: "val_accuracy", Goal: c.goal}, comparetest.Results("sgd", 0.1, 0, c.values...), nil)
			r.Constants = map[int64]map[string]float64{}
			best, _ := r.Best()
			sum := 0.0
			for i, seed := range best.Seeds {
				if !math.IsNaN(c.constants[i]) {
					r.Constants[seed.Run] = map[string]float64{"val_accuracy": c.constants[i], "train_accuracy": 0.5}
				}
				sum += c.constants[i]
			}
			got, known := r.Constant()
			if known != c.known {
				t.Fatalf("known is %v", known)
			}
			if want := sum / float64(len(c.constants)); known && (math.Abs(got.Value-want) > 1e-15 || got.Better.N != len(c.values) || got.Says != "the class that most training rows have") {
				t.Errorf("the constant is %+v, want the mean %v", got, want)
			}
			warned := false
			for _, n := range r.Notes() {
				warned = warned || n.Warning && strings.HasPrefix(n.Text, "the best point is not told from a constant")
			}
			if warned == c.told {
				t.Errorf("warned is %v, of a difference of %+v", warned, got.Better)
			}
		})
	}
}
