package compare

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Notes are what a reader should know before believing the tables.
func (r *Report) Notes() []Note {
	notes := r.progress()
	best, ok := r.Best()
	if !ok {
		return notes
	}
	notes = append(notes, r.problems()...)
	if r.Choice == nil && runner.OfTestData(r.Metric) {
		notes = append(notes, warning("points and epochs are chosen on test data, so these values are optimistic: choose by a val_ metric"))
	}
	if r.left > 0 {
		notes = append(notes, notef("compared over the %d seeds that all points have; %d more that only some have are left out", len(r.Seeds), r.left))
	}
	if r.older > 0 {
		notes = append(notes, notef("%s of another revision of the arithmetic left out: a point is compared under the revision with the most results", Counted(r.older, "trial")))
	}
	if r.earlier > 0 {
		notes = append(notes, notef("an earlier version of xrun kept another epoch of %s than [metric] names: --at %s shows the value of the named one", Counted(r.earlier, "run"), r.Keep.At))
	}
	if r.others > 0 {
		notes = append(notes, notef("the value of %s is after the epoch that the [metric] of another sweep keeps: --at %s takes the same for all", Counted(r.others, "run"), r.Keep.At))
	}
	if n := r.unkept(); n > 0 {
		notes = append(notes, notef("%s of parameters that are not kept: leave out --at to compare the kept ones", amount(n)))
	}
	if r.unlike {
		notes = append(notes, warning("points have different seeds: means may differ because some seeds are harder"))
	}
	if !r.Fresh() { // else these are not a grid
		for _, a := range r.Arms {
			notes = append(notes, r.edges(a)...)
		}
		notes = append(notes, r.coarse()...)
		notes = append(notes, r.budgets()...)
	}
	notes = append(notes, r.late()...)
	notes = append(notes, r.diverged()...)
	notes = append(notes, r.seedCount()...)
	if len(r.Points) > 1 && best.Interval.N > 1 && r.Choice == nil && !r.Fresh() {
		notes = append(notes, r.command(notef("picked from %d points by the metric that it is judged by, so optimistic", len(r.Points)), "confirm", "--top", "3", "--seeds", "10"))
	}
	return notes
}

// more adds to a note how to get so many seeds.
func (r *Report) more(n Note, seeds int) Note {
	if !r.Fresh() {
		return r.then(n, "raise seeds and run again, only the new ones run")
	}
	n = r.command(n, "confirm", "--seeds", strconv.Itoa(seeds))
	for i, arg := range n.Command {
		if arg == r.Sweep {
			n.Command[i] = r.From
		}
	}
	return n
}

// problems warns if points differ in the problem: of two data sets the easier one has the best point.
func (r *Report) problems() []Note {
	for _, axis := range r.FurtherAxes() {
		if path := r.Names.Path(axis); path == runner.AxisDataset || path == runner.AxisTarget {
			return []Note{{Warning: true, Text: fmt.Sprintf("points differ in %s: values of different problems cannot be compared", axis), Then: fmt.Sprintf("compare the points of one: --where \"%s == '…'\"", path)}}
		}
	}
	return nil
}

// progress are notes on trials without a result.
func (r *Report) progress() []Note {
	var notes []Note
	done, all := 0, r.Missing
	for status, n := range r.Counts {
		all += n
		if status.Done() {
			done += n
		}
	}
	running, failed := r.Counts[runner.StatusRunning], r.Counts[runner.StatusFailed]
	if n := r.Counts[runner.StatusPruned]; n > 0 {
		notes = append(notes, notef("%d of %d trials were pruned: they have no result and are not compared", n, all))
		done += n
	}
	if n := all - done - running - failed; n > 0 {
		open := warningf("%d of %d trials have no result yet", n, all)
		if running == 0 {
			open = r.then(open, "run the sweep again to go on")
		}
		notes = append(notes, open)
	}
	if running > 0 {
		notes = append(notes, notef("%d of %d trials are being trained now", running, all))
	}
	if failed > 0 {
		notes = append(notes, Note{Warning: true, Text: Counted(failed, "trial") + " failed", Command: append(append([]string{"runs"}, r.storeArguments()...), "--status", "failed")})
	}
	return notes
}

// Counted writes a number of things whose plural ends in s.
func Counted(n int, what string) string { return stats.Count(n, what, what+"s") }

// amount is a number of values with its verb.
func amount(n int) string {
	if n == 1 {
		return "1 value is"
	}
	return fmt.Sprintf("%d values are", n)
}

// An edge is an axis on which an arm's best is the first or the last.
type edge struct {
	name, flag string
	of         func(*Point) float64
}

