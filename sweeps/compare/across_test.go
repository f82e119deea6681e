package compare

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// over asks about results of several data sets, in their order. Every list has its own.
func over(q Question, names []string, lists ...[]runner.Result) (Question, []runner.Result) {
	q.Several = Problems{Of: map[runner.Key]string{}, Noun: "data set"}
	q.Axes, q.Names = map[runner.Key][]runner.Setting{}, runner.NewAxisNames([]string{runner.AxisDataset})
	var all []runner.Result
	for i, list := range lists {
		for _, r := range list {
			r.Point += runner.Key(names[i])
			r.RunID += int64(10_000 * (i + 1))
			q.Several.Of[r.Point] = names[i]
			q.Axes[r.Point] = []runner.Setting{{Path: "dataset", Value: plugins.Text(names[i])}}
			all = append(all, r)
		}
	}
	return q, all
}

// What is not decided over data sets is said with what it takes.
func TestUndecidedOverDataSets(t *testing.T) {
	grid := func(sgd, adam, lion float64) []runner.Result {
		return comparetest.Join(comparetest.Results("sgd", 1, 0, sgd, sgd+0.1), comparetest.Results("adam", 1, 0, adam, adam+0.1), comparetest.Results("lion", 1, 0, lion, lion+0.1))
	}
	q, all := over(question, []string{"a", "b", "c", "d"}, grid(1, 2, 3), grid(2, 1, 3), grid(3, 1, 2), grid(1, 3, 2))
	r := Build(q, all, nil)
	if text := r.Verdict(); !strings.Contains(text, ", undecided; Nemenyi's test tells no two of them apart, which takes mean ranks 1.66 apart.") {
		t.Errorf("the verdict is\n%s", text)
	}
	if _, ok := r.Fact("outcome"); ok {
		t.Error("there is an outcome of all data sets together, which [check] judges each by itself")
	}
	two := func(sgd, adam float64) []runner.Result {
		return comparetest.Join(comparetest.Results("sgd", 1, 0, sgd, sgd+0.1), comparetest.Results("adam", 1, 0, adam, adam+0.1))
	}
	names := []string{"a", "b", "c", "d", "e", "f"}
	for want, lists := range map[string][][]runner.Result{
		"better": {two(2, 1), two(2, 1), two(2, 1), two(2, 1), two(2, 1), two(2, 1)},
		"worse":  {two(1, 2), two(1, 2), two(1, 2), two(1, 2), two(1, 2), two(1, 2)},
		"equal":  {two(1, 1), two(1, 1)},
		"undecided: Undecided: of 100 such data sets that tell them apart it may do better on 28 to 99; about 15 would decide if they went on as these.": {two(2, 1), two(2, 1), two(2, 1), two(2, 1), two(1, 2)},
	} {
		q, all := over(question, names[:len(lists)], lists...)
		r := Build(q, all, nil)
		for i, a := range r.Across.Arms {
			outcome, says, _ := strings.Cut(want, ": ")
			if i == r.Across.Base && a.Outcome != "" || i != r.Across.Base && string(a.Outcome) != outcome || !strings.Contains(r.Verdict(), says) {
				t.Errorf("%s: %q, baseline %v, want %q\n%s", a.Name, a.Outcome, i == r.Across.Base, want, r.Verdict())
			}
		}
	}
}

