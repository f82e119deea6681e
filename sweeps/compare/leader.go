package compare

import (
	"cmp"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Standing is what a point of an unfinished sweep has come to so far.
type Standing struct {
	Seeds  []int64   // that have a value, ascending
	Values []float64 // in their order, all finite
	// Out is why the point cannot win any more: StateDiverged, StateFailed or StatePruned. It is zero if it can.
	Out State
}

// StandingOf is the standing of a point by its trials, in the order of the sweep.
func StandingOf(trials []*runner.Result) Standing {
	var s Standing
	bySeed := slices.Clone(trials)
	slices.SortStableFunc(bySeed, func(a, b *runner.Result) int { return cmp.Compare(a.Seed, b.Seed) })
	for _, r := range bySeed {
		switch n := len(s.Seeds); {
		case r.Status.Keeps() && r.Keeps && stats.Finite(r.Kept.Value):
			if n > 0 && s.Seeds[n-1] == r.Seed { // of another revision of the arithmetic
				s.Values[n-1] = r.Kept.Value
				continue
			}
			s.Seeds, s.Values = append(s.Seeds, r.Seed), append(s.Values, r.Kept.Value)
		case r.Status == runner.StatusDiverged || r.Status.Keeps() && r.Keeps: // a value that is not finite
			s.Out = StateDiverged
		case r.Status == runner.StatusPruned && s.Out == 0:
			s.Out = StatePruned
		case r.Status.Ended() && r.Status != runner.StatusPruned && s.Out != StateDiverged:
			s.Out = StateFailed
		}
	}
	return s
}

// Leader is the point that leads an unfinished sweep, -1 if none has a value. Points are compared in pairs, by the mean
// difference over the seeds that both have: one that has trained its easy seeds first is not ahead of one that has
// trained all. Points that share no seed are compared by the means of what they have, which is all there is. Of equal
// points the one with more seeds leads, then the earlier one.
//
// Such pairs need not be in order: a can be ahead of b, b of c, and c of a, each by other seeds. A point that is ahead
// of all others leads in any case; otherwise the order of the points decides, and never that in which trials ended.
// Once all points have all seeds, the leader is the point with the best mean.
func Leader(goal stop.Goal, points []Standing) int {
	leader := -1
	for i := range points {
		if p := &points[i]; p.Out == 0 && len(p.Values) > 0 && (leader < 0 || p.ahead(&points[leader], goal)) {
			leader = i
		}
	}
	return leader
}

// ahead reports whether a point is ahead of an earlier one.
func (s *Standing) ahead(of *Standing, goal stop.Goal) bool {
	gap := s.Gap(of)
	return goal.Better(gap, 0) || gap == 0 && len(s.Values) > len(of.Values)
}

// Gap is the mean difference to another point over the seeds that both have, or the difference of their means if they
// share none. It is NaN if one of them has no value.
func (s *Standing) Gap(to *Standing) float64 {
	sum, n := 0.0, 0
	for i, j := 0, 0; i < len(s.Seeds) && j < len(to.Seeds); {
		switch a, b := s.Seeds[i], to.Seeds[j]; {
		case a < b:
			i++
		case a > b:
			j++
		default:
			sum += s.Values[i] - to.Values[j]
			n++
			i++
			j++
		}
	}
	if n > 0 {
		return sum / float64(n)
	}
	return mean(s.Values) - mean(to.Values)
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// A Grid is the points of a sweep on one problem, before they have results.
type Grid struct {
	Problem string // empty if the sweep has one problem only
	report  *Report
	columns string // of maps
	rows    string
	last    Map // the latest; its Best is the leader for which it was made
	known   bool
	drawn   bool // whether there is a map
}

// Grids are the grids of a sweep, one for each problem. Points are in the order of results, which need no values.
func Grids(q Question, results []runner.Result) []*Grid {
	names := q.problems(results)
	if len(names) < 2 {
		return []*Grid{newGrid(q, results)}
	}
	of := map[string][]runner.Result{}
	for _, res := range results {
		name := q.Several.Of[res.Point]
		of[name] = append(of[name], res)
	}
	var all []*Grid
	for _, name := range names {
		own := q
		own.Problem = name
		own.Axes, _ = varied(q, of[name])
		all = append(all, newGrid(own, of[name]))
	}
	return all
}

func newGrid(q Question, results []runner.Result) *Grid {
	r := &Report{Question: q}
	seen := map[runner.Key]bool{}
	for _, res := range results {
		if !seen[res.Point] {
			seen[res.Point] = true
			r.Points = append(r.Points, pointOf(res, q, len(r.Points)))
		}
	}
	r.findAxes()
	g := &Grid{Problem: q.Problem, report: r}
	if len(r.Points) > 0 {
		g.columns, g.rows = r.mapAxes("", "")
	}
	return g
}

// pointOf is the point of a result, without seeds.
func pointOf(res runner.Result, q Question, order int) Point {
	return Point{Point: res.Point, Optimizer: res.Optimizer, Regularizer: res.Regularizer, LR: res.LR, Lambda: res.Lambda, Axes: q.Axes[res.Point], order: order}
}

// Len is the number of points.
func (g *Grid) Len() int { return len(g.report.Points) }

// Point is the key of a point.
func (g *Grid) Point(i int) runner.Key { return g.report.Points[i].Point }

// Name names a point as reports do.
func (g *Grid) Name(i int) string { return g.report.Name(g.report.Points[i]) }

// Map is the map with a point, as [Report.Maps] makes it if that point is the best. ok is false if its points differ on
// neither axis. A call is cheap if the point is on the map of the call before.
func (g *Grid) Map(leader int) (m Map, ok bool) {
	on := func(row []int) bool { return slices.Contains(row, leader) }
	// Without a penalty, the leader may be on several maps.
	same := g.known && (g.last.Best == leader || g.drawn && g.report.Points[leader].Regularizer != "" && slices.ContainsFunc(g.last.Cells, on))
	if !same {
		g.last, g.drawn = g.mapWith(leader)
		g.known = true
	}
	g.last.Best = leader
	return g.last, g.drawn
}

func (g *Grid) mapWith(leader int) (m Map, ok bool) {
	columns, err := g.report.axisName(g.columns)
	if err != nil {
		return Map{}, false
	}
	rows, err := g.report.axisName(g.rows)
	if err != nil || rows == columns {
		return Map{}, false
	}
	for _, f := range g.report.families(columns, rows) {
		if at := slices.Index(f.points, leader); at >= 0 {
			copy(f.points[1:at+1], f.points[:at])
			f.points[0] = leader
			m = g.report.mapOf(f, columns, rows)
			return m, len(m.Columns.Ticks) > 1 || len(m.Rows.Ticks) > 1
		}
	}
	return Map{}, false
}
