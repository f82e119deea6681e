package until

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Decision is what the results of a complete stage say.
type Decision struct {
	// Going are the points that get the seeds of the next stage, in the order of the results; none if the question is
	// closed.
	Going   []runner.Key
	GivenUp []GivenUp
	Why     string // why the question is closed; empty while it is open
	// Settled are the problems on which it is closed, with those on which it was before.
	Settled map[string]compare.Settled
}

// A GivenUp is a point that gets no further seeds, although others do.
type GivenUp struct {
	Point runner.Key
	Name  string
	Why   string
}

// Says is the give-up after so many seeds as a sentence.
func (g GivenUp) Says(seeds int) string {
	return fmt.Sprintf("%s is %s: %s", g.Name, compare.GivenUp{Seeds: seeds}, g.Why)
}

// Decide judges a complete stage, which counts from 1, by the results of all trials that were asked for so far. Of the
// question, Stages has the stages before: the points that were given up, and the problems that were settled. Several
// problems, such as data sets, are judged each by itself: points go on where the question is open.
func (r Rule) Decide(q compare.Question, results []runner.Result, same []runner.Setting, stage int) Decision {
	q.Alpha = r.Level(stage)
	before := map[string]compare.Settled{}
	if q.Stages != nil && q.Stages.Settled != nil {
		before = q.Stages.Settled
	}
	report := compare.Build(q, results, same)
	d := Decision{Settled: maps.Clone(before)}
	var closed []string
	for _, sub := range report.Each() {
		j := judge{rule: r, Report: sub}
		settled, ok := before[sub.Problem]
		if !ok {
			settled = compare.Settled{Stage: stage, Level: q.Alpha}
			settled.Why, ok = j.closed()
		}
		if ok {
			d.Settled[sub.Problem] = settled
			if sub.Problem != "" {
				settled.Why = sub.Problem + ": " + settled.Why
			}
			closed = append(closed, settled.Why)
			continue
		}
		going, given := j.divide()
		d.Going, d.GivenUp = append(d.Going, going...), append(d.GivenUp, given...)
	}
	if len(d.Going) == 0 {
		d.Why = strings.Join(closed, "; ")
	}
	order := map[runner.Key]int{}
	for i, res := range results {
		if _, known := order[res.Point]; !known {
			order[res.Point] = i
		}
	}
	slices.SortFunc(d.Going, func(a, b runner.Key) int { return order[a] - order[b] })
	slices.SortFunc(d.GivenUp, func(a, b GivenUp) int { return order[a.Point] - order[b.Point] })
	return d
}

// A judge looks at the points of one problem.
type judge struct {
	rule Rule
	*compare.Report
}

// left reports whether a point was given up after an earlier stage.
func (j judge) left(s *compare.Point) bool {
	_, given := j.GivenUp(s)
	return given
}

// closed reports whether no point needs more seeds, and why.
func (j judge) closed() (why string, ok bool) {
	if len(j.Points) == 0 || !j.Points[0].Complete || j.left(&j.Points[0]) {
		return "no point that went on has a result under each of its seeds", true
	}
	for _, list := range j.rule.Until {
		var said []string
		for _, c := range list {
			text, holds := j.holds(c, list)
			if !holds {
				said = nil
				break
			}
			said = append(said, text)
		}
		if said != nil {
			return strings.Join(said, ", and "), true
		}
	}
	return "", false
}

// holds reports whether a clause holds, and says so.
func (j judge) holds(c Clause, list []Clause) (said string, ok bool) {
	best := &j.Points[0]
	switch c.Kind {
	case Decided:
		return j.decided()
	case Width:
		half, limit := best.Interval.Half(), c.Limit
		text := fmt.Sprintf("half of the 95 %% interval of %s is %s", j.Name(*best), stats.Short(half, 2))
		if c.Share {
			limit *= math.Abs(best.Interval.Value)
			text += fmt.Sprintf(", %s %% of its value", stats.Short(100*half/math.Abs(best.Interval.Value), 2))
		}
		return text, half < limit || half == 0
	case Significant:
		n := 0
		for _, a := range j.Arms {
			if a.Tested {
				if n++; !(a.P < c.Limit) {
					return "", false
				}
			}
		}
		return fmt.Sprintf("p < %s for each arm against the baseline", stats.Short(c.Limit, 6)), n > 0
	case Tied:
		return j.tied(c.Limit, list)
	}
	return "", false
}

