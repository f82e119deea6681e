package sweeps

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/until"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// maxSeeds limits replicates well above any use.
const maxSeeds = 1_000_000

// maxStaged limits the seeds of a point that are added in stages.
const maxStaged = 10_000

// seeds reads a number of replicates, the seeds themselves, or the table that says how they are added in stages.
func (s section) seeds() []int64 {
	e := s.node.Find("seeds")
	switch {
	case e == nil:
		return []int64{0}
	case e.Value.Kind == document.Table:
		return s.staged(e)
	case e.Value.Kind != document.Array:
		n := s.integer("seeds")
		if n > maxSeeds {
			s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`seeds` is %d: more than %d replicates", n, maxSeeds),
				Help: "a list gives the seeds themselves: seeds = [11, 12]"})
			n = 1
		}
		return upTo(n)
	case len(e.Value.Items) == 0:
		s.report(e.Value.At, document.Problem{Message: "`seeds` is an empty list"})
	}
	var seeds []int64
	seen := map[int64]bool{}
	for _, n := range e.Value.Items {
		switch {
		case n.Kind != document.Integer:
			s.wrongType("seeds", document.Integer, n)
		case seen[n.Integer]:
			s.report(n.At, document.Problem{Message: fmt.Sprintf("`seeds` has %d twice", n.Integer)})
		default:
			seen[n.Integer] = true
			seeds = append(seeds, n.Integer)
		}
	}
	return slices.Clip(seeds)
}

// upTo lists the seeds 0, 1, 2 and so on.
func upTo(n int) []int64 {
	seeds := make([]int64, n)
	for i := range seeds {
		seeds[i] = int64(i)
	}
	return seeds
}

// staged reads [seeds], and returns the most seeds of a point.
func (s section) staged(e *document.Entry) []int64 {
	t := s.open(e, seedsTable)
	t.only()
	r := until.Rule{First: t.integer("first"), Max: t.integer("max")}
	if t.node.Find("budget") != nil {
		r.Budget = t.integer("budget")
	}
	switch {
	case r.Max > maxStaged:
		t.report(t.place("max"), document.Problem{Message: fmt.Sprintf("`max` is %d: more than %d seeds of a point", r.Max, maxStaged)})
		r.Max = maxStaged
	case r.First > r.Max && t.node.Find("max") == nil:
		t.report(t.place("first"), document.Problem{Message: fmt.Sprintf("`first` is %d, and `max` is %d unless it is given", r.First, r.Max),
			Help: fmt.Sprintf("for instance max = %d", 2*r.First)})
		r.First = r.Max
	case r.First > r.Max:
		t.report(t.place("first"), document.Problem{Message: fmt.Sprintf("`first` is %d, more than `max`, %d", r.First, r.Max)})
		r.First = r.Max
	}
	if t.node.Find("until") == nil {
		t.missing("until", "it says when no point needs more seeds: until = \"decided\"; a fixed number of seeds is seeds = 5")
	} else if text := t.text("until"); text != "" {
		n := t.node.Find("until").Value
		c, err := until.Parse(text)
		if wrong := (*until.Error)(nil); errors.As(err, &wrong) {
			t.report(t.Inside(n, wrong.From, wrong.To), document.Problem{Message: "`until`: " + wrong.Message, Help: wrong.Hint()})
		}
		r.Until = c
	}
	s.spec.Until = &r
	return upTo(r.Max)
}

// addUntil puts the condition of --until into the tree: into [seeds], or in the place of a number of seeds, which becomes
// that of the first stage. The spec remembers it as an override like any other.
func (d *decoder) addUntil(root *document.Node) {
	text := d.changes.Until
	if text == "" {
		return
	}
	refuse := func(from, to int, message, help string) {
		d.problems = append(d.problems, document.Problem{File: "--until", Line: 1, Col: 1 + len([]rune(text[:from])), Length: max(1, len([]rune(text[from:to]))),
			Source: text, Message: message, Help: help})
	}
	c, err := until.Parse(text)
	if wrong := (*until.Error)(nil); errors.As(err, &wrong) {
		refuse(wrong.From, wrong.To, wrong.Message, wrong.Hint())
		return
	}
	quoted := strconv.Quote(c.String())
	set := "seeds={ until = " + quoted + " }"
	if e := root.Find("seeds"); e != nil {
		switch n := e.Value; {
		case n.Kind == document.Table:
			set = "seeds.until=" + quoted
		case n.Kind == document.Array:
			refuse(0, len(text), "the sweep file lists its seeds, and --until adds the seeds 0, 1, 2 and so on", "give a number of seeds in their place: --set seeds=3")
			return
		case n.Kind == document.Integer && n.Integer < until.LeastFirst: // too few to see a spread
		case n.Kind == document.Integer:
			set = fmt.Sprintf("seeds={ first = %d, until = %s }", n.Integer, quoted)
		}
	}
	d.problems = append(d.problems, d.Set(root, set)...)
	d.spec.Changes.Set, d.spec.Changes.Until = append(slices.Clip(d.spec.Changes.Set), set), ""
}

