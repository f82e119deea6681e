package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// shared are values that seeds move alike, for all points.
var shared = []float64{0, 0.07, -0.05, 0.02, -0.09, 0.04, 0.01, -0.03}

// noisyValues are values about a mean, that seeds move alike by shared, and each by its own noise.
func noisyValues(rng *rand.Rand, mean, noise float64, seeds int) []float64 {
	all := make([]float64, seeds)
	for i := range all {
		all[i] = mean * (1 + shared[i] + noise*rng.NormFloat64())
	}
	return all
}

// pair are two arms of ten points each, of which all but the first are far worse, and an arm lion at 1.5 if named.
func pair(adam, sgd, noise float64, seeds int, others ...string) []runner.Result {
	rng := rand.New(rand.NewPCG(7, 11))
	var all []runner.Result
	for i := range 10 {
		worse := 1.0
		if i > 0 {
			worse = 2 + float64(i)
		}
		all = append(all, comparetest.Results("sgd", float64(i+1), 0, noisyValues(rng, sgd*worse, noise, seeds)...)...)
		all = append(all, comparetest.Results("adam", float64(i+1), 0, noisyValues(rng, adam*worse, noise, seeds)...)...)
	}
	for _, name := range others {
		all = append(all, comparetest.Results(name, 1, 0, noisyValues(rng, 1.5, noise, seeds)...)...)
	}
	return all
}

// asRates turns losses into rates between 0 and 1.
func asRates(all []runner.Result) []runner.Result {
	for i := range all {
		all[i].Kept.Value = 1 - all[i].Kept.Value/20
		all[i].Summary.Min = all[i].Kept.Value
	}
	return all
}