// decided reports whether the best arm is better than every other, or equal to it; with one arm, whether the best point is.
// Each rival is tested at the level of the look, whatever their number: all of the tests must reject before anything is
// claimed (intersection-union test: Berger 1982, Technometrics 24, 295-300).
func (j judge) decided() (said string, ok bool) {
	best := &j.Points[0]
	var better, equal []string
	margin, size := j.margin(best.Interval.Value)
	for _, i := range j.rivals() {
		s, name := &j.Points[i], j.Name(j.Points[i])
		if a, chosen := j.ArmOf(i); chosen && len(j.Arms) > 1 {
			name = a.Name
		}
		switch {
		case s.Apart():
			better = append(better, name)
		case j.Equals(i, 0, size):
			equal = append(equal, name)
		default:
			return "", false
		}
	}
	name := j.Name(*best)
	switch {
	case len(equal) == 0 && len(j.Arms) < 2:
		if slices.ContainsFunc(j.Points, func(s compare.Point) bool { return !s.Complete }) {
			return name + " is better than every other complete point", true
		}
		return name + " is better than every other point", true
	case len(better) == 0 && len(equal) == 0:
		return name + " has no rival", true
	case len(equal) == 0:
		return fmt.Sprintf("%s is better than %s", name, listed(better)), true
	case len(better) == 0:
		return fmt.Sprintf("%s are equal within %s", listed(append([]string{name}, equal...)), margin), true
	}
	return fmt.Sprintf("%s is better than %s, and equal within %s to %s", name, listed(better), margin, listed(equal)), true
}

// rivals are the points that the best is measured against: those chosen for other arms, or with one arm all others that
// were not given up.
func (j judge) rivals() (rivals []int) {
	if len(j.Arms) > 1 {
		for _, a := range j.Arms {
			if a.Chosen > 0 && !slices.Contains(rivals, a.Chosen) {
				rivals = append(rivals, a.Chosen)
			}
		}
		return rivals
	}
	for i := 1; i < len(j.Points); i++ {
		if s := &j.Points[i]; s.Complete && !j.left(s) && !s.Apart() {
			rivals = append(rivals, i)
		}
	}
	return rivals
}

// tied reports whether all that is not told apart is equal within a share of the value: arms from the baseline, or points
// from the best if there is one arm.
func (j judge) tied(limit float64, list []Clause) (said string, ok bool) {
	if j.Base < 0 {
		for _, i := range j.rivals() {
			if s := &j.Points[i]; !s.Apart() && !j.Equals(i, 0, limit*math.Abs(j.Points[0].Interval.Value)) {
				return "", false
			}
		}
		return fmt.Sprintf("what is not told from %s is equal to it within %s %%", j.Name(j.Points[0]), percent(limit)), true
	}
	significant := Alpha
	for _, c := range slices.Concat(append([][]Clause{list}, j.rule.Until...)...) {
		if c.Kind == Significant {
			significant = c.Limit
			break
		}
	}
	base := j.Arms[j.Base].Chosen
	for _, a := range j.Arms {
		if a.Tested && !(a.P < significant) && !j.Equals(a.Chosen, base, limit*math.Abs(j.Points[base].Interval.Value)) {
			return "", false
		}
	}
	return fmt.Sprintf("each arm has p < %s against the baseline or is equal to it within %s %%", stats.Short(significant, 6), percent(limit)), true
}

// margin is what counts as equal to the best value: as the outcome of a comparison has it, or EqualWithin where it has none.
func (j judge) margin(best float64) (m stats.Margin, size float64) {
	m, size, ok := j.MarginAt(best)
	if ok || m.Unit == stats.MarginNone {
		return m, size
	}
	return stats.Margin{Size: 100 * EqualWithin, Unit: stats.MarginPercent}, EqualWithin * math.Abs(best)
}

// divide says which points go on. A point that can still be the best goes on, one that can still be the best of the
// baseline, and the leading point of each arm, so that arms can be compared.
func (j judge) divide() (going []runner.Key, given []GivenUp) {
	best := &j.Points[0]
	keeps := map[int]bool{0: true}
	for _, a := range j.Arms {
		if a.Chosen >= 0 {
			keeps[a.Chosen] = true
		}
	}
	if j.Base >= 0 {
		chosen := j.Arms[j.Base].Chosen
		for _, i := range j.Arms[j.Base].Points {
			s := &j.Points[i]
			keeps[i] = keeps[i] || s.Complete && !apart(s.VersusBase, j.Points[chosen].Interval.Value)
		}
	}
	for i := range j.Points {
		s := &j.Points[i]
		switch {
		case j.left(s):
		case s.Complete && (keeps[i] || !s.Apart()):
			going = append(going, s.Point)
		default:
			given = append(given, GivenUp{Point: s.Point, Name: j.Name(*s), Why: j.because(s, best)})
		}
	}
	return going, given
}

// apart reports whether the interval of a difference is known and excludes 0. value is that of one of the two.
func apart(d stats.Interval, value float64) bool {
	return d.N > 1 && !d.Includes(0) && !d.IsRounding(value) && (!math.IsNaN(d.Low) || math.IsInf(d.Value, 0))
}

// because says why a point is given up.
func (j judge) because(s, best *compare.Point) string {
	for _, status := range []runner.Status{runner.StatusDiverged, runner.StatusFailed} {
		if n := s.Count(status); n > 0 {
			return fmt.Sprintf("%d of %d seeds %s", n, len(s.Seeds), status)
		}
	}
	if !s.Complete {
		return "a seed has no finite value"
	}
	return fmt.Sprintf("it cannot be the best any more: the difference to %s is %s, by an interval of the level %s", j.Name(*best), stats.Ends(s.Versus), stats.Short(1-j.Alpha, 4))
}

// listed joins names: "a, b and c".
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
