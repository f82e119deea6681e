package sweeps

import (
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// combined makes the keys of every combination, whether or not it is equal to another.
func combined(s *Spec) map[runner.Key]bool {
	keys := map[runner.Key]bool{}
	groups := s.zipped()
	indices := make([]int, byAxis+len(s.Axes))
	var each func(at int)
	each = func(at int) {
		if at == len(groups) {
			penalized := s.Task.Command != nil || s.Lambda[indices[byLambda]] != 0
			keys[s.trial(s.point(indices, map[string]shared{}, penalized), s.Seeds[0]).Key()] = true
			return
		}
		for i := range groups[at].n {
			for _, dim := range groups[at].dims {
				indices[dim] = i
			}
			each(at + 1)
		}
	}
	each(0)
	for _, p := range s.Extra {
		keys[s.trial(p, s.Seeds[0]).Key()] = true
	}
	return keys
}

func TestNothingIsLostOrDoubledByFolding(t *testing.T) {
	for _, file := range append(cases(t, "testdata/valid/*.toml"), cases(t, "examples/*.toml")...) {
		s, err := Load(t.Context(), file, read(t, file), shelf{})
		if err != nil {
			t.Fatal(err)
		}
		s.Skip = nil
		got, want := map[runner.Key]bool{}, combined(s)
		for trial := range s.All() {
			key := trial.Key()
			if got[key] {
				t.Fatalf("%s has the trial %s twice: %s", file, key, describe(trial))
			}
			got[key] = true
			if trial.Seed == s.Seeds[0] && !want[key] {
				t.Errorf("%s has a trial that is no combination: %s", file, describe(trial))
			}
		}
		if g := s.Grid(); len(got) != len(want)*len(s.Seeds) || g.Trials != len(got) || g.Points != len(want) {
			t.Errorf("%s has %d trials and counts %+v, but %d combinations differ", file, len(got), g, len(want))
		}
	}
}

// What moves with the regularizer or λ is not to be folded with what is not there.
func TestFoldingOfAxesThatMoveTogether(t *testing.T) {
	for _, grid := range []string{
		"zip = [['lambda', 'regularizer']]\nlambda = [0, 0.5]",
		"zip = [['lr', 'regularizer']]\nlambda = [0, 0.5, 1]",
		"zip = [['lr', 'lambda', 'regularizer']]\nlambda = [0, 0.5]",
		"zip = [['lr', 'optimizer']]\noptimizer = ['sgd', 'plain']",
		"zip = [['optimizer', 'regularizer']]\nlambda = [0, 0.5]\noptimizer = ['sgd', 'plain']",
		"zip = [['lr', 'hidden']]\nlambda = [0, 1]\nhidden = [4, 8]\nmodel = ['softmax', 'mlp']",
		"zip = [['batch', 'hidden']]\nbatch = [16, 8]\nhidden = [4, 8]\nmodel = ['softmax', 'mlp']",
	} {
		text := "seeds = 2\n[task]\ndataset = 'digits'\n"
		if !strings.Contains(grid, "model") {
			text += "model = 'softmax'\n"
		}
		s := load(t, text+"[grid]\nlr = [0.1, 0.2]\n"+grid+"\n[optimizers.sgd]\n[optimizers.plain]\nplugin = 'sgd'\n[regularizers.l1]\n[regularizers.l2]\n")
		want, got := combined(s), map[runner.Key]bool{}
		for _, trial := range s.Trials() {
			got[trial.Key()] = true
		}
		if n := len(s.Trials()); len(got) != n || len(got) != 2*len(want) || s.Grid().Trials != n {
			t.Errorf("%s: %d trials with %d keys, counted as %d, but %d combinations differ", grid, n, len(got), s.Grid().Trials, len(want))
		}
	}
}
