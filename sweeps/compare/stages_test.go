package compare

import (
	"math"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// While a stage is under way the report is of the finished ones, and says so.
func TestAReportBetweenStages(t *testing.T) {
	q := question
	q.Test, q.Alpha = TestPairedT, 0.01
	q.Stages = &Stages{Seeds: []int{3}, Until: "decided", Doing: "stage 2 of at most 7: 5 seeds for 2 points", Open: 4,
		GivenUp: map[runner.Key]GivenUp{"adam2 0": {1, 3, "worse"}}}
	results := comparetest.Join(comparetest.Results("sgd", 1, 0, 5, 6, 5.1), comparetest.Results("adam", 1, 0, 4, 5.2, 4.3), comparetest.Results("adam", 2, 0, 9, 10, 9.1))
	r := Build(q, results, nil)
	if v := r.Verdict(); !strings.HasPrefix(v, "So far, adam lr 1 ") {
		t.Errorf("the verdict is %q", v)
	}
	var notes []string
	for _, n := range r.Notes() {
		notes = append(notes, n.Text+" → "+n.Then)
	}
	for _, want := range []string{
		"stage 2 of at most 7: 5 seeds for 2 points, of which 4 trials have no result yet: the numbers are those of the finished stages → run the sweep again to go on",
		"seeds are added in stages until decided, and the first stage (3 seeds) is all that was asked for: p and intervals of differences leave room for further looks, here at the level 0.01 → ",
		"given up, and placed by the paired difference to the best over the seeds that both have: 1 point after 3 seeds → ",
	} {
		found := false
		for _, n := range notes {
			found = found || n == want
		}
		if !found {
			t.Errorf("there is no note %q in\n%s", want, strings.Join(notes, "\n"))
		}
	}
	if text := r.Methods()[0]; !strings.Contains(text, "Seeds were added in stages (3 seeds) until decided") || !strings.Contains(text, "repeated confidence intervals") {
		t.Errorf("the methods say %q", text)
	}
}

// The interval of a difference at the level of a look is that of Student's t at it, and p is enlarged by the ratio of the
// levels: at 0.01 five times.
func TestDifferencesAtTheLevelOfALook(t *testing.T) {
	results := comparetest.Join(comparetest.Results("sgd", 1, 0, 5, 6, 5.1, 5.5), comparetest.Results("adam", 1, 0, 4, 5.2, 4.3, 4.4))
	at := func(alpha float64) *Report {
		q := question
		q.Test, q.Alpha = TestPairedT, alpha
		return Build(q, results, nil)
	}
	plain, five, one := at(0), at(0.05), at(0.01)
	if plain.Points[1].Versus != five.Points[1].Versus || plain.Arms[0].P != five.Arms[0].P {
		t.Errorf("at 0.05: %+v, p %v; without a level: %+v, p %v", five.Points[1].Versus, five.Arms[0].P, plain.Points[1].Versus, plain.Arms[0].P)
	}
	// The quantiles of Student's t of 3 degrees of freedom at 0.995 and 0.975 are 5.840909 and 3.182446.
	if ratio := one.Points[1].Versus.Half() / five.Points[1].Versus.Half(); math.Abs(ratio-5.840909/3.182446) > 1e-5 {
		t.Errorf("the interval at 0.01 is %v times as wide", ratio)
	}
	if ratio := one.Arms[0].P / five.Arms[0].P; math.Abs(ratio-5) > 1e-12 {
		t.Errorf("p at 0.01 is %v times as large", ratio)
	}
	if one.Points[0].Interval != five.Points[0].Interval {
		t.Error("the interval of a single value has another level")
	}
}
