package sweeps

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/until"
)

// withSeeds is a sweep file with the seeds that lines at its top ask for.
func withSeeds(seeds, rest string) string {
	return seeds + "\n[task]\nmodel = \"quadratic\"\nepochs = 3\n[grid]\nlr = [0.1, 0.2]\noptimizer = [\"a\", \"b\"]\n[optimizers.a]\nplugin = \"sgd\"\n[optimizers.b]\nplugin = \"sgd\"\nmomentum = 0.5\n" + rest
}

// What a file says of its stages is read, written out, and read again; its trials are those of as many fixed seeds.
func TestSeedsInStages(t *testing.T) {
	for seeds, want := range map[string]string{
		"[seeds]\nuntil = \"decided\"":                                            "3 to 30 seeds until decided",
		"[seeds]\nuntil = \"CI<2%\"\nfirst = 4\nmax = 9\nbudget = 99":             "4 to 9 seeds until ci < 2 %, at most 99 trials",
		"seeds = { until = \"p < 0.05 or tied within 1 %\", max = 3, first = 3 }": "3 to 3 seeds until p < 0.05 or tied within 1 %",
	} {
		s := load(t, withSeeds(seeds, ""))
		read, err := ReadUntil(s.Resolved())
		if err != nil || read == nil || read.String() != want || s.Until.String() != want || fmt.Sprint(*read) != fmt.Sprint(*s.Until) {
			t.Errorf("%s: %v, read again %v, %v", seeds, s.Until, read, err)
			continue
		}
		fixed := load(t, withSeeds(fmt.Sprintf("seeds = %d", s.Until.Max), ""))
		keys := func(trials []runner.Trial) (keys []runner.Key) {
			for _, t := range trials {
				keys = append(keys, t.Key())
			}
			return keys
		}
		if !slices.Equal(keys(s.Trials()), keys(fixed.Trials())) {
			t.Errorf("%s: the trials are not those of %d seeds", seeds, s.Until.Max)
		}
		if first := Asked(s.Trials(), func(runner.Key) int { return s.Until.First }); len(first) != 4*s.Until.First {
			t.Errorf("%s: %d trials in the first stage", seeds, len(first))
		}
		if s.Digest() == fixed.Digest() {
			t.Errorf("%s: the same sweep as one of fixed seeds", seeds)
		}
	}
	if rule, err := ReadUntil(load(t, withSeeds("seeds = 5", "")).Resolved()); rule != nil || err != nil {
		t.Errorf("a fixed number of seeds is read as %v, %v", rule, err)
	}
	if _, err := ReadUntil("seeds.until = \"decided\"\nseeds.first = x\n"); err == nil {
		t.Error("a text that cannot be read is read")
	}
}

// A fixed number of seeds is written and hashed as ever. How a sweep is compared makes another sweep only where it decides
// which points get more seeds; checks never do.
func TestTheComparisonIsPartOfAnAdaptiveSweep(t *testing.T) {
	fixed, staged := "seeds = 3", "[seeds]\nuntil = \"decided\""
	const question, check = "[compare]\nbaseline = \"optimizer == 'b'\"\n", "[check]\nx = \"failed == 0\"\n"
	if text := load(t, withSeeds(fixed, question)).Resolved(); strings.Contains(text, "seeds.") || !strings.Contains(text, "seeds = [0, 1, 2]\ntask.") {
		t.Errorf("a fixed number of seeds is written as\n%s", text)
	}
	for seeds, other := range map[string]bool{fixed: false, staged: true} {
		base := load(t, withSeeds(seeds, "")).Digest()
		if got := load(t, withSeeds(seeds, question)).Digest() != base; got != other {
			t.Errorf("%s: another baseline makes another sweep: %t", seeds, got)
		}
		if load(t, withSeeds(seeds, check)).Digest() != base {
			t.Errorf("%s: a check makes another sweep", seeds)
		}
	}
}

// The flag is remembered as an override, so that a stored sweep is read as it was meant.
func TestUntilByTheFlag(t *testing.T) {
	for _, c := range []struct {
		seeds string
		set   []string
		want  string
	}{
		{"seeds = 5", nil, "5 to 30 seeds until decided"},
		{"seeds = 1", nil, "3 to 30 seeds until decided"}, // one seed shows no spread
		{"", nil, "3 to 30 seeds until decided"},
		{"seeds = 5", []string{"seeds=6"}, "6 to 30 seeds until decided"},
		{"[seeds]\nuntil = \"ci < 1\"\nmax = 8", nil, "3 to 8 seeds until decided"},
	} {
		text := withSeeds(c.seeds, "")
		s, err := Changes{Set: c.set, Until: "Decided"}.Load(t.Context(), "sweep.toml", []byte(text), shelf{})
		if err != nil {
			t.Errorf("%q %q: %v", c.seeds, c.set, err)
			continue
		}
		again, err := Changes{Set: s.Changes.Set}.Load(t.Context(), "sweep.toml", []byte(text), shelf{})
		if err != nil || s.Until.String() != c.want || s.Changes.Until != "" || again.Digest() != s.Digest() {
			t.Errorf("%q %q: %v, set %q, read again %v %v", c.seeds, c.set, s.Until, s.Changes.Set, again, err)
		}
	}
	if s, err := (Changes{Quick: true, Until: "decided"}).Load(t.Context(), "sweep.toml", []byte(withSeeds("seeds = 5", "")), shelf{}); err != nil || s.Until != nil || len(s.Seeds) != 1 {
		t.Errorf("a first look has %+v, %v", s, err)
	}
}

func TestWholePartitionsInStages(t *testing.T) {
	if got := leastCommonMultiple(4, 6); got != 12 {
		t.Errorf("the least common multiple of 4 and 6 is said to be %d", got)
	}
	if got := (until.Rule{First: 3, Max: 28, Round: 4}).Stages(); !slices.Equal(got, []int{4, 8, 12, 20, 28}) {
		t.Errorf("stages of four folds are %v", got)
	}
}