func TestOutcomes(t *testing.T) {
	accuracy, score, permuted, welch, shown := question, question, question, question, question
	accuracy.Metric, accuracy.Keep.Metric, accuracy.Goal = "val_accuracy", "val_accuracy", stop.Max
	score.Metric, score.Keep.Metric, score.Goal = "r2", "r2", stop.Max
	permuted.Test, welch.Test = TestPermutation, TestWelch
	shown.Equal = stats.Margin{Size: 30, Unit: stats.MarginPercent}
	none, unit := question, question
	none.Equal, unit.Equal = stats.Margin{Unit: stats.MarginNone}, stats.Margin{Size: 0.05, Unit: stats.MarginPlain}
	looked := question
	looked.Alpha = 0.0001
	same := []float64{0.5, 0.6, 0.7}
	flat := func(x float64) []float64 { return []float64{x, x, x} }
	negative := func(all []runner.Result) []runner.Result {
		for i := range all {
			all[i].Kept.Value = -all[i].Kept.Value
		}
		return all
	}
	for name, c := range map[string]struct {
		question Question
		results  []runner.Result
		want     string // arm, outcome, "within" if it is
		says     string
	}{
		"clearly better":                       {question, pair(0.8, 1, 0.005, 5), "adam better", ""},
		"clearly worse":                        {question, pair(1.2, 1, 0.005, 5), "adam worse", ""},
		"equal":                                {question, pair(1.001, 1, 0.002, 8), "adam equal within", "Equal within 1 %: adam is at most"},
		"undecided":                            {question, pair(0.99, 1, 0.05, 3), "adam undecided", "Undecided: adam may be up to"},
		"better by little":                     {shown, pair(0.9, 1, 0.005, 5), "adam better within", "Better, but by less than 30 %: adam is at least"},
		"worse by little":                      {shown, pair(1.1, 1, 0.005, 5), "adam worse within", "Worse, but by less than 30 %: adam is at least"},
		"nothing counts as equal":              {none, pair(1.001, 1, 0.002, 8), "adam undecided", "Undecided: adam may be up to"},
		"equal in the metric's unit":           {unit, pair(1.001, 1, 0.002, 8), "adam equal within", "Equal within 5e-2: adam is at most"},
		"not at the level of this look":        {looked, pair(0.97, 1, 0.01, 3), "adam undecided", "Undecided: "},
		"the same values":                      {question, comparetest.Join(comparetest.Results("sgd", 1, 0, same...), comparetest.Results("adam", 1, 0, same...)), "adam equal within", "Equal: adam and sgd have the same value under every seed."},
		"all values equal":                     {question, comparetest.Join(comparetest.Results("sgd", 1, 0, flat(1)...), comparetest.Results("adam", 1, 0, flat(1)...), comparetest.Results("adam", 2, 0, flat(1)...), comparetest.Results("adam", 3, 0, flat(1)...), comparetest.Results("adam", 4, 0, flat(1)...)), "adam equal within", "the same value under every seed."},
		"rates that coincide":                  {accuracy, comparetest.Join(comparetest.Results("sgd", 1, 0, flat(0.9)...), comparetest.Results("adam", 1, 0, flat(0.9)...)), "adam undecided", "adam and sgd have the same rate under all 3 seeds, which may be chance"},
		"more is better":                       {accuracy, asRates(pair(0.5, 1.5, 0.01, 5)), "adam better", ""},
		"rates, equal":                         {accuracy, asRates(pair(1, 1, 0.01, 8)), "adam equal within", "Equal within 0.5 percentage points: adam is at most"},
		"rates, undecided":                     {accuracy, asRates(pair(1, 1, 0.3, 3)), "adam undecided", "Undecided: adam may be up to 0."},
		"no sensible margin":                   {score, negative(pair(1, 1, 0.01, 5)), "adam undecided", "Undecided: adam may be up to"},
		"no sensible margin, better":           {score, negative(pair(0.5, 1, 0.01, 5)), "adam better", ""},
		"one seed":                             {question, pair(0.5, 1, 0.01, 1), "adam undecided", ""},
		"by permutation":                       {permuted, pair(0.8, 1, 0.005, 8), "adam better", ""},
		"by permutation, which cannot tell":    {permuted, pair(0.8, 1, 0.005, 5), "adam undecided", "Undecided: p is above 0.05, though by the interval alone adam is at least"},
		"not paired":                           {welch, pair(0.99, 1, 0.005, 5), "adam undecided", "Undecided: adam may be up to"},
		"too few points":                       {question, comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 4, 5, 6), comparetest.Results("adam", 1, 0, 0.5, 1.4, 2.6, 3.3, 4.7, 5.6)), "adam better", ""},
		"the baseline is best, of several":     {question, pair(1.2, 1, 0.005, 5, "lion"), "adam worse", ""},
		"nothing but diverged trials":          {question, comparetest.Join(comparetest.Results("sgd", 1, 0, same...), comparetest.Ended(runner.StatusDiverged, comparetest.Results("adam", 1, 0, same...))), "", ""},
		"one arm":                              {question, comparetest.Results("sgd", 1, 0, same...), "", ""},
		"seeds that nothing pairs":             {question, comparetest.Join(comparetest.Results("sgd", 1, 0, 5, 6, 7, 8), comparetest.Seeded(4, comparetest.Results("adam", 1, 0, 1, 2, 3, 4))), "adam undecided", ""},
		"a point that is that of the baseline": {question, comparetest.Join(comparetest.Results("adam", 1, 0, same...), comparetest.Under("l2", comparetest.Results("adam", 1, 1, 2, 3, 4)), comparetest.Under("l1", comparetest.Results("adam", 1, 1, 2, 3, 4))), "adam l1 equal within", ""},
	} {
		r := Build(c.question, c.results, nil)
		got, text := "", r.Verdict()
		if d, ok := r.Decision(); ok {
			if got = fmt.Sprintf("%s %s", r.Arms[d.Arm].Name, d.Outcome); d.Within {
				got += " within"
			}
			v, known := r.Fact("outcome")
			if !known || v.Text != string(d.Outcome) {
				t.Errorf("%s: to [check] the outcome is %v", name, v)
			}
			if d.Seeds != 0 && (d.Outcome != OutcomeUndecided || d.Seeds <= d.Difference.N) {
				t.Errorf("%s: %d seeds would decide what %d have", name, d.Seeds, d.Difference.N)
			}
		} else if _, known := r.Fact("outcome"); known {
			t.Errorf("%s: to [check] there is an outcome", name)
		}
		said := strings.Contains(text, "Undecided: ") || strings.Contains(text, "Equal") || strings.Contains(text, "but by less")
		if got != c.want || !strings.Contains(text, c.says) || said != (c.says != "") || strings.Contains(text, "NaN") {
			t.Errorf("%s: got %q, want %q, and %q in\n%s\n%s", name, got, c.want, c.says, text, lines(r))
		}
	}
}

