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

func names(r *Report) string {
	var list []string
	for _, a := range r.Arms {
		text := a.Name
		if a.Baseline {
			text += "*"
		}
		list = append(list, fmt.Sprintf("%s:%d/%d", text, a.Chosen, len(a.Points)))
	}
	return strings.Join(list, " ")
}

func TestArms(t *testing.T) {
	a, b := []float64{1, 2, 3}, []float64{2, 3, 5}
	with := func(change func(*Question)) Question {
		q := question
		change(&q)
		return q
	}
	for name, c := range map[string]struct {
		question Question
		results  []runner.Result
		want     string // name, * for the baseline, chosen point, number of points
	}{
		"an optimizer each, sgd the baseline": {question, comparetest.Join(comparetest.Results("adam", 1, 0, a...), comparetest.Results("sgd", 1, 0, b...), comparetest.Results("lion", 1, 0, b...)), "adam:0/1 sgd*:1/1 lion:2/1"},
		"without sgd the first":               {question, comparetest.Join(comparetest.Results("lion", 1, 0, b...), comparetest.Results("adam", 1, 0, a...)), "adam:0/1 lion*:1/1"},
		"one arm is compared with nothing":    {question, comparetest.Join(comparetest.Results("adam", 1, 0, a...), comparetest.Results("adam", 2, 0, b...)), "adam:0/2"},
		"no penalty is a point of both": {question, comparetest.Join(comparetest.Results("adam", 1, 0, a...), comparetest.Under("l2", comparetest.Results("adam", 1, 1, b...)), comparetest.Under("l1", comparetest.Results("adam", 1, 1, b...))),
			"adam l2*:0/2 adam l1:0/2"},
		"an incomplete point does not stand for its arm": {question, comparetest.Join(comparetest.Results("adam", 1, 0, 0, nan, 0), comparetest.Results("adam", 2, 0, a...), comparetest.Results("sgd", 1, 0, b...)),
			"adam:0/2 sgd*:1/1"},
		"an arm without a complete point": {question, comparetest.Join(comparetest.Results("adam", 1, 0, 0, nan, 0), comparetest.Results("sgd", 1, 0, b...)), "sgd*:0/1 adam:-1/1"},
		"a baseline that is asked for": {with(func(q *Question) { q.Baseline = func(s *Point) bool { return s.LR == 2 } }),
			comparetest.Join(comparetest.Results("adam", 1, 0, a...), comparetest.Results("adam", 2, 0, b...)), "adam:0/1 adam baseline*:1/1"},
		"arms by another axis": {with(func(q *Question) { q.By = []string{"lr"} }),
			comparetest.Join(comparetest.Results("adam", 1, 0, a...), comparetest.Results("sgd", 1, 0, b...), comparetest.Results("adam", 2, 0, b...)), "lr 1*:0/2 lr 2:2/1"},
		"the larger, where more is better": {with(func(q *Question) { q.Goal = stop.Max }), comparetest.Join(comparetest.Results("adam", 1, 0, a...), comparetest.Results("sgd", 1, 0, b...)), "sgd*:0/1 adam:1/1"},
	} {
		if got := names(Build(c.question, c.results, nil)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Six paired seeds of which all go one way have p = 2/2⁶, times two by Holm for the smaller of two arms.
func TestChosenSettingsAreTestedOnceAndCorrected(t *testing.T) {
	seeds := []float64{1, 2, 3, 4, 5, 6}
	shifted := func(by float64) []float64 {
		var all []float64
		for i, v := range seeds {
			all = append(all, v+by+0.001*float64(i))
		}
		return all
	}
	r := Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, seeds...), comparetest.Results("adam", 1, 0, shifted(-0.1)...), comparetest.Results("adam", 2, 0, shifted(-0.05)...),
		comparetest.Results("lion", 1, 0, 1.1, 1.9, 3.1, 3.9, 5.05, 5.9)), nil)
	if got := names(r); got != "adam:0/2 lion:2/1 sgd*:3/1" {
		t.Fatalf("the arms are %s", got)
	}
	adam, lion := r.Arms[0], r.Arms[1]
	if adam.P != 2*2.0/64 || adam.Wins != 1 || adam.Versus.N != 6 || math.Abs(adam.Versus.Value+0.0975) > 1e-12 {
		t.Errorf("adam: p %v, wins %v, %+v", adam.P, adam.Wins, adam.Versus)
	}
	if lion.P < 0.5 || lion.Wins != 0.5 {
		t.Errorf("lion: p %v, wins %v", lion.P, lion.Wins)
	}
	if n := r.family(); n != 2 {
		t.Errorf("%d arms are tested, want 2", n)
	}
	if got := r.enough(2); got != 7 {
		t.Errorf("%d seeds are said to be enough for two arms, want 7", got)
	}
	if r.Test = TestPairedT; r.enough(5) != 3 {
		t.Errorf("a t test has no least p, yet it is said to take %d seeds", r.enough(5))
	}
}

