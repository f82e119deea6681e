package compare

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// hasNote reports whether some note of a report has all words.
func hasNote(r *Report, warning bool, words ...string) bool {
	for _, n := range r.Notes() {
		all := n.Warning == warning
		for _, w := range words {
			all = all && strings.Contains(n.Text, w)
		}
		if all {
			return true
		}
	}
	return false
}

// astrayGrid is a grid of equally noisy points, best first, of which point odd has so many seeds far from the others.
func astrayGrid(odd, seeds int) []runner.Result {
	random := rand.New(rand.NewPCG(8, 9))
	var all []runner.Result
	for i := range 24 {
		values := make([]float64, 9)
		for k := range values {
			values[k] = 0.1 * math.Exp(float64(i)/20+0.05*random.NormFloat64())
			if i == odd && k < seeds {
				values[k] *= 5
			}
		}
		all = append(all, comparetest.Results("sgd", float64(i+1)/1000, 0, values...)...)
	}
	return all
}

// A point of which some seeds went astray is marked and named, with their number; others are not.
func TestPointsWhoseSeedsWentAstrayAreNamed(t *testing.T) {
	for seeds, words := range []string{"", "1 of 9 seeds went astray", "2 of 9 seeds went astray"} {
		results := astrayGrid(7, seeds)
		r := Build(Question{Sweep: "s", Metric: "val_loss", Goal: stop.Min}, results, nil)
		for i := range r.Points {
			s, want := &r.Points[i], ""
			if s.Point == results[7*9].Point {
				want = words
			}
			if s.Unstable != (want != "") || s.AstrayText() != want {
				t.Errorf("%d astray: %s is unstable %v, %q, want %q", seeds, r.Name(*s), s.Unstable, s.AstrayText(), want)
			}
		}
		if seeds == 0 && hasNote(r, false, "unstable") || seeds > 0 && !hasNote(r, false, "1 point is unstable: #", " sgd lr 8e-3 λ 0 ("+words+"). Seeds differ") {
			t.Errorf("%d astray: %v", seeds, r.Notes())
		}
	}
}

// The reasons that are told agree with what is marked.
func TestReasonsOfTies(t *testing.T) {
	g := digits25(t)
	results := g.under([]int{5, 6, 7})
	// A copy of the best, as of an axis without an effect.
	first := Build(Question{Metric: "val_loss", Goal: stop.Min}, results, nil).Points[0]
	for _, res := range results {
		if res.Point == first.Point {
			res.Point, res.Optimizer, res.Trial = "copy", "copy", res.Trial+"copy"
			results = append(results, res)
		}
	}
	for _, goal := range []stop.Goal{stop.Min, stop.Max} {
		r := Build(Question{Metric: "val_loss", Goal: goal}, results, nil)
		c, ok := r.Contention()
		if !ok {
			t.Fatal("the digits are not moderated")
		}
		ties := map[int]bool{}
		for i, s := range r.Points {
			ties[i] = s.Tied
		}
		copies, least := 0, c.Chance
		for _, m := range c.Members {
			if !ties[m.Point] {
				t.Errorf("goal %s: #%d is a member and has no ≈", goal, m.Point+1)
			}
			delete(ties, m.Point)
			if d := r.Points[m.Point].Versus; m.Copy != (d.Value == 0 && d.Half() == 0) {
				t.Errorf("goal %s: %+v, and the difference is %+v", goal, m, d)
			}
			least = min(least, m.Chance)
			if m.Copy {
				copies++
			} else if !(m.Chance > 0) || !(m.Own > 0) || !(m.Expected > 0) || !(m.DF > 0) {
				t.Errorf("goal %s: %+v is a member of the set", goal, m)
			}
		}
		for i, tied := range ties {
			if tied {
				t.Errorf("goal %s: #%d has ≈ without a reason", goal, i+1)
			}
		}
		if goal == stop.Min && copies != 1 {
			t.Errorf("%d copies of the best, want 1", copies)
		}
		if c.Next == nil || !(c.Next.Chance <= least) || c.Level != Level || !c.Trend || !(c.PriorDF > 0) {
			t.Errorf("goal %s: %+v, next %+v", goal, c, c.Next)
		}
		last := math.Inf(-1)
		for _, p := range r.Scatter() {
			if s := r.Points[p.Point]; !(p.Mean >= last) || !(p.Own > 0) || !(p.Expected > 0) || math.Abs(p.Mean-s.Interval.Value) > 1e-9*s.Interval.Value {
				t.Fatalf("goal %s: the noise of %+v, whose mean is %v", goal, p, s.Interval.Value)
			}
			last = p.Mean
		}
		text := strings.Join(r.Methods(), "\n")
		for _, words := range []string{"a set that holds the best one with at least 95 %", "prior degrees of freedom", "Smyth 2004", "Law et al. 2014", "Phipson et al. 2016", "point's own seeds"} {
			if !strings.Contains(text, words) {
				t.Errorf("goal %s: the methods lack %q", goal, words)
			}
		}
	}
	r := Build(Question{Metric: "val_loss", Goal: stop.Min, Test: TestPermutation}, results, nil)
	if _, ok := r.Contention(); ok || r.Scatter() != nil {
		t.Error("by sign flips, points are told apart by the noise of others")
	}
	if text := strings.Join(r.Methods(), "\n"); !strings.Contains(text, "has an interval that includes 0") || strings.Contains(text, "at least 95 %") || strings.Contains(text, "Smyth") {
		t.Error("by sign flips, the methods are those of the moderated test")
	}
}

