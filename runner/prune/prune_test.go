package prune

import (
	"math"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/runner/stop"
)

func TestRungs(t *testing.T) {
	for _, c := range []struct {
		rule   Rule
		epochs int
		want   []int
	}{
		{Rule{Name: Halving, First: 1, Eta: 3}, 50, []int{1, 3, 9, 27}},
		{Rule{Name: Halving, First: 2, Eta: 4}, 32, []int{2, 8}}, // the last epoch is no rung
		{Rule{Name: Median, First: 5, Every: 10}, 26, []int{5, 15, 25}},
		{Rule{Name: Percentile, First: 5, Every: 1, Percent: 25}, 5, nil},
	} {
		if got := c.rule.Rungs(c.epochs); !slices.Equal(got, c.want) {
			t.Errorf("%s of %d epochs: %v, want %v", c.rule, c.epochs, got, c.want)
		}
	}
}

func TestKeep(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	halving := Rule{Name: Halving, Eta: 3}
	for name, c := range map[string]struct {
		rule   Rule
		values []float64
		want   []bool
	}{
		"a third goes on":         {halving, []float64{6, 1, 5, 2, 4, 3}, []bool{false, true, false, true, false, false}},
		"ties go on":              {halving, []float64{2, 1, 2, 2, 4, 3}, []bool{true, true, true, true, false, false}},
		"one goes on":             {halving, []float64{6, 1}, []bool{false, true}},
		"alone":                   {halving, []float64{6}, []bool{true}},
		"NaN and Inf do not":      {Rule{Name: Halving, Eta: 2}, []float64{nan, 1, inf, nan}, []bool{false, true, false, false}},
		"all diverged":            {halving, []float64{nan, inf}, []bool{false, false}},
		"more is better":          {Rule{Name: Halving, Eta: 2, Goal: stop.Max}, []float64{.9, .8, nan, .7}, []bool{true, true, false, false}},
		"the median goes on":      {Rule{Name: Median}, []float64{1, 2, 3, 4, 5}, []bool{true, true, true, false, false}},
		"between two":             {Rule{Name: Median}, []float64{1, 2, 3, 4}, []bool{true, true, false, false}},
		"equal values go on":      {Rule{Name: Median}, []float64{1, 1, 1}, []bool{true, true, true}},
		"a quarter":               {Rule{Name: Percentile, Percent: 25}, []float64{5, 4, 3, 2, 1}, []bool{false, false, false, true, true}},
		"infinite between finite": {Rule{Name: Median}, []float64{1, inf}, []bool{true, false}},
	} {
		got, _ := c.rule.Keep(c.values)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v of %v, want %v", name, got, c.values, c.want)
		}
	}
	if _, limit := (Rule{Name: Halving, Eta: 2, Goal: stop.Max}).Keep([]float64{.9, .8, .7, .6}); limit != .8 {
		t.Errorf("the threshold is %v, want .8", limit)
	}
}