func TestEveryTestAndStatistic(t *testing.T) {
	all := comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 4, 5, 6, 7), comparetest.Results("adam", 1, 0, 0.5, 1.4, 2.6, 3.3, 4.7, 5.6, 6.2))
	for _, test := range append([]Test{""}, Tests...) {
		for _, stat := range Stats {
			q := question
			q.Test, q.Stat = test, stat
			r := Build(q, all, nil)
			p, certain := r.Arms[0].P, r.Test.pairs()
			if r.Test == TestPermutation && stat == StatMedian {
				certain = false // flips of the small differences do not move it
			}
			if !(p > 0 && p <= 1) || (p < 0.05) != certain {
				t.Errorf("%s of the %s: p = %v; differences are certain in pairs only", test, stat, p)
			}
			if i := r.Points[0].Interval; !(i.Low < i.Value && i.Value < i.High) || i.N != 7 {
				t.Errorf("%s: the interval is %+v", stat, i)
			}
			if i := r.Arms[0].Versus; !(i.Low < i.Value && i.Value < i.High) || i.N != 7 || i.Includes(0) == r.Test.pairs() {
				t.Errorf("%s of the %s: the interval of the difference is %+v", test, stat, i)
			}
			if text := strings.Join(r.Methods(), "\n"); !strings.Contains(text, r.Test.name(stat)) {
				t.Errorf("nothing explains %s:\n%s", test, text)
			}
			if notes := lines(r); strings.Contains(notes, "compares means") != (r.Test.ofMeans() && stat != StatMean) {
				t.Errorf("%s of the %s: the notes are\n%s", test, stat, notes)
			}
		}
	}
}

// What is tested is the statistic that is shown: the sign test has the interval of the median.
func TestTheStatisticThatIsShownIsTested(t *testing.T) {
	all := comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 4, 5, 6), comparetest.Results("adam", 1, 0, 0.9, 1.9, 2.9, 3.9, 4.9, 96))
	for stat, want := range map[Stat]float64{StatMean: 1, StatMedian: 14.0 / 64, StatIQM: 0} {
		q := question
		q.Stat = stat
		r := Build(q, all, nil)
		a := r.Arms[0]
		if a.Baseline {
			a = r.Arms[1]
		}
		if want != 0 && a.P != want {
			t.Errorf("%s: p = %v, want %v", stat, a.P, want)
		}
		if got := a.Test.Statistic; stat == StatIQM && math.Abs(got+0.1) > 1e-12 {
			t.Errorf("what is tested of the middle half is %v, want −0.1", got)
		}
	}
}

// Five seeds have no 95 % interval of a median, and no interval is shown.
func TestFewSeedsHaveNoIntervalOfTheMedian(t *testing.T) {
	q := question
	q.Stat = StatMedian
	r := Build(q, comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 4, 5), comparetest.Results("adam", 1, 0, 1.1, 2.2, 3.3, 4.4, 5.5)), nil)
	text := r.Verdict() + lines(r)
	if i := r.Points[0].Interval; !math.IsNaN(i.Low) || strings.Contains(text, "NaN") || strings.Contains(text, "95 % CI over") ||
		!strings.Contains(text, "5 seeds have no 95 % interval of the median: it takes 6") || strings.Contains(text, "share too few seeds") || strings.Contains(text, "apart from") {
		t.Errorf("the interval is %+v, and the report\n%s", i, text)
	}
}