// The areas under the curve of four ways to grow C4.5's trees on 14 data sets, with what Demšar (2006, tables 2 and 6) finds
// in them.
func TestArmsOverDataSetsAreRankedAsByDemsar(t *testing.T) {
	methods := []string{"C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"}
	auc := [][]float64{
		{0.763, 0.768, 0.771, 0.798}, {0.599, 0.591, 0.590, 0.569}, {0.954, 0.971, 0.968, 0.967}, {0.628, 0.661, 0.654, 0.657},
		{0.882, 0.888, 0.886, 0.898}, {0.936, 0.931, 0.916, 0.931}, {0.661, 0.668, 0.609, 0.685}, {0.583, 0.583, 0.563, 0.625},
		{0.775, 0.838, 0.866, 0.875}, {1, 1, 1, 1}, {0.940, 0.962, 0.965, 0.962}, {0.619, 0.666, 0.614, 0.669},
		{0.972, 0.981, 0.975, 0.9749}, {0.957, 0.978, 0.946, 0.970}} // the paper prints 0.975 twice, and ranks them 2 and 3
	names, lists := make([]string, len(auc)), make([][]runner.Result, len(auc))
	for i, row := range auc {
		names[i] = fmt.Sprint("d", i)
		for k, v := range row {
			lists[i] = append(lists[i], comparetest.Results(methods[k], 1, 0, v)...)
		}
	}
	q, all := over(question, names, lists...)
	q.Metric, q.Goal = "auc", stop.Max
	r := Build(q, all, nil)
	ranks := map[string]float64{}
	for _, a := range r.Across.Arms {
		ranks[a.Name] = math.Round(1000*a.Rank) / 1000
	}
	if want := map[string]float64{"C4.5": 3.143, "C4.5+m": 2, "C4.5+cf": 2.893, "C4.5+m+cf": 1.964}; fmt.Sprint(ranks) != fmt.Sprint(want) {
		t.Errorf("the mean ranks are %v, want %v", ranks, want)
	}
	k, err := r.Ranking()
	// Demšar has χ² = 9.28 and F = 3.69, without the correction for ties, and CD = 1.25.
	n, arms := 14.0, 4.0
	squares := 0.0
	for _, rank := range k.Ranks {
		squares += rank * rank
	}
	plain := 12 * n / (arms * (arms + 1)) * (squares - arms*(arms+1)*(arms+1)/4)
	if err != nil || math.Abs(k.CD-1.25) > 0.005 || math.Abs(plain-9.28) > 0.005 || !(k.Friedman.ChiSquared > plain) || k.Friedman.N != 14 {
		t.Errorf("the ranking is %+v, %v", k, err)
	}
	at := slices.IndexFunc(r.Across.Arms, func(a AcrossArm) bool { return a.Name == "C4.5+m" })
	if a := r.Across.Arms[at]; a.Wins != 10 || a.Losses != 2 || a.Ties != 2 || r.Across.Arms[r.Across.Base].Name != "C4.5" {
		t.Errorf("C4.5+m: %+v", a)
	}
	text := r.Verdict() + "\n" + strings.Join(r.Methods(), "\n")
	for _, want := range []string{"C4.5+m+cf has the best mean rank over 14 data sets (d0, d1, d2, d3, d4, d5, d6 and 7 more): 1.96 of 4 arms.", "Friedman's test", "Demšar 2006"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
}

// Each data set chooses its own points, and none of the small losses of an easy one count on a hard one.
func TestDataSetsAreComparedEachByItself(t *testing.T) {
	hard := comparetest.Join(comparetest.Results("sgd", 1, 0, 10, 11, 12), comparetest.Results("sgd", 2, 0, 20, 21, 22), comparetest.Results("adam", 1, 0, 8, 9, 10.1), comparetest.Results("adam", 2, 0, 30, 31, 32))
	easy := comparetest.Join(comparetest.Results("sgd", 1, 0, 0.4, 0.5, 0.6), comparetest.Results("sgd", 2, 0, 0.2, 0.3, 0.4), comparetest.Results("adam", 1, 0, 0.9, 0.8, 0.9), comparetest.Results("adam", 2, 0, 0.6, 0.7, 0.8))
	q, all := over(question, []string{"hard", "easy"}, hard, easy)
	r := Build(q, all, nil)
	if len(r.Problems) != 2 || len(r.Points) != 8 {
		t.Fatalf("%d problems, %d points", len(r.Problems), len(r.Points))
	}
	if got := names(r.Problems[0]) + " | " + names(r.Problems[1]); got != "adam:0/2 sgd*:1/2 | sgd*:0/2 adam:2/2" {
		t.Errorf("the arms are %s", got)
	}
	if a, b := r.Problems[0].Points[0], r.Problems[1].Points[0]; r.Problems[0].Name(a) != "adam lr 1 λ 0" || r.Problems[1].Name(b) != "sgd lr 2 λ 0" || r.Name(r.Points[0]) != "adam lr 1 λ 0 dataset hard" {
		t.Errorf("the best are %s and %s, of all %s", r.Problems[0].Name(a), r.Problems[1].Name(b), r.Name(r.Points[0]))
	}
	if _, ok := r.Best(); ok {
		t.Error("two data sets have no best point together")
	}
	text := r.Verdict() + "\n" + lines(r)
	for _, want := range []string{
		"adam does better than sgd on 1, the same on 0 and worse on 1 of 2 data sets (sign test p = 1). Undecided: of 100 such data sets that tell them apart it may do better on 1 to 99.",
		"2 data sets can hardly rank two arms: one that does better on all of them has p = 0.5 by a sign test, so nothing reaches p < 0.05; 6 can",
		"easy: sgd's best lr, 2, is the largest of the grid",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "refine") || strings.Contains(text, "values of different problems") {
		t.Errorf("it says\n%s", text)
	}
	if _, err := r.Ranking(); err == nil {
		t.Error("two arms are ranked")
	}
	// What is the same order of results in another order of data sets.
	q2, turned := over(question, []string{"easy", "hard"}, easy, hard)
	if got := Build(q2, turned, nil); got.Across.Arms[0].Rank != r.Across.Arms[0].Rank || got.Problems[1].Verdict() != r.Problems[0].Verdict() {
		t.Errorf("in another order: %s", got.Verdict())
	}
	// One of them alone is compared as ever.
	if alone := Build(q, all[:12], nil); alone.Across != nil || alone.Points[0].Interval.Value != r.Problems[0].Points[0].Interval.Value {
		t.Error("one data set makes no problems")
	}
}

// A data set without a result of every arm is not ranked over; an arm that diverged everywhere is last.
func TestMissingArmsOverDataSets(t *testing.T) {
	diverged := comparetest.Ended(runner.StatusDiverged, comparetest.Results("adam", 1, 0, 1))
	q, all := over(question, []string{"a", "b", "c"},
		comparetest.Join(comparetest.Results("sgd", 1, 0, 2), comparetest.Results("adam", 1, 0, 1)),
		comparetest.Join(comparetest.Results("sgd", 1, 0, 2), diverged),
		comparetest.Results("sgd", 1, 0, 2))
	r := Build(q, all, nil)
	if x := r.Across; fmt.Sprint(x.Ranked) != "[0 1]" || x.Arms[0].Rank != 1.5 || x.Arms[1].Rank != 1.5 {
		t.Errorf("ranked over %v: %+v", x.Ranked, x.Arms)
	}
	if notes := lines(r); !strings.Contains(notes, "not ranked over: c, which lack a result of some arm") {
		t.Errorf("the notes are\n%s", notes)
	}
}

func TestWhatMakesAProblem(t *testing.T) {
	set := func(pairs ...string) (list []runner.Setting) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, runner.Setting{Path: pairs[i], Value: plugins.Text(pairs[i+1])})
		}
		return list
	}
	number := []runner.Setting{{Path: "data", Value: plugins.Real(0.5)}}
	for name, c := range map[string]struct {
		a, b, same []runner.Setting
		metric     string
		arms       []string
		want       string // the names of both
	}{
		"two data sets":            {a: set("task.dataset", "iris", "task.digest", "1", "task.target", "species"), b: set("task.dataset", "wine", "task.digest", "2", "task.target", "cultivar"), want: "iris, wine"},
		"the same data twice":      {a: set("task.dataset", "iris", "task.digest", "1"), b: set("task.dataset", "./iris.csv", "task.digest", "1")},
		"a file that has changed":  {a: set("task.digest", "1111111111"), b: set("task.digest", "2222222222"), same: set("task.dataset", "a.csv"), want: "the other 111111, the other 222222"},
		"two targets":              {a: set("task.target", "y"), b: set("task.target", "z"), same: set("task.dataset", "a.csv", "task.digest", "1"), want: "target y, target z"},
		"two models of data":       {a: set("task.model", "mlp"), b: set("task.model", "softmax"), same: set("task.dataset", "iris", "task.digest", "1")},
		"two test functions":       {a: set("task.model", "beale"), b: set("task.model", "saddle"), same: set("task.dataset", ""), want: "beale, saddle"},
		"two validation files":     {a: set("task.validation_path", "a", "task.validation_digest", "1"), b: set("task.validation_path", "b", "task.validation_digest", "2"), want: "validation a, validation b"},
		"test files, shown":        {metric: "test_loss", a: set("task.test_path", "a", "task.test_digest", "1"), b: set("task.test_path", "b", "task.test_digest", "2"), want: "test a, test b"},
		"test files, not shown":    {a: set("task.test_path", "a", "task.test_digest", "1"), b: set("task.test_path", "b", "task.test_digest", "2")},
		"an axis of a program":     {a: set("dataset", "mnist"), b: set("dataset", "cifar"), want: "mnist, cifar"},
		"a share of the data":      {a: number, b: set("data", "all"), want: "the other, all"},
		"shares of the data":       {a: number, b: []runner.Setting{{Path: "data", Value: plugins.Real(1)}}},
		"data sets that are arms":  {a: set("task.dataset", "iris", "task.digest", "1"), b: set("task.dataset", "wine", "task.digest", "2"), arms: []string{"task.dataset"}},
		"objectives of plugins":    {a: set("task.objective.component", "x"), b: set("task.objective.component", "y"), want: "x, y"},
		"further axes of programs": {a: set("width", "4"), b: set("width", "8")},
	} {
		metric := c.metric
		if metric == "" {
			metric = "val_loss"
		}
		got := FindProblems(map[runner.Key][]runner.Setting{"a": c.a, "b": c.b}, c.same, metric, c.arms)
		text := ""
		if got.Of != nil {
			text = got.Of["a"] + ", " + got.Of["b"]
		}
		if text != c.want {
			t.Errorf("%s: %q, want %q", name, text, c.want)
		}
	}
}

