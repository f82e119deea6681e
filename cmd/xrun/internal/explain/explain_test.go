package explain

import (
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps"
)

// Whatever can be named in a sweep file is explained: a name that is added elsewhere is missed here.
func TestEveryNameIsExplained(t *testing.T) {
	want := map[Kind][]string{Model: models.Names(), Metric: runner.Measures(), Test: sweeps.Tests, Stat: sweeps.Stats, Pruning: {"halving", "median", "percentile"}}
	for _, kind := range schedule.Kinds {
		want[Schedule] = append(want[Schedule], string(kind))
	}
	for _, name := range stop.Names {
		want[Stopping] = append(want[Stopping], string(name))
	}
	for _, kind := range Kinds {
		if len(want[kind]) == 0 {
			t.Errorf("this test knows no names of the kind %s", kind)
		}
		for _, name := range want[kind] {
			var found *Fact
			for _, f := range Find(name) {
				if f.Kind == kind {
					found = &f
				}
			}
			switch {
			case found == nil:
				t.Errorf("the %s %s is not explained: add it to the facts of its kind in this package", kind, name)
			case found.Summary == "" || found.Formula == "" || found.Source == "" || found.Page == "":
				t.Errorf("the %s %s lacks a summary, a formula, a source or a page: %+v", kind, name, *found)
			}
		}
	}
}

func TestFactsAreOfAKindAndHaveDocumentedSettings(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All() {
		id := string(f.Kind) + " " + f.Name
		if seen[id] {
			t.Errorf("%s is there twice", id)
		}
		seen[id] = true
		for _, s := range f.Settings {
			if s.Name == "" || s.Default == "" || s.Doc == "" {
				t.Errorf("%s has a setting without a name, a default or a description: %+v", id, s)
			}
		}
	}
}