// A test that does not pair uses every seed of both arms.
func TestUnpairedTestsUseAllSeeds(t *testing.T) {
	q := question
	q.Test = TestWelch
	all := comparetest.Join(comparetest.Results("sgd", 1, 0, 5, 6, 7, 8, 9), comparetest.Seeded(3, comparetest.Results("adam", 1, 0, 1, 2, 3, 4)))
	r := Build(q, all, nil)
	a := r.Arms[0]
	if a.Test.N != 9 || a.Versus.Value != 2.5-7 || a.Shared != 2 || a.Wins != 1 {
		t.Errorf("the test has %d values, the difference is %v, %v of %d wins", a.Test.N, a.Versus.Value, a.Wins, a.Shared)
	}
	if v := r.Verdict(); !strings.Contains(v, "n = 4 and 5") {
		t.Errorf("the verdict is %s", v)
	}
	q.Test = TestWilcoxon
	if a := Build(q, all, nil).Arms[0]; a.Versus.N != 2 {
		t.Errorf("paired it has %d seeds", a.Versus.N)
	}
}

// Folds share training data: intervals are wider, and the test is the corrected t test unless another is asked for.
func TestFoldsAreNotIndependent(t *testing.T) {
	all := comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 4, 5), comparetest.Results("adam", 1, 0, 0.5, 1.4, 2.6, 3.3, 4.7))
	q := question
	plain := Build(q, all, nil)
	q.Overlap = 0.25
	folds := Build(q, all, nil)
	ratio := folds.Points[0].Interval.Half() / plain.Points[0].Interval.Half()
	if math.Abs(ratio-1.5) > 1e-12 { // √(1 + 5/4)
		t.Errorf("the interval is %v times as wide, want 1.5", ratio)
	}
	if folds.Test != TestPairedT || folds.Arms[0].Test.Exact || !strings.Contains(strings.ReplaceAll(strings.Join(folds.Methods(), "\n"), "\n", " "), "Nadeau and Bengio 2003") {
		t.Errorf("the test is %q, explained as\n%s", folds.Test, strings.Join(folds.Methods(), "\n"))
	}
}

func TestSharesOfVariance(t *testing.T) {
	var all []runner.Result
	for i, lr := range []float64{0.1, 1, 10} {
		for j, lambda := range []float64{0, 1} {
			effect := 10*float64(i) + float64(j)
			all = append(all, comparetest.Results("sgd", lr, lambda, effect-0.1, effect+0.1)...)
		}
	}
	r := Build(question, all, nil)
	sum := 0.0
	for _, s := range r.Shares {
		sum += s.Share
	}
	if math.Abs(sum-1) > 1e-9 || r.Shares[0].Name != "lr" || r.Shares[0].Share < 0.99 {
		t.Errorf("the shares are %+v, which sum to %v", r.Shares, sum)
	}
	// 12 values: SS(lr) = 800, SS(λ) = 3, within = 12 · 0.01
	want := map[string]float64{"lr": 800 / 803.12, "λ": 3 / 803.12, "seeds": 0.12 / 803.12}
	for _, s := range r.Shares {
		if w, ok := want[s.Name]; ok && math.Abs(s.Share-w) > 1e-9 {
			t.Errorf("%s has %v, want %v", s.Name, s.Share, w)
		}
	}
	if shares := Build(question, comparetest.Results("sgd", 1, 0, 1, 2), nil).Shares; shares != nil {
		t.Errorf("one point has the shares %+v", shares)
	}
	// Rounding makes no variance of values that are all the same, and squares do not overflow.
	var same []runner.Result
	for i := range 15 {
		same = append(same, comparetest.Results("sgd", float64(i+1), 0, 0.1, 0.1)...)
	}
	same[3].Kept.Value = 0.1 + 2e-17
	if r := Build(question, same, nil); r.Shares != nil || r.Matters() != "matters most: nothing: all values are the same" {
		t.Errorf("of one value: %s", r.Matters())
	}
	for _, unit := range []float64{1, 1e300, 1e-300, 0x1p1021} {
		large := comparetest.Join(comparetest.Results("sgd", 1, 0, unit, unit), comparetest.Results("sgd", 2, 0, 3*unit, 3*unit), comparetest.Results("sgd", 1, 1, 2*unit, 2*unit), comparetest.Results("sgd", 2, 1, 5*unit, 4*unit))
		if got, want := Build(question, large, nil).Matters(), "matters most: lr 73 % · λ 23 % · chance 4 % · lr×λ 1 %"; got != want {
			t.Errorf("of %v: %s, want %s", unit, got, want)
		}
	}
}

