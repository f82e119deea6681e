package sweeps

import (
	"slices"
	"testing"
)

// Axes of the same name of optimizers and of regularizers are two axes.
func TestAxesOfOneNameAreTold(t *testing.T) {
	const text = "[task]\nmodel = 'softmax'\ndataset = 'digits'\n[grid]\nlr = 0.1\nlambda = 1\nbatch = [32, 64]\n[optimizers.adam]\ngrid = { convention = ['torch', 'keras'], beta1 = [0.8, 0.9] }\n" +
		"[regularizers.l2]\ngrid = { convention = ['mean_squares', 'keras'] }\n"
	s := load(t, text)
	if want := []string{"batch", "optimizer.convention", "beta1", "regularizer.convention"}; !slices.Equal(s.AxisNames(), want) {
		t.Errorf("the axes are %q, want %q", s.AxisNames(), want)
	}
	seen := map[string]bool{}
	for _, trial := range s.Trials() {
		seen[describeAxes(trial.Axes)] = true
	}
	if len(seen) != 2*4*2 {
		t.Errorf("%d combinations of axes are told apart: %v", len(seen), seen)
	}
}
