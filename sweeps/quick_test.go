package sweeps

import (
	"fmt"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

func TestAFirstLook(t *testing.T) {
	text := `seeds = 3
[task]
dataset = 'digits'
model = 'softmax'
epochs = 100
[metric]
at = 'epoch:3'
[grid]
lr = { log = [1e-4, 1], n = 5 }
lambda = [0, 1, 2, 3]
batch = [8, 16, 32, 64]
dtype = ['float32', 'float64']
zip = [['optimizer', 'lambda']]
[optimizers.a]
plugin = 'sgd'
schedule = { kind = 'cosine', warmup = 9 }
[optimizers.b]
plugin = 'adam'
[optimizers.c]
plugin = 'sgd'
[optimizers.d]
plugin = 'lion'
[prune]
[[extra]]
lr = 3
optimizer = 'a'
lambda = 2
batch = 8
dtype = 'float32'
`
	s, err := Changes{Quick: true, Set: []string{"grid.optimizer=['a', 'b', 'c', 'd']"}}.Load(t.Context(), "f.toml", []byte(text), shelf{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{1e-4, 1e-2, 1}; !slices.Equal(s.LR, want) {
		t.Errorf("lr is %v, want %v", s.LR, want)
	}
	if len(s.Lambda) != 4 {
		t.Errorf("λ moves with the optimizers, but has the values %v", s.Lambda)
	}
	if want := []plugins.Value{plugins.Integer(8), plugins.Integer(16), plugins.Integer(64)}; !slices.Equal(s.Axes[0].Values, want) {
		t.Errorf("batch is %v, want %v", s.Axes[0].Values, want)
	}
	trials := s.Trials()
	if len(trials) != 3*4*3*2 || s.Grid().Trials != len(trials) {
		t.Errorf("%d trials, counted as %d", len(trials), s.Grid().Trials)
	}
	for _, trial := range trials {
		if trial.Task.Epochs != 11 || trial.Seed != 0 { // two beyond the warm-up
			t.Fatalf("%d epochs with seed %d", trial.Task.Epochs, trial.Seed)
		}
	}
	if s.Metric.At != "epoch:3" || s.Prune != nil || s.Name != "f-quick" {
		t.Errorf("judged at %s, pruned by %v, called %s", s.Metric.At, s.Prune, s.Name)
	}
}

// An epoch that a first look does not come to is its last.
func TestAFirstLookCountsAnEpochThatItHas(t *testing.T) {
	for at, want := range map[string]runner.At{"best": runner.AtBest, "last": runner.AtLast, "epoch:50": runner.AtLast, "epoch:5": "epoch:5"} {
		text := fmt.Sprintf("[task]\ndataset = 'digits'\nmodel = 'softmax'\nepochs = 60\n[metric]\nat = %q\n[grid]\nlr = 0.1", at)
		s, err := Changes{Quick: true}.Load(t.Context(), "f.toml", []byte(text), shelf{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Metric.At != want {
			t.Errorf("at %s becomes %s, want %s", at, s.Metric.At, want)
		}
	}
}