// A basin is as wide as the means say. More seeds do not shrink it, scatter does not widen it, and arms share the slack.
func TestBasins(t *testing.T) {
	arm := func(name string, seeds int, scatter float64, means ...float64) []runner.Result {
		var all []runner.Result
		for i, mean := range means {
			values := make([]float64, seeds)
			for k := range values {
				values[k] = mean + scatter*float64(k-(seeds-1)/2)
			}
			all = append(all, comparetest.Results(name, math.Pow(10, float64(i)/2-3), 0, values...)...)
		}
		return all
	}
	valley := []float64{2, 1.3, 1, 1.05, 2, 3}
	// The slack is 0.1: a third of a step to the left, and 0.05/0.95 of one beyond the next to the right.
	want := 0.5 + 0.5/3 + 0.5*0.05/0.95
	for _, seeds := range []int{3, 5, 31} {
		for _, scatter := range []float64{0, 1e-3, 0.3} {
			r := Build(question, comparetest.Join(arm("sgd", seeds, 0, valley...), arm("adam", seeds, scatter, valley...)), nil)
			for _, a := range r.Arms {
				if text := a.Basin.String(); text != "0.69 decades" || math.Abs(a.Basin.Decades-want) > 1e-9 {
					t.Errorf("%d seeds, scatter %v: %s has %s, want %.2f", seeds, scatter, a.Name, text, want)
				}
			}
		}
	}
	for name, c := range map[string]struct {
		goal   stop.Goal
		metric string
		means  []float64
		want   string
	}{
		"narrower than a step": {stop.Min, "val_loss", []float64{9, 5, 1, 5, 9}, "< 0.5 decades"},
		"beyond the grid":      {stop.Min, "val_loss", []float64{1, 1.05, 5, 9}, "≥ 0.51 decades"},
		"of an accuracy":       {stop.Max, "val_accuracy", []float64{0.5, 0.89, 0.9, 0.89, 0.5}, "1.0 decades"},
		"of a negative loss":   {stop.Min, "val_loss", []float64{9, -4.9, -5, -4.9, 5, 9}, "1.04 decades"},
		"of a perfect loss":    {stop.Min, "val_loss", []float64{4, 0, 0, 4, 4}, "0.6 decades"},
		"where all is equal":   {stop.Min, "val_loss", []float64{2, 2, 2}, "≥ 1.0 decades"},
	} {
		q := question
		q.Goal, q.Metric, q.Keep.Metric = c.goal, c.metric, c.metric
		r := Build(q, arm("sgd", 2, 0, c.means...), nil)
		if got := r.Arms[0].Basin.String(); got != c.want {
			t.Errorf("%s: %s, want %s; the slack is %s", name, got, c.want, r.SlackText())
		}
	}
}

// ended gives results that were at their best after the first epoch the values before training and after the last epoch.
func ended(all []runner.Result, first, last float64) []runner.Result {
	for i := range all {
		all[i].Kept.Epoch, all[i].Summary.MinStep, all[i].Summary.First, all[i].Summary.Last = 1, 1, first, last
	}
	return all
}

