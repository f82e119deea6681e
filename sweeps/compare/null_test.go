package compare

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// nullSweep is a sweep in which no point is better than any other: every value is its seed's, which all
// points share as they share a split, and noise of its own.
func nullSweep(rng *rand.Rand, arms map[string]int, seeds int) []runner.Result {
	common := make([]float64, seeds)
	for i := range common {
		common[i] = 1 + 0.1*rng.NormFloat64()
	}
	var all []runner.Result
	for _, arm := range []string{"sgd", "adam", "lion"} {
		for point := range arms[arm] {
			values := make([]float64, seeds)
			for i := range values {
				values[i] = common[i] + 0.02*rng.NormFloat64()
			}
			all = append(all, comparetest.Results(arm, float64(point+1), 0, values...)...)
		}
	}
	return all
}

// falseAlarms is the share of null sweeps of which some arm is said to differ from the baseline.
func falseAlarms(rng *rand.Rand, sweeps int, arms map[string]int, test Test) float64 {
	const seeds = 8
	q := question
	q.Test = test
	n := 0
	for range sweeps {
		for _, a := range Build(q, nullSweep(rng, arms, seeds), nil).Arms {
			if a.P <= 1-Level {
				n++
				break
			}
		}
	}
	return float64(n) / float64(sweeps)
}

// Where nothing differs, about one comparison in twenty may say otherwise, and not more, though each arm's best of
// twelve points is picked by the values that are then tested: equal budgets are equally lucky. With unequal ones
// that does not hold, which is what the warning is about.
func TestFalseAlarmsAreRareUnderEqualBudgets(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	if tests.Long() {
		rng = tests.Random(t)
	}
	// The bound is three and a half binomial standard deviations above 5 %: 12.6 % of 100 sweeps, 6.9 % of 1,600. A test
	// that gives 5 % exceeds it about once in a thousand.
	sweeps := tests.Either(100, 1600)
	bound := 0.05 + 3.5*math.Sqrt(0.05*0.95/float64(sweeps))
	for _, test := range []Test{TestPermutation, TestWilcoxon, TestPairedT} {
		got := falseAlarms(rng, sweeps, map[string]int{"sgd": 12, "adam": 12, "lion": 12}, test)
		t.Logf("%s: %.1f %% of %d null sweeps have a significant arm", test, 100*got, sweeps)
		if got > bound {
			t.Errorf("%s: %.1f %% of null sweeps have a significant arm, want at most %.1f %%", test, 100*got, 100*bound)
		}
	}
	unequal := falseAlarms(rng, sweeps, map[string]int{"sgd": 1, "adam": 30}, TestPermutation)
	t.Logf("1 against 30 points: %.1f %%", 100*unequal)
	if unequal < 0.1 {
		t.Errorf("with one point against thirty only %.1f %% are false alarms: the warning would be idle", 100*unequal)
	}
}