// Each scale is named with its reason, and one that the values cannot have is said, and not used.
func TestScales(t *testing.T) {
	grid := func(scale Differ, test Test, metric string, goal stop.Goal, at func(i, seed int) float64) *Report {
		var all []runner.Result
		for i := range 6 {
			var values []float64
			for seed := range 3 {
				values = append(values, at(i, seed))
			}
			all = append(all, comparetest.Results("sgd", float64(i+1)/10, 0, values...)...)
		}
		return Build(Question{Sweep: "s", Metric: metric, Goal: goal, Differ: scale, Test: test}, all, nil)
	}
	noise := func(i, seed int) float64 { return float64((7*i+5*seed*seed+i*seed)%11) / 100 }
	loss := func(i, seed int) float64 { return 0.5 + float64(i)/10 + noise(i, seed) }
	share := func(i, seed int) float64 { return 0.8 + float64(i)/100 + noise(i, seed)/10 }
	below := func(i, seed int) float64 { return loss(i, seed) - 0.7 }
	zeros := func(i, seed int) float64 { return max(0, noise(i, seed)-0.02) * float64(i+1) }
	wide := func(i, seed int) float64 { return loss(i, seed) * float64(1+3*i) }
	for _, c := range []struct {
		about  string
		scale  Differ
		metric string
		goal   stop.Goal
		at     func(i, seed int) float64
		want   Differ
		words  string
		unfit  string
	}{
		{"a loss", "", "val_loss", stop.Min, loss, DifferRatio, "no value lies below 0, and less is better", ""},
		{"a loss by differences", DifferPlain, "val_loss", stop.Min, loss, DifferPlain, "it was asked for", ""},
		{"zeros", "", "val_loss", stop.Min, zeros, DifferRatio, "Tukey 1977", ""},
		{"a reward that spreads", "", "reward", stop.Max, wide, DifferRatio, "spread over a factor of 2 or more", ""},
		{"a reward that does not", "", "reward", stop.Max, loss, DifferPlain, "less than a factor of 2", ""},
		{"an accuracy", "", "val_accuracy", stop.Max, share, DifferLogit, "val_accuracy is a share", ""},
		{"below 0", "", "val_r2", stop.Min, below, DifferPlain, "lie below 0", ""},
		{"ratios below 0", DifferRatio, "val_r2", stop.Min, below, DifferPlain, "--scale ratio does not fit", "val_r2 has values below 0, such as -0.2, which have no ratios"},
		{"logits below 0", DifferLogit, "val_r2", stop.Min, below, DifferPlain, "--scale logit does not fit", "val_r2 has values below 0, such as -0.2, and logits are of shares between 0 and 1"},
		{"logits above 1", DifferLogit, "val_loss", stop.Min, wide, DifferPlain, "--scale logit does not fit", "val_loss has values above 1, such as "},
	} {
		r := grid(c.scale, "", c.metric, c.goal, c.at)
		if r.DifferBy() != c.want || !strings.Contains(r.DifferWords(), c.words) {
			t.Errorf("%s: by %s, %q, want %s and %q", c.about, r.DifferBy(), r.DifferWords(), c.want, c.words)
		}
		if got := r.Unfit(); (got == "") != (c.unfit == "") || !strings.HasPrefix(got, c.unfit) {
			t.Errorf("%s: %q, want %q", c.about, got, c.unfit)
		}
		if c.unfit != "" && !hasNote(r, true, c.unfit) {
			t.Errorf("%s: no warning says so: %v", c.about, r.Notes())
		}
	}

	// What cannot be moderated is said, whether the test was asked for or not.
	two := comparetest.Join(comparetest.Results("sgd", 0.1, 0, 1, 2, 3), comparetest.Results("adam", 0.1, 0, 2, 4, 5))
	for _, test := range []Test{TestModerated, ""} {
		r := Build(Question{Sweep: "s", Metric: "val_loss", Goal: stop.Min, Test: test}, two, nil)
		if !hasNote(r, false, "2 complete points show too little about noise", "sign-flip permutation test") || !strings.Contains(strings.Join(r.Methods(), " "), "too little about noise") {
			t.Errorf("two points, asked for %q: %v", test, r.Notes())
		}
	}
	if r := Build(Question{Sweep: "s", Metric: "val_loss", Goal: stop.Min, Differ: DifferRatio}, two, nil); !hasNote(r, false, "the scale has no effect") {
		t.Errorf("two points with a scale: %v", r.Notes())
	}
}

// Each of several data sets tells how its own values are told apart, and what its own points show about noise.
func TestEachProblemTellsItsOwnScale(t *testing.T) {
	grid := func(at float64) (all []runner.Result) {
		random := rand.New(rand.NewPCG(1, 2))
		for i := range 8 {
			all = append(all, comparetest.Results("sgd", float64(i+1)/10, 0, at+random.Float64(), at+random.Float64(), at+random.Float64())...)
		}
		return all
	}
	few := comparetest.Results("sgd", 0.1, 0, 1, 2, 3)
	q, all := over(Question{Sweep: "s", Metric: "val_loss", Goal: stop.Min}, []string{"above", "below", "few"}, grid(1), grid(-0.5), few)
	text := strings.Join(Build(q, all, nil).Methods(), "\n")
	for _, words := range []string{"above: Values are told apart by ratios", "below: Values are told apart by plain differences", "few: The points show too little about noise"} {
		if strings.Count(text, words) != 1 {
			t.Errorf("%q is not told once in\n%s", words, text)
		}
	}
	if strings.Count(text, "Its point is then called unstable") != 1 {
		t.Errorf("what points do not borrow is not told once in\n%s", text)
	}
}