func TestWarnings(t *testing.T) {
	line := func(values ...float64) []runner.Result {
		var all []runner.Result
		for i, v := range values {
			all = append(all, comparetest.Results("adam", math.Pow(10, float64(i)), 0, v, v+0.01, v+0.02)...)
		}
		return all
	}
	flat := func(values ...float64) []runner.Result { // without seeds' differences
		var all []runner.Result
		for i, v := range values {
			all = append(all, comparetest.Results("adam", math.Pow(10, float64(i)), 0, v, v)...)
		}
		return all
	}
	two := comparetest.Join(line(3, 1, 3), comparetest.Results("sgd", 1, 0, 2, 2.1, 1.9), comparetest.Results("sgd", 10, 0, 3, 3, 3), comparetest.Results("sgd", 100, 0, 4, 4, 4))
	for name, c := range map[string]struct {
		question Question
		results  []runner.Result
		has, not string
	}{
		"the edge":                          {question, line(1, 2, 3), "the best lr, 1, is the smallest of the grid: a better one may lie beyond → xrun refine --axis lr", "coarse"},
		"another arm's edge":                {question, two, "sgd's best lr, 1, is the smallest of the grid: a better one may lie beyond → xrun refine --axis lr --arm sgd", "adam's"},
		"a coarse grid":                     {question, line(3, 1, 3), "the grid is coarse: both neighbours of the best lr, 1 and 100, are clearly worse, by intervals of the differences that exclude 0 → xrun refine --axis lr", "lie beyond"},
		"unequal budgets":                   {question, comparetest.Join(line(3, 1, 3), comparetest.Results("sgd", 1, 0, 2, 2, 2)), "unequal budgets: sgd was tried in 1 point, adam in 3", "nothing"},
		"three seeds":                       {func() Question { q := question; q.Test = TestPermutation; return q }(), two, "3 paired seeds cannot reach p < 0.05 by this test, whatever they show; 6 can", "hardly"},
		"three seeds by the moderated test": {question, two, "picked from 6 points", "cannot reach"},
		"few points":                        {question, comparetest.Join(line(3, 1), comparetest.Results("sgd", 1, 0, 2, 2.1, 1.9)), "3 complete points show too little about noise, which takes 5: each difference is judged by its own seeds alone, p is by a sign-flip permutation test", "by a moderated"},
		"few points, asked for":             {func() Question { q := question; q.Test = TestModerated; return q }(), comparetest.Join(line(3, 1), comparetest.Results("sgd", 1, 0, 2, 2.1, 1.9)), "3 complete points show too little about noise", "moderated over"},
		"differences without noise":         {question, comparetest.Join(flat(2, 3, 4, 5, 6), comparetest.Results("sgd", 1, 0, 7, 7.5, 8), comparetest.Results("sgd", 2, 0, 1, 1, 1)), "most points have differences to the best that do not vary from seed to seed", "complete points show"},
		"points without noise":              {question, flat(1, 2, 3, 4, 5, 6), "the seed changes nothing here", "picked from"},
		"a level edge":                      {question, comparetest.Join(line(1, 1+1e-15, 3), comparetest.Results("sgd", 1, 0, 2, 2.1, 1.9)), "picked from 4 points", "lie beyond"},
		"diverged trials of each arm":       {question, comparetest.Join(line(3, 1, 3), comparetest.Ended(runner.StatusDiverged, comparetest.Results("sgd", 1, 0, 1, 1))), "trials that diverged: sgd 1 of 2", "nothing"},
		"training that ended early":         {func() Question { q := question; q.Epochs = 7; return q }(), comparetest.Late(line(3, 1, 3)), "was still getting better when training ended after 7 epochs", "nothing"},
		"a best that training undid":        {question, ended(line(3, 1, 3), 9, 40), "the chosen point was at its best at epoch 1 or 2, and training then made val_loss far worse than before training, up to 40", "nothing"},
		"a best that training undid, above": {func() Question { q := question; q.Goal, q.Metric, q.Keep.Metric = stop.Max, "score", "score"; return q }(), ended(line(-3, -1, -3), -9, -40), "training then made score far worse than before training, down to -40", "nothing"},
		"bests that training undid":         {question, ended(two, 9, 40), "adam and sgd were at their best at epoch 1 or 2", "nothing"},
		"a first report that is the best":   {question, ended(comparetest.Results("sgd", 1, 0, 1, 1, 1), 1, 40), "training then made val_loss far worse, up to 40", "than before"},
		"an axis on which nothing changes":  {question, flat(1, 1+1e-15, 1), "the seed changes nothing here, and more seeds would tell no more", "lie beyond"},
		"a best that training hardly undid": {question, ended(line(3, 1, 3), 9, 9.5), "picked from 3 points", "at its best at epoch 1 or 2"},
		"a best that training only lost":    {question, ended(line(3, 1, 3), 9, 8), "picked from 3 points", "at its best at epoch 1 or 2"},
		"optimism":                          {question, line(3, 1, 3), "picked from 3 points by the metric that it is judged by, so optimistic → xrun confirm", "nothing"},
		"two data sets": {func() Question {
			q := question
			q.Names = runner.NewAxisNames([]string{runner.AxisDataset})
			q.Axes = map[runner.Key][]runner.Setting{"adam1 0": {{Path: "dataset", Value: plugins.Text("iris")}}}
			return q
		}(), line(3, 1, 3), "points differ in dataset: values of different problems cannot be compared", "nothing"},
		"no optimism where fresh": {func() Question { q := question; q.Prior = map[runner.Key]float64{"adam1 0": 1}; return q }(), line(1, 2, 3), "", "optimistic"},
	} {
		notes := lines(Build(c.question, c.results, nil))
		if !strings.Contains(notes, c.has) || strings.Contains(notes, c.not) {
			t.Errorf("%s: the notes are\n%s\nwant %q, not %q", name, notes, c.has, c.not)
		}
	}
}

