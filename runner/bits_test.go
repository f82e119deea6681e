//go:build unix

package runner_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/gemm"
	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/runner/tests"
)

// instructions turn off those of a processor, so that the arithmetic uses others.
var instructions = map[string]string{"AVX2": "cpu.avx512f=off", "plain Go": "cpu.avx512f=off,cpu.avx2=off"}

// Every value that a sweep records is the same to the bit on every machine: with AVX-512, AVX2, NEON and without any. The digests
// in the file are those of trials with every optimizer, regularizer, schedule, model, precision and metric that xrun has.
func TestBitsAreTheSameOnEveryMachine(t *testing.T) {
	t.Logf("the arithmetic uses %s", gemm.Vectors())
	tests.Golden(t, "testdata/bits.txt", bits(t))
	if runtime.GOARCH != "amd64" || os.Getenv("GODEBUG") != "" || tests.Update() {
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, off := range instructions {
		if name == gemm.Vectors() {
			continue
		}
		if name == "AVX2" && gemm.Vectors() == "plain Go" {
			t.Log("not tested: this processor has no AVX2")
			continue
		}
		cmd := exec.Command(self, "-test.run=^TestBitsAreTheSameOnEveryMachine$", "-test.v")
		cmd.Env = append(os.Environ(), "GODEBUG="+off)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "the arithmetic uses "+name) {
			t.Errorf("with %s: %v\n%s", name, err, out)
		}
	}
	if gemm.Vectors() != "AVX-512" {
		t.Logf("not tested: this processor has no AVX-512")
	}
}

// bits are the digests of everything that is recorded of trials, by what they are about.
func bits(t *testing.T) string {
	l2 := component(t, plugins.KindRegularizer, "l2", nil)
	rule := stop.Rule{Monitor: "val_loss", Goal: stop.Min, Patience: 9, Delta: stop.Absolute, DivergenceFactor: 1e3}
	keep := runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}
	sgd := component(t, plugins.KindOptimizer, "sgd", plugins.Settings{"momentum": plugins.Real(0.9)})
	var text strings.Builder
	digest := func(name string, trials ...runner.Trial) {
		got := execute(t, runner.Options{}, trials)
		sum := sha256.New()
		for _, trial := range trials {
			if e := got.ends[trial.Key()]; e.Status == runner.StatusFailed {
				t.Errorf("%s: %s", name, e.Error)
			}
			fmt.Fprintln(sum, got.text(trial.Key()))
		}
		fmt.Fprintf(&text, "%-40s %x\n", name, sum.Sum(nil)[:16])
	}
	of := func(name string, task runner.Task, optimizer runner.Choice, regularizer *runner.Choice, lr, lambda float64) {
		trial := runner.Trial{Task: task, Optimizer: optimizer, Regularizer: regularizer, LR: lr, Lambda: lambda, Stop: rule, Keep: keep, Seed: 1}
		if _, isFunction := runner.Function(task.Model); isFunction {
			trial.Stop.Monitor, trial.Keep.Metric = "train_loss", "train_loss"
		}
		digest(name, trial)
	}
	for _, dtype := range []plugins.DType{plugins.Float64, plugins.Float32} {
		typed := func(name string) string { return fmt.Sprintf("%s, %s", name, dtype) }
		net := taskOf(t, "wine", "mlp")
		net.Hidden, net.Activation, net.DType, net.Batch = []int{9, 5}, "tanh", dtype, 20
		for _, c := range builtin.Manifest("test").Components {
			switch {
			case c.Kind == plugins.KindOptimizer:
				o := component(t, plugins.KindOptimizer, c.Name, nil)
				if slices.Contains(c.Features, plugins.FeatureBase) {
					o.Base = &sgd
				}
				if slices.Contains(c.Features, plugins.FeatureOwnPenalty) {
					of(typed(c.Name), net, o, nil, 0.02, 0)
				} else {
					of(typed(c.Name), net, o, &l2, 0.02, 3)
				}
			case c.Kind == plugins.KindRegularizer:
				r := component(t, plugins.KindRegularizer, c.Name, nil)
				of(typed(c.Name), net, sgd, &r, 0.05, 3)
			}
		}
		for _, kind := range schedule.Kinds {
			o := sgd
			o.Schedule = schedule.New(kind)
			if o.Schedule.Warmup, o.Schedule.Per = 3, schedule.PerStep; kind == schedule.Plateau {
				o.Schedule.Warmup, o.Schedule.Per, o.Schedule.Patience = 0, schedule.PerEpoch, 0
			}
			switch kind {
			case schedule.Step:
				o.Schedule.StepSize, o.Schedule.Gamma = 2, 0.7
			case schedule.Multistep:
				o.Schedule.Milestones, o.Schedule.Gamma = []int{3, 9}, 0.7
			case schedule.Polynomial:
				o.Schedule.Power = 1.7
			case schedule.Cosine:
				o.Schedule.T0, o.Schedule.MMul = 5, 0.8
			}
			of(typed("schedule "+string(kind)), net, o, nil, 0.05, 0)
		}
		for _, m := range []struct {
			dataset, model string
			change         func(*runner.Task)
		}{
			{"diabetes", "linear", func(t *runner.Task) {
				t.Report = []string{runner.GradientNorm, runner.Optimality, runner.Suboptimality, runner.Zeros}
			}},
			{"breast_cancer", "logistic", func(t *runner.Task) { t.Sampling, t.Test = "replacement", 0.1 }},
			{"iris", "softmax", func(t *runner.Task) {
				t.Batch, t.Sampling, t.Report = 0, "", []string{runner.Suboptimality, runner.GradientNorm}
			}},
			{"digits", "softmax", func(t *runner.Task) { t.Batch, t.Epochs = 64, 2 }},
			{"digits", "mlp", func(t *runner.Task) { t.Batch, t.Epochs, t.Hidden, t.Activation = 64, 1, []int{33}, "relu" }},
		} {
			task := taskOf(t, m.dataset, m.model)
			task.DType = dtype
			m.change(&task)
			of(typed(m.dataset+" "+m.model), task, sgd, &l2, 0.05, 2)
		}
		path := writeFile(t, filepath.Join(t.TempDir(), "d.libsvm"), asLIBSVM(numbers(90, 30, 5)))
		sparse := taskFrom(t, "softmax", path, data.Options{})
		sparse.Validation, sparse.DType = 0.2, dtype
		of(typed("sparse softmax"), sparse, sgd, &l2, 1e-3, 2)
		for _, f := range models.Functions {
			task := runner.Task{Model: f.Name, Epochs: 12, Training: runner.Training{DType: dtype}, Native: runner.Native{TestFunction: runner.TestFunction{Dimension: f.Least + 2*f.Step}}}
			if f.Conditioned {
				task.Condition = 30
			}
			if f.Noisy {
				task.Noise, task.Batch = 0.3, 2
			}
			task.Report = []string{runner.Suboptimality}
			of(typed(f.Name), task, component(t, plugins.KindOptimizer, "adam", nil), nil, 0.03, 0)
		}
	}
	lasso := component(t, plugins.KindRegularizer, "l1", plugins.Settings{"mode": plugins.Choice("proximal")})
	task := taskOf(t, "diabetes", "linear")
	task.Report = []string{runner.DualityGap}
	of("diabetes linear, lasso", task, sgd, &lasso, 0.05, 200)
	return text.String()
}