// Every test and statistic finds a clear difference, or says what it cannot.
func TestOutcomesOfEveryTest(t *testing.T) {
	for _, test := range append([]Test{""}, Tests...) {
		for _, stat := range Stats {
			for want, results := range map[Outcome][]runner.Result{OutcomeBetter: pair(0.5, 1, 0.002, 8), OutcomeWorse: pair(2, 1, 0.002, 8), OutcomeEqual: pair(1, 1, 0.002, 8)} {
				q := question
				q.Test, q.Stat = test, stat
				r := Build(q, results, nil)
				d, ok := r.Decision()
				if want == OutcomeEqual && (test == TestWelch || test == TestMWU) {
					want = OutcomeUndecided // seeds differ by more than the margin
				}
				if want != OutcomeEqual && test == TestPermutation && stat == StatMedian {
					want = OutcomeUndecided // flips of a few seeds do not move the median
				}
				if !ok || d.Outcome != want {
					t.Errorf("%s of the %s: %+v, want %s\n%s", test, stat, d, want, r.Verdict())
				}
				if text := r.Verdict() + lines(r); strings.Contains(text, "NaN") || strings.Contains(text, "not significant") {
					t.Errorf("%s of the %s: %s", test, stat, text)
				}
			}
		}
	}
}

// The p-values of equivalence of several arms are adjusted by Holm, and agree with two one-sided t tests of scipy: the larger of
// ttest_1samp(a − b, ∓0.01·mean(b)).
func TestEquivalenceIsCorrected(t *testing.T) {
	sgd := []float64{1.00, 1.20, 0.90, 1.10, 1.05, 0.95}
	adam := []float64{1.004, 1.203, 0.899, 1.106, 1.049, 0.953}
	lion := []float64{1.002, 1.209, 0.897, 1.098, 1.057, 0.949}
	q := question
	q.Test = TestPairedT
	r := Build(q, comparetest.Join(comparetest.Results("sgd", 1, 0, sgd...), comparetest.Results("adam", 1, 0, adam...), comparetest.Results("lion", 1, 0, lion...)), nil)
	want := map[string]float64{"adam": 0.0009248230875608535, "lion": 0.004682393770916095}
	for _, a := range r.Arms {
		if p, ok := want[a.Name]; ok && math.Abs(a.Equal-p) > 1e-8*p {
			t.Errorf("%s: p = %v, want %v", a.Name, a.Equal, p)
		}
	}
	q.Alpha = 0.01
	staged := Build(q, comparetest.Join(comparetest.Results("sgd", 1, 0, sgd...), comparetest.Results("adam", 1, 0, adam...)), nil)
	for _, a := range staged.Arms {
		if a.Name == "adam" && math.Abs(a.Equal-5*0.00046241154378042675) > 1e-7*a.Equal {
			t.Errorf("at a look of level 0.01 p = %v, want five times that of one look", a.Equal)
		}
	}
}

// The moderated p of equivalence is that of t with the moderated variance, on the measure: of logarithms between those of 0.99
// and 1.01.
func TestModeratedEquivalence(t *testing.T) {
	r := Build(question, pair(1.002, 1, 0.01, 4), nil)
	for _, a := range r.Arms {
		if !a.Tested {
			continue
		}
		p := r.baseNoise.Points[a.Chosen]
		se := math.Sqrt(p.Variance / float64(p.N))
		above := func(t float64) float64 {
			if t < 0 {
				return 1 - stats.TwoSidedT(t, p.DF)/2
			}
			return stats.TwoSidedT(t, p.DF) / 2
		}
		want := max(above((p.Gap-math.Log(0.99))/se), above((math.Log(1.01)-p.Gap)/se))
		if math.Abs(a.Equal-want) > 1e-8*want {
			t.Errorf("%s: p = %v, want %v", a.Name, a.Equal, want)
		}
	}
}

// The best of many points looks better by luck, and one that lies the margin behind then looks equal.
func TestEqualityAllowsForPicking(t *testing.T) {
	q := question
	q.Equal = stats.Margin{Size: 5, Unit: stats.MarginPercent}
	equal, draws := 0, 100
	for draw := range draws {
		rng := rand.New(rand.NewPCG(5, uint64(draw)))
		values := func(mean float64) []float64 {
			all := make([]float64, 5)
			for i := range all {
				all[i] = mean * math.Exp(0.03*rng.NormFloat64())
			}
			return all
		}
		all := comparetest.Results("sgd", 1, 0, values(1)...)
		for i := range 30 {
			all = append(all, comparetest.Results("adam", float64(i+1), 0, values(1.05)...)...)
		}
		r := Build(q, all, nil)
		if d, ok := r.Decision(); ok && d.Within {
			equal++
		}
	}
	if equal > 12 { // in 100, at 5 %: more come in one of a thousand
		t.Errorf("what lies the margin behind is called equal in %d of %d cases", equal, draws)
	}
}