func TestPowerIsSaidOfWhatIsNotSignificant(t *testing.T) {
	r := Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 4, 5, 6), comparetest.Results("adam", 1, 0, 1.3, 1.5, 3.1, 3.6, 5.2, 5.5)), nil)
	notes := lines(r)
	if !strings.Contains(notes, "note: with 6 seeds a difference of ") || !strings.Contains(notes, "for the one seen it takes about ") {
		t.Errorf("the notes are\n%s", notes)
	}
}

func TestTargets(t *testing.T) {
	q := question
	q.HasTarget, q.Target = true, 0.5
	r := Build(q, comparetest.Join(comparetest.Results("adam", 1, 0, 0.1, 0.2), comparetest.Results("sgd", 1, 0, 0.4, 0.9)), nil)
	r.Curves = map[int64][]runner.CurvePoint{}
	for _, s := range r.Points {
		for i, seed := range s.Seeds {
			curve := []runner.CurvePoint{{Epoch: 0, Value: 0.3}, {Epoch: 1, Value: 0.8}, {Epoch: 2 + i, Value: seed.Value}}
			r.Curves[seed.Run] = append(r.Curves[seed.Run][:0:0], curve...)
		}
	}
	// Both optimizers' runs have the same numbers here, so the last one's curves count: 0.4 and 0.9.
	hits := r.Hits(r.Points[1])
	if len(hits) != 2 || !hits[0].Hit || hits[0].At != 2 || hits[1].Hit || !math.IsInf(hits[1].At, 1) || hits[1].Spent != 10 {
		t.Errorf("the hits are %+v: epoch 0 does not count, and a miss has no time", hits)
	}
}

