package sweeps

import (
	"context"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// An objectiveShelf has an objective with the given metrics.
type objectiveShelf struct {
	exampleShelf
	metrics []string
}

func (s objectiveShelf) Component(ctx context.Context, kind plugins.Kind, plugin, component string) (Found, error) {
	found, err := s.exampleShelf.Component(ctx, kind, plugin, component)
	if kind == plugins.KindObjective {
		found.Spec.Metrics = s.metrics
	}
	return found, err
}

// A metric that both the plugin and xrun report would have two values after each epoch.
func TestMetricsOfPluginsThatXrunAddsAreRefused(t *testing.T) {
	for _, c := range []struct{ metric, report, want string }{
		{"zeros", "report = ['zeros']", "`report` has \"zeros\", which poisson reports itself"},
		{plugins.MetricPenalty, "", "poisson reports penalty, which xrun adds itself"},
		{plugins.MetricJ, "", "poisson reports J, which xrun adds itself"},
		{plugins.MetricRate, "", "poisson reports lr, which xrun adds itself"},
		{"zeros", "", ""},
		{"deviance", "report = ['zeros']", ""},
		{"deviance", "report = ['grad_norm']", "grad_norm is known for xrun's own models"},
	} {
		text := "metric = 'train_loss'\n[task]\nplugin = './poisson'\n" + c.report + "\n[grid]\nlr = 0.1\n"
		s, err := Load(t.Context(), "sweep.toml", []byte(text), objectiveShelf{metrics: []string{plugins.MetricTrainLoss, c.metric}})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s with %q: %v", c.metric, c.report, err)
		case c.want == "":
			seen := map[string]bool{}
			for _, name := range s.Task.Reported() {
				if seen[name] {
					t.Errorf("%s with %q is reported twice", name, c.report)
				}
				seen[name] = true
			}
		case err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s with %q: %v, want %q", c.metric, c.report, err, c.want)
		}
	}
}

func TestMetricsOnRequestThatAModelHasNot(t *testing.T) {
	for _, m := range runner.Metrics {
		m.Name = strings.Replace(m.Name, "_N", "_90", 1)
		if !m.OnRequest {
			if _, err := Load(t.Context(), "f.toml", []byte("[task]\nmodel = 'quadratic'\nreport = '"+m.Name+"'\n[grid]\nlr = 0.1"), shelf{}); err == nil || !strings.Contains(err.Error(), "no metric on request") {
				t.Errorf("%s: %v", m.Name, err)
			}
			continue
		}
		for model, rest := range map[string]string{"linear": "dataset = 'diabetes'", "softmax": "dataset = 'digits'", "mlp": "dataset = 'digits'", "quadratic": ""} {
			task := runner.Task{Model: model}
			task.Kind = map[string]string{"linear": "regression", "softmax": "classification", "mlp": "classification"}[model]
			_, err := Load(t.Context(), "f.toml", []byte("[task]\nmodel = '"+model+"'\nreport = '"+m.Name+"'\n"+rest+"\n[grid]\nlr = 0.1"), shelf{})
			if unknown := m.Unknown(task); (unknown == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), unknown) {
				t.Errorf("%s of %s: %v", m.Name, model, err)
			}
		}
	}
}

// A convention that has been renamed is the same under both names: trials keep their keys.
func TestRenamedConventionsAreTheSame(t *testing.T) {
	const text = "[task]\nmodel = 'softmax'\ndataset = 'digits'\n[grid]\nlr = 0.1\nlambda = 1\n[regularizers.l2]\n"
	plain, now, before := load(t, text), load(t, text+"convention = 'mean_squares'"), load(t, text+"convention = 'seed'")
	for _, s := range []*Spec{now, before} {
		if s.Trials()[0].Key() != plain.Trials()[0].Key() || s.Digest() != plain.Digest() {
			t.Errorf("%s has another key than the default", s.Text)
		}
	}
	if len(now.Warnings) != 0 || len(before.Warnings) != 1 || !strings.Contains(before.Warnings[0].Message, `is called "mean_squares" now`) {
		t.Errorf("warnings %v and %v", now.Warnings, before.Warnings)
	}
}

// Without val_loss the only metric of validation data is the one that trials are compared by; of several, the file says which.
func TestTheMetricOfAnObjectiveWithoutValLoss(t *testing.T) {
	load := func(metrics []string, head, tail string) (*Spec, error) {
		return Load(t.Context(), "sweep.toml", []byte(head+"[task]\nplugin = './poisson'\n[grid]\nlr = 0.1\n"+tail), objectiveShelf{metrics: metrics})
	}
	for _, c := range []struct {
		metrics    []string
		head, tail string
		want, goal string
		err        []string // parts of the error
	}{
		{[]string{"train_loss", "val_loss", "val_accuracy"}, "", "", "val_loss", "min", nil},
		{[]string{"train_loss", "val_rmse"}, "", "", "val_rmse", "min", nil},
		{[]string{"train_loss", "train_accuracy", "val_accuracy", "test_accuracy"}, "", "", "val_accuracy", "max", nil},
		{[]string{"train_loss"}, "", "", "train_loss", "min", nil},
		{[]string{"train_loss", "train_rmse", "test_rmse"}, "", "", "train_loss", "min", nil},
		{[]string{"train_loss", "val_rmse", "val_mae"}, "", "", "", "", []string{"poisson reports no val_loss, but val_rmse, val_mae", `metric = "val_rmse"`}},
		{[]string{"train_loss", "rmse"}, "", "", "", "", []string{"reports no val_loss, but train_loss, rmse"}},
		{[]string{"train_loss", "val_rmse", "val_mae"}, "metric = 'val_mae'\n", "", "val_mae", "min", nil},
		{[]string{"train_loss", "val_rmse", "val_mae"}, "", "[metric]\nname = 'val_mae'\nat = 'last'\n", "val_mae", "min", nil},
		{[]string{"train_loss", "val_f1"}, "metric = 'val_f1'\n", "", "val_f1", "max", nil},
		{[]string{"train_loss", "val_thing"}, "", "", "", "", []string{"`val_thing` does not tell whether it gets better"}},
		{[]string{"train_loss", "val_thing"}, "", "[metric]\ngoal = 'max'\n", "val_thing", "max", nil},
		{[]string{"train_loss", "val_rmse"}, "metric = 'val_mse'\n", "", "", "", []string{"the task reports no metric `val_mse`", "did you mean `val_rmse`"}},
		{[]string{"train_loss", "val_rmse"}, "metric = 3\n", "", "", "", []string{"[metric] is a table, got an integer"}},
	} {
		s, err := load(c.metrics, c.head, c.tail)
		if c.err == nil {
			if err != nil || s.Metric.Name != c.want || string(s.Metric.Goal) != c.goal {
				t.Errorf("%v with %q: %v, want %s, %s", c.metrics, c.head+c.tail, err, c.want, c.goal)
			}
			continue
		}
		for _, part := range c.err {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%v with %q: %v, want %q", c.metrics, c.head+c.tail, err, part)
			}
		}
	}
	// A stored sweep is compared by what it was compared by.
	text := []byte("[task]\nplugin = './poisson'\n[grid]\nlr = 0.1\n")
	if s, err := (Changes{}).LoadStored(t.Context(), "f.toml", text, "metric.name = \"train_loss\"\n", objectiveShelf{metrics: []string{"train_loss", "val_rmse"}}); err != nil || s.Metric.Name != "train_loss" {
		t.Errorf("a stored sweep: %v", err)
	}
}
