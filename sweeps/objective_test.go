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
		text := "[task]\nplugin = './poisson'\n" + c.report + "\n[grid]\nlr = 0.1\n"
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
		if !m.OnRequest {
			if _, err := Load(t.Context(), "f.toml", []byte("[task]\nmodel = 'quadratic'\nreport = '"+m.Name+"'\n[grid]\nlr = 0.1"), shelf{}); err == nil || !strings.Contains(err.Error(), "no metric on request") {
				t.Errorf("%s: %v", m.Name, err)
			}
			continue
		}
		for model, rest := range map[string]string{"linear": "dataset = 'diabetes'", "softmax": "dataset = 'digits'", "mlp": "dataset = 'digits'", "quadratic": ""} {
			task := runner.Task{Model: model}
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