func TestTheTestSplitIsShownForChosenSettingsOnly(t *testing.T) {
	q := question
	q.Metric, q.Goal, q.ChoiceName, q.ChoiceGoal = "test_accuracy", stop.Max, "val_loss", stop.Min
	all := comparetest.Join(comparetest.Results("adam", 1, 0, 1, 1), comparetest.Results("adam", 2, 0, 2, 2), comparetest.Results("sgd", 3, 0, 3, 3))
	q.Choice = map[int64]float64{}
	for i := range all {
		q.Choice[all[i].RunID], all[i].Kept.Value = all[i].Summary.Min, all[i].Summary.Min/10 // the best by test is not the chosen one
	}
	r := Build(q, all, nil)
	if r.Points[0].LR != 1 || r.Points[0].Interval.Value != 0.1 {
		t.Errorf("first is lr %v with %v: chosen by the test metric", r.Points[0].LR, r.Points[0].Interval.Value)
	}
	if got := fmt.Sprint(r.Listed(0)); got != "[0 2]" {
		t.Errorf("shown are the points %s, want the chosen ones", got)
	}
	if v := r.Points[1]; !math.IsNaN(v.Interval.Value) || !math.IsNaN(v.Seeds[0].Value) || r.Shares != nil {
		t.Errorf("a point that was not chosen shows %+v", v)
	}
}

func TestFacts(t *testing.T) {
	r := Build(question, comparetest.Join(comparetest.Results("adam", 0.5, 2, 1, 2, 3), comparetest.Results("sgd", 1, 0, 2, 3, 4), comparetest.Ended(runner.StatusDiverged, comparetest.Results("sgd", 2, 0, 9))), nil)
	for name, want := range map[string]string{"best.val_loss": "2", "baseline.val_loss": "3", "best.lr": "0.5", "best.lambda": "2", "best.epochs": "10",
		"trials": "7", "diverged": "1", "failed": "0", "p": "0.25", "best.other": "", "nobody.lr": ""} {
		got := ""
		if v, ok := r.Fact(name); ok {
			got = v.String()
		}
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestWhatSharesNoSeedsIsNotPaired(t *testing.T) {
	all := comparetest.Join(comparetest.Results("sgd", 1, 0, 5, 6, 7, 8), comparetest.Seeded(4, comparetest.Results("adam", 1, 0, 1, 2, 3, 4)))
	r := Build(question, all, nil)
	if text := r.Verdict() + lines(r); strings.Contains(text, "NaN") || strings.Contains(text, "apart from it") || !strings.Contains(text, "share fewer than two seeds") ||
		!strings.Contains(text, "points have different seeds") {
		t.Errorf("the report is\n%s", text)
	}
	q := question
	q.Test = TestWelch
	r = Build(q, all, nil)
	if a := r.Arms[0]; !a.Tested || a.P > 0.05 || a.Versus.Value != -4 || !(a.Versus.High < 0) || a.Versus.N != 4 {
		t.Errorf("unpaired: %+v", a)
	}
}

func TestSettingsAreComparedOverTheSeedsThatAllHave(t *testing.T) {
	r := Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 99), comparetest.Results("adam", 1, 0, 2, 3, 4)), nil)
	if len(r.Seeds) != 3 || r.left != 1 || r.Points[0].Optimizer != "sgd" || r.Points[0].Interval.Value != 2 {
		t.Errorf("over %v, %d left out, %s is first with %v", r.Seeds, r.left, r.Points[0].Optimizer, r.Points[0].Interval.Value)
	}
}

// What was picked stays picked: another finalist that looks better under the fresh seeds is no winner yet.
func TestFinalistsStandAsTheyWerePicked(t *testing.T) {
	q := question
	q.Prior, q.Picked = map[runner.Key]float64{"adam1 0": 1, "adam2 0": 2, "sgd1 0": 3, "sgd2 0": 4}, []runner.Key{"adam1 0"}
	r := Build(q, comparetest.Join(comparetest.Results("adam", 1, 0, 2, 3, 4), comparetest.Results("adam", 2, 0, 1, 2, 3), comparetest.Results("sgd", 1, 0, 5, 6, 7), comparetest.Results("sgd", 2, 0, 4, 5, 6)), nil)
	if got := names(r); got != "adam:0/2 sgd*:2/2" || r.Points[0].LR != 1 || r.Points[2].LR != 1 {
		t.Errorf("the arms are %s, of lr %v and %v", got, r.Points[0].LR, r.Points[2].LR)
	}
	if v := r.Verdict(); !strings.HasPrefix(v, "adam lr 1 λ 0 was picked as the best, and has val_loss 3") || !strings.Contains(v, "adam lr 2 λ 0 looks better under these seeds") {
		t.Errorf("the verdict is %s", v)
	}
	if v := Build(q, comparetest.Results("sgd", 2, 0, 4, 5, 6), nil).Verdict(); strings.Contains(v, "picked as the best") {
		t.Errorf("of the others the verdict is %s", v)
	}
}

