package sweeps

import (
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

func TestAComparisonIsReadBack(t *testing.T) {
	const judged = twoPenalties + `
[metric]
target = 0.25
[compare]
baseline = "optimizer=='a' and lr > 1e-1"
test = "wilcoxon"
stat = "median"
equal = "2 %"
[check]
"odd = \"name\"" = "p<5e-2"
better = "best.val_loss < baseline.val_loss * 0.98 and failed == 0"
decided = "outcome in ['better', 'equal'] and difference.high < 0.1"
`
	plain, s := load(t, twoPenalties), load(t, judged)
	c, err := ReadComparison(s.Resolved())
	if err != nil {
		t.Fatal(err)
	}
	if c.Baseline != "optimizer == 'a' and lr > 0.1" || c.Test != "wilcoxon" || c.Stat != "median" || c.Equal != "2 %" || !c.HasTarget || c.Target != 0.25 {
		t.Errorf("read %+v", c)
	}
	var got []string
	for _, check := range c.Checks {
		got = append(got, check.Name+": "+check.Where.String())
	}
	if want := []string{`odd = "name": p < 0.05`, "better: best.val_loss < baseline.val_loss * 0.98 and failed == 0", "decided: outcome in ['better', 'equal'] and difference.high < 0.1"}; !slices.Equal(got, want) {
		t.Errorf("checks %q", got)
	}
	values := map[string]float64{"best.val_loss": 1, "baseline.val_loss": 2, "failed": 0}
	if !c.Checks[1].Where.Evaluate(func(name string) (plugins.Value, bool) { v, ok := values[name]; return plugins.Real(v), ok }) {
		t.Error("a check that holds is false")
	}

	scaled, err := ReadComparison(load(t, strings.Replace(strings.Replace(judged, "wilcoxon", "moderated", 1), `stat = "median"`, `scale = "logit"`, 1)).Resolved())
	if err != nil || scaled.Test != "moderated" || scaled.Scale != "logit" || scaled.Stat != "" || c.Scale != "" {
		t.Errorf("with a scale: %+v, %v", scaled, err)
	}

	// It is another question about the same sweep.
	if load(t, strings.Replace(judged, "0.98", "0.5", 1)).Digest() != s.Digest() {
		t.Error("another check makes another sweep")
	}
	for i, trial := range s.Trials() {
		if trial.Key() != plain.Trials()[i].Key() {
			t.Fatalf("trial %d has another key", i)
		}
	}
	none, err := ReadComparison(plain.Resolved())
	if err != nil || none.Baseline+none.Test+none.Stat+none.Equal != "" || none.HasTarget || none.Checks != nil {
		t.Errorf("a sweep without a comparison has %+v, %v", none, err)
	}
	for _, wrong := range []string{"check.x = \"p < 1\"", "check.\"x\" = p", "check.\"x\" = \"q < 1\"", "compare.test = mean", "metric.target = low"} {
		if c, err := ReadComparison(wrong + "\n"); err == nil || !strings.Contains(err.Error(), "read the specification of the sweep: ") {
			t.Errorf("%s: %+v, %v", wrong, c, err)
		}
	}
}
