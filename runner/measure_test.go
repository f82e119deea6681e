//go:build unix

package runner_test

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// shelf is an Optima that counts.
type shelf struct {
	mu   sync.Mutex
	kept map[string]runner.Optimum
	puts int
}

func (s *shelf) Optimum(_ context.Context, key string) (runner.Optimum, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.kept[key]
	return o, ok, nil
}

func (s *shelf) PutOptimum(_ context.Context, o runner.Optimum) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	s.kept[o.Key] = o
	return nil
}

func TestMetricsOnRequest(t *testing.T) {
	for _, dtype := range []plugins.DType{plugins.Float64, plugins.Float32} {
		task := taskOf(t, "diabetes", "linear")
		task.Validation, task.Batch, task.Sampling, task.Epochs, task.DType = 0, 0, "", 300, dtype
		task.Report = []string{runner.DualityGap, runner.GradientNorm, runner.Optimality, runner.Suboptimality, runner.Zeros}
		lasso := component(t, plugins.KindRegularizer, "l1", plugins.Settings{"mode": plugins.Choice("proximal")})
		ridge := component(t, plugins.KindRegularizer, "l2", nil)
		sgd := component(t, plugins.KindOptimizer, "sgd", plugins.Settings{"momentum": plugins.Real(0.9)})
		sparse := runner.Trial{Task: task, Optimizer: sgd, Regularizer: &lasso, LR: 0.05, Lambda: 884}
		smooth := runner.Trial{Task: task, Optimizer: sgd, Regularizer: &ridge, LR: 0.05, Lambda: 884}
		optima := &shelf{kept: map[string]runner.Optimum{}}
		got := execute(t, runner.Options{Workers: 2, Optima: optima}, []runner.Trial{sparse, smooth})
		if optima.puts != 2 {
			t.Errorf("%s: %d optima are kept, want 2", dtype, optima.puts)
		}
		rounding := 1e-12
		if dtype == plugins.Float32 {
			rounding = 1e-5
		}
		j := curve(t, got, sparse.Key(), "J")
		gap, sub := curve(t, got, sparse.Key(), runner.DualityGap), curve(t, got, sparse.Key(), runner.Suboptimality)
		for epoch := range j {
			if !(sub[epoch] >= -rounding*j[epoch] && sub[epoch] <= gap[epoch]+rounding*j[epoch]) {
				t.Fatalf("%s: after epoch %d J − J* is %g and the duality gap %g", dtype, epoch, sub[epoch], gap[epoch])
			}
		}
		last := len(j) - 1
		if gap[last] > 1e-4*j[last] {
			t.Errorf("%s: the duality gap ends at %g of J = %g", dtype, gap[last], j[last])
		}
		all, nonzero := 10, 7 // as scikit-learn has it, see testdata/optima.json of the models
		if zeros := curve(t, got, sparse.Key(), runner.Zeros)[last]; int(zeros) != all-nonzero {
			t.Errorf("%s: %g weights are 0, want %d", dtype, zeros, all-nonzero)
		}
		for _, name := range []string{runner.GradientNorm, runner.Optimality} {
			values := curve(t, got, smooth.Key(), name)
			if values[last] > 1e-4*values[0] || !(values[0] > 1) {
				t.Errorf("%s: %s goes from %g to %g", dtype, name, values[0], values[last])
			}
		}
		if gap := curve(t, got, smooth.Key(), runner.DualityGap); !math.IsNaN(gap[0]) {
			t.Errorf("%s: ridge has the duality gap %g, want none", dtype, gap[0])
		}
		if c := got.ends[sparse.Key()].Coefficients; len(c) != 1 || c["l1"] != 1 {
			t.Errorf("%s: the coefficients of λ = 884 = 2m are %v, want l1 = 1", dtype, c)
		}
		again := execute(t, runner.Options{Optima: optima}, []runner.Trial{smooth, sparse})
		if optima.puts != 2 {
			t.Errorf("%s: optima that are known are sought again", dtype)
		}
		if again.text(sparse.Key()) != got.text(sparse.Key()) {
			t.Errorf("%s: a known optimum changes bits", dtype)
		}
	}
}

func TestSuboptimalityOfTestFunctions(t *testing.T) {
	task := runner.Task{Model: "saddle", Epochs: 500, Training: runner.Training{DType: plugins.Float64, Report: []string{runner.Suboptimality}},
		Native: runner.Native{TestFunction: runner.TestFunction{Dimension: 2}}}
	trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), LR: 0.3}
	got := execute(t, runner.Options{}, []runner.Trial{trial})
	sub, j := curve(t, got, trial.Key(), runner.Suboptimality), curve(t, got, trial.Key(), "J")
	if last := sub[len(sub)-1]; math.Abs(last) > 1e-12 || !(sub[0] > 0.1) || j[len(j)-1] > -0.2 {
		t.Errorf("J − J* goes from %g to %g, and J to %g", sub[0], last, j[len(j)-1])
	}
}

// Classes that a line separates have no best weights without a penalty.
func TestUnknownOptimaAreSaid(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	task.Validation, task.Epochs, task.Report = 0, 2, []string{runner.Suboptimality}
	trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), LR: 0.1}
	group := component(t, plugins.KindRegularizer, "group_lasso", nil)
	other := trial
	other.Regularizer, other.Lambda = &group, 1
	got := execute(t, runner.Options{}, []runner.Trial{trial, other})
	for _, c := range []struct {
		trial runner.Trial
		want  string
	}{{trial, "suboptimality is not known: there is no finite optimum"}, {other, "suboptimality is not known: no reference solver knows the penalty group_lasso"}} {
		if sub := curve(t, got, c.trial.Key(), runner.Suboptimality); !math.IsNaN(sub[2]) {
			t.Errorf("suboptimality %g, want NaN", sub[2])
		}
		if events := got.events[c.trial.Key()]; len(events) != 1 || !strings.HasPrefix(events[0].Message, c.want) {
			t.Errorf("events %+v, want one that begins with %q", events, c.want)
		}
	}
}
