package sweeps

import (
	"slices"
	"strings"
	"testing"
)

func TestSkippedTrialsAreLeftOut(t *testing.T) {
	all := load(t, twoPenalties)
	for _, c := range []struct {
		where          string
		trials, points int
		skips          string // what the trials that are left out have in common
		grid           string
	}{
		{"optimizer == 'a'", 12, 6, " a ", "= 32 trials, 8 of them equal to others, 12 skipped: 12 trials"},
		{"regularizer == 'l1'", 16, 8, " l1 ", "= 32 trials, 8 of them equal to others, 8 skipped: 16 trials"},
		{"not regularizer in ['l1', 'l2']", 16, 8, " none ", "= 32 trials, 8 of them equal to others, 8 skipped: 16 trials"},
		{"optimizer.beta1 > 0.8", 12, 6, " b ", "= 32 trials, 8 of them equal to others, 12 skipped: 12 trials"},
		{"seed == 7", 12, 12, "7 ", "= 32 trials, 8 of them equal to others, 12 skipped: 12 trials"},
		{"lr / 2 > 0.05 and task.model == 'softmax'", 12, 6, " 0.2 ", "= 32 trials, 8 of them equal to others, 12 skipped: 12 trials"},
	} {
		s := load(t, twoPenalties+"[[skip]]\nwhere = \""+c.where+"\"")
		var got, want []string
		for _, trial := range s.Trials() {
			got = append(got, describe(trial))
		}
		for _, trial := range all.Trials() {
			if text := describe(trial); !strings.Contains(text, c.skips) {
				want = append(want, text)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s leaves\n%s, want\n%s", c.where, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		g := s.Grid()
		if len(got) != c.trials || g.Trials != c.trials || g.Points != c.points || g.Trials+g.Skipped+g.Folded != 32 || !strings.HasSuffix(g.String(), c.grid) {
			t.Errorf("%s leaves %d trials, and the grid %s counts %+v", c.where, len(got), g, g)
		}
		if len(s.Warnings) > 0 {
			t.Errorf("%s: %s", c.where, s.Warnings[0].Warning())
		}
		if s.Digest() == all.Digest() {
			t.Errorf("%s does not change the digest", c.where)
		}
	}
}

func TestEveryNameOfATrialCanBeUsed(t *testing.T) {
	s := load(t, twoPenalties+"[early_stop]")
	names := s.names().Names
	found := map[string]bool{}
	for _, trial := range s.Trials() {
		lookup := s.lookup(trial)
		for _, setting := range trial.Settings() {
			if v, ok := lookup(setting.Path); !ok || v != setting.Value || names[setting.Path] == "" {
				t.Errorf("%s is %v, %v and of the type %q, want %v", setting.Path, v, ok, names[setting.Path], setting.Value)
			}
			found[setting.Path] = true
		}
		if v, ok := lookup("optimizer"); !ok || v.Text != trial.Optimizer.Label {
			t.Errorf("optimizer is %v, %v", v, ok)
		}
		if v, ok := lookup("regularizer"); ok != (trial.Lambda != 0) || ok && v.Text != trial.Regularizer.Label {
			t.Errorf("regularizer is %v, %v under λ = %g", v, ok, trial.Lambda)
		}
	}
	for name := range names {
		if !found[name] && name != "optimizer" && name != "regularizer" {
			t.Errorf("no trial has %s", name)
		}
	}
}

// The digest is of the condition, not of how it is written.
func TestDigestIsOfTheConditionThatSkips(t *testing.T) {
	one := load(t, twoPenalties+"[[skip]]\nwhere = \"optimizer=='a'and(lr<0.15)\"").Digest()
	if load(t, twoPenalties+"[[skip]]\nwhere = 'optimizer == \"a\" and lr < 1.5e-1'").Digest() != one {
		t.Error("spaces and quotation marks change the digest")
	}
	if load(t, twoPenalties+"[[skip]]\nwhere = 'optimizer == \"a\" and lr < 1.6e-1'").Digest() == one {
		t.Error("another number does not change the digest")
	}
}
