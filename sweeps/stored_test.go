package sweeps

import (
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// What new files may not say is read, as it was meant, in texts of sweeps that were run.
func TestStoredTextsAreRead(t *testing.T) {
	const head = "[task]\ndataset = 'digits'\nmodel = 'softmax'\nepochs = 40\n[grid]\nlr = 0.1\n[run]\norder = 'seeds-last'\n"
	for _, c := range []struct {
		text    string
		at      runner.At
		refused bool // in a new file
	}{
		{"", runner.AtBest, false},
		{"[early_stop]\nrestore_best = true", runner.AtBest, false},
		{"[early_stop]\nrestore_best = false", runner.AtLast, true},
		{"[metric]\nat = 'epoch:20'\n[early_stop]\npatience = 3", "epoch:20", true},
		{"[metric]\nat = 'epoch:20'\n[early_stop]\npatience = 3\nrestore_best = false", runner.AtLast, true},
		{"[metric]\nat = 'epoch:20'\n[prune]", "epoch:20", true},
		{"[metric]\nat = 'epoch:20'\n[early_stop]\npatience = 30", "epoch:20", false},
		{"[metric]\nat = 'epoch:3'\n[early_stop]\npatience = 2", "epoch:3", false}, // it may stop there
	} {
		s, err := Changes{}.LoadStored(t.Context(), "f.toml", []byte(head+c.text), "", shelf{})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		for _, trial := range s.Trials() {
			if trial.Keep != (runner.Keep{Metric: "val_loss", Goal: "min", At: c.at}) {
				t.Errorf("%s: %+v is kept, want it at %s", c.text, trial.Keep, c.at)
			}
		}
		if _, err := Load(t.Context(), "f.toml", []byte(head+c.text), shelf{}); (err != nil) != c.refused {
			t.Errorf("%s in a new file: %v", c.text, err)
		}
	}
	override := Changes{Set: []string{"early_stop.restore_best=false"}}
	if s, err := override.LoadStored(t.Context(), "f.toml", []byte(head), "", shelf{}); err != nil || s.Metric.At != runner.AtLast {
		t.Errorf("as an override: %+v, %v", s, err)
	}
}

// A stored text becomes one that a new file may have, and keeps what it meant.
func TestStoredTextsAreRenewed(t *testing.T) {
	const head = "[task]\ndataset = 'digits'\nmodel = 'softmax'\nepochs = 40\n[grid]\nlr = 0.1\n"
	const was = "schema = 1\nkeys = 2\ndivergence = 0\n" // before there was a limit by default
	for _, c := range []struct {
		text      string
		overrides []string
		resolved  string
		factor    float64
	}{
		{"", nil, was, 0}, {"[early_stop]\npatience = 3", nil, was, 0}, {"[early_stop]\nrestore_best = false # as it was", nil, was, 0},
		{"[metric]\nat = 'best'\n[early_stop]\nrestore_best = false", nil, was, 0}, {"[early_stop]\npatience = 3", []string{"early_stop.restore_best=false"}, was, 0},
		{"", nil, "schema = 1\nkeys = 1\n", 0}, // which did not write it
		{"", nil, "divergence = 1000\n", 1000}, {"[early_stop]\npatience = 3", nil, "divergence = 1000\n", 1000},
		{"", []string{"divergence=false"}, was, 0}, {"[early_stop]\ndivergence = { factor = 7 }", nil, "divergence = 7\n", 7},
	} {
		text := []byte(head + c.text)
		stored, err := Changes{Set: c.overrides}.LoadStored(t.Context(), "f.toml", text, c.resolved, shelf{})
		if err != nil {
			t.Fatal(err)
		}
		set, err := Renew("f.toml", text, c.overrides, c.resolved)
		if err != nil {
			t.Fatal(err)
		}
		renewed, err := document.Rewrite("f.toml", text, append(c.overrides, set...))
		if err != nil {
			t.Fatal(err)
		}
		if now, err := Load(t.Context(), "f.toml", renewed, shelf{}); err != nil || now.Digest() != stored.Digest() || now.Stop.DivergenceFactor != c.factor {
			t.Errorf("%s under %v becomes\n%s\n%v", c.text, c.overrides, renewed, err)
		}
	}
}