// rounds makes stages of whole partitions where validation is by folds.
func (d *decoder) rounds(e *document.Entry) {
	r := d.spec.Until
	if r == nil {
		return
	}
	round := 1
	for _, t := range append([]runner.Task{d.spec.Task}, d.tasksOfVariants()...) {
		if t.Folds > 1 {
			round = leastCommonMultiple(round, t.Folds)
		}
	}
	if round == 1 {
		return
	}
	if round > r.Max {
		d.report(e.At, document.Problem{Message: fmt.Sprintf("a partition takes %d seeds, one for each fold, and `max` is %d", round, r.Max),
			Help: fmt.Sprintf("for instance max = %d", 5*round)})
		return
	}
	r.Round, r.Max = round, r.Max/round*round
	d.spec.Seeds = upTo(r.Max)
}

func (d *decoder) tasksOfVariants() (tasks []runner.Task) {
	for _, v := range d.spec.variants {
		tasks = append(tasks, v.task)
	}
	return tasks
}

func leastCommonMultiple(a, b int) int {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}

// countStages refuses conditions that can never hold, and a budget that is smaller than the first stage.
func (d *decoder) countStages(root *document.Node) {
	r, e := d.spec.Until, root.Find("seeds")
	if r == nil || e == nil || d.changes.Quick {
		return
	}
	at := e.At
	if e.Value.Kind == document.Table {
		if u := e.Value.Find("until"); u != nil {
			at = u.Value.At
		}
	}
	if root.Find("prune") != nil {
		d.report(root.Find("prune").At, document.Problem{Message: "[prune] and `until` both decide which points go on: a sweep has one of them",
			Help: "[prune] ends trials early in their epochs; `until` trains each to its end, and gives more seeds only where the question is open"})
	}
	for i, x := range d.spec.Skip {
		if names(x, "seed") {
			d.report(root.Find("skip").Value.Items[i].At, document.Problem{Message: "with `until` a point has all seeds of a stage, so no condition can skip some of them",
				Help: "leave `seed` out of the condition"})
		}
	}
	if len(d.problems) > 0 {
		return
	}
	grid := d.spec.Grid()
	switch {
	case grid.Points == 1 && r.Until.Needs(until.Decided, until.Significant, until.Tied):
		d.report(at, document.Problem{Message: fmt.Sprintf("the sweep has one point, so that `%s` compares nothing", r.Until),
			Help: "`ci < 0.002` or `ci < 2 %` adds seeds until half of its 95 % interval is below that"})
	case len(d.spec.Optimizers) < 2 && len(d.spec.Regularizers) < 2 && d.baseline == nil && r.Until.Needs(until.Significant):
		d.report(at, document.Problem{Message: "`p` is of differences between arms, and the sweep has one optimizer and one regularizer",
			Help: "`decided` compares points; [compare] baseline makes an arm of the points that meet a condition"})
	}
	if first := grid.Points * r.Stages()[0]; r.Budget > 0 && first > r.Budget {
		place := at
		if e.Value.Kind == document.Table {
			place = e.Value.Find("budget").Value.At
		}
		d.report(place, document.Problem{Message: fmt.Sprintf("`budget` is %s, and the first stage takes %d: %d points × %d seeds", trials(int64(r.Budget)), first, grid.Points, r.Stages()[0]),
			Help: "raise it, or make the grid smaller"})
	}
}

// names reports whether a condition has a name.
func names(x *where.Expression, name string) (found bool) {
	where.Walk(x.Root, func(n where.Node) bool {
		of, ok := n.(*where.Name)
		found = found || ok && strings.TrimPrefix(of.Name, where.Grid.Name("")) == name
		return true
	})
	return found
}

// Asked are the sweep's trials that a point is asked for with so many seeds. Seeds that are added in stages are 0, 1, 2
// and so on.
func Asked(all []runner.Trial, seeds func(point runner.Key) int) []runner.Trial {
	var asked []runner.Trial
	for _, t := range all {
		if t.Seed < int64(seeds(t.Point())) {
			asked = append(asked, t)
		}
	}
	return asked
}

// staging writes how seeds are added as lines of Resolved; none for a fixed number.
func (s *Spec) staging() string {
	r := s.Until
	if r == nil {
		return ""
	}
	return fmt.Sprintf("seeds.first = %d\nseeds.until = %q\nseeds.max = %d\nseeds.round = %d\nseeds.budget = %d\n", r.First, r.Until.String(), r.Max, r.Round, r.Budget)
}

// ReadUntil reads how seeds are added from the text of [Spec.Resolved]; nil for a fixed number.
func ReadUntil(resolved string) (*until.Rule, error) {
	text, ok := resolvedText(resolved, "seeds.until")
	if !ok {
		return nil, nil
	}
	c, err := until.Parse(text)
	r := &until.Rule{Until: c}
	for path, into := range map[string]*int{"seeds.first": &r.First, "seeds.max": &r.Max, "seeds.round": &r.Round, "seeds.budget": &r.Budget} {
		value, _ := resolvedValue(resolved, path)
		if err == nil {
			*into, err = strconv.Atoi(value)
		}
	}
	if err != nil {
		return nil, unreadable("seeds.until", err)
	}
	return r, nil
}
