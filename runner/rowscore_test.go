//go:build unix

package runner_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
)

// Full-batch descent under balanced weights ends where scikit-learn says the optimum is, J is train_loss and penalty, and the
// scores there are scikit-learn's.
func TestBalancedOptimaAreThoseOfScikitLearn(t *testing.T) {
	text, err := os.ReadFile("testdata/balanced.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []map[string]any }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	ridge := component(t, plugins.KindRegularizer, "l2", nil)
	lbfgs := component(t, plugins.KindOptimizer, "lbfgs", nil)
	var trials []runner.Trial
	all := taskOf(t, "breast_cancer", "logistic")
	all.Validation, all.ClassWeight = 0, "balanced"
	weights, err := runner.Trial{Task: all}.ClassWeights(open(t, "breast_cancer")) // of 357 and 212 rows
	if want := []float64{569. / 714, 569. / 424}; err != nil || !slices.Equal(weights, want) {
		t.Errorf("the weights are %v, %v, want %v", weights, err, want)
	}
	for _, c := range file.Cases {
		task := taskOf(t, c["data"].(string), c["model"].(string))
		task.Validation, task.Batch, task.Sampling, task.Epochs, task.ClassWeight = 0, 0, "", 200, "balanced"
		task.Report = []string{runner.Suboptimality, "train_auc", "train_f1", "train_log_loss"}
		trials = append(trials, runner.Trial{Task: task, Optimizer: lbfgs, Regularizer: &ridge, LR: 1, Lambda: c["lam"].(float64)})
	}
	var got []*log
	for _, trial := range trials { // data sets differ
		got = append(got, execute(t, runner.Options{}, []runner.Trial{trial}))
	}
	for i, c := range file.Cases {
		last := func(name string) float64 {
			values := curve(t, got[i], trials[i].Key(), name)
			return values[len(values)-1]
		}
		for name, tolerance := range map[string]float64{"J": 1e-9, "train_loss": 1e-6, "train_log_loss": 1e-6, "train_accuracy": 1e-12, "train_auc": 1e-6, "train_f1": 1e-12} {
			if want := c[name].(float64); math.Abs(last(name)/want-1) > tolerance {
				t.Errorf("%s, λ %v: %s is %.12g, want %.12g", c["data"], c["lam"], name, last(name), want)
			}
		}
		if j := last("train_loss") + last("penalty"); math.Abs(j-last("J")) > 1e-15 {
			t.Errorf("%s: J is %v, and train_loss with the penalty %v", c["data"], last("J"), j)
		}
		if sub := last(runner.Suboptimality); !(math.Abs(sub) < 1e-10) {
			t.Errorf("%s: J − J* is %v", c["data"], sub)
		}
	}
}

// Scores and weights of a trial are the same in any company, and leave what other trials report alone.
func TestScoresDependOnTheTrialAlone(t *testing.T) {
	for _, name := range []string{"breast_cancer", "wine", "diabetes"} {
		model, report, weight := "mlp", []string{"train_auc", "val_auc", "val_average_precision", "val_balanced_accuracy", "val_brier", "val_f1", "val_log_loss"}, "balanced"
		if name == "diabetes" {
			report, weight = []string{"train_mae", "val_mae", "val_quantile_loss_90"}, ""
		}
		for _, dtype := range []plugins.DType{plugins.Float64, plugins.Float32} {
			task := taskOf(t, name, model)
			task.Hidden, task.Activation, task.DType, task.Epochs = []int{3}, "tanh", dtype, 2
			plain := task
			task.Report, task.ClassWeight = report, weight
			trials := few(grid(t, task))
			together := execute(t, runner.Options{Workers: 2}, trials)
			for _, trial := range []runner.Trial{trials[0], trials[3], trials[len(trials)-1]} {
				alone := execute(t, runner.Options{}, []runner.Trial{trial})
				if a, b := alone.text(trial.Key()), together.text(trial.Key()); a != b {
					t.Errorf("%s in %s: alone\n%s\ntogether\n%s", name, dtype, a, b)
				}
			}
			asked, silent := trials[0], trials[0]
			asked.Task, silent.Task = plain, plain
			asked.Task.Report = report
			if asked.Key() == silent.Key() {
				t.Error("what is asked for is no part of the key")
			}
			a, b := execute(t, runner.Options{}, []runner.Trial{asked}), execute(t, runner.Options{}, []runner.Trial{silent})
			for _, metric := range []string{"train_loss", "val_loss", "J"} {
				if !slices.Equal(curve(t, a, asked.Key(), metric), curve(t, b, silent.Key(), metric)) {
					t.Errorf("%s: scores that are asked for change %s", name, metric)
				}
			}
		}
	}
}

// Where the rows of a part have one class there is no area, which is said; the rest has values.
func TestAPartOfOneClassHasNoArea(t *testing.T) {
	lines := func(classes ...string) string {
		var b strings.Builder
		b.WriteString("a,b,y\n")
		for i := range 12 {
			b.WriteString(string(rune('0'+i%7)) + "." + string(rune('0'+i%5)) + "," + string(rune('0'+i%3)) + "," + classes[i%len(classes)] + "\n")
		}
		return b.String()
	}
	train, validation := filepath.Join(t.TempDir(), "train.csv"), filepath.Join(t.TempDir(), "validation.csv")
	for path, text := range map[string]string{train: lines("yes", "no"), validation: lines("no")} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, err := data.Open(train, data.Options{Target: "y", Validation: validation})
	if err != nil {
		t.Fatal(err)
	}
	task := runner.Task{Model: "logistic", Epochs: 2, Training: runner.Training{DType: plugins.Float64, Report: []string{"train_auc", "val_auc", "val_average_precision", "val_f1"}},
		Native: runner.Native{Supervised: runner.Supervised{Dataset: train, Digest: set.Digest, Target: "y", Kind: string(data.Classification), ValidationPath: validation, ValidationDigest: set.Validation.Digest, Standardize: true}}}
	trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), LR: 0.1}
	got := execute(t, runner.Options{}, []runner.Trial{trial})
	for name, none := range map[string]bool{"train_auc": false, "val_auc": true, "val_average_precision": false, "val_f1": false} {
		if v := curve(t, got, trial.Key(), name)[2]; math.IsNaN(v) != none {
			t.Errorf("%s is %v", name, v)
		}
	}
	if events := got.events[trial.Key()]; len(events) != 1 || !strings.HasPrefix(events[0].Message, "val_auc is NaN") {
		t.Errorf("events %+v, want one that says there is no val_auc", events)
	}
}