// A paragraph for a paper says what was done, and nothing else.
func TestMethodsSayWhatWasDone(t *testing.T) {
	imported, program, apart := question, question, question
	imported.Imported, program.Command = true, true
	few := comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3), comparetest.Results("adam", 1, 0, 2, 3, 4))
	for name, c := range map[string]struct {
		question Question
		results  []runner.Result
		has, not string
	}{
		"imported": {imported, few, "which were imported", "trained"},
		"program":  {program, few, "We ran a program under 2 points with 3 seeds each", "sharing data split"},
		"apart":    {apart, comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3), comparetest.Seeded(7, comparetest.Results("adam", 1, 0, 2, 3, 4, 5))), "with 3 to 4 seeds each", "were compared with"},
		"tested":   {question, few, "were compared with the chosen point of sgd by a sign-flip permutation test", "imported"},
	} {
		if text := Build(c.question, c.results, nil).methods(); !strings.Contains(text, c.has) || strings.Contains(text, c.not) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestADivergedTrialHasNoResult(t *testing.T) {
	r := Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, 5, 6, 7), comparetest.Ended(runner.StatusDiverged, comparetest.Results("adam", 1, 0, 1, 2, -9))), nil)
	adam := r.Points[1]
	if adam.Optimizer != "adam" || adam.Interval.Value != 1.5 || adam.Interval.N != 2 || adam.Complete {
		t.Errorf("with a diverged seed it has %+v, complete %v", adam.Interval, adam.Complete)
	}
}

func TestChecksWantACompleteSetting(t *testing.T) {
	r := Build(question, comparetest.Ended(runner.StatusDiverged, comparetest.Results("sgd", 1, 0, 1, 2, 3)), nil)
	if v, ok := r.Fact("best.val_loss"); ok {
		t.Errorf("best.val_loss is %v though no point is complete", v)
	}
	r = Build(question, comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3), comparetest.Results("adam", 1, 0, 2, 3, 4)), nil)
	if v, ok := r.Fact("p"); ok {
		t.Errorf("p is %v though the baseline is the best", v)
	}
}

func TestTiedPairsAreNamed(t *testing.T) {
	q := question
	q.Test = TestWilcoxon
	r := Build(q, comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 4, 5, 6), comparetest.Results("adam", 1, 0, 0.5, 1.4, 2.3, 3.2, 4.1, 6)), nil)
	notes := lines(r)
	if !strings.Contains(notes, "6 paired seeds, of which 1 tied, cannot reach p < 0.05 by this test, whatever they show; 7 can") {
		t.Errorf("the notes are\n%s", notes)
	}
}

// Three seeds of a single arm are too few where each point is judged by its own, and not where all show how much noise there is.
func TestFewSeedsAreWarnedOfWherePointsBorrowNothing(t *testing.T) {
	grid := func(points int) *Report {
		var all []runner.Result
		for i := range points {
			level, own := 1+float64(i)/2, 0.01*float64(i%3+1)
			all = append(all, comparetest.Results("sgd", float64(i+1), 0, level+own, level-own, level)...)
		}
		return Build(Question{Sweep: "s", Metric: "val_loss", Goal: stop.Min}, all, nil)
	}
	for points, want := range map[int]bool{3: true, 12: false} {
		r := grid(points)
		got := slices.ContainsFunc(r.Notes(), func(n Note) bool { return strings.Contains(n.Text, "3 seeds can hardly tell points apart") })
		if r.Moderated() == want || got != want {
			t.Errorf("of %d points, moderated %t: warned is %t", points, r.Moderated(), got)
		}
	}
}
