package explain

import (
	"regexp"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/models"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps"
)

// Whatever can be named in a sweep file is explained: a name that is added elsewhere is missed here.
func TestEveryNameIsExplained(t *testing.T) {
	want := map[Kind][]string{Model: models.Names(), Test: sweeps.Tests, Stat: sweeps.Stats, Scale: sweeps.Scales, Pruning: words(t, "[prune]", "rule")}
	for _, m := range runner.Metrics {
		if !m.Rows {
			want[Metric] = append(want[Metric], m.Name)
			continue
		}
		for _, part := range parts {
			want[Metric] = append(want[Metric], part+m.Name)
		}
	}
	for _, kind := range schedule.Kinds {
		want[Schedule] = append(want[Schedule], string(kind))
	}
	for _, name := range stop.Names {
		want[Stopping] = append(want[Stopping], string(name))
	}
	for _, f := range All() {
		want[f.Kind] = append(want[f.Kind], nil...) // a kind that this test lacks has no names
	}
	for kind := range want {
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
		if len(f.Settings) == 0 && (f.Kind == Schedule || f.Kind == Stopping || f.Kind == Pruning) {
			t.Errorf("%s has no settings", id)
		}
		for _, s := range f.Settings {
			if s.Name == "" || s.Default == "" || s.Meaning == "" {
				t.Errorf("%s has a setting without a name, a default or a meaning: %+v", id, s)
			}
		}
	}
}

// words are the choices of a key.
func words(t *testing.T, table, key string) (all []string) {
	for _, kt := range sweeps.Keys() {
		for _, k := range kt.Keys {
			if kt.Title != table || k.Name != key {
				continue
			}
			for _, m := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(k.Type, -1) {
				all = append(all, m[1])
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no key %s with choices", table, key)
	}
	return all
}
