package compare

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

var question = Question{Sweep: "small", Metric: "val_loss", Goal: stop.Min, Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}

func ranking(r *Report) string {
	var names []string
	for _, s := range r.Points {
		names = append(names, s.Optimizer)
	}
	return strings.Join(names, " ")
}

var nan = math.NaN()

func TestRanking(t *testing.T) {
	best := func(change func(*Question)) Question {
		q := question
		change(&q)
		return q
	}
	for name, c := range map[string]struct {
		question Question
		results  []runner.Result
		want     string
	}{
		"by the mean": {question, comparetest.Join(comparetest.Results("c", 1, 0, 3, 5), comparetest.Results("a", 1, 0, 1, 1), comparetest.Results("b", 1, 0, 0, 4)), "a b c"},
		"by the mean, max": {best(func(q *Question) { q.Goal = stop.Max }),
			comparetest.Join(comparetest.Results("c", 1, 0, 3, 5), comparetest.Results("a", 1, 0, 1, 1), comparetest.Results("b", 1, 0, 0, 4)), "c b a"},
		"equal means keep their order":        {question, comparetest.Join(comparetest.Results("b", 1, 0, 2, 4), comparetest.Results("a", 1, 0, 3, 3), comparetest.Results("c", 1, 0, 1, 5)), "b a c"},
		"a missing seed goes behind":          {question, comparetest.Join(comparetest.Results("b", 1, 0, 1, nan), comparetest.Results("a", 1, 0, 5, 5)), "a b"},
		"a diverged seed goes behind":         {question, comparetest.Join(comparetest.Ended(runner.StatusDiverged, comparetest.Results("b", 1, 0, 1, 1)), comparetest.Results("a", 1, 0, 5, 5)), "a b"},
		"a failed seed goes behind":           {question, comparetest.Join(comparetest.Ended(runner.StatusFailed, comparetest.Results("b", 1, 0, 1, 1)), comparetest.Results("a", 1, 0, 5, 5)), "a b"},
		"a running seed goes behind":          {question, comparetest.Join(comparetest.Ended(runner.StatusRunning, comparetest.Results("b", 1, 0, 1, 1)), comparetest.Results("a", 1, 0, 5, 5)), "a b"},
		"an early stop is complete":           {question, comparetest.Join(comparetest.Ended(runner.StatusStopped, comparetest.Results("b", 1, 0, 1, 1)), comparetest.Results("a", 1, 0, 5, 5)), "b a"},
		"the incomplete among themselves":     {question, comparetest.Join(comparetest.Results("c", 1, 0, nan, nan), comparetest.Results("b", 1, 0, 4, nan), comparetest.Results("a", 1, 0, 3, nan)), "a b c"},
		"at an epoch that some did not reach": {best(func(q *Question) { q.At, q.ValueAt = "epoch:3", map[int64]float64{101: 9, 102: 9, 201: 1} }), comparetest.Join(comparetest.Results("b", 2, 0, 1, 1), comparetest.Results("a", 1, 0, 5, 5)), "a b"},
	} {
		if got := ranking(Build(c.question, c.results, nil)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestWhichValueIsTaken(t *testing.T) {
	for _, c := range []struct {
		at    runner.At
		goal  stop.Goal
		value float64
		epoch int
	}{{"best", stop.Min, 4, 7}, {"best", stop.Max, 6, 3}, {"", stop.Max, 4, 7}, {"last", stop.Min, 5, 10}, {"epoch:3", stop.Min, 8, 0}} {
		q := Question{Metric: "val_loss", Goal: c.goal, At: c.at, ValueAt: map[int64]float64{101: 8}}
		got := Build(q, comparetest.Results("a", 1, 0, 4), nil).Points[0].Seeds[0]
		if got.Value != c.value || got.Epoch != c.epoch {
			t.Errorf("%s %s: %v at epoch %d, want %v at %d", c.goal, c.at, got.Value, got.Epoch, c.value, c.epoch)
		}
	}
}

// Seeds are paired: a difference that is the same for every seed is certain however much they vary.
func TestTies(t *testing.T) {
	r := Build(question, comparetest.Join(
		comparetest.Results("best", 1, 0, 1, 5, 9), comparetest.Results("worse", 1, 0, 1.1, 5.1, 9.1001), comparetest.Results("tied", 1, 0, 2, 4, 9.5),
		comparetest.Results("incomplete", 1, 0, 1, nan, nan)), nil)
	want := map[string]bool{"best": false, "worse": false, "tied": true, "incomplete": false}
	for _, s := range r.Points {
		if s.Tied != want[s.Optimizer] {
			t.Errorf("%s is tied: %v, difference %+v", s.Optimizer, s.Tied, s.Versus)
		}
	}
	if got := r.Points[1].Versus; r.Points[1].Optimizer != "worse" || got.N != 3 || math.Abs(got.Value-0.1) > 1e-3 {
		t.Errorf("the difference of the second is %+v over %d seeds", got, got.N)
	}
	if got := r.Points[3].Versus; got.N != 1 || !math.IsNaN(got.Half()) {
		t.Errorf("the difference over one common seed is %+v", got)
	}
}

// What rounding alone tells apart is the same: no point is apart from the best by it, no arm wins, and nothing is written to
// the sixteenth digit.
func TestRoundingTellsNothingApart(t *testing.T) {
	const above = 0.1 + 3e-17
	r := Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, 0.1, 0.1, 0.1), comparetest.Results("adam", 1, 0, above, above, above)), nil)
	if s := r.Points[1]; !s.Tied || s.apart {
		t.Errorf("%v is apart from %v, by %+v", s.Interval.Value, r.Points[0].Interval.Value, s.Versus)
	}
	if got := r.Arms[1].Wins; got != 0.5 {
		t.Errorf("%s wins %v of its seeds", r.Arms[1].Name, got)
	}
	if got, want := r.Verdict(), "; the best adam is level with it (the same under every seed, n = 3).\nEqual: adam and sgd have the same value under every seed."; !strings.Contains(got, want) {
		t.Errorf("the verdict is\n%s\nwant %q", got, want)
	}
	// Nor is a last bit noise, by which p could be anything.
	r = Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, 0.2, 0.2+3e-17, 0.2-3e-17), comparetest.Results("sgd", 2, 0, 0.3, 0.3, 0.3+6e-17), comparetest.Results("adam", 1, 0, above, 0.1, above)), nil)
	if got, want := r.Verdict(), "adam lr 1 λ 0 is best: val_loss 0.1, 50.0 % below the best sgd (the same under every seed, n = 3)."; !strings.HasPrefix(got, want) {
		t.Errorf("the verdict is\n%s\nwant %q", got, want)
	}
	if d, ok := r.Decision(); !ok || d.Outcome != OutcomeBetter || d.P != 0 || slices.ContainsFunc(r.Points, func(s Point) bool { return s.Unstable }) {
		t.Errorf("the outcome is %+v", d)
	}
	// A difference that is the same for all seeds but for rounding has no interval to speak of.
	r = Build(Question{Metric: "score", Goal: stop.Max}, comparetest.Join(comparetest.Results("sgd", 1, 0, -1.1, -1.2, -1.3), comparetest.Results("adam", 1, 0, -0.4, -0.5, -0.6)), nil)
	if got := r.Verdict(); !strings.Contains(got, ", 0.7 above the best sgd (p = ") {
		t.Errorf("the verdict is\n%s", got)
	}
	// Values whose differences are no numbers are not tested.
	r = Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, -1.7e308, -1.6e308), comparetest.Results("adam", 1, 0, 1.7e308, 1.6e308)), nil)
	if got := r.Verdict(); strings.Contains(got, "p = ,") || strings.Contains(got, "++") {
		t.Errorf("the verdict is\n%s", got)
	}
}

