package until

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

var nan = math.NaN()

// asked is the question of the tests.
func asked(goal stop.Goal) compare.Question {
	return compare.Question{Sweep: "s", Metric: "val_loss", Goal: goal, Keep: runner.Keep{Metric: "val_loss", Goal: goal, At: runner.AtBest}, Test: compare.TestPairedT}
}

// around are the values of a point under the seeds 0 to n−1: a level, what a seed does to all points alike, and a noise of
// its own of so much, which the number of the point decides.
func around(level, noise float64, point, n int) []float64 {
	values := make([]float64, n)
	random := rand.New(rand.NewPCG(uint64(point), 4))
	for seed := range values {
		values[seed] = level + 0.5*math.Sin(float64(seed)) + noise*random.NormFloat64()
	}
	return values
}

// decide judges results as those of a stage.
func decide(t *testing.T, condition string, goal stop.Goal, stage int, given map[runner.Key]compare.GivenUp, results []runner.Result) Decision {
	t.Helper()
	c, err := Parse(condition)
	if err != nil {
		t.Fatal(err)
	}
	q := asked(goal)
	q.Stages = &compare.Stages{GivenUp: given}
	return Rule{First: 3, Max: 30, Until: c}.Decide(q, results, nil, stage)
}

func TestDecide(t *testing.T) {
	point := comparetest.Results
	points := func(goal stop.Goal, levels ...float64) []runner.Result { // one arm, a point for each level
		var all []runner.Result
		for i, level := range levels {
			all = append(all, point("adam", float64(i+1), 0, around(level, 0.01, i, 3)...)...)
		}
		return all
	}
	for name, c := range map[string]struct {
		condition string
		goal      stop.Goal
		results   []runner.Result
		going     string // points by optimizer and lr
		given     string
		why       string // of the end, or of the first that is given up
	}{
		"one arm, a clear winner": {"decided", stop.Min, points(stop.Min, 1, 3, 5), "", "", "is better than every other point"},
		"one arm, two that lead":  {"decided", stop.Min, points(stop.Min, 1, 1.001, 5), "adam1 adam2", "adam3", "it cannot be the best any more"},
		"one arm, equal values":   {"decided", stop.Min, comparetest.Join(point("adam", 1, 0, 1, 2, 3), point("adam", 2, 0, 1, 2, 3)), "", "", "are equal within 1 %"},
		"one arm, three equal points": {"decided", stop.Min,
			comparetest.Join(point("adam", 1, 0, 1, 2, 3), point("adam", 2, 0, 1, 2, 3), point("adam", 3, 0, 1, 2, 3)), "", "", "adam lr 1 λ 0, adam lr 2 λ 0 and adam lr 3 λ 0 are equal within 1 %"},
		"goal max": {"decided", stop.Max, points(stop.Max, 0.5, 1, 1.001), "adam2 adam3", "adam1", "it cannot be the best any more"},
		"two arms, a clear winner": {"decided", stop.Min,
			comparetest.Join(point("sgd", 1, 0, around(3, .01, 1, 3)...), point("adam", 1, 0, around(1, .01, 2, 3)...)), "", "", "adam lr 1 λ 0 is better than sgd"},
		"two arms, open: the baseline keeps what can be its best": {"decided", stop.Min,
			comparetest.Join(point("sgd", 1, 0, around(3, .3, 1, 3)...), point("sgd", 2, 0, around(3, .3, 2, 3)...), point("sgd", 3, 0, around(90, .01, 3, 3)...),
				point("adam", 1, 0, around(2.9, .3, 4, 3)...), point("adam", 2, 0, around(50, .01, 5, 3)...)), "adam1 sgd1 sgd2", "adam2 sgd3", "it cannot be the best any more"},
		"three arms, each keeps its leading point": {"decided", stop.Min,
			comparetest.Join(point("sgd", 1, 0, around(1, .3, 1, 3)...), point("adam", 1, 0, around(1, .3, 4, 3)...), point("lion", 1, 0, around(50, .01, 5, 3)...), point("lion", 2, 0, around(51, .01, 6, 3)...)),
			"adam1 lion1 sgd1", "lion2", "it cannot be the best any more"},
		"two arms, tied": {"decided", stop.Min, comparetest.Join(point("sgd", 1, 0, around(3, .0001, 1, 3)...), point("adam", 1, 0, around(3, .0001, 2, 3)...)), "", "", "are equal within 1 %"},
		"a diverged point is given up": {"decided", stop.Min,
			comparetest.Join(points(stop.Min, 1, 1.001), comparetest.Ended(runner.StatusDiverged, point("adam", 9, 0, around(0.1, .01, 3, 3)...))), "adam1 adam2", "adam9", "1 of 3 seeds diverged"},
		"a failed seed": {"decided", stop.Min,
			comparetest.Join(points(stop.Min, 1, 1.001), comparetest.Ended(runner.StatusFailed, point("adam", 9, 0, around(0.1, .01, 3, 3)...))), "adam1 adam2", "adam9", "1 of 3 seeds failed"},
		"no point is complete": {"decided", stop.Min, comparetest.Join(point("adam", 1, 0, 1, 2, nan), point("adam", 2, 0, 1, nan, 2)), "", "", "no point that went on has a result under each of its seeds"},
		"an arm without a complete point does not keep the question open": {"decided", stop.Min,
			comparetest.Join(point("sgd", 1, 0, 1, 2, nan), point("adam", 1, 0, 1, 2, 3)), "", "", "has no rival"},
		"ci in units":     {"ci < 2", stop.Min, point("adam", 1, 0, 10, 11, 10), "", "", "half of the 95 % interval of"},
		"ci not yet":      {"ci < 1", stop.Min, point("adam", 1, 0, 10, 11, 10), "adam1", "", ""},
		"ci in percent":   {"ci < 20 %", stop.Min, point("adam", 1, 0, 10, 11, 10), "", "", "14 % of its value"},
		"ci of one value": {"ci < 1e-9", stop.Min, point("adam", 1, 0, 10, 10, 10), "", "", "is 0"},
		"p":               {"p < 0.05", stop.Min, comparetest.Join(point("sgd", 1, 0, around(3, .001, 1, 3)...), point("adam", 1, 0, around(1, .001, 2, 3)...)), "", "", "p < 0.05 for each arm"},
		"p of one arm":    {"p < 0.05", stop.Min, points(stop.Min, 1, 3), "adam1", "adam2", "it cannot be the best any more"},
		"p, one arm tied": {"p < 0.05", stop.Min, comparetest.Join(point("sgd", 1, 0, around(3, .0001, 1, 3)...), point("adam", 1, 0, around(3, .0001, 2, 3)...)), "adam1 sgd1", "", ""},
		"p or tied":       {"p < 0.05 or tied within 1 %", stop.Min, comparetest.Join(point("sgd", 1, 0, around(3, .0001, 1, 3)...), point("adam", 1, 0, around(3, .0001, 2, 3)...)), "", "", "is equal to it within 1 %"},
		"p for one, and tied for another": {"p < 0.05 or tied within 1 %", stop.Min,
			comparetest.Join(point("sgd", 1, 0, around(3, .0001, 1, 3)...), point("adam", 1, 0, around(3, .0001, 2, 3)...), point("lion", 1, 0, around(9, .0001, 3, 3)...)), "", "", "each arm has p < 0.05"},
		"and wants both": {"decided and ci < 1e-9", stop.Min, points(stop.Min, 1, 3), "adam1", "adam2", "it cannot be the best any more"},
	} {
		d := decide(t, c.condition, c.goal, 1, nil, c.results)
		short := func(keys []runner.Key) string {
			var names []string
			for _, key := range keys {
				names = append(names, strings.TrimSuffix(string(key), " 0"))
			}
			slices.Sort(names)
			return strings.Join(names, " ")
		}
		var given []runner.Key
		why := d.Why
		for i, g := range d.GivenUp {
			if given = append(given, g.Point); i == 0 {
				why += g.Why
			}
		}
		if short(d.Going) != c.going || short(given) != c.given || !strings.Contains(why, c.why) || c.why == "" && why != "" {
			t.Errorf("%s: going %q, given up %q, %q; want %q, %q, %q", name, short(d.Going), short(given), why, c.going, c.given, c.why)
		}
	}
}