// So many seeds as are said to decide do so in about 8 of 10 cases, by simulation.
func TestSeedsToDecide(t *testing.T) {
	const effect, noise = 0.05, 0.03
	results := func(rng *rand.Rand, seeds int) []runner.Result {
		var all []runner.Result
		for i := range 12 {
			for k, name := range []string{"sgd", "adam"} {
				mean := 1 - effect*float64(k)
				if i > 0 {
					mean = 3 + float64(i)
				}
				values := make([]float64, seeds)
				for s := range values {
					values[s] = mean * math.Exp(noise*rng.NormFloat64())
				}
				all = append(all, comparetest.Results(name, float64(i+1), 0, values...)...)
			}
		}
		return all
	}
	r := Build(question, results(rand.New(rand.NewPCG(1, 1)), 4), nil)
	s, ok := r.spreadOf(r.Arms[r.rivalAt()])
	if !ok {
		t.Fatal("no spread")
	}
	s.gap, s.variance = math.Log(1-effect), 2*noise*noise // what is true
	n := r.seedsToTell(r.Arms[r.rivalAt()], s, 0.05, 2)
	found, draws := 0, 150
	for i := range draws {
		if d, ok := Build(question, results(rand.New(rand.NewPCG(2, uint64(i))), n), nil).Decision(); ok && d.Outcome == OutcomeBetter {
			found++
		}
	}
	if share := float64(found) / float64(draws); n < 4 || n > 12 || share < 0.68 || share > 0.95 {
		t.Errorf("%d seeds decide in %.2f of the cases", n, share)
	}
}

// Where the interval of a moderated difference excludes 0 and p is above 0.05, a note says that p is corrected for several arms.
// Of one arm they agree, however its point was picked.
func TestWhyIntervalAndPDisagree(t *testing.T) {
	seen := 0
	for draw := range 60 {
		rng := rand.New(rand.NewPCG(3, uint64(draw)))
		all := comparetest.Results("sgd", 1, 0, noisyValues(rng, 1.03, 0.03, 5)...)
		for i := range 9 {
			all = append(all, comparetest.Results("adam", float64(i+1), 0, noisyValues(rng, 1, 0.03, 5)...)...)
		}
		if draw%2 == 0 {
			all = append(all, comparetest.Results("lion", 1, 0, noisyValues(rng, 1.05, 0.03, 5)...)...)
		}
		r := Build(question, all, nil)
		rival, _ := r.closest()
		disagree := rival.Versus.Includes(0) == (rival.P <= 1-Level)
		notes := lines(r)
		if strings.Contains(notes, "interval and p disagree") != disagree {
			t.Fatalf("interval %+v, p %v, and the notes are\n%s", rival.Versus, rival.P, notes)
		}
		if !strings.Contains(notes, "; p is corrected by Holm's method") == disagree || disagree && len(r.Arms) < 3 {
			t.Fatalf("%d arms, interval %+v, p %v, and the notes are\n%s", len(r.Arms), rival.Versus, rival.P, notes)
		}
		if disagree {
			seen++
		}
	}
	if seen == 0 {
		t.Error("interval and p agreed in all of 60 comparisons")
	}
}

// The notes on power are by the moderated variance: there is no least p, and two arms' several seeds are not too few.
func TestPowerByTheModeratedVariance(t *testing.T) {
	notes := lines(Build(question, pair(0.99, 1, 0.05, 3), nil))
	for _, want := range []string{"note: with 3 seeds a difference of ", " % between adam and sgd would be found in 8 of 10 cases; for the one seen it takes about "} {
		if !strings.Contains(notes, want) {
			t.Errorf("nothing says %q:\n%s", want, notes)
		}
	}
	for _, not := range []string{"cannot reach", "too little about noise"} {
		if strings.Contains(notes, not) {
			t.Errorf("the notes say %q:\n%s", not, notes)
		}
	}
}

// Rates of few rows may differ by the same under every seed by chance: no interval says that they are apart.
func TestRatesThatDifferConstantly(t *testing.T) {
	q := Question{Metric: "val_accuracy", Goal: stop.Max}
	r := Build(q, comparetest.Join(comparetest.Results("sgd", 1, 0, 0.9, 0.9, 0.9), comparetest.Results("adam", 1, 0, 0.8, 0.8, 0.8)), nil)
	if d, ok := r.Decision(); !ok || d.Outcome != OutcomeUndecided || r.Points[1].Apart() || r.Points[1].Tied {
		t.Errorf("the outcome is %+v, the second point %+v", d, r.Points[1])
	}
	if got, want := r.Verdict(), "are the same under every seed, which rates may be by chance: they have no interval."; !strings.Contains(got, want) {
		t.Errorf("the verdict is\n%s", got)
	}
}
