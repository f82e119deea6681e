package report

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// under gives results another regularizer.
func under(regularizer string, all []runner.Result) []runner.Result {
	for i := range all {
		all[i].Regularizer = regularizer
		all[i].Point += runner.Key(regularizer)
	}
	return all
}

func names(r *Report) string {
	var list []string
	for _, a := range r.Arms {
		text := a.Name
		if a.Baseline {
			text += "*"
		}
		list = append(list, fmt.Sprintf("%s:%d/%d", text, a.Chosen, len(a.Settings)))
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
		want     string // name, * for the baseline, chosen setting, number of settings
	}{
		"an optimizer each, sgd the baseline": {question, join(results("adam", 1, 0, a...), results("sgd", 1, 0, b...), results("lion", 1, 0, b...)), "adam:0/1 sgd*:1/1 lion:2/1"},
		"without sgd the first":               {question, join(results("lion", 1, 0, b...), results("adam", 1, 0, a...)), "adam:0/1 lion*:1/1"},
		"one arm is compared with nothing":    {question, join(results("adam", 1, 0, a...), results("adam", 2, 0, b...)), "adam:0/2"},
		"no penalty is a setting of both": {question, join(results("adam", 1, 0, a...), under("l2", results("adam", 1, 1, b...)), under("l1", results("adam", 1, 1, b...))),
			"adam l2*:0/2 adam l1:0/2"},
		"an incomplete setting does not stand for its arm": {question, join(results("adam", 1, 0, 0, nan, 0), results("adam", 2, 0, a...), results("sgd", 1, 0, b...)),
			"adam:0/2 sgd*:1/1"},
		"an arm without a complete setting": {question, join(results("adam", 1, 0, 0, nan, 0), results("sgd", 1, 0, b...)), "sgd*:0/1 adam:-1/1"},
		"a baseline that is asked for": {with(func(q *Question) { q.Baseline = func(s *Setting) bool { return s.LR == 2 } }),
			join(results("adam", 1, 0, a...), results("adam", 2, 0, b...)), "adam:0/1 adam baseline*:1/1"},
		"arms by another axis": {with(func(q *Question) { q.By = []string{"lr"} }),
			join(results("adam", 1, 0, a...), results("sgd", 1, 0, b...), results("adam", 2, 0, b...)), "lr 1*:0/2 lr 2:2/1"},
		"the larger, where more is better": {with(func(q *Question) { q.Goal = stop.Max }), join(results("adam", 1, 0, a...), results("sgd", 1, 0, b...)), "sgd*:0/1 adam:1/1"},
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
	r := Build(question, join(results("sgd", 1, 0, seeds...), results("adam", 1, 0, shifted(-0.1)...), results("adam", 2, 0, shifted(-0.05)...),
		results("lion", 1, 0, 1.1, 1.9, 3.1, 3.9, 5.05, 5.9)), nil)
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
	all := join(results("sgd", 1, 0, 1, 2, 3, 4, 5, 6, 7), results("adam", 1, 0, 0.5, 1.4, 2.6, 3.3, 4.7, 5.6, 6.2))
	for _, test := range Tests {
		for _, stat := range Stats {
			q := question
			q.Test, q.Stat = test, stat
			r := Build(q, all, nil)
			p := r.Arms[0].P
			if !(p > 0 && p <= 1) || (p < 0.05) != test.pairs() {
				t.Errorf("%s of the %s: p = %v; differences are certain in pairs only", test, stat, p)
			}
			if i := r.Settings[0].Interval; !(i.Low < i.Value && i.Value < i.High) || i.N != 7 {
				t.Errorf("%s: the interval is %+v", stat, i)
			}
			if text := r.Explain(); !strings.Contains(text, test.name()) && !strings.Contains(strings.ReplaceAll(text, "\n", " "), test.name()) {
				t.Errorf("nothing explains %s:\n%s", test, text)
			}
		}
	}
}

// Folds share training data: intervals are wider, and the test is the corrected t test unless another is asked for.
func TestFoldsAreNotIndependent(t *testing.T) {
	all := join(results("sgd", 1, 0, 1, 2, 3, 4, 5), results("adam", 1, 0, 0.5, 1.4, 2.6, 3.3, 4.7))
	q := question
	plain := Build(q, all, nil)
	q.Overlap = 0.25
	folds := Build(q, all, nil)
	ratio := folds.Settings[0].Interval.Half() / plain.Settings[0].Interval.Half()
	if math.Abs(ratio-1.5) > 1e-12 { // √(1 + 5/4)
		t.Errorf("the interval is %v times as wide, want 1.5", ratio)
	}
	if folds.Test != TestPairedT || folds.Arms[0].Test.Exact || !strings.Contains(strings.ReplaceAll(folds.Explain(), "\n", " "), "Nadeau and Bengio 2003") {
		t.Errorf("the test is %q, explained as\n%s", folds.Test, folds.Explain())
	}
}

func TestSharesOfVariance(t *testing.T) {
	var all []runner.Result
	for i, lr := range []float64{0.1, 1, 10} {
		for j, lambda := range []float64{0, 1} {
			effect := 10*float64(i) + float64(j)
			all = append(all, results("sgd", lr, lambda, effect-0.1, effect+0.1)...)
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
	if shares := Build(question, results("sgd", 1, 0, 1, 2), nil).Shares; shares != nil {
		t.Errorf("one setting has the shares %+v", shares)
	}
}

func TestWarnings(t *testing.T) {
	line := func(values ...float64) []runner.Result {
		var all []runner.Result
		for i, v := range values {
			all = append(all, results("adam", math.Pow(10, float64(i)), 0, v, v+0.01, v+0.02)...)
		}
		return all
	}
	two := join(line(3, 1, 3), results("sgd", 1, 0, 2, 2.1, 1.9), results("sgd", 10, 0, 3, 3, 3), results("sgd", 100, 0, 4, 4, 4))
	for name, c := range map[string]struct {
		question Question
		results  []runner.Result
		has, not string
	}{
		"the edge":                    {question, line(1, 2, 3), "the best lr, 1, is the smallest of the grid: a better one may lie beyond → xrun refine --axis lr", "coarse"},
		"another arm's edge":          {question, two, "sgd's best lr, 1, is the smallest of the grid: a better one may lie beyond → xrun refine --axis lr --arm sgd", "adam's"},
		"a coarse grid":               {question, line(3, 1, 3), "the grid is coarse: both neighbours of the best lr, 1 and 100, are clearly worse, by intervals of the differences that exclude 0 → xrun refine --axis lr", "lie beyond"},
		"unequal budgets":             {question, join(line(3, 1, 3), results("sgd", 1, 0, 2, 2, 2)), "unequal budgets: sgd was tried in 1 setting, adam in 3", "nothing"},
		"three seeds":                 {question, two, "3 paired seeds cannot reach p < 0.05 by this test, whatever they show; 6 can", "hardly"},
		"diverged trials of each arm": {question, join(line(3, 1, 3), ended(runner.StatusDiverged, results("sgd", 1, 0, 1, 1))), "trials that diverged: sgd 1 of 2", "nothing"},
		"training that ended early":   {func() Question { q := question; q.Epochs = 7; return q }(), late(line(3, 1, 3)), "was still getting better when training ended after 7 epochs", "nothing"},
		"optimism":                    {question, line(3, 1, 3), "picked from 3 settings by the metric that it is judged by, so optimistic → xrun confirm", "nothing"},
		"two data sets": {func() Question {
			q := question
			q.Axes = map[runner.Key][]runner.Setting{"adam1 0": {{Path: "dataset", Value: plugins.Text("iris")}}}
			return q
		}(), line(3, 1, 3), "settings differ in dataset, so they are not of one problem", "nothing"},
		"no optimism where fresh": {func() Question { q := question; q.Prior = map[runner.Key]float64{"adam1 0": 1}; return q }(), line(1, 2, 3), "", "optimistic"},
	} {
		notes := strings.Join(Build(c.question, c.results, nil).notes(), "\n")
		if !strings.Contains(notes, c.has) || strings.Contains(notes, c.not) {
			t.Errorf("%s: the notes are\n%s\nwant %q, not %q", name, notes, c.has, c.not)
		}
	}
}

// late makes runs end at their best epoch, the seventh.
func late(all []runner.Result) []runner.Result {
	for i := range all {
		all[i].Epochs = 7
	}
	return all
}

func TestPowerIsSaidOfWhatIsNotSignificant(t *testing.T) {
	r := Build(question, join(results("sgd", 1, 0, 1, 2, 3, 4, 5, 6), results("adam", 1, 0, 1.3, 1.5, 3.1, 3.6, 5.2, 5.5)), nil)
	notes := strings.Join(r.notes(), "\n")
	if !strings.Contains(notes, "note: with 6 seeds a difference of ") || !strings.Contains(notes, "for the one seen it takes about ") {
		t.Errorf("the notes are\n%s", notes)
	}
}

func TestTargets(t *testing.T) {
	q := question
	q.HasTarget, q.Target = true, 0.5
	r := Build(q, join(results("adam", 1, 0, 0.1, 0.2), results("sgd", 1, 0, 0.4, 0.9)), nil)
	r.Curves = map[int64][]runner.CurvePoint{}
	for _, s := range r.Settings {
		for i, seed := range s.Seeds {
			curve := []runner.CurvePoint{{Epoch: 0, Value: 0.3}, {Epoch: 1, Value: 0.8}, {Epoch: 2 + i, Value: seed.Value}}
			r.Curves[seed.Run] = append(r.Curves[seed.Run][:0:0], curve...)
		}
	}
	// Both optimizers' runs have the same numbers here, so the last one's curves count: 0.4 and 0.9.
	hits := r.Hits(r.Settings[1])
	if len(hits) != 2 || !hits[0].Hit || hits[0].At != 2 || hits[1].Hit || !math.IsInf(hits[1].At, 1) || hits[1].Spent != 10 {
		t.Errorf("the hits are %+v: epoch 0 does not count, and a miss has no time", hits)
	}
	var b bytes.Buffer
	r.Text(&b, View{})
	if !strings.Contains(b.String(), "reached 0.5") || !strings.Contains(b.String(), "1 of 2") {
		t.Errorf("the target is not shown:\n%s", &b)
	}
}

func TestTheTestSplitIsShownForChosenSettingsOnly(t *testing.T) {
	q := question
	q.Metric, q.Goal, q.ChoiceName, q.ChoiceGoal = "test_accuracy", stop.Max, "val_loss", stop.Min
	all := join(results("adam", 1, 0, 1, 1), results("adam", 2, 0, 2, 2), results("sgd", 3, 0, 3, 3))
	q.Choice, q.ValueAt = map[int64]float64{}, map[int64]float64{}
	for _, r := range all {
		q.Choice[r.RunID], q.ValueAt[r.RunID] = r.Summary.Min, r.Summary.Min/10 // the best by test is not the chosen one
	}
	r := Build(q, all, nil)
	if r.Settings[0].LR != 1 || r.Settings[0].Interval.Value != 0.1 {
		t.Errorf("first is lr %v with %v: chosen by the test metric", r.Settings[0].LR, r.Settings[0].Interval.Value)
	}
	if got := fmt.Sprint(r.shown(0)); got != "[0 2]" {
		t.Errorf("shown are the settings %s, want the chosen ones", got)
	}
	if v := r.Settings[1]; !math.IsNaN(v.Interval.Value) || !math.IsNaN(v.Seeds[0].Value) || r.Shares != nil {
		t.Errorf("a setting that was not chosen shows %+v", v)
	}
}

func TestTablesFitByLeavingOutWhatMattersLeast(t *testing.T) {
	r := small()
	for _, width := range []int{0, 200, 100, 80, 70, 50} {
		var b bytes.Buffer
		left := writeColumns(&b, r.columns(r.shown(0), false), View{Width: width})
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); width >= 70 && n > width {
				t.Errorf("width %d: a line has %d characters:\n%s", width, n, &b)
				break
			}
		}
		if !strings.Contains(b.String(), "0.230 ± 0.381") || !strings.Contains(b.String(), "optimizer") {
			t.Errorf("width %d: numbers or names are gone:\n%s", width, &b)
		}
		if width == 0 && left != nil || width == 50 && len(left) == 0 {
			t.Errorf("width %d: left out are %v", width, left)
		}
	}
}

func TestASCII(t *testing.T) {
	r := small()
	r.Checks = []CheckResult{{Name: "c", Where: "p < 0.05", Facts: "p is missing"}}
	var b bytes.Buffer
	r.Text(&b, View{ASCII: true, Explain: true})
	for i, c := range b.String() {
		if c > 126 {
			t.Fatalf("%q at %d is not ASCII:\n%s", c, i, b.String()[max(0, i-200):i])
		}
	}
}

func TestMarkdownAndTeX(t *testing.T) {
	r := Build(question, join(results("a|b_<i>", 1, 0, 1, 2), results("c&d%$#", 1, 0, 3, 4)), nil)
	var md, tex bytes.Buffer
	if err := r.Markdown(&md, 0); err != nil {
		t.Fatal(err)
	}
	if err := r.TeX(&tex, 0); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(md.String(), `a\|b\_&lt;i>`) || strings.Contains(md.String(), "<i>") {
		t.Errorf("the Markdown is\n%s", &md)
	}
	if !strings.Contains(tex.String(), `c\&d\%\$\#`) || !strings.Contains(tex.String(), `\toprule`) || strings.Contains(tex.String(), "±") {
		t.Errorf("the TeX is\n%s", &tex)
	}
}

func TestFacts(t *testing.T) {
	r := Build(question, join(results("adam", 0.5, 2, 1, 2, 3), results("sgd", 1, 0, 2, 3, 4), ended(runner.StatusDiverged, results("sgd", 2, 0, 9))), nil)
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

// seeded gives results seeds that begin at a number.
func seeded(first int64, all []runner.Result) []runner.Result {
	for i := range all {
		all[i].Seed = first + int64(i)
	}
	return all
}

func TestWhatSharesNoSeedsIsNotPaired(t *testing.T) {
	all := join(results("sgd", 1, 0, 5, 6, 7, 8), seeded(4, results("adam", 1, 0, 1, 2, 3, 4)))
	r := Build(question, all, nil)
	var b bytes.Buffer
	r.Text(&b, View{})
	if text := b.String(); strings.Contains(text, "NaN") || strings.Contains(text, "apart from it") || !strings.Contains(text, "share fewer than two seeds") ||
		!strings.Contains(text, "settings have different seeds") {
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
	r := Build(question, join(results("sgd", 1, 0, 1, 2, 3, 99), results("adam", 1, 0, 2, 3, 4)), nil)
	if len(r.Seeds) != 3 || r.Left != 1 || r.Settings[0].Optimizer != "sgd" || r.Settings[0].Interval.Value != 2 {
		t.Errorf("over %v, %d left out, %s is first with %v", r.Seeds, r.Left, r.Settings[0].Optimizer, r.Settings[0].Interval.Value)
	}
}

// What was picked stays picked: another finalist that looks better under the fresh seeds is no winner yet.
func TestFinalistsStandAsTheyWerePicked(t *testing.T) {
	q := question
	q.Prior, q.Picked = map[runner.Key]float64{"adam1 0": 1, "adam2 0": 2, "sgd1 0": 3, "sgd2 0": 4}, "adam1 0"
	r := Build(q, join(results("adam", 1, 0, 2, 3, 4), results("adam", 2, 0, 1, 2, 3), results("sgd", 1, 0, 5, 6, 7), results("sgd", 2, 0, 4, 5, 6)), nil)
	if got := names(r); got != "adam:0/2 sgd*:2/2" || r.Settings[0].LR != 1 || r.Settings[2].LR != 1 {
		t.Errorf("the arms are %s, of lr %v and %v", got, r.Settings[0].LR, r.Settings[2].LR)
	}
	if v := r.Verdict(); !strings.HasPrefix(v, "adam lr 1 λ 0 was picked as the best, and has val_loss 3") || !strings.Contains(v, "adam lr 2 λ 0 looks better under these seeds") {
		t.Errorf("the verdict is %s", v)
	}
	if v := Build(q, results("sgd", 2, 0, 4, 5, 6), nil).Verdict(); strings.Contains(v, "picked as the best") {
		t.Errorf("of the others the verdict is %s", v)
	}
}

// A paragraph for a paper says what was done, and nothing else.
func TestMethodsSayWhatWasDone(t *testing.T) {
	imported, program, apart := question, question, question
	imported.Imported, program.Command = true, true
	few := join(results("sgd", 1, 0, 1, 2, 3), results("adam", 1, 0, 2, 3, 4))
	for name, c := range map[string]struct {
		question Question
		results  []runner.Result
		has, not string
	}{
		"imported": {imported, few, "which were imported", "trained"},
		"program":  {program, few, "We ran a program under 2 settings with 3 seeds each", "sharing data split"},
		"apart":    {apart, join(results("sgd", 1, 0, 1, 2, 3), seeded(7, results("adam", 1, 0, 2, 3, 4, 5))), "with 3 to 4 seeds each", "compared with that of"},
		"tested":   {question, few, "were compared with that of sgd by a sign-flip permutation test", "imported"},
	} {
		if text := Build(c.question, c.results, nil).methods(); !strings.Contains(text, c.has) || strings.Contains(text, c.not) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestInfinitiesAreNoReasonToFail(t *testing.T) {
	inf := math.Inf(1)
	for name, values := range map[string][]float64{"one": {1, inf, 2}, "all": {inf, inf, inf}} {
		for _, goal := range []stop.Goal{stop.Min, stop.Max} {
			q := question
			q.Goal = goal
			all := join(results("adam", 1, 0, values...), results("adam", 2, 0, values...), results("sgd", 1, 0, 1, 2, 3), results("sgd", 2, 0, values...))
			for i := range all {
				all[i].Summary.Max = all[i].Summary.Min
			}
			r := Build(q, all, nil)
			var b bytes.Buffer
			r.Text(&b, View{Explain: true})
			if err := r.JSON(&b); err != nil {
				t.Errorf("%s, %s: %v", name, goal, err)
			}
		}
	}
}

func TestADivergedTrialHasNoResult(t *testing.T) {
	r := Build(question, join(results("sgd", 1, 0, 5, 6, 7), ended(runner.StatusDiverged, results("adam", 1, 0, 1, 2, -9))), nil)
	adam := r.Settings[1]
	if adam.Optimizer != "adam" || adam.Interval.Value != 1.5 || adam.Interval.N != 2 || adam.Complete {
		t.Errorf("with a diverged seed it has %+v, complete %v", adam.Interval, adam.Complete)
	}
}

func TestChecksWantACompleteSetting(t *testing.T) {
	r := Build(question, ended(runner.StatusDiverged, results("sgd", 1, 0, 1, 2, 3)), nil)
	if v, ok := r.Fact("best.val_loss"); ok {
		t.Errorf("best.val_loss is %v though no setting is complete", v)
	}
	r = Build(question, join(results("sgd", 1, 0, 1, 2, 3), results("adam", 1, 0, 2, 3, 4)), nil)
	if v, ok := r.Fact("p"); ok {
		t.Errorf("p is %v though the baseline is the best", v)
	}
}

func TestTiedPairsAreNamed(t *testing.T) {
	q := question
	q.Test = TestWilcoxon
	r := Build(q, join(results("sgd", 1, 0, 1, 2, 3, 4, 5, 6), results("adam", 1, 0, 0.5, 1.4, 2.3, 3.2, 4.1, 6)), nil)
	notes := strings.Join(r.notes(), "\n")
	if !strings.Contains(notes, "6 paired seeds, of which 1 tied, cannot reach p < 0.05 by this test, whatever they show; 7 can") {
		t.Errorf("the notes are\n%s", notes)
	}
}

func TestLopsidedIntervalsAreWrittenByTheirEnds(t *testing.T) {
	if got, want := Uncertain(stats.Interval{Value: 0.111, Low: 0.042, High: 0.432, N: 5}), "0.111 [0.042, 0.432]"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}