// A point that was given up does not come back: its mean over few easy seeds does not make it the best, and no arm chooses it
// before one that went on.
func TestWhatIsGivenUpStaysBehind(t *testing.T) {
	late := func(values ...float64) []float64 { return append([]float64{1, 1.1, 1.05}, values...) }
	results := comparetest.Join(comparetest.Results("sgd", 1, 0, late(5, 5.2, 5.1)...), comparetest.Results("adam", 1, 0, late(4.9, 5.3, 5)...),
		comparetest.Results("adam", 2, 0, 1.5, 1.6, 1.55)) // a mean of 1.55, with every seed worse by half
	given := map[runner.Key]compare.GivenUp{"adam2 0": {Stage: 1, Seeds: 3, Why: "worse"}}
	q := asked(stop.Min)
	q.Alpha, q.Stages = 0.01, &compare.Stages{Seeds: []int{3, 6}, Until: "decided", GivenUp: given}
	r := compare.Build(q, results, nil)
	if last := r.Points[2]; last.Point != "adam2 0" || last.Tied || !last.Apart() || last.Interval.N != 3 || !last.Complete {
		t.Errorf("the last point is %+v", last)
	}
	for _, a := range r.Arms {
		if _, ok := r.GivenUp(&r.Points[a.Chosen]); ok || r.Points[a.Chosen].Interval.N != 6 {
			t.Errorf("%s is represented by %s over %d seeds", a.Name, r.Name(r.Points[a.Chosen]), r.Points[a.Chosen].Interval.N)
		}
	}
	// By another metric it may be the best, over the seeds that it has.
	q.Stages.Elsewhere = true
	other := comparetest.Join(results[:12], comparetest.Results("adam", 2, 0, 0.5, 0.6, 0.55))
	if best := compare.Build(q, other, nil).Points[0]; best.Point != "adam2 0" {
		t.Errorf("by another metric %s is the best", best.Point)
	}
	d := decide(t, "decided", stop.Min, 2, given, results)
	if len(d.Going) != 2 || len(d.GivenUp) != 0 {
		t.Errorf("going %v, given up %v", d.Going, d.GivenUp)
	}
}