// Under a test metric, what is said of neighbours and of the winner is by the metric that chooses, and says so.
func TestWhatIsChosenByAnotherMetricIsSaid(t *testing.T) {
	q := question
	q.Metric, q.Goal, q.ChoiceName, q.ChoiceGoal = "test_accuracy", stop.Max, "val_loss", stop.Min
	q.Choice = map[int64]float64{}
	build := func(chosen map[string][]float64, tested map[string][]float64) *Report {
		var all []runner.Result
		run := int64(0)
		for _, name := range []string{"sgd", "adam"} {
			for i, v := range chosen[name] {
				list := comparetest.Results(name, math.Pow(10, float64(i)), 0, 0, 0, 0)
				for k := range list {
					run++
					list[k].RunID = run
					list[k].Kept.Value = tested[name][i] + 0.001*float64(k)
					q.Choice[run] = v + 0.001*float64(k*k)
				}
				all = append(all, list...)
			}
		}
		return Build(q, all, nil)
	}
	// sgd at lr 10 is best by val_loss though its left neighbour is hardly worse; adam does better on test data.
	r := build(map[string][]float64{"sgd": {0.1, 0.1, 0.3}, "adam": {0.5}}, map[string][]float64{"sgd": {0.5, 0.6, 0.7}, "adam": {0.9}})
	text := r.Verdict() + "\n" + lines(r)
	if strings.Contains(text, "coarse") || strings.Contains(text, "is best:") || strings.Contains(text, "the best adam") {
		t.Errorf("it says\n%s", text)
	}
	for _, want := range []string{"is best by val_loss, by which points are chosen, and has test_accuracy 0.", "adam's choice by val_loss is 0.", "By test_accuracy itself the choice of adam does better"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	r = build(map[string][]float64{"sgd": {0.3, 0.1, 0.3}, "adam": {0.5}}, map[string][]float64{"sgd": {0.9, 0.6, 0.9}, "adam": {0.1}})
	if notes := lines(r); !strings.Contains(notes, "both neighbours of the best lr by val_loss, 1 and 100, are clearly worse, by intervals of the differences of val_loss that exclude 0") {
		t.Errorf("the notes are\n%s", notes)
	}
}

// One of two neighbours that does better than the chosen point is not worse than it.
func TestABetterNeighbourIsNotClearlyWorse(t *testing.T) {
	q := question
	q.Stat = StatMedian
	r := Build(q, comparetest.Join(comparetest.Results("sgd", 1, 0, 5, 5, 5, 5, 5, 5), comparetest.Results("sgd", 10, 0, 1, 1, 1, 1, 1, 1), comparetest.Results("sgd", 100, 0, 1, 1, 1, 1, 1, 1)), nil)
	if notes := lines(r); strings.Contains(notes, "coarse") {
		t.Errorf("the notes are\n%s", notes)
	}
}

func TestFixedRowsAreSaid(t *testing.T) {
	settings := []runner.Setting{{Path: "task.validation_path", Value: plugins.Text("v.csv")}}
	for metric, want := range map[string]string{"val_loss": "validation data", "train_loss": "", "test_loss": ""} {
		if got := FixedRows(nil, settings, metric); got != want {
			t.Errorf("%s: %q, want %q", metric, got, want)
		}
	}
	some := map[runner.Key][]runner.Setting{"a": settings, "b": nil}
	if got := FixedRows(some, nil, "val_loss"); got != "" {
		t.Errorf("of points that differ: %q", got)
	}
	q := question
	q.Fixed = "validation data"
	r := Build(q, comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 4, 5, 6), comparetest.Results("adam", 1, 0, 2, 3.1, 4, 5, 6, 7)), nil)
	text := r.Verdict() + "\n" + lines(r) + strings.Join(r.Methods(), "\n")
	for _, want := range []string{"p = 0.031 under other seeds, on this validation data, n = 6", "The other point is apart from it under other seeds, on this validation data", "say nothing about other rows"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "other splits of the same rows") {
		t.Errorf("it says\n%s", text)
	}
}

func TestDifferentArithmeticIsSaid(t *testing.T) {
	all := comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3), comparetest.Results("adam", 2, 0, 2, 3, 4))
	q := question
	q.Arithmetic = map[int64]string{}
	for i, r := range all {
		q.Arithmetic[r.RunID] = "openblas on amd64"
		if i == 4 {
			q.Arithmetic[r.RunID] = "gonum on arm64"
		}
	}
	if notes := lines(Build(q, all, nil)); !strings.Contains(notes, "openblas on amd64: 5 runs; gonum on arm64: 1 run (adam lr 2 λ 0)") {
		t.Errorf("the notes are\n%s", notes)
	}
	q.Command = true
	if notes := lines(Build(q, all, nil)); strings.Contains(notes, "arithmetic") {
		t.Errorf("of programs: %s", notes)
	}
	q.Command, q.Arithmetic = false, nil
	for i := range all[:3] {
		all[i].Arithmetic = 1
	}
	if notes := lines(Build(q, all, nil)); !strings.Contains(notes, "revision 0: 3 runs; revision 1: 3 runs (sgd lr 1 λ 0)") {
		t.Errorf("of two revisions: %s", notes)
	}
}
