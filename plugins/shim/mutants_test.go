//go:build unix

package shim_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/plugintest"
	"github.com/xrun-dev/xrun/runner/tests"
)

// What authors in Python get wrong most often: the check that finds it, and part of what it says. An ordinary run tries
// every fourth.
func TestMistakesInPythonAreFound(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3 to run plugins in")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ name, check, want string }{
		{"gradient_overwritten", "gradient/added", "add_gradient overwrites the gradient"},
		{"sound_regularizer", "", ""},
		{"gradient_lost", "gradient/finite-differences", "add_gradient adds nothing to grad"},
		{"value_in_place", "regularizer/untouched", "value changes theta"},
		{"value_none", "regularizer/untouched", "value returns None"},
		{"lambda_forgotten", "regularizer/strength", "use lam"},
		{"prox_lost", "prox/definition", ""},
		{"sound_optimizer", "", ""},
		{"state_left_out", "state/restore", "restore(saved) puts back"},
		{"step_lost", "optimizer/moves", "theta = theta - x makes another vector"},
		{"state_in_module", "slots/independent", ""},
		{"clock", "determinism", ""},
		{"gradient_none", "objective/initial", "gradient returns None"},
		{"setting_ignored", "settings/used", "momentum made no difference"},
		{"sound_objective", "", ""},
		{"initial_rebinds", "objective/initial", "initial leaves all elements as they were"},
		{"metric_none", "objective/metrics", `evaluate returns None for "train_loss"`},
		{"gradient_rebinds", "objective/gradient", "gradient leaves all elements as they were"},
		{"gradient_zero", "gradient/finite-differences", "the gradient is all zeros"},
		{"metrics_of_the_start", "objective/metrics", "evaluate has to look at the parameters that it is given"},
	}
	if !tests.Long() {
		for i := len(cases) - 1; i >= 0; i-- {
			if i%4 > 0 {
				cases = slices.Delete(cases, i, i+1)
			}
		}
	}
	var names []string
	for _, c := range cases {
		names = append(names, c.name)
	}
	path, err := filepath.Abs(filepath.Join("testdata", "mutants.py"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := plugintest.Check(t.Context(), path, plugintest.Options{Components: names, Short: true, Host: host.Options{Python: []string{self, "serve-python"}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var failed, first []string
			for _, res := range r.Components[i].Checks {
				if res.Verdict != plugintest.Failed {
					continue
				}
				failed = append(failed, res.ID+": "+res.Message)
				if res.Same == "" {
					first = append(first, res.ID)
				}
				for _, word := range []string{"Instance", "State ", "StateFloats", "Layout.Penalized", "AddGradient", "float() argument", "struct.error"} {
					if strings.Contains(res.Message, word) {
						t.Errorf("%s speaks of %s: %s", res.ID, word, res.Message)
					}
				}
			}
			text := strings.Join(failed, "\n")
			if c.check == "" && failed != nil || c.check != "" && !slices.Equal(first, []string{c.check}) || !strings.Contains(text, c.want) {
				t.Errorf("found by %q, want %q and %q in\n%s", first, c.check, c.want, text)
			}
		})
	}
}