// grid are results of six points under 30 seeds: two lead, one follows, and three are far behind.
func grid() (points []runner.Key, results []runner.Result) {
	for i, level := range []float64{10, 10.02, 10.4, 14, 15, 16} {
		of := comparetest.Results([]string{"sgd", "adam"}[i%2], float64(i+1), 0, around(level, 0.3, i, 30)...)
		points, results = append(points, of[0].Point), append(results, of...)
	}
	return points, results
}

// told writes an outcome.
func told(o Outcome) string {
	text := fmt.Sprintf("%v %q ", o.Trials(), o.Over)
	for _, look := range o.Looks {
		text += fmt.Sprintf("%d: %v, %v; ", look.Seeds, look.Going, look.GivenUp)
	}
	return text
}

// The outcome does not depend on the order of results, nor on results that no stage has asked for.
func TestReplayLooksAtFinishedStagesOnly(t *testing.T) {
	points, results := grid()
	c, _ := Parse("decided")
	rule := Rule{First: 3, Max: 12, Until: c}
	whole := rule.Replay(asked(stop.Min), points, results, nil, nil)
	if whole.Next != nil || len(whole.Looks) < 2 || whole.Trials() >= 6*12 {
		t.Fatalf("%s, next %v", told(whole), whole.Next)
	}
	// Results beyond the first stage count once the stage that asks for them has begun, and not before.
	without := func(drop func(runner.Result) bool) []runner.Result {
		return slices.DeleteFunc(slices.Clone(results), drop)
	}
	first := rule.Replay(asked(stop.Min), points, without(func(r runner.Result) bool { return r.Point == points[5] && r.Seed == 2 }), nil, nil)
	if len(first.Looks) != 0 || first.Next.Open != 1 || first.Next.String() != "stage 1 of at most 4: 3 seeds for 6 points" || first.SeedsOf(points[0]) != 3 {
		t.Errorf("one trial of the first stage is missing: %s, next %v", told(first), first.Next)
	}
	for name, changed := range map[string]func(runner.Result) bool{
		"seeds that no stage asks for": func(r runner.Result) bool { return r.Seed >= int64(whole.SeedsOf(r.Point)) },
		"nothing":                      func(runner.Result) bool { return false },
	} {
		if got := rule.Replay(asked(stop.Min), points, without(changed), nil, nil); told(got) != told(whole) {
			t.Errorf("without %s:\n%s, want\n%s", name, told(got), told(whole))
		}
	}
	backwards := slices.Clone(results)
	slices.Reverse(backwards)
	got := rule.Replay(asked(stop.Min), points, backwards, nil, nil)
	for point, n := range whole.Asked {
		if got.Asked[point] != n {
			t.Errorf("in another order %s has %d seeds, want %d", point, got.Asked[point], n)
		}
	}
	// Wild values of seeds that were not asked for change nothing.
	wild := slices.Clone(results)
	for i := range wild {
		if wild[i].Seed >= int64(whole.SeedsOf(wild[i].Point)) {
			wild[i].Kept.Value = -1e9
		}
	}
	if got := rule.Replay(asked(stop.Min), points, wild, nil, nil); told(got) != told(whole) {
		t.Errorf("with wild values elsewhere:\n%s, want\n%s", told(got), told(whole))
	}
}

