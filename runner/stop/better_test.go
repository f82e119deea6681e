package stop

import (
	"math"
	"testing"
)

func TestGoalBetter(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		goal Goal
		a, b float64
		want bool
	}{
		{Min, 1, 2, true}, {Min, 2, 1, false}, {Min, 1, 1, false},
		{Max, 1, 2, false}, {Max, 2, 1, true}, {Max, 1, 1, false},
		{"", 1, 2, true},
		{Min, nan, 1, false}, {Min, 1, nan, true}, {Min, inf, nan, true}, {Max, nan, nan, false}, {Max, -inf, nan, true},
	} {
		if got := c.goal.Better(c.a, c.b); got != c.want {
			t.Errorf("%q: Better(%v, %v) is %v", c.goal, c.a, c.b, got)
		}
	}
}
