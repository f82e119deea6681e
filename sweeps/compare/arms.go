package compare

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// An Arm is all points of an optimizer and a regularizer. The point that is best on validation data
// is chosen for it. Only chosen points are tested, against the baseline's: a test of every point
// would find differences by chance, and corrected for all of them it would find none.
//
// Points without a penalty belong to the arms of all regularizers.
type Arm struct {
	Name     string
	Points   []int // of Report.Points, best first
	Chosen   int   // of Report.Points; -1 if no point is complete
	Baseline bool
	Tested   bool
	// Versus is the paired difference to the baseline, Test its test, and P the p-value adjusted by Holm over all
	// tested arms. Interval and test allow for picking: at the level of the interval it excludes 0 where Test finds a
	// difference.
	Versus stats.Interval
	Test   stats.Test
	P      float64
	// Outcome is what that has come to; empty for the baseline, and without a chosen point. Equal is the p-value of two
	// one-sided tests that the difference lies within the margin, adjusted as P is, or NaN without a margin. Within: it
	// is shown to, which a difference that is shown to be one may be too.
	Outcome Outcome
	Equal   float64
	Within  bool
	// Wins is the share of the Shared seeds, which both have, under which it does better than the baseline, ties counting
	// half; NaN if there are none.
	Wins   float64
	Shared int
	// Better is the probability that a random seed of it does better than one of the baseline, ties counting half.
	Better   float64
	Trials   int // with a result
	Diverged int // of them
	// Basin is the range of learning rates that do about as well as the best.
	Basin Basin
	good  []asGood         // points that may be as good as the chosen one, and that; none where picking needs no allowance
	luck  *stats.PickedGap // how far picking alone brings its chosen point and the baseline's apart; nil if nothing was picked
	first int              // place of its first point in the sweep
	key   string           // the same for all problems
}

// chooseArms groups the points, picks one of each group and tests it against the baseline's.
func (r *Report) chooseArms() {
	r.Arms = r.groups()
	for i := range r.Arms {
		a := &r.Arms[i]
		a.Chosen, a.P, a.Wins, a.Better = -1, math.NaN(), math.NaN(), math.NaN()
		a.Versus = stats.None()
		for _, s := range a.Points {
			if better := a.Chosen < 0 || r.trails(&r.Points[a.Chosen]) && !r.trails(&r.Points[s]); r.Points[s].Complete && better {
				a.Chosen = s
			}
			for _, seed := range r.Points[s].Seeds {
				if seed.Status.Done() {
					a.Trials++
				}
				if seed.Status == runner.StatusDiverged {
					a.Diverged++
				}
			}
		}
		a.Basin = r.basin(*a)
	}
	slices.SortStableFunc(r.Arms, func(a, b Arm) int {
		if a.Chosen < 0 || b.Chosen < 0 {
			return cmp.Compare(b.Chosen, a.Chosen)
		}
		return cmp.Compare(a.Chosen, b.Chosen)
	})
	r.Base = r.baseline()
	if r.Base < 0 {
		return
	}
	r.Arms[r.Base].Baseline = true
	base := &r.Points[r.Arms[r.Base].Chosen]
	if r.noise != nil {
		r.baseNoise, _ = r.noiseTo(r.Arms[r.Base].Chosen)
	}
	for i := range r.Points {
		if r.baseNoise != nil && i != r.baseNoise.Reference {
			r.Points[i].VersusBase = r.moderated(r.baseNoise, i)
		} else {
			r.Points[i].VersusBase = r.difference(&r.Points[i], base)
		}
	}
	r.testArms(base)
	r.outcomes()
}