// A failed trial keeps its stage open only while it will be tried again.
func TestAFailedTrialEndsAStage(t *testing.T) {
	points, results := grid()
	c, _ := Parse("decided")
	rule := Rule{First: 3, Max: 12, Until: c}
	failed := slices.IndexFunc(results, func(r runner.Result) bool { return r.Point == points[4] && r.Seed == 1 })
	results[failed].Status, results[failed].Keeps, results[failed].Trial = runner.StatusFailed, false, "failed"
	if o := rule.Replay(asked(stop.Min), points, results, nil, func(key runner.Key) bool { return key == "failed" }); o.Next == nil || o.Next.Number != 1 || o.Next.Open != 1 {
		t.Errorf("it will be tried again: %s, next %v", told(o), o.Next)
	}
	if o := rule.Replay(asked(stop.Min), points, results, nil, nil); len(o.Looks) == 0 || o.Asked[points[4]] != 3 {
		t.Errorf("it will not be tried again: %s", told(o))
	}
}

// A stage that would exceed the budget is not begun, and the most seeds end the question too.
func TestBudgetAndMost(t *testing.T) {
	points, results := grid()
	c, _ := Parse("ci < 1e-9")
	for _, budget := range []int{18, 25, 40} {
		o := Rule{First: 3, Max: 12, Budget: budget, Until: c}.Replay(asked(stop.Min), points, results, nil, nil)
		if o.Next != nil || o.Trials() > budget || !strings.Contains(o.Over, fmt.Sprintf("would exceed the budget of %d trials", budget)) {
			t.Errorf("a budget of %d: %s", budget, told(o))
		}
	}
	o := Rule{First: 3, Max: 12, Until: c}.Replay(asked(stop.Min), points, results, nil, nil)
	if last := o.Looks[len(o.Looks)-1]; o.Over != "the question is open, and no point gets more than 12 seeds" || last.Seeds != 12 || last.Why != o.Over || last.Going != nil || last.GivenUp != nil {
		t.Errorf("without a budget: %s", told(o))
	}
}

// Several problems are judged each by itself: one that is settled gets no further seeds, and keeps its answer.
func TestASettledProblemKeepsItsAnswer(t *testing.T) {
	var points []runner.Key
	var results []runner.Result
	of := map[runner.Key]string{}
	for i, c := range []struct {
		optimizer, problem string
		level, noise       float64
	}{{"sgd", "iris", 1, 0.01}, {"adam", "iris", 3, 0.01}, {"sgd", "wine", 1, 0.3}, {"adam", "wine", 1.1, 0.3}} {
		all := comparetest.Results(c.optimizer, 1, 0, around(c.level, c.noise, i, 12)...)
		for k := range all {
			all[k].Point += runner.Key(c.problem)
		}
		of[all[0].Point] = c.problem
		points, results = append(points, all[0].Point), append(results, all...)
	}
	q := asked(stop.Min)
	q.Several = compare.Problems{Noun: "data set", Of: of}
	c, _ := Parse("decided")
	o := Rule{First: 3, Max: 12, Until: c}.Replay(q, points, results, nil, nil)
	if o.Asked[points[0]] != 3 || o.Asked[points[2]] != 12 || o.Looks[0].Settled["iris"].Stage != 1 || len(o.Looks[0].Going) != 2 {
		t.Fatalf("%s %v", told(o), o.Asked)
	}
	q.Stages = Rule{First: 3, Max: 12, Until: c}.StagesOf(o)
	q.Alpha = o.Looks[len(o.Looks)-1].Level
	r := compare.Build(q, o.Of(results), nil)
	if iris := r.Problems[0]; iris.Alpha != o.Looks[0].Level || len(iris.Stages.Seeds) != 1 || iris.Stages.Over != "sgd lr 1 λ 0 is better than adam" {
		t.Errorf("iris is judged at %v after %v: %s", iris.Alpha, iris.Stages.Seeds, iris.Stages.Over)
	}
}

