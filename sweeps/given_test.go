package sweeps

import (
	"context"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// A pupilShelf has an objective that asks for data, or that does not.
type pupilShelf struct {
	objectiveShelf
	asks bool
}

func (s pupilShelf) Component(ctx context.Context, kind plugins.Kind, plugin, component string) (Found, error) {
	found, err := s.objectiveShelf.Component(ctx, kind, plugin, component)
	if kind == plugins.KindObjective && s.asks {
		found.Spec.Features = []string{plugins.FeatureData}
	}
	return found, err
}

// An objective that asks for data takes the keys by which models have theirs; one that does not refuses them.
func TestObjectivesThatAskForDataTakeItsKeys(t *testing.T) {
	load := func(asks bool, task, grid string) (*Spec, error) {
		text := "metric = 'train_loss'\n[task]\nplugin = './poisson'\n" + task + "\n[grid]\nlr = 0.1\n" + grid
		return Load(t.Context(), "sweep.toml", []byte(text), pupilShelf{objectiveShelf{metrics: []string{plugins.MetricTrainLoss}}, asks})
	}
	s, err := load(true, "dataset = 'digits'\nvalidation = 0.25\ntest = 0.1\nstandardize = false", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Task; got.Objective == nil || got.Dataset != "digits" || got.Validation != 0.25 || got.Test != 0.1 || got.Standardize || got.Kind != classification || got.Digest == "" {
		t.Errorf("the task is %+v", got.Supervised)
	}
	model, err := Load(t.Context(), "sweep.toml", []byte("[task]\nmodel = 'softmax'\ndataset = 'digits'\nvalidation = 0.25\ntest = 0.1\nstandardize = false\n[grid]\nlr = 0.1\n"), pupilShelf{})
	if err != nil {
		t.Fatal(err)
	}
	of := model.Task.Supervised
	of.Sampling = "" // the plugin makes the mini-batches
	if got := s.Task.Supervised; got.Digest != of.Digest || got.Target != of.Target || got.Kind != of.Kind || got.DataRevision != of.DataRevision {
		t.Errorf("the data is %+v, of a model %+v", got, of)
	}
	if s, err = load(true, "dataset = 'digits'", "standardize = [true, false]"); err != nil || s.Task.Validation != 0.2 {
		t.Errorf("with an axis of the data: %v", err)
	}
	for _, c := range []struct {
		asks       bool
		task, want string
	}{
		{true, "", "missing key `dataset`"},
		{true, "dataset = 'digits'\nvalidation = 2", "`validation`"},
		{true, "dataset = 'digits'\nbatch = 3", "unknown setting `batch`"},
		{true, "dataset = 'digits'\nvalidation = 0.5\ntest = 0.6", "leave nothing to train on"},
		{false, "dataset = 'digits'", "unknown setting `dataset`"},
	} {
		if _, err := load(c.asks, c.task, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.task, err, c.want)
		}
	}
}