// lines are the notes of a report, as people read them.
func lines(r *Report) string {
	var b strings.Builder
	for _, n := range r.Notes() {
		b.WriteString(n.Kind() + ": " + n.Text)
		if n.Then != "" {
			b.WriteString("; " + n.Then)
		}
		if n.Command != nil {
			b.WriteString(" → xrun " + strings.Join(n.Command, " "))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// A point is compared by one revision of the arithmetic: that of most results, the newest of equally many.
func TestAPointIsComparedByOneArithmetic(t *testing.T) {
	revision := func(n int, all []runner.Result) []runner.Result {
		for i := range all {
			all[i].Arithmetic = n
			all[i].RunID += int64(1000 * n)
		}
		return all
	}
	nan := math.NaN()
	all := comparetest.Join(
		revision(0, comparetest.Results("most old", 1, 0, 1, 2, 3)), revision(1, comparetest.Results("most old", 1, 0, 7, nan, nan)),
		revision(0, comparetest.Results("both", 2, 0, 1, 2, 3)), revision(1, comparetest.Results("both", 2, 0, 4, 5, 6)),
		revision(1, comparetest.Results("new", 3, 0, 1, 1, 1)))
	r := Build(question, all, nil)
	want := map[string]float64{"most old": 2, "both": 5, "new": 1}
	for _, p := range r.Points {
		if len(p.Seeds) != 3 || p.Interval.Value != want[p.Optimizer] {
			t.Errorf("%s has %d seeds, and the mean %v; want 3 and %v", p.Optimizer, len(p.Seeds), p.Interval.Value, want[p.Optimizer])
		}
	}
	if r.older != 6 || !strings.Contains(lines(r), "6 trials of another revision of the arithmetic left out") {
		t.Errorf("%d are left out, which is said as\n%s", r.older, lines(r))
	}
	if r := Build(question, comparetest.Results("new", 3, 0, 1, 1, 1), nil); r.older != 0 || strings.Contains(lines(r), "revision") {
		t.Errorf("of one revision %d are left out:\n%s", r.older, lines(r))
	}
}

// Values of an epoch that is asked for, whose parameters are not kept, are said to be.
func TestValuesOfParametersThatAreNotKept(t *testing.T) {
	q := question
	all := comparetest.Join(comparetest.Results("a", 1, 0, 1, 2), comparetest.Results("b", 2, 0, 3, 4))
	for at, want := range map[runner.At]bool{"": false, runner.AtBest: false, runner.AtLast: true} {
		q.At = at
		r := Build(q, all, nil)
		if got := strings.Contains(r.When(), "of parameters that are not kept"); got != want || strings.Contains(lines(r), "4 values are of parameters that are not kept") != want {
			t.Errorf("at %q: %s\n%s", at, r.When(), lines(r))
		}
	}
	q.At, q.Command = runner.AtLast, true
	if r := Build(q, all, nil); r.unkept() != 0 {
		t.Error("a program keeps what it likes")
	}
	q.At, q.Command, q.Metric = "", false, "train_loss"
	if got := Build(q, all, nil).When(); got != "at the epoch of the best val_loss" {
		t.Errorf("another metric is shown %s", got)
	}
}
