package stats

import "testing"

func TestANumberBesideAnIntervalHasItsDigits(t *testing.T) {
	for _, c := range []struct {
		x    float64
		i    Interval
		want string
	}{
		{0.684832, Interval{Value: 0.5803, Low: 0.5123, High: 0.6483}, "0.685"},
		{0.684832, Interval{Value: 0.5803, Low: 0.5703, High: 0.5903}, "0.685"},
		{0.684832, Interval{Value: 0.58031, Low: 0.58001, High: 0.58061}, "0.68483"},
		{3.52177, Interval{Value: 0.119, Low: 0.106, High: 0.132}, "3.522"},
		{0.5, Interval{Value: 0.762, Low: 0.623, High: 0.901}, "0.500"},
		{0.684832, None(), "0.684832"},
		{0.684832, Interval{Value: 1, Low: 1, High: 1}, "0.684832"},
	} {
		if got := Beside(c.x, c.i); got != c.want {
			t.Errorf("%v beside %s is %s, want %s", c.x, Uncertain(c.i), got, c.want)
		}
	}
}