var edgeAxes = []edge{
	{"lr", "lr", func(s *Point) float64 { return s.LR }},
	{"λ", "lambda", func(s *Point) float64 { return s.Lambda }},
}

// edges warns if an arm's best lr or λ is the first or the last of its axis. λ = 0 is no edge: nothing lies
// below it.
func (r *Report) edges(a Arm) []Note {
	if a.Chosen < 0 {
		return nil
	}
	best := &r.Points[a.Chosen]
	var notes []Note
	for _, axis := range edgeAxes {
		low, high := math.Inf(1), math.Inf(-1)
		for _, i := range a.Points {
			x := axis.of(&r.Points[i])
			low, high = min(low, x), max(high, x)
		}
		at := axis.of(best)
		if low < high && (at == high || at == low && at != 0) {
			end := "largest"
			if at == low {
				end = "smallest"
			}
			whose := "the"
			if a.Name != "" && len(r.Arms) > 1 {
				whose = a.Name + "'s"
			}
			notes = append(notes, r.command(warningf("%s best %s, %s, is the %s of the grid: a better one may lie beyond",
				whose, axis.name, stats.Number(at), end), "refine", append([]string{"--axis", axis.flag}, r.armFlag(a)...)...))
		}
	}
	return notes
}

// armFlag is the flag that names an arm to other commands; none for the best arm, their default.
func (r *Report) armFlag(a Arm) []string {
	if len(r.Arms) < 2 || a.Name == r.Arms[0].Name {
		return nil
	}
	return []string{"--arm", a.Name}
}

// coarse warns if the best is clearly better than both neighbours on an axis: the optimum may lie between.
func (r *Report) coarse() []Note {
	if len(r.Arms) == 0 || r.Arms[0].Chosen != 0 || r.Points[0].Interval.N < 2 {
		return nil
	}
	best := &r.Points[0]
	var notes []Note
	for _, axis := range edgeAxes {
		other := edgeAxes[0]
		if axis.flag == "lr" {
			other = edgeAxes[1]
		}
		line := r.along(r.Arms[0], axis.of, other.of)
		for i := 1; i+1 < len(line); i++ {
			below, above := line[i-1], line[i+1]
			if line[i] == best && below.Complete && above.Complete && !below.Tied && !above.Tied {
				notes = append(notes, r.command(warningf("the grid is coarse: both neighbours of the best %s, %s and %s, are clearly worse, by intervals of the differences that exclude 0",
					axis.name, stats.Number(axis.of(below)), stats.Number(axis.of(above))), "refine", "--axis", axis.flag))
			}
		}
	}
	return notes
}

// budgets warns if arms have unequal numbers of points: more points find a better one by luck alone.
func (r *Report) budgets() []Note {
	low, high := math.MaxInt, 0
	var few, many string
	for _, a := range r.Arms {
		if n := len(a.Points); n < low {
			low, few = n, a.Name
		}
		if n := len(a.Points); n > high {
			high, many = n, a.Name
		}
	}
	if len(r.Arms) < 2 || low == high {
		return nil
	}
	return []Note{warningf("unequal budgets: %s was tried in %s, %s in %d; the best of more points looks better, and p does not correct for it",
		few, Counted(low, "point"), many, high)}
}

// late warns if the chosen points were at their best when training ended: longer training may change the order.
func (r *Report) late() []Note {
	if r.Epochs < 4 || r.Compared() != runner.AtBest {
		return nil
	}
	var names []string
	for _, a := range r.Arms {
		if a.Chosen < 0 {
			continue
		}
		last, n := 0, 0
		for _, seed := range r.Points[a.Chosen].Seeds {
			if seed.Run != 0 {
				n++
				if seed.Epochs == r.Epochs && float64(seed.Epoch) > 0.95*float64(r.Epochs) {
					last++
				}
			}
		}
		if 2*last > n {
			names = append(names, a.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	whose := "the chosen point was"
	if len(r.Arms) > 1 {
		whose = strings.Join(names, ", ") + " was"
		if len(names) > 1 {
			whose = strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " were"
		}
	}
	return []Note{warningf("%s still getting better when training ended after %d epochs: longer training may change the order", whose, r.Epochs)}
}

// diverged counts the diverged trials of each arm.
func (r *Report) diverged() []Note {
	if r.Counts[runner.StatusDiverged] == 0 {
		return nil
	}
	var parts []string
	for _, a := range r.Arms {
		if a.Diverged > 0 {
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %d of %d", a.Name, a.Diverged, a.Trials)))
		}
	}
	return []Note{note("trials that diverged: " + strings.Join(parts, ", "))}
}