// keysOf are the points of results, each list of which is of one.
func keysOf(lists ...[]runner.Result) (keys []runner.Key) {
	for _, list := range lists {
		keys = append(keys, list[0].Point)
	}
	return keys
}

// What a stage takes for equal is what the outcome of the comparison calls equal: the same margin, and a rate that is the same
// under a few seeds may be so by chance.
func TestEqualIsTheOutcomesEqual(t *testing.T) {
	two := func(sgd, adam []float64) []runner.Result {
		return comparetest.Join(comparetest.Results("sgd", 1, 0, sgd...), comparetest.Results("adam", 1, 0, adam...))
	}
	near := two(around(3, .0001, 1, 3), around(3.06, .0001, 2, 3))
	for name, c := range map[string]struct {
		metric  string
		equal   string // as [compare] has it
		results []runner.Result
		why     string // empty if the question stays open
		outcome compare.Outcome
	}{
		"the margin of ratios":        {"val_loss", "", two(around(3, .0001, 1, 3), around(3.0001, .0001, 2, 3)), "are equal within 1 %", compare.OutcomeEqual},
		"a margin that was asked for": {"val_loss", "3 %", two(around(3, .0001, 1, 3), around(3.0001, .0001, 2, 3)), "are equal within 3 %", compare.OutcomeEqual},
		"none":                        {"val_loss", "none", two(around(3, .0001, 1, 3), around(3.0001, .0001, 2, 3)), "", compare.OutcomeUndecided},
		"better by 2 %":               {"val_loss", "3 %", near, "is better than", compare.OutcomeWorse},
		"rates":                       {"val_error", "", two([]float64{.1, .2, .15}, []float64{.1001, .2002, .1501}), "are equal within 0.5 percentage points", compare.OutcomeEqual},
		"the same rates":              {"val_error", "", two([]float64{.1, .2, .15}, []float64{.1, .2, .15}), "", compare.OutcomeUndecided},
		"the same losses":             {"val_loss", "", two([]float64{1, 2, 1.5}, []float64{1, 2, 1.5}), "are equal within 1 %", compare.OutcomeEqual},
		"below 0":                     {"val_score", "", two([]float64{-1, -2, -1.5}, []float64{-1.0001, -2.0002, -1.5001}), "are equal within 1 %", compare.OutcomeUndecided},
	} {
		q := asked(stop.Min)
		q.Metric, q.Keep.Metric = c.metric, c.metric
		if c.equal != "" {
			var err error
			if q.Equal, err = stats.ParseMargin(c.equal); err != nil {
				t.Fatal(err)
			}
		}
		condition, err := Parse("decided")
		if err != nil {
			t.Fatal(err)
		}
		rule := Rule{First: 3, Max: 3, Until: condition} // so that the level is that of the comparison
		d := rule.Decide(q, c.results, nil, 1)
		if d.Why == "" != (c.why == "") || !strings.Contains(d.Why, c.why) {
			t.Errorf("%s: %q, want %q; going %v", name, d.Why, c.why, d.Going)
		}
		r := compare.Build(q, c.results, nil)
		if got, ok := r.Decision(); !ok || got.Outcome != c.outcome {
			t.Errorf("%s: the outcome is %s, want %s", name, got.Outcome, c.outcome)
		}
	}
}
