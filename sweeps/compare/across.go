package compare

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// An AcrossArm is an arm over several problems, with the point that was chosen for it on each.
type AcrossArm struct {
	Name   string
	Chosen []int     // by problem, of its Points; −1 if the arm has no complete point there
	Ranks  []float64 // by problem; NaN where not all arms are ranked
	Rank   float64   // their mean; NaN without any
	// Wins, Ties and Losses count the problems on which it does better than the baseline, the same or worse. Ties are equal
	// values: whether a single difference is certain does not matter here (Demšar 2006, 3.1.4).
	Wins, Ties, Losses int
	Sign               stats.Test // of wins and losses
	P                  float64    // of Sign, adjusted by Holm over the other arms; NaN for the baseline
	Outcome            Outcome    // by P: over problems, equal is an arm with the baseline's value on all of them; empty for the baseline
}

// An Across compares arms over several problems.
type Across struct {
	Arms   []AcrossArm // best mean rank first; those without one last
	Base   int         // of Arms, the one that wins are counted against; −1 without one
	Ranked []int       // the problems over which mean ranks are, of Report.Problems
}

// rankedProblems is the number of problems from which on Friedman's and Nemenyi's tests are given.
const rankedProblems = 3

// several compares the points of each problem by themselves, and then the arms over the problems.
func several(q Question, results []runner.Result, same []runner.Setting, names []string) *Report {
	r := &Report{Question: q, Same: same, Counts: map[runner.Status]int{}, Base: -1, Slack: math.NaN()}
	for _, name := range names {
		own := q
		own.Several, own.Problem = Problems{}, name
		own.Stages, own.Alpha = q.Stages.of(name, q.Alpha)
		var of []runner.Result
		for _, res := range results {
			if q.Several.Of[res.Point] == name {
				of = append(of, res)
			}
		}
		var fixed []runner.Setting
		own.Axes, fixed = varied(q, of)
		sub := Build(own, of, append(slices.Clone(same), fixed...))
		r.Problems = append(r.Problems, sub)
		for _, s := range sub.Points {
			s.Axes = q.Axes[s.Point]
			r.Points = append(r.Points, s)
		}
		for status, n := range sub.Counts {
			r.Counts[status] += n
		}
		r.Missing += sub.Missing
		for _, seed := range sub.Seeds {
			if !slices.Contains(r.Seeds, seed) {
				r.Seeds = append(r.Seeds, seed)
			}
		}
	}
	slices.Sort(r.Seeds)
	r.Arms = r.groups()
	for i := range r.Arms {
		a := &r.Arms[i]
		a.Chosen, a.P, a.Wins, a.Better, a.Versus, a.Basin = -1, math.NaN(), math.NaN(), math.NaN(), stats.None(), noBasin()
		for _, sub := range r.Problems { // names are the same everywhere
			if at := sub.armAt(a.key); at >= 0 {
				sub.Arms[at].Name = a.Name
				a.Trials, a.Diverged = a.Trials+sub.Arms[at].Trials, a.Diverged+sub.Arms[at].Diverged
			}
		}
	}
	r.across()
	return r
}

// varied are the further axes in which the points of results differ, and the values of the others, by their full paths.
func varied(q Question, results []runner.Result) (axes map[runner.Key][]runner.Setting, fixed []runner.Setting) {
	values, points := map[string]map[string]bool{}, map[runner.Key]bool{}
	count := map[string]int{}
	for _, res := range results {
		if points[res.Point] {
			continue
		}
		points[res.Point] = true
		for _, axis := range q.Axes[res.Point] {
			if values[axis.Path] == nil {
				values[axis.Path] = map[string]bool{}
			}
			values[axis.Path][axis.Value.String()] = true
			count[axis.Path]++
		}
	}
	constant := func(path string) bool {
		return len(values[path]) == 1 && count[path] == len(points) && !slices.Contains(q.By, path)
	}
	axes = map[runner.Key][]runner.Setting{}
	for point := range points {
		axes[point] = slices.DeleteFunc(slices.Clone(q.Axes[point]), func(s runner.Setting) bool { return constant(s.Path) })
	}
	if len(results) > 0 {
		for _, axis := range q.Axes[results[0].Point] {
			if constant(axis.Path) {
				fixed = append(fixed, runner.Setting{Path: q.Names.Path(axis.Path), Value: axis.Value})
			}
		}
	}
	return axes, fixed
}

