package sweeps

import (
	"slices"
	"strings"
	"testing"
)

// A metric of rows is reported for every part without one in its name, and wherever the file names it.
func TestMetricsOfRowsOnRequest(t *testing.T) {
	for _, c := range []struct {
		task, rest string
		want       string
	}{
		{"", "", ""},
		{"report = 'auc'", "", "train_auc val_auc"},
		{"report = ['auc']\ntest = 0.1", "", "test_auc train_auc val_auc"},
		{"report = ['val_f1', 'val_auc', 'f1', 'zeros']", "", "train_f1 val_auc val_f1 zeros"},
		{"", "[metric]\nname = 'val_auc'", "val_auc"},
		{"", "[early_stop]\nmonitor = 'val_log_loss'", "val_log_loss"},
		{"", "[prune]\nrule = 'median'\nmonitor = 'train_brier'", "train_brier"},
		{"test = 0.1", "[check]\ngood = 'best.test_f1 > 0.5 and best.val_balanced_accuracy > 0.5'", "test_f1 val_balanced_accuracy"},
		{"", "[optimizers.sgd]\nschedule = { kind = 'plateau', monitor = 'val_average_precision' }", "val_average_precision"},
		{"report = 'val_auc'", "[metric]\nname = 'val_auc'", "val_auc"},
	} {
		s := load(t, "[task]\nmodel = 'softmax'\ndataset = 'digits'\n"+c.task+"\n[grid]\nlr = 0.1\n"+c.rest)
		if got := strings.Join(s.Task.Report, " "); got != c.want {
			t.Errorf("%q with %q reports %q, want %q", c.task, c.rest, got, c.want)
		}
		if !slices.Equal(s.Trials()[0].Task.Report, s.Task.Report) {
			t.Errorf("trials report %q", s.Trials()[0].Task.Report)
		}
	}
	s := load(t, "metric = 'val_quantile_loss_90'\n[task]\nmodel = 'linear'\ndataset = 'diabetes'\n[grid]\nlr = 0.1")
	if got := strings.Join(s.Task.Report, " "); got != "val_quantile_loss_90" || s.Metric.Goal != "min" {
		t.Errorf("reports %q, and the goal is %s", got, s.Metric.Goal)
	}
}

func TestMetricsOfRowsThatAreNotThere(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[task]\nmodel = 'softmax'\ndataset = 'digits'\nreport = 'test_auc'", "there is no test data"},
		{"[task]\nmodel = 'softmax'\ndataset = 'digits'\nvalidation = 0\nreport = 'val_auc'", "there is no validation data"},
		{"[task]\nmodel = 'linear'\ndataset = 'diabetes'\nreport = 'auc'", "auc is not known for the model linear"},
		{"[task]\nmodel = 'mlp'\ndataset = 'digits'\nreport = 'mae'", "mae is for a regression"},
		{"[task]\nmodel = 'linear'\ndataset = 'diabetes'\nreport = 'quantile_loss_N'", "N is a percentage"},
		{"[task]\nmodel = 'linear'\ndataset = 'diabetes'\nreport = 'quantile_loss_100'", "no metric on request"},
		{"metric = 'val_auc'\n[task]\nmodel = 'linear'\ndataset = 'diabetes'", "auc is not known for the model linear"},
		{"metric = 'auc'\n[task]\nmodel = 'softmax'\ndataset = 'digits'", `did you mean "val_auc"?`},
		{"[task]\nmodel = 'mlp'\ndataset = 'diabetes'\nclass_weight = 'balanced'", "is a number, and has no classes to weigh"},
		{"[task]\nmodel = 'softmax'\ndataset = 'digits'\nclass_weight = 'equal'", "balanced"},
		{"[task]\nmodel = 'linear'\ndataset = 'diabetes'\nclass_weight = 'balanced'", "means nothing to the model linear"},
	} {
		if _, err := Load(t.Context(), "f.toml", []byte(c.text+"\n[grid]\nlr = 0.1"), shelf{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\n%v\nwant %q", c.text, err, c.want)
		}
	}
}
