package training

import (
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/until"
)

// The numbers by hand. 6 points of 3, 5 and 8 seeds: 18 at least, 48 at most, and 18 + 4·2 + 3·3 likely.
func TestForecast(t *testing.T) {
	c, err := until.Parse("decided")
	if err != nil {
		t.Fatal(err)
	}
	points := []runner.Key{"a", "b", "c", "d", "e", "f"}
	first := until.Outcome{Next: &until.Stage{Number: 1, Of: 3, Seeds: 3, Points: points}}
	third := until.Outcome{Next: &until.Stage{Number: 3, Of: 3, Seeds: 8, Before: 5, Points: points[:2]},
		Asked: map[runner.Key]int{"a": 5, "b": 5, "c": 3, "d": 3, "e": 3, "f": 3}}
	over := until.Outcome{Asked: third.Asked, Over: "it is decided"}
	rule := until.Rule{First: 3, Max: 8, Until: c}
	for name, c := range map[string]struct {
		outcome             until.Outcome
		budget, arms        int
		least, likely, most int
	}{
		"before it":                        {first, 0, 2, 18, 35, 48},
		"with a budget":                    {first, 40, 2, 18, 35, 40},
		"with a small one":                 {first, 20, 2, 18, 18, 20},
		"with many arms, each in the race": {first, 0, 6, 18, 48, 48},
		"before the last stage":            {third, 0, 2, 28, 28, 28},
		"when it is over":                  {over, 0, 2, 22, 22, 22},
	} {
		rule.Budget = c.budget
		f := forecast(rule, c.outcome, c.arms)
		if f.Least != c.least || f.Likely != c.likely || f.Most != c.most {
			t.Errorf("%s: %d, %d, %d, want %d, %d, %d", name, f.Least, f.Likely, f.Most, c.least, c.likely, c.most)
		}
	}
}