// What the constant scores is known for every metric of rows that is reported, and is what a model without weights reaches at
// best: the loss of the training rows, and all of its scores there.
func TestConstantsAreThoseOfAModelWithoutWeights(t *testing.T) {
	for _, c := range []struct{ dataset, model, weight string }{{"breast_cancer", "logistic", ""}, {"wine", "softmax", ""}, {"wine", "softmax", "balanced"}, {"diabetes", "linear", ""}} {
		task := taskOf(t, c.dataset, c.model)
		task.Test, task.Batch, task.Sampling, task.Epochs, task.ClassWeight = 0.2, 0, "", 100, c.weight
		task.Report = []string{"test_auc", "test_average_precision", "test_balanced_accuracy", "test_brier", "test_f1", "test_log_loss", "val_auc"}
		if c.dataset == "diabetes" {
			task.Report = []string{"test_mae", "test_quantile_loss_10"}
		}
		lasso := component(t, plugins.KindRegularizer, "l1", plugins.Settings{"convention": plugins.Choice("lambda_max_fraction"), "mode": plugins.Choice("proximal")})
		trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), Regularizer: &lasso, LR: 0.5, Lambda: 1.01}
		got := execute(t, runner.Options{}, []runner.Trial{trial})
		constants := got.ends[trial.Key()].Constants
		for _, name := range task.Reported() {
			part, metric := runner.PartOf(name)
			v, known := constants[name]
			if known != (part != "") {
				t.Errorf("%s: the constant has %s %v: %v", c.dataset, name, v, known)
				continue
			}
			values := curve(t, got, trial.Key(), name)
			reached := values[len(values)-1]
			// A model of balanced classes says equal shares, while the constant's, but for its loss, are those of the rows. Medians and
			// quantiles are no model of squares.
			if part == "" || c.weight != "" && metric != "loss" || metric == "mae" || strings.HasPrefix(metric, "quantile") {
				continue
			}
			if !(math.Abs(v-reached) < 1e-6) {
				t.Errorf("%s: the constant's %s is %v, and that of a model whose weights are all 0 is %v", c.dataset, name, v, reached)
			}
		}
	}
	function := runner.Trial{Task: runner.Task{Model: "saddle", Epochs: 2, Training: runner.Training{DType: plugins.Float64}, Native: runner.Native{TestFunction: runner.TestFunction{Dimension: 2}}},
		Optimizer: component(t, plugins.KindOptimizer, "sgd", nil), LR: 0.1}
	got := execute(t, runner.Options{}, []runner.Trial{function})
	if constants := got.ends[function.Key()].Constants; constants != nil {
		t.Errorf("a test function has the constants %v", constants)
	}
}

func BenchmarkScores(b *testing.B) {
	for name, report := range map[string][]string{"loss": nil, "val_auc": {"val_auc"}, "auc": {"test_auc", "train_auc", "val_auc"}, "all": {"val_auc", "val_average_precision", "val_balanced_accuracy", "val_brier", "val_f1", "val_log_loss"}} {
		b.Run(name, func(b *testing.B) {
			task := taskOf(b, "breast_cancer", "logistic")
			task.Test, task.Epochs, task.Report = 0.2, 20, report
			trial := runner.Trial{Task: task, Optimizer: component(b, plugins.KindOptimizer, "sgd", nil), LR: 0.1}
			var trials []runner.Trial
			for i := range 16 {
				trial.LR = 0.01 * float64(i+1)
				trials = append(trials, trial)
			}
			for b.Loop() {
				execute(b, runner.Options{}, trials)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/16/20, "µs/epoch")
		})
	}
}
