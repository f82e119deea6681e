package training

import (
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// One worker trains trials that are alike together, so their memory is needed at once.
func TestMemoryAtOnceIsOfCohorts(t *testing.T) {
	var trials []runner.Trial
	for i := range 10 {
		trials = append(trials, runner.Trial{Task: runner.Task{Model: "quadratic", Epochs: 1, Training: runner.Training{DType: plugins.Float64},
			Native: runner.Native{TestFunction: runner.TestFunction{Dimension: 1000}}},
			Optimizer: runner.Choice{Label: "sgd", Component: "sgd", Identity: "builtin:sgd@1"}, LR: float64(i + 1)})
	}
	m := FindMemory(trials, 1, nil)
	if m == nil || m.Trial != 4*8*1000 || m.Trials != 10 || m.AtOnce != (1+3*10)*8*1000 {
		t.Fatalf("%+v", m)
	}
	if m = FindMemory(trials[:1], 4, nil); m == nil || m.Trials != 1 || m.AtOnce != m.Trial {
		t.Errorf("of one trial: %+v", m)
	}
}