// testArms compares every arm's chosen point with the baseline's.
func (r *Report) testArms(base *Point) {
	var ps []float64
	tested := map[int]int{} // by point: of ps
	for i := range r.Arms {
		a := &r.Arms[i]
		if a.Chosen < 0 || a.Chosen == r.Arms[r.Base].Chosen {
			continue
		}
		s := &r.Points[a.Chosen]
		x, y := paired(s, base)
		if r.Test.pairs() && len(x) < 2 {
			continue // nothing to pair; Notes warn of it
		}
		a.Wins, a.Shared = r.wins(x, y), len(x)
		a.Better = stats.A12(s.Values(), base.Values())
		if r.Goal != stop.Max {
			a.Better = 1 - a.Better
		}
		if !r.Test.pairs() {
			x, y = s.Values(), base.Values()
		}
		a.Tested, a.Versus = true, s.VersusBase
		if r.baseNoise != nil {
			a.Test = r.pickedTest(a)
			a.Versus = r.toBaseArm(a, r.level())
			if _, ok := tested[a.Chosen]; !ok {
				s.VersusBase = a.Versus
			}
		} else {
			a.Test = r.test(x, y)
		}
		if r.seedless {
			if a.Test.P = 0; r.alike(a.Chosen, r.Arms[r.Base].Chosen) {
				a.Test.P = 1
			}
		}
		if _, ok := tested[a.Chosen]; !ok {
			tested[a.Chosen] = len(ps)
			ps = append(ps, a.Test.P)
		}
	}
	adjusted := stats.Holm(ps)
	for i := range r.Arms {
		if a := &r.Arms[i]; a.Tested {
			a.P = r.perLook(adjusted[tested[a.Chosen]])
		}
	}
}

// pickedTest is the moderated test of an arm's chosen point against the baseline's. Each was picked from those of its arm
// that are as good as it; the best of many of them looks better by luck than the best of few. p is never less than that of two
// points that were not picked: others may be worse than supposed. See toBaseArm for the interval.
func (r *Report) pickedTest(a *Arm) stats.Test {
	p := &r.baseNoise.Points[a.Chosen]
	test := p.test(r.Overlap)
	if r.Fresh() || r.Choice != nil {
		return test
	}
	base := &r.Arms[r.Base]
	if base.good == nil {
		base.good = r.asGood(*base)
	}
	a.good = r.asGood(*a)
	if a.luck = r.luckOf(a, base); a.luck != nil {
		test.P = max(test.P, a.luck.P(r.worse(p.Gap)))
	}
	return test
}

// An asGood is a point of an arm that may be as good as its chosen one, and what it counts in the luck of picking: 1, or a part where
// that is in doubt.
type asGood struct {
	point  int
	counts float64
}

// doubtful is the level of the test by which a point is worse than its arm's chosen one, below which it counts in proportion to its
// p. A sharp limit would let p leap where a point crosses it. A lower level leaves fewer false alarms where noise differs from point
// to point, and arms that differ are found less often.
const doubtful = 0.1

// asGood are an arm's points that may be as good as its chosen one, and that first.
func (r *Report) asGood(a Arm) []asGood {
	noise := r.noise
	switch a.Chosen {
	case noise.Reference:
	case r.baseNoise.Reference:
		noise = r.baseNoise
	default:
		other, ok := r.noiseTo(a.Chosen)
		if !ok {
			return []asGood{{a.Chosen, 1}}
		}
		noise = other
	}
	good := []asGood{{a.Chosen, 1}}
	for _, i := range a.Points {
		if i == a.Chosen || !r.Points[i].Complete {
			continue
		}
		p, counts := &noise.Points[i], 1.0
		if !(p.DF > 0) {
			continue // it shares too few seeds with the chosen one to be told from it
		}
		if p.t(r.Overlap, r.Goal) > 0 {
			counts = min(1, stats.TwoSidedT(p.t(r.Overlap, r.Goal), p.DF)/doubtful)
		}
		if counts > 0.01 {
			good = append(good, asGood{i, counts})
		}
	}
	return good
}

// wins is the share of pairs in which the first is better, ties counting half.
func (r *Report) wins(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		switch {
		case stats.Alike(x[i], y[i]):
			sum += 0.5
		case x[i] < y[i] == (r.Goal != stop.Max):
			sum++
		}
	}
	return sum / float64(len(x))
}

// family is the number of points that are tested against the baseline.
func (r *Report) family() int {
	chosen := map[int]bool{}
	for _, a := range r.Arms {
		if a.Tested {
			chosen[a.Chosen] = true
		}
	}
	return len(chosen)
}

// Values are the values of the seeds that have one.
func (s *Point) Values() []float64 { return s.values(func(v SeedResult) float64 { return v.Value }) }

func (s *Point) values(of func(SeedResult) float64) []float64 {
	var all []float64
	for _, seed := range s.Seeds {
		if v := of(seed); !math.IsNaN(v) {
			all = append(all, v)
		}
	}
	return all
}