// armAt is the place of the arm with a key; −1 if there is none.
func (r *Report) armAt(key string) int {
	return slices.IndexFunc(r.Arms, func(a Arm) bool { return a.key == key })
}

// across ranks arms over the problems.
func (r *Report) across() {
	x := &Across{Base: -1}
	costs := make([][]float64, len(r.Problems)) // by problem and arm: less is better, NaN is not known
	keys := make([]string, len(r.Arms))
	for i, a := range r.Arms {
		keys[i] = a.key
		x.Arms = append(x.Arms, AcrossArm{Name: a.Name, Rank: math.NaN(), P: math.NaN()})
	}
	for p, sub := range r.Problems {
		costs[p] = make([]float64, len(r.Arms))
		for i := range x.Arms {
			chosen := -1
			costs[p][i], chosen = sub.cost(keys[i])
			x.Arms[i].Chosen = append(x.Arms[i].Chosen, chosen)
			x.Arms[i].Ranks = append(x.Arms[i].Ranks, math.NaN())
		}
		costs[p] = stats.Leveled(costs[p])
		if !slices.ContainsFunc(costs[p], math.IsNaN) && slices.ContainsFunc(costs[p], func(c float64) bool { return !math.IsInf(c, 1) }) {
			x.Ranked = append(x.Ranked, p)
			for i, rank := range stats.FriedmanTest([][]float64{costs[p]}).Ranks {
				x.Arms[i].Ranks[p] = rank
			}
		}
	}
	base := r.baseAcross()
	var ps []float64
	var tested []int
	for i := range x.Arms {
		a := &x.Arms[i]
		sum := 0.0
		for _, p := range x.Ranked {
			sum += a.Ranks[p]
		}
		if len(x.Ranked) > 0 {
			a.Rank = sum / float64(len(x.Ranked))
		}
		if base < 0 || i == base {
			continue
		}
		for p := range r.Problems {
			switch mine, others := costs[p][i], costs[p][base]; {
			case math.IsNaN(mine) || math.IsNaN(others):
			case mine < others:
				a.Wins++
			case mine > others:
				a.Losses++
			default:
				a.Ties++
			}
		}
		if a.Wins+a.Ties+a.Losses > 0 {
			a.Sign = stats.SignsOf(a.Wins, a.Losses)
			ps, tested = append(ps, a.Sign.P), append(tested, i)
		}
	}
	for k, p := range stats.Holm(ps) {
		a := &x.Arms[tested[k]]
		a.P, a.Outcome = p, OutcomeUndecided
		switch {
		case a.Wins+a.Losses == 0:
			a.Outcome = OutcomeEqual
		case p <= 1-Level && a.Wins > a.Losses:
			a.Outcome = OutcomeBetter
		case p <= 1-Level:
			a.Outcome = OutcomeWorse
		}
	}
	order := make([]int, len(x.Arms))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if x, y := x.Arms[a].Rank, x.Arms[b].Rank; !math.IsNaN(x) && !math.IsNaN(y) {
			return cmp.Compare(x, y)
		}
		return 0
	})
	arms, sorted := make([]Arm, len(order)), make([]AcrossArm, len(order))
	for to, from := range order {
		arms[to], sorted[to] = r.Arms[from], x.Arms[from]
		if from == base {
			x.Base = to
			arms[to].Baseline = true
		}
	}
	r.Arms, x.Arms = arms, sorted
	r.Across = x
	r.findAxes()
}

