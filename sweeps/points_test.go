package sweeps

import (
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

// What moves with the regularizer or λ is not to be folded with what is not there.
func TestFoldingOfAxesThatMoveTogether(t *testing.T) {
	for grid, want := range map[string]int{ // points: of sgd and plain, which are equal, one counts
		"lambda = [0, 0.5]": 6,
		"zip = [['lambda', 'regularizer']]\nlambda = [0, 0.5]":                                              4,
		"zip = [['lr', 'regularizer']]\nlambda = [0, 0.5, 1]":                                               6,
		"zip = [['lr', 'lambda', 'regularizer']]\nlambda = [0, 0.5]":                                        2,
		"zip = [['lr', 'optimizer']]":                                                                       2,
		"zip = [['optimizer', 'regularizer']]\nlambda = [0, 0.5]":                                           6,
		"zip = [['lr', 'hidden']]\nhidden = [4, 8]\nmodel = ['mlp']\nactivation = ['relu', 'tanh']":         4,
		"zip = [['lr', 'batch'], ['epochs', 'lambda']]\nbatch = [4, 8]\nepochs = [2, 3]\nlambda = [0, 0.5]": 6,
	} {
		text := "seeds = 2\n[task]\ndataset = 'digits'\n"
		if !strings.Contains(grid, "model") {
			text += "model = 'softmax'\n"
		}
		s := load(t, text+"[grid]\nlr = [0.1, 0.2]\noptimizer = ['sgd', 'plain']\nregularizer = ['l1', 'l2']\n"+grid+"\n[optimizers.sgd]\n[optimizers.plain]\nplugin = 'sgd'\n[regularizers.l1]\n[regularizers.l2]\n")
		keys := map[runner.Key]bool{}
		for _, trial := range s.Trials() {
			keys[trial.Key()] = true
		}
		if n := len(s.Trials()); n != 2*want || len(keys) != n || s.Grid().Trials != n {
			t.Errorf("%s: %d trials with %d keys, counted as %d, want %d", grid, n, len(keys), s.Grid().Trials, 2*want)
		}
	}
}