// groups makes the arms with their points and names, in the order of the points.
func (r *Report) groups() []Arm {
	by := r.By
	if by == nil {
		by = []string{"optimizer", "regularizer"}
	}
	regularizers := map[string][]string{} // by optimizer
	for _, s := range r.Points {
		if s.Regularizer != "" && !slices.Contains(regularizers[s.Optimizer], s.Regularizer) {
			regularizers[s.Optimizer] = append(regularizers[s.Optimizer], s.Regularizer)
		}
	}
	index := map[string]int{}
	var arms []Arm
	var parts [][]string // of each arm's name, in the order of by
	for i := range r.Points {
		s := &r.Points[i]
		versions := []string{s.Regularizer}
		if s.Regularizer == "" && slices.Contains(by, "regularizer") && len(regularizers[s.Optimizer]) > 0 {
			versions = regularizers[s.Optimizer] // without a penalty it is a point of each
		}
		for _, regularizer := range versions {
			var part []string
			for _, name := range by {
				part = append(part, s.part(name, regularizer))
			}
			key := strings.Join(part, "\x00")
			baseline := r.Baseline != nil && r.Baseline(s)
			if baseline {
				key = "baseline"
			}
			at, ok := index[key]
			if !ok {
				at = len(arms)
				index[key] = at
				arms = append(arms, Arm{Baseline: baseline, first: s.order, key: key})
				parts = append(parts, part)
			}
			a := &arms[at]
			if n := len(a.Points); n == 0 || a.Points[n-1] != i {
				a.Points = append(a.Points, i)
			}
			a.first = min(a.first, s.order)
			for k := range part {
				if parts[at][k] != part[k] {
					parts[at][k] = ""
				}
			}
		}
	}
	name(arms, parts)
	return arms
}

// name names arms by the parts that differ between them.
func name(arms []Arm, parts [][]string) {
	for i := range arms {
		var words []string
		for k, word := range parts[i] {
			differs := slices.ContainsFunc(parts, func(other []string) bool { return other[k] != word })
			if word != "" && (differs || k == 0) {
				words = append(words, word)
			}
		}
		arms[i].Name = strings.Join(words, " ")
	}
	for i := range arms {
		same := func(a Arm) bool { return a.Name == arms[i].Name && !a.Baseline }
		if arms[i].Baseline && (arms[i].Name == "" || slices.ContainsFunc(arms, same)) {
			arms[i].Name = strings.TrimSpace(arms[i].Name + " baseline")
		}
	}
}

// part is a point's part of an arm's name.
func (s *Point) part(name, regularizer string) string {
	switch name {
	case "optimizer":
		return s.Optimizer
	case "regularizer":
		return regularizer
	case "lr":
		return "lr " + stats.Number(s.LR)
	case "lambda":
		return "λ " + stats.Number(s.Lambda)
	}
	return name + " " + s.Axis(name)
}

// baseline is the arm to test against: the one asked for, or else sgd's, or else the first of the sweep.
func (r *Report) baseline() int {
	return r.firstArm(func(a Arm) bool { return a.Chosen >= 0 })
}

// BaselineToCome is the arm that others will be tested against once all arms have a complete point; -1 if there is one arm.
func (r *Report) BaselineToCome() int { return r.firstArm(func(Arm) bool { return true }) }

// firstArm is the baseline among some of the arms.
func (r *Report) firstArm(among func(Arm) bool) int {
	if len(r.Arms) < 2 {
		return -1
	}
	best, at := math.MaxInt, -1
	for i, a := range r.Arms {
		if !among(a) {
			continue
		}
		order, of := a.first+len(r.Points), a.Chosen
		if of < 0 {
			of = a.Points[0]
		}
		switch {
		case a.Baseline:
			order = -1
		case r.Baseline != nil:
			continue // the one asked for has no result
		case r.Points[of].Optimizer == "sgd":
			order = a.first
		}
		if order < best {
			best, at = order, i
		}
	}
	return at
}

// ArmOf is the arm that chose the point; ok is false if none did.
func (r *Report) ArmOf(point int) (Arm, bool) {
	i := slices.IndexFunc(r.Arms, func(a Arm) bool { return a.Chosen == point })
	if i < 0 {
		return Arm{}, false
	}
	return r.Arms[i], true
}

// ArmsInOrder are the arms in the order of the sweep, where a colour that belongs to a name begins.
func (r *Report) ArmsInOrder() []int {
	order := make([]int, len(r.Arms))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.Arms[a].first, r.Arms[b].first) })
	return order
}