// cost is the value of an arm's chosen point, so that less is better, with the place of the point. An arm whose points all
// diverged or failed is behind all others; NaN is an arm that has no points, or none that is complete yet.
func (r *Report) cost(key string) (cost float64, chosen int) {
	at := r.armAt(key)
	if at < 0 {
		return math.NaN(), -1
	}
	a := r.Arms[at]
	if a.Chosen < 0 {
		for _, status := range []runner.Status{runner.StatusDiverged, runner.StatusFailed} {
			if !slices.ContainsFunc(a.Points, func(i int) bool { return r.Points[i].Count(status) == 0 }) {
				return math.Inf(1), -1
			}
		}
		return math.NaN(), -1
	}
	v := r.Points[a.Chosen].Interval.Value
	if r.Goal == stop.Max {
		v = -v
	}
	return v, a.Chosen
}

// baseAcross is the arm that most problems have as their baseline; the first of several.
func (r *Report) baseAcross() int {
	votes := map[int]int{}
	for _, sub := range r.Problems {
		if sub.Base >= 0 {
			votes[r.armAt(sub.Arms[sub.Base].key)]++
		}
	}
	best := -1
	for _, at := range slices.Sorted(maps.Keys(votes)) {
		if best < 0 || votes[at] > votes[best] {
			best = at
		}
	}
	return best
}

// ProblemsOf counts problems: "3 data sets".
func (r *Report) ProblemsOf(n int) string { return Counted(n, r.Several.Noun) }

// ChooseProblem is a condition that chooses the first problem, such as task.dataset == 'iris'. It names the first axis by
// which problems differ.
func (r *Report) ChooseProblem() string {
	if len(r.Points) > 0 {
		for _, axis := range r.Points[0].Axes {
			path := r.Names.Path(axis.Path)
			if len(ProblemPaths([]string{path})) > 0 && r.Distinct(func(s Point) string { return s.Axis(axis.Path) }) > 1 {
				value := axis.Value.String()
				if axis.Value.Type == plugins.TypeText || axis.Value.Type == plugins.TypeChoice {
					value = "'" + value + "'"
				}
				return path + " == " + value
			}
		}
	}
	return "…"
}

// problemNames lists some of the problems: "iris, wine and digits".
func (r *Report) problemNames(which []int) string {
	var names []string
	for _, p := range which {
		names = append(names, r.Problems[p].Problem)
	}
	if len(names) > 8 {
		names = append(names[:7], fmt.Sprintf("%d more", len(names)-7))
	}
	return and(names)
}

// and joins words: "a, b and c".
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// acrossVerdict is the verdict over several problems.
func (r *Report) acrossVerdict() string {
	x := r.Across
	about := fmt.Sprintf("%d %ss are compared, each by itself: %s", len(r.Problems), r.Several.Noun, r.problemNames(all(len(r.Problems))))
	if len(x.Arms) < 2 {
		return r.soFar() + about + "."
	}
	if len(x.Ranked) == 0 {
		return r.soFar() + about + fmt.Sprintf(". No %s has a result of all %d arms, so nothing is ranked.", r.Several.Noun, len(x.Arms))
	}
	first := []string{x.Arms[0].Name}
	for _, a := range x.Arms[1:] {
		if a.Rank == x.Arms[0].Rank {
			first = append(first, a.Name)
		}
	}
	over := fmt.Sprintf("over %s (%s)", r.ProblemsOf(len(x.Ranked)), r.problemNames(x.Ranked))
	var text string
	if len(first) > 1 {
		text = fmt.Sprintf("%s share the best mean rank %s, %s of %d arms.", and(first), over, stats.Short(x.Arms[0].Rank, 3), len(x.Arms))
	} else {
		text = fmt.Sprintf("%s has the best mean rank %s: %s of %d arms.", first[0], over, stats.Short(x.Arms[0].Rank, 3), len(x.Arms))
	}
	by := r.Metric
	if r.Choice != nil {
		by = r.ChoiceName
	}
	text = r.soFar() + text + fmt.Sprintf(" Ranks are by the %s %s of the point that each arm has on each %s, chosen by %s.", r.Stat.name(), r.Metric, r.Several.Noun, by)
	return text + "\n" + r.acrossTest()
}

