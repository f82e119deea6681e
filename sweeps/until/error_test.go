package until

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// Where nothing differs, looking after each of seven stages finds a difference in at most 5 % of the sweeps, by p and by the
// best arm alike. Of 600 draws a rate of 5 % gives more than 51 in one of 1,000 cases (binomial), and seven looks at 5 % each
// give about 110.
func TestLookingOftenFindsNothingFalse(t *testing.T) {
	const draws, most = 600, 51
	for _, condition := range []string{"p < 0.05", "decided"} {
		c, err := Parse(condition)
		if err != nil {
			t.Fatal(err)
		}
		rule, found, trials := Rule{First: 3, Max: 30, Until: c}, 0, 0
		for draw := range uint64(draws) {
			random := rand.New(rand.NewPCG(draw, 17))
			a, b := make([]float64, rule.Max), make([]float64, rule.Max)
			for i := range a {
				shared := random.NormFloat64()
				a[i], b[i] = 100+20*shared+10*random.NormFloat64(), 100+20*shared+10*random.NormFloat64()
			}
			sgd, adam := comparetest.Results("sgd", 1, 0, a...), comparetest.Results("adam", 1, 0, b...)
			results := comparetest.Join(sgd, adam)
			o := rule.Replay(asked(stop.Min), keysOf(sgd, adam), results, nil, nil)
			trials += o.Trials()
			if !strings.HasPrefix(o.Over, "the question is open") && !strings.Contains(o.Over, "equal") {
				found++
			}
		}
		t.Logf("until %s: %d of %d sweeps without a difference find one; %d of %d trials", condition, found, draws, trials, draws*2*rule.Max)
		if found > most {
			t.Errorf("until %s: %d of %d sweeps without a difference find one", condition, found, draws)
		}
	}
}

// Where one arm is better by two standard deviations of the differences, all sweeps say so, with a fraction of the seeds.
func TestAClearDifferenceIsFoundEarly(t *testing.T) {
	const draws = 100
	c, _ := Parse("decided")
	rule, trials := Rule{First: 3, Max: 30, Until: c}, 0
	for draw := range uint64(draws) {
		random := rand.New(rand.NewPCG(draw, 18))
		a, b := make([]float64, rule.Max), make([]float64, rule.Max)
		for i := range a {
			shared := random.NormFloat64()
			a[i], b[i] = 100+20*shared+7*random.NormFloat64(), 80+20*shared+7*random.NormFloat64()
		}
		sgd, adam := comparetest.Results("sgd", 1, 0, a...), comparetest.Results("adam", 1, 0, b...)
		o := rule.Replay(asked(stop.Min), keysOf(sgd, adam), comparetest.Join(sgd, adam), nil, nil)
		if trials += o.Trials(); o.Over != "adam lr 1 λ 0 is better than sgd" {
			t.Errorf("draw %d: %s", draw, o.Over)
		}
	}
	if trials > draws*2*rule.Max/2 {
		t.Errorf("it took %d of %d trials", trials, draws*2*rule.Max)
	}
	t.Logf("%d of %d trials", trials, draws*2*rule.Max)
}
