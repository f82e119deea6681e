package compare

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// SeedByName is what a script's run says that calls its seed by the name seed: nobody need be told.
const SeedByName = "`seed` of the config"

// Notes are what a reader should know before believing the tables.
func (r *Report) Notes() []Note {
	if r.Across != nil {
		return r.acrossNotes()
	}
	return slices.Concat(r.progress(), r.optima(), r.ownNotes())
}

// optima says why suboptimality is not a number. It may be the very metric that has no values, so no point is best.
func (r *Report) optima() (notes []Note) {
	for _, said := range slices.Sorted(maps.Keys(r.NoOptimum)) {
		notes = append(notes, notef("%s: NaN in %s", said, Counted(r.NoOptimum[said], "run")))
	}
	return notes
}

// ownNotes are the notes on one problem, without those on trials that have no result.
func (r *Report) ownNotes() (notes []Note) {
	best, ok := r.Best()
	if !ok {
		return nil
	}
	notes = append(notes, r.staged()...)
	notes = append(notes, r.mixed()...)
	notes = append(notes, r.unlearned()...)
	if r.Choice == nil && runner.OfTestData(r.Metric) {
		notes = append(notes, warning("points and epochs are chosen on test data, so these values are optimistic: choose by a val_ metric"))
	}
	if r.Fixed != "" && best.Interval.N > 1 && r.draws.Chance() {
		notes = append(notes, r.fixedNote())
	}
	notes = append(notes, r.copiesNotes()...)
	notes = append(notes, r.mixedArithmetic()...)
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
	if r.Accepted > 0 {
		notes = append(notes, notef("%s from before a change of the program's files: --accept-changes took them over, and nothing was trained anew", Counted(r.Accepted, "result")))
	}
	if r.Replaced > 0 {
		notes = append(notes, notef("%s an earlier one of the same settings and seed: the newest counts, the others are deleted, and xrun db restore lists them", stats.Count(r.Replaced, "run replaced", "runs each replaced")))
	}
	if len(r.SeedFrom) > 1 || len(r.SeedFrom) == 1 && r.SeedFrom[SeedByName] == 0 {
		var said []string
		for _, from := range slices.Sorted(maps.Keys(r.SeedFrom)) {
			said = append(said, from+" ("+Counted(r.SeedFrom[from], "run")+")")
		}
		notes = append(notes, note("what counts as the seed: "+strings.Join(said, "; ")))
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
	notes = append(notes, r.undone()...)
	notes = append(notes, r.diverged()...)
	notes = append(notes, r.unstable()...)
	notes = append(notes, r.scaled()...)
	notes = append(notes, r.seedCount()...)
	if len(r.Points) > 1 && best.Interval.N > 1 && r.Choice == nil && !r.Fresh() && !r.seedless && r.draws.Chance() {
		picked := fmt.Sprintf("picked from %d points by the metric that it is judged by, so optimistic", len(r.Points))
		if e, ok := r.Expected(FreshSeeds); ok {
			ends := stats.Ends(e.Interval)
			picked += fmt.Sprintf(": %d fresh seeds are expected to show %s", e.Seeds, ends)
			if strings.Contains(ends, "[") {
				picked += ", in 95 % of cases within the brackets"
			}
		}
		notes = append(notes, r.command(note(picked), "confirm", "--top", "3", "--seeds", strconv.Itoa(FreshSeeds)))
	}
	return notes
}

// more adds to a note how to get so many seeds.
func (r *Report) more(n Note, seeds int) Note {
	switch {
	case !r.draws.Chance(): // other seeds would be copies
		return n
	case r.Stages != nil && r.Stages.Over == "":
		return r.then(n, "run the sweep again to go on")
	case r.Stages != nil:
		return r.then(n, "raise max or budget in [seeds] and run again, only the new seeds run")
	case !r.Fresh():
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

// mixed warns if points differ in the problem, as if --by makes arms of data sets: the easier one has the best point. Of
// programs that differ, xrun cannot tell.
func (r *Report) mixed() []Note {
	for _, axis := range r.FurtherAxes() {
		if r.Distinct(func(s Point) string { return s.Axis(axis) }) < 2 {
			continue
		}
		switch path := r.Names.Path(axis); {
		case path == runner.AxisDataset || path == runner.AxisTarget:
			return []Note{{Warning: true, Text: fmt.Sprintf("points differ in %s: values of different problems cannot be compared", axis), Then: fmt.Sprintf("compare the points of one: --where \"%s == '…'\"", path)}}
		case !r.Imported && (path == runner.AxisCommand || path == "task.files_digest"):
			return []Note{notef("points differ in their program (%s): whether their values can be compared is for you to say", axis)}
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
		switch {
		case len(r.Parts) > 0:
			open = r.then(open, "the database is for a part of the sweep ("+strings.Join(r.Parts, ", ")+"): xrun db merge adds the others'")
		case running == 0:
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
// below it. Where another value does as well, to the last digits, the one that stands first says nothing.
func (r *Report) edges(a Arm) []Note {
	if a.Chosen < 0 {
		return nil
	}
	best := &r.Points[a.Chosen]
	var notes []Note
	for _, axis := range edgeAxes {
		low, high, level := math.Inf(1), math.Inf(-1), false
		for _, i := range a.Points {
			x := axis.of(&r.Points[i])
			low, high = min(low, x), max(high, x)
			level = level || x != axis.of(best) && r.Choice == nil && r.Points[i].Complete && stats.Alike(r.Points[i].Interval.Value, best.Interval.Value)
		}
		at := axis.of(best)
		if !level && low < high && (at == high || at == low && at != 0) {
			end := "largest"
			if at == low {
				end = "smallest"
			}
			whose := "the"
			if a.Name != "" && len(r.Arms) > 1 {
				whose = a.Name + "'s"
			}
			notes = append(notes, r.command(warningf("%s best %s%s, %s, is the %s of the grid: a better one may lie beyond",
				whose, axis.name, r.byChoice(), stats.Number(at), end), "refine", append([]string{"--axis", axis.flag}, r.armFlag(a)...)...))
		}
	}
	return append(notes, r.furtherEdges(a)...)
}

// furtherEdges warns as edges does, of the further axes of a command: those of numbers with at least three values.
func (r *Report) furtherEdges(a Arm) (notes []Note) {
	if !r.Command {
		return nil
	}
	const least = 3 // of two values each is at an edge
	for _, name := range r.FurtherAxes() {
		axis, places := r.AxisOf(name, a.Points)
		i, last := places[slices.Index(a.Points, a.Chosen)], len(axis.Ticks)-1
		if !axis.Numeric() || len(axis.Ticks) < least || i != 0 && i != last || i == 0 && axis.Ticks[0].Number == 0 {
			continue
		}
		end := "largest"
		if i == 0 {
			end = "smallest"
		}
		notes = append(notes, r.then(warningf("the best %s, %s, is the %s of the grid: a better one may lie beyond", name, axis.Ticks[i].Text, end),
			"add values to "+name+" in [grid]"))
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

// byChoice is " by val_loss" where another metric than the shown one chooses points.
func (r *Report) byChoice() string {
	if r.Choice == nil {
		return ""
	}
	return " by " + r.ChoiceName
}

// coarse warns if the best is clearly better than both neighbours on an axis, by the metric that chooses: the optimum may
// lie between.
func (r *Report) coarse() []Note {
	if len(r.Arms) == 0 || r.Arms[0].Chosen != 0 || len(r.Points[0].Seeds) < 2 {
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
			if line[i] == best && r.clearlyWorse(below, best) && r.clearlyWorse(above, best) {
				notes = append(notes, r.command(warningf("the grid is coarse: both neighbours of the best %s%s, %s and %s, are clearly worse, by intervals of the differences%s that exclude 0",
					axis.name, r.byChoice(), stats.Number(axis.of(below)), stats.Number(axis.of(above)), r.ofChoice()), "refine", "--axis", axis.flag))
			}
		}
	}
	return notes
}

// ofChoice is " of val_loss" where another metric than the shown one chooses points.
func (r *Report) ofChoice() string {
	if r.Choice == nil {
		return ""
	}
	return " of " + r.ChoiceName
}

// clearlyWorse reports whether a complete point is worse than another by the metric that chooses points, with an interval of
// the difference that excludes 0.
func (r *Report) clearlyWorse(s, than *Point) bool {
	if !s.Complete {
		return false
	}
	by := func(v SeedResult) float64 { return v.choice }
	d := r.differenceBy(s, than, by)
	if r.noise != nil && r.Choice == nil && than == &r.Points[0] {
		d = s.Versus
	}
	if d.IsRounding(r.Stat.Of(than.values(by))) {
		return false
	}
	if r.choiceGoal() == stop.Max {
		return d.High < 0
	}
	return d.Low > 0
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
	return []Note{warningf("%s still getting better when training ended after %d epochs: longer training may change the order", r.whose(names), r.Epochs)}
}

// whose names the chosen points of arms, with the verb.
func (r *Report) whose(arms []string) string {
	switch {
	case len(r.Arms) < 2:
		return "the chosen point was"
	case len(arms) == 1:
		return arms[0] + " was"
	}
	return strings.Join(arms[:len(arms)-1], ", ") + " and " + arms[len(arms)-1] + " were"
}

// soon is the last epoch at which a best one says little: hardly anything has been trained.
const soon = 2

// undone warns if a chosen point was at its best at epoch 1 or 2 and training then made it worse than it had been before
// training: the value is one that the trial passed on its way, not one that its setting trains to.
func (r *Report) undone() []Note {
	if at := r.Compared(); at != runner.AtBest && (at != "kept" || r.Keep.At != runner.AtBest) {
		return nil // nobody has picked the epoch
	}
	var names []string
	worst, before := math.NaN(), true // what a value was before training is known
	for _, a := range r.Arms {
		if a.Chosen < 0 {
			continue
		}
		lost, n := 0, 0
		for _, seed := range r.Points[a.Chosen].Seeds {
			if seed.Run == 0 || math.IsNaN(seed.Value) {
				continue
			}
			if n++; seed.Epoch <= soon && seed.Epochs > soon && r.undid(seed) {
				before = before && seed.first != seed.Value
				if lost++; math.IsNaN(worst) || r.Goal.Better(worst, seed.last) {
					worst = seed.last
				}
			}
		}
		if 2*lost > n {
			names = append(names, a.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	their, than, to := "its", " than before training", "up to"
	if len(r.Arms) > 1 && len(names) > 1 {
		their = "their"
	}
	if !before {
		than = ""
	}
	if r.Goal == stop.Max {
		to = "down to"
	}
	return []Note{r.then(warningf("%s at %s best at epoch 1 or 2, and training then made %s far worse%s, %s %s: the setting does not train to the value that is compared",
		r.whose(names), their, r.Metric, than, to, stats.Number(worst)), `try smaller learning rates, or judge by the last epoch: --at last here, at = "last" in [metric]`)}
}

// undid reports whether a run ended far worse than it was before training: by more than it had ever gained, and by more
// than a tenth of the value. Of a run whose first report is the one that counts, nothing is known from before: it must have
// ended twice as far from 0 for goal min, half as far for max.
func (r *Report) undid(seed SeedResult) bool {
	if seed.first != seed.Value {
		lost := math.Abs(seed.last - seed.first)
		return r.Goal.Better(seed.first, seed.last) && lost > math.Abs(seed.first-seed.Value) && lost > math.Abs(seed.first)/10
	}
	limit := 2 * math.Abs(seed.Value)
	if r.Goal == stop.Max {
		return seed.last < seed.Value-math.Abs(seed.Value)/2
	}
	return seed.last > limit
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