// acrossTest says whether the ranks tell arms apart.
func (r *Report) acrossTest() string {
	x := r.Across
	if len(x.Arms) == 2 {
		if x.Base < 0 {
			return ""
		}
		a, base := x.Arms[1-x.Base], x.Arms[x.Base]
		text := fmt.Sprintf("%s does better than %s on %d, the same on %d and worse on %d of %s (sign test %s).", a.Name, base.Name, a.Wins, a.Ties, a.Losses,
			r.ProblemsOf(a.Wins+a.Ties+a.Losses), stats.PEquals(a.Sign.P))
		if a.Outcome == OutcomeUndecided {
			text += " " + r.undecidedAcross(a)
		}
		return text
	}
	k, err := r.Ranking()
	if err != nil {
		return fmt.Sprintf("%s cannot tell %d arms apart by their ranks, whatever they show.", capital(count(len(x.Ranked)))+strings.TrimPrefix(r.ProblemsOf(len(x.Ranked)), fmt.Sprint(len(x.Ranked))), len(x.Arms))
	}
	tail := "Nemenyi's test tells no two of them apart"
	var apart []string
	for i := 1; i < len(k.Arms); i++ {
		if k.Ranks[i]-k.Ranks[0] > k.CD {
			apart = append(apart, r.Arms[k.Arms[i]].Name)
		}
	}
	if len(apart) > 0 {
		tail = fmt.Sprintf("Nemenyi's test tells %s from %s", r.Arms[k.Arms[0]].Name, and(apart))
	}
	text := fmt.Sprintf("Friedman's test of the ranks, as Iman and Davenport have it: %s", stats.PEquals(k.Friedman.PF))
	if k.Friedman.PF > 1-Level {
		return fmt.Sprintf("%s, undecided; %s, which takes mean ranks %s apart.", text, tail, stats.Short(k.CD, 3))
	}
	return fmt.Sprintf("%s; %s (mean ranks %s apart).", text, tail, stats.Short(k.CD, 3))
}

// undecidedAcross says on what share of problems an arm may do better than the baseline, and how many would decide if it goes
// on as it did.
func (r *Report) undecidedAcross(a AcrossArm) string {
	n := a.Wins + a.Losses
	low, high := stats.ShareInterval(a.Wins, n, Level)
	text := fmt.Sprintf("Undecided: of 100 such %ss that tell them apart it may do better on %.0f to %.0f", r.Several.Noun, 100*low, 100*high)
	for more := n + 1; more <= 1000; more++ {
		wins := a.Wins * more / n
		if 2*a.Wins < n {
			wins = (a.Wins*more + n - 1) / n
		}
		if stats.SignsOf(wins, more-wins).P <= 1-Level {
			return text + fmt.Sprintf("; about %d would decide if they went on as these.", more)
		}
	}
	return text + "."
}

