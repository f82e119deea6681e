package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
)

// drawsOf is what the seed decides in the trials of a point.
func (q Question) drawsOf(point runner.Key) runner.Draws {
	if d, ok := q.DrawsOf[point]; ok {
		return d
	}
	return q.Draws
}

// withoutCopies leaves a point one run of those that are equal by what their seeds decide: each fold of an order counts once.
// Where nothing is drawn at all, runs stay: they show by themselves that they are equal, see findSeedless.
func (r *Report) withoutCopies(results []runner.Result) []runner.Result {
	seeds, of := map[runner.Key][]int64{}, map[runner.Key][]runner.Result{}
	for i, res := range results {
		d := r.drawsOf(res.Point)
		if _, known := seeds[res.Point]; !known {
			seeds[res.Point] = nil
			if i == 0 {
				r.draws = d
			}
			r.draws = r.draws.With(d)
		}
		if d.Window && !d.Chance() {
			of[res.Point] = append(of[res.Point], res)
		}
	}
	if len(of) == 0 {
		return results
	}
	for point, list := range of {
		slices.SortStableFunc(list, func(a, b runner.Result) int { // finished ones first, and then by seed
			switch {
			case a.Status.Done() == b.Status.Done():
				return int(min(max(a.Seed-b.Seed, -1), 1))
			case a.Status.Done():
				return -1
			}
			return 1
		})
		var all []int64
		for _, res := range list {
			all = append(all, res.Seed)
		}
		seeds[point] = r.drawsOf(point).Different(all)
	}
	left := slices.DeleteFunc(slices.Clone(results), func(res runner.Result) bool {
		return of[res.Point] != nil && !slices.Contains(seeds[res.Point], res.Seed)
	})
	r.repeats = len(results) - len(left)
	return left
}

// FixedByOrder is the data on which the metric is computed if its rows are the last ones of an order under every seed; empty
// otherwise, see [FixedRows].
func (q Question) FixedByOrder() string {
	name := ""
	switch {
	case runner.OfTestData(q.Metric):
		name = "test data"
	case strings.HasPrefix(q.Metric, runner.PartValidation):
		name = "validation data"
	default:
		return ""
	}
	fixed := func(d runner.Draws) bool { return d.Order != "" && !(d.Window && name == "validation data") }
	if q.DrawsOf == nil && !fixed(q.Draws) {
		return ""
	}
	for _, d := range q.DrawsOf {
		if !fixed(d) {
			return ""
		}
	}
	return name
}

// shared says what trials of equal seeds have in common: ", sharing data split, initial weights and batch order by seed,".
func (r *Report) shared() string {
	names := []string{"data split", "initial weights", "batch order"}
	if r.draws.Known {
		names = r.draws.Names()
	}
	if r.draws.Foreign {
		names = append(names, "what plugins draw")
	}
	if len(names) == 0 {
		return ", by which nothing is drawn,"
	}
	return ", sharing " + and(names) + " by seed,"
}

// fixedNote says that the rows on which the metric is computed are the same under every seed.
func (r *Report) fixedNote() Note {
	is := "is a file"
	if r.draws.Order != "" && r.FixedByOrder() != "" {
		is = fmt.Sprintf("has the last rows by %q", r.draws.Order)
	}
	return notef("the %s %s, the same under every seed: intervals and p are about other seeds on these rows, and say nothing about other rows", r.Fixed, is)
}

// copiesNotes warn that seeds are copies.
func (r *Report) copiesNotes() []Note {
	switch {
	case r.repeats > 0:
		return []Note{warningf("%s left out, equal to others: there are %s of the order of %q, and nothing else is drawn by seed", Counted(r.repeats, "run"), Counted(r.draws.Folds, "fold"), r.draws.Order)}
	case r.seedless && r.draws.Known && !r.draws.Chance():
		return []Note{r.then(warningf("%s are %d equal runs of each point: %s. Differences are exact on these rows, and nothing here tells how they are on others", Counted(len(r.Seeds), "seed"), len(r.Seeds), r.draws.Nothing()),
			"folds, shares that are drawn, or mini-batches show how much chance does")}
	}
	return nil
}

// about says what intervals and tests are about.
func (r *Report) about() string {
	d := r.draws
	drawn := and(d.Names())
	switch {
	case d.Known && !d.Chance() && !d.Window:
		return "Nothing is drawn by seed: " + d.Nothing() + ". Differences are exact on these rows, and say nothing about other rows."
	case d.Known && d.Window && !d.Chance():
		return fmt.Sprintf("Intervals and tests are about the folds of the order of %q, each of which trains on the rows before it. Training rows grow from fold to fold, which no interval here knows. Later rows may differ more.", d.Order)
	case d.Known && d.Window:
		return fmt.Sprintf("Intervals and tests are about other seeds: about the folds of the order of %q, each of which trains on the rows before it, with other %s. Training rows grow from fold to fold, which no interval here knows. Later rows may differ more.",
			d.Order, and(slices.DeleteFunc(d.Names(), func(name string) bool { return name == "fold" })))
	case r.Fixed != "" && d.Known && !d.Split && drawn != "":
		return "Intervals and tests are about other seeds, which change the " + drawn + ". The " + r.Fixed + " is the same under all of them. They say nothing about other rows."
	case r.Fixed != "":
		return "Intervals and tests are about other seeds, and the " + r.Fixed + " is the same under all of them. They say nothing about other rows."
	case r.Command:
		return "Intervals and tests are about other seeds: about what the program draws by them, and nothing else."
	case d.Known && !d.Data:
		return "Intervals and tests are about other seeds, which change the " + drawn + ". They say nothing about other functions."
	case d.Known && !d.Split:
		return "Intervals and tests are about other seeds, which change the " + drawn + ". The rows are the same under all of them. They say nothing about other rows."
	case d.Group != "":
		return fmt.Sprintf("Intervals and tests are about other seeds on this data set, and so about other groups of %q among those that it has. New groups may differ more; Nadeau and Bengio 2003.", d.Group)
	}
	return "Intervals and tests are about other seeds on this data set, and so about other splits of the same rows. New rows may differ more; Nadeau and Bengio 2003."
}