func all(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// acrossNotes are notes on the problems together, and those on each of them. What holds for all problems alike stands once.
func (r *Report) acrossNotes() []Note {
	notes := append(r.progress(), r.optima()...)
	x := r.Across
	if n, k := len(x.Ranked), len(x.Arms); k > 1 && n > 0 {
		notes = append(notes, r.fewProblems(n, k)...)
	}
	if left := len(r.Problems) - len(x.Ranked); left > 0 && len(x.Ranked) > 0 && len(x.Arms) > 1 {
		var names []int
		for p := range r.Problems {
			if !slices.Contains(x.Ranked, p) {
				names = append(names, p)
			}
		}
		notes = append(notes, warningf("not ranked over: %s, which lack a result of some arm", r.problemNames(names)))
	}
	type said struct {
		Note
		on []string
	}
	var each []said
	for _, sub := range r.Problems {
		for _, n := range sub.ownNotes() {
			at := slices.IndexFunc(each, func(s said) bool {
				return s.Text == n.Text && s.Then == n.Then && s.Warning == n.Warning && slices.Equal(s.Command, n.Command)
			})
			if at < 0 {
				at = len(each)
				each = append(each, said{Note: n})
			}
			each[at].on = append(each[at].on, sub.Problem)
		}
	}
	for _, s := range each {
		if len(s.on) < len(r.Problems) {
			s.Text = and(s.on) + ": " + s.Text
		}
		notes = append(notes, s.Note)
	}
	return notes
}

// fewProblems says how little so few problems can show of so many arms.
func (r *Report) fewProblems(n, k int) []Note {
	problems := r.ProblemsOf(n)
	if k == 2 {
		least := stats.SignsOf(n, 0).P
		if least <= 1-Level {
			return nil
		}
		return []Note{warningf("%s can hardly rank two arms: one that does better on all of them has p = %s by a sign test, so nothing reaches p < 0.05; 6 can", problems, stats.Short(least, 2))}
	}
	if n < rankedProblems {
		orders := 1.0
		for i := 2; i <= k; i++ {
			orders *= float64(i)
		}
		chance := "what one shows may be chance"
		if n == 2 {
			chance = fmt.Sprintf("of arms that are all alike, one in %s pairs of them shows the same order twice", stats.Short(orders, 4))
		}
		return []Note{warningf("%s can hardly rank %d arms: %s; Friedman's test is given from %d on", problems, k, chance, rankedProblems)}
	}
	if cd := stats.NemenyiCD(k, n, 1-Level); cd > float64(k-1) {
		enough := n
		for stats.NemenyiCD(k, enough, 1-Level) > float64(k-1) {
			enough++
		}
		return []Note{warningf("%s cannot tell any of %d arms apart by Nemenyi's test: even one that is first on all and one that is last on all would have to differ by %s in their mean ranks; %d can",
			problems, k, stats.Short(cd, 3), enough)}
	}
	return nil
}

// acrossMethods describe the comparison over several problems. The first paragraph suits a paper.
func (r *Report) acrossMethods() []string {
	x := r.Across
	text := fmt.Sprintf("%d %ss (%s) were compared each by itself: values of different ones have no common scale.", len(r.Problems), r.Several.Noun, r.problemNames(all(len(r.Problems))))
	if len(x.Arms) > 1 {
		text += fmt.Sprintf(" On each, the point of each of %d arms was chosen, and the arms were ranked by the %s %s of these points, 1 being the best and equal values sharing their mean rank; we report mean ranks over %s (Demšar 2006)",
			len(x.Arms), r.Stat.name(), r.Metric, r.ProblemsOf(len(x.Ranked)))
		if x.Base >= 0 {
			text += fmt.Sprintf(", and on how many an arm does better than %s, with an exact sign test", x.Arms[x.Base].Name)
			if len(x.Arms) > 2 {
				text += ", adjusted by Holm's method"
			}
		}
		if _, err := r.Ranking(); err == nil {
			text += "; Friedman's test with the correction of Iman and Davenport (1980), and Nemenyi's test for pairs of arms"
		}
		text += "."
	}
	lines := []string{text}
	for _, sub := range r.Problems {
		lines = append(lines, sub.Problem+": "+sub.methods())
	}
	lines = append(lines, "An arm whose points all diverged or failed ranks behind all others. A "+r.Several.Noun+" on which an arm has no result yet is left out of the ranks.",
		"Which settings make a "+r.Several.Noun+": the digest of the data, the target, a validation or test file; of test functions the function; of programs and imported tables an axis named dataset, data, task, problem, benchmark or env. --by makes such an axis a part of the arms instead.")
	of := r.Problems[0]
	for _, sub := range r.Problems {
		lines = append(lines, sub.noiseGlossary()...)
		if sub.noise != nil && of.noise == nil {
			of = sub
		}
	}
	return append(lines, of.glossary()...)
}
