// Package question turns a question, from flags or from a URL, into a report: it reads results, evaluates the
// expressions in them, and asks sweeps/compare.
package question

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Question overrides the question of a sweep file; empty fields leave it.
type Question struct {
	Metric, Goal, At     string
	Stat, Test           string
	Equal                string // the margin up to which values are equal
	Scale                string // how values are told apart
	Baseline             string // an expression
	By                   string // names, by commas
	Target               float64
	HasTarget            bool
	Where, Columns, Sort string   // expressions
	Curves               int      // number of points whose curves are read, besides the chosen ones; -1 is all
	Runs                 bool     // Where chooses the runs that are shown
	Arguments            []string // of advised commands, after the name of the sweep
}

// A comparison holds sweeps and facts about them while a report is made.
type comparison struct {
	db     *store.Store
	sweeps []store.SweepInfo
	ask    compare.Question
	asked  sweeps.Comparison // of the first sweep's file
	known  store.Names       // of all trials, once expressions have been compiled
}

// Answer answers a question about sweeps from the store. No name is the newest sweep. The first of several has the
// question.
func Answer(ctx context.Context, db *store.Store, names []string, q Question) (*compare.Report, error) {
	if len(names) == 0 {
		names = []string{""}
	}
	var found []store.SweepInfo
	for _, name := range names {
		sweep, err := db.FindSweep(ctx, name)
		if err != nil {
			return nil, err
		}
		found = append(found, sweep)
	}
	return answer(ctx, db, found, q)
}

// AnswerOf answers a question about the sweep of an id.
func AnswerOf(ctx context.Context, db *store.Store, id int64, q Question) (*compare.Report, error) {
	sweep, err := db.Sweep(ctx, id)
	if err != nil {
		return nil, err
	}
	return answer(ctx, db, []store.SweepInfo{sweep}, q)
}

func answer(ctx context.Context, db *store.Store, found []store.SweepInfo, q Question) (*compare.Report, error) {
	c := &comparison{db: db}
	for _, sweep := range found {
		if !slices.ContainsFunc(c.sweeps, func(s store.SweepInfo) bool { return s.ID == sweep.ID }) {
			c.sweeps = append(c.sweeps, sweep)
		}
	}
	first := c.sweeps[0]
	text, err := db.SweepText(ctx, first.ID)
	if err == nil {
		c.asked, err = sweeps.ReadComparison(text.Resolved)
	}
	if err == nil {
		err = goalless(ctx, db, first, q)
	}
	if err == nil {
		err = c.question(q)
	}
	if err != nil {
		return nil, err
	}
	c.ask.Imported = Trainable(first.Name, text) != nil
	c.ask.Quick = slices.Contains(text.Overrides, QuickOverride)
	c.ask.Arguments = append([]string{first.Title}, q.Arguments...)
	if len(c.sweeps) == 1 {
		if c.ask.Parts, err = partsOf(ctx, db, first.ID); err != nil {
			return nil, err
		}
	}
	if len(c.sweeps) == 1 && first.Relation == store.Confirms {
		if from, err := db.Sweep(ctx, first.Of); err == nil && first.Of != 0 {
			c.ask.From = from.Title
		}
		if c.ask.Prior, c.ask.Picked, err = pickedBy(ctx, db, first, q); err != nil {
			return nil, err
		}
	}
	return c.report(ctx, q)
}

// Describe is what can be asked about a sweep before it has results: its metric, and the axes and problems of its points.
func Describe(ctx context.Context, db *store.Store, sweep store.SweepInfo, results []runner.Result) (compare.Question, error) {
	c := &comparison{db: db, sweeps: []store.SweepInfo{sweep}}
	c.ask = compare.Question{Sweep: sweep.Title, Metric: sweep.Metric, Goal: stop.Goal(sweep.Goal), Keep: sweep.Keep()}
	facts := c.describe(ctx)
	if facts.err != nil {
		return compare.Question{}, facts.err
	}
	c.shared(facts)
	return c.ask, c.problems(ctx, results, facts)
}

// shared takes what all trials share, and the axes in which they differ.
func (c *comparison) shared(facts described) {
	c.ask.Command, c.ask.Axes, c.ask.Names = facts.command(), facts.axes, facts.names
	for _, s := range facts.same {
		if s.Path == runner.AxisEpochs {
			c.ask.Epochs = int(s.Value.Integer)
		}
		if s.Path == runner.AxisFolds && s.Value.Integer > 1 {
			c.ask.Overlap = runner.Overlap(int(s.Value.Integer), runner.DrawsOf(facts.same).Order)
		}
	}
}

// question combines the questions of the first sweep's file and of the command line.
func (c *comparison) question(q Question) error {
	first := c.sweeps[0]
	var titles []string
	for _, s := range c.sweeps {
		titles = append(titles, s.Title)
	}
	c.ask = compare.Question{Sweep: strings.Join(titles, " + "), Metric: first.Metric, Goal: stop.Goal(first.Goal), Keep: first.Keep(),
		Target: c.asked.Target, HasTarget: c.asked.HasTarget, Stat: compare.Stat(c.asked.Stat), Test: compare.Test(c.asked.Test), Differ: compare.Differ(c.asked.Scale)}
	ask := &c.ask
	if q.Metric != "" {
		goal, known := GoalOf(first, q.Metric)
		if !known && q.Goal == "" {
			return advice.Usage(fmt.Errorf("%s has no known goal", q.Metric), "add --goal min if less is better, --goal max if more is better")
		}
		ask.Metric, ask.Goal = q.Metric, goal
		ask.HasTarget = ask.HasTarget && q.Metric == first.Metric
	}
	switch q.Goal {
	case "":
	case "min", "max":
		ask.Goal = stop.Goal(q.Goal)
	default:
		return advice.Usage(fmt.Errorf("--goal %q is neither min nor max", q.Goal), "write --goal min or --goal max")
	}
	if err := c.unlike(q); err != nil {
		return err
	}
	if q.At != "" {
		at, err := runner.ParseAt(q.At)
		if err != nil {
			return advice.Usage(fmt.Errorf("--at: %w", err), "write best, last or epoch:40")
		}
		ask.At = at
	}
	if q.HasTarget {
		ask.Target, ask.HasTarget = q.Target, true
	}
	if q.Stat != "" {
		ask.Stat = compare.Stat(q.Stat)
	}
	if q.Test != "" {
		ask.Test = compare.Test(q.Test)
	}
	if ask.Stat != "" && !slices.Contains(compare.Stats, ask.Stat) {
		return advice.Usage(fmt.Errorf("--stat %q is not a statistic", ask.Stat), "it is one of "+Joined(compare.Stats))
	}
	if ask.Test != "" && !slices.Contains(compare.Tests, ask.Test) {
		return advice.Usage(fmt.Errorf("--test %q is not a test", ask.Test), "it is one of "+Joined(compare.Tests))
	}
	for _, equal := range []string{c.asked.Equal, q.Equal} {
		if equal == "" {
			continue
		}
		margin, err := stats.ParseMargin(equal)
		if err != nil {
			return advice.Usage(fmt.Errorf("--equal: %w", err), "it is "+stats.MarginForms)
		}
		ask.Equal = margin
	}
	if err := c.scale(q); err != nil {
		return err
	}
	if q.By != "" {
		ask.By = nil
		for name := range strings.SplitSeq(q.By, ",") {
			name = strings.TrimSpace(name)
			if n := len(name); n > 1 && name[0] == '`' && name[n-1] == '`' { // as conditions spell it
				name = name[1 : n-1]
			}
			if name != "" {
				ask.By = append(ask.By, name)
			}
		}
		if len(ask.By) == 0 {
			return advice.Usage(fmt.Errorf("--by %q names nothing", q.By), "for instance --by optimizer,batch")
		}
	}
	if math.IsNaN(q.Target) || math.IsInf(q.Target, 0) {
		return advice.Usage(fmt.Errorf("--target %v cannot be reached", q.Target), "for instance --target 0.2")
	}
	return nil
}

// scale takes how values are told apart, which the moderated test alone asks.
func (c *comparison) scale(q Question) error {
	ask := &c.ask
	if q.Scale != "" {
		ask.Differ = compare.Differ(q.Scale)
	}
	if ask.Differ != "" && !slices.Contains(compare.Differs, ask.Differ) {
		return advice.Usage(fmt.Errorf("--scale %q is not a scale", ask.Differ), "it is one of "+Joined(compare.Differs))
	}
	ofMeans := ask.Stat == "" || ask.Stat == compare.StatMean
	switch moderated := ask.Test == compare.TestModerated || ask.Test == "" && ofMeans; {
	case ask.Test == compare.TestModerated && !ofMeans:
		return advice.Usage(fmt.Errorf("--test moderated is of means, and --stat %s is not the mean", ask.Stat), "leave --test out: each statistic has a test that suits it; or --stat mean")
	case q.Scale != "" && !moderated:
		return advice.Usage(errors.New("--scale is for the moderated test, which is of means"), "--test moderated --stat mean asks for it")
	case !moderated:
		ask.Differ = "" // that of the file is for another test
	}
	return nil
}

// unlike refuses sweeps that do not agree on what is better, unless the question says it.
func (c *comparison) unlike(q Question) error {
	first := c.sweeps[0]
	for _, s := range c.sweeps[1:] {
		both := fmt.Sprintf("%s is judged by %s, goal %s, and %s by %s, goal %s", first.Name, first.Metric, first.Goal, s.Name, s.Metric, s.Goal)
		switch {
		case s.Metric != first.Metric && q.Metric == "":
			return advice.Usage(fmt.Errorf("%s: they cannot be compared as they are", both), "--metric NAME compares both by a metric that both recorded, such as --metric "+first.Metric)
		case s.Metric == first.Metric && s.Goal != first.Goal && (q.Goal == "" || c.ask.Metric != first.Metric):
			return advice.Usage(fmt.Errorf("%s: they cannot be compared together", both),
				"--goal min or --goal max compares both by one goal")
		case s.Metric == q.Metric && q.Goal == "" && s.Goal != string(c.ask.Goal):
			return advice.Usage(fmt.Errorf("%s: the goal of %s is not clear", both, q.Metric), "add --goal min or --goal max")
		}
	}
	return nil
}

// Joined lists words.
func Joined[T ~string](list []T) string {
	var words []string
	for _, w := range list {
		words = append(words, string(w))
	}
	return strings.Join(words, ", ")
}

// report reads what the Question needs and answers it.
func (c *comparison) report(ctx context.Context, q Question) (*compare.Report, error) {
	// Most of the time goes into reading settings, so results are read meanwhile.
	read := make(chan described, 1)
	go func() { read <- c.describe(ctx) }()
	results, err := c.results(ctx, c.ask.Metric)
	facts := <-read
	if err = errors.Join(err, facts.err); err != nil {
		return nil, err
	}
	c.shared(facts)
	if results, err = c.stages(ctx, results); err != nil {
		return nil, err
	}
	if err := knownMetric(ctx, c.db, results, c.ask.Metric); err != nil {
		return nil, err
	}
	if err := c.values(ctx); err != nil {
		return nil, err
	}
	if err := c.armNames(); err != nil {
		return nil, err
	}
	if err := c.problems(ctx, results, facts); err != nil {
		return nil, err
	}
	if !c.ask.Command {
		if c.ask.Arithmetic, err = c.db.Arithmetic(ctx, c.ids()...); err != nil {
			return nil, err
		}
	}
	x, err := c.expressions(ctx, q, results)
	if err != nil {
		return nil, err
	}
	c.ask.Baseline = x.baseline
	if c.ask.Accepted, err = c.db.CountEvents(ctx, store.EventAccepted, c.ids()...); err != nil {
		return nil, err
	}
	if c.ask.Replaced, err = c.db.CountEvents(ctx, store.EventReplaced, c.ids()...); err != nil {
		return nil, err
	}
	if c.ask.SeedFrom, err = c.db.Messages(ctx, store.EventSeed, c.ids()...); err != nil {
		return nil, err
	}
	if c.ask.NoOptimum, err = c.db.Messages(ctx, runner.EventNoOptimum, c.ids()...); err != nil {
		return nil, err
	}
	r := compare.Build(c.ask, x.kept, facts.same)
	for _, sub := range r.Each() {
		if unfit := sub.Unfit(); q.Scale != "" && unfit != "" {
			return nil, advice.Usage(fmt.Errorf("--scale %s: %s", q.Scale, unfit), "leave --scale out: the values choose; or --scale "+string(compare.DifferPlain))
		}
		x.finish(sub)
	}
	if x.baseline != nil && q.Baseline != "" && !slices.ContainsFunc(r.Points, func(s compare.Point) bool { return x.baseline(&s) }) {
		return nil, advice.Nothing(fmt.Errorf("--baseline: no point has %s", q.Baseline), "xrun compare --all shows all points")
	}
	if q.asks() || r.Fresh() {
		// [check] judges the question of the sweep file, not other questions, and not finalists.
	} else if err := c.check(ctx, r); err != nil {
		return nil, err
	}
	for _, sub := range r.Each() {
		if err := c.onTest(ctx, sub); err != nil {
			return nil, err
		}
		if err := c.constants(ctx, sub); err != nil {
			return nil, err
		}
	}
	if q.Curves != 0 || c.ask.HasTarget {
		if r.Curves, err = c.db.CurvesOf(ctx, c.ask.Metric, r.Wanted(max(q.Curves, 0))); err != nil {
			return nil, err
		}
		for _, sub := range r.Problems {
			sub.Curves = r.Curves
		}
	}
	return r, nil
}

// problems reads the settings by which points may differ in their problem, and what their rows are.
func (c *comparison) problems(ctx context.Context, results []runner.Result, facts described) error {
	paths := compare.ProblemPaths(facts.varying)
	var arms []string
	for _, name := range c.ask.By {
		arms = append(arms, c.ask.Names.Path(name))
	}
	settings := map[runner.Key][]runner.Setting{}
	if len(paths) > 0 {
		point := map[runner.Key]runner.Key{}
		for _, r := range results {
			point[r.Trial] = r.Point
		}
		for _, s := range c.sweeps {
			of, err := c.db.Settings(ctx, s.ID, paths)
			if err != nil {
				return err
			}
			for trial, list := range of {
				settings[point[trial]] = list
			}
		}
	}
	if len(paths) > 0 {
		for _, r := range results { // also those that have none of them
			if _, known := settings[r.Point]; !known {
				settings[r.Point] = nil
			}
		}
		c.ask.Several = compare.FindProblems(settings, facts.same, c.ask.Metric, arms)
	}
	c.ask.Fixed = compare.FixedRows(settings, facts.same, c.ask.Metric)
	if err := c.draws(ctx, results, facts); err != nil {
		return err
	}
	if c.ask.Fixed == "" {
		c.ask.Fixed = c.ask.FixedByOrder()
	}
	return nil
}

// draws finds out what the seed decides.
func (c *comparison) draws(ctx context.Context, results []runner.Result, facts described) error {
	paths, components := runner.DecideDraws(facts.varying)
	if c.ask.Imported {
		return nil
	}
	foreign := false
	if len(components) > 0 {
		found, err := c.db.Values(ctx, components, c.ids()...)
		if err != nil {
			return err
		}
		foreign = slices.ContainsFunc(found, runner.Foreign)
	}
	c.ask.Draws = runner.DrawsOf(facts.same)
	c.ask.Draws.Foreign = c.ask.Draws.Foreign || foreign
	if len(paths) == 0 {
		return nil
	}
	point := map[runner.Key]runner.Key{}
	for _, r := range results {
		point[r.Trial] = r.Point
	}
	c.ask.DrawsOf = map[runner.Key]runner.Draws{}
	for _, s := range c.sweeps {
		of, err := c.db.Settings(ctx, s.ID, paths)
		if err != nil {
			return err
		}
		for trial, list := range of {
			if _, known := c.ask.DrawsOf[point[trial]]; !known {
				draws := runner.DrawsOf(facts.same, list)
				draws.Foreign = draws.Foreign || foreign
				c.ask.DrawsOf[point[trial]] = draws
			}
		}
	}
	return nil
}

func (c *comparison) ids() []int64 {
	var ids []int64
	for _, s := range c.sweeps {
		ids = append(ids, s.ID)
	}
	return ids
}

// results are the results of all trials of the sweeps, each once.
func (c *comparison) results(ctx context.Context, metric string) ([]runner.Result, error) {
	var all []runner.Result
	seen := map[runner.Key]bool{}
	for _, s := range c.sweeps {
		results, err := c.db.Results(ctx, s.ID, metric)
		if err != nil {
			return nil, err
		}
		if len(c.sweeps) == 1 {
			return results, nil
		}
		for _, r := range results {
			if !seen[r.Trial] {
				seen[r.Trial] = true
				all = append(all, r)
			}
		}
	}
	return all, nil
}

// described are settings of sweeps: those that all trials share, and further axes.
type described struct {
	varying []string // the paths of the others
	same    []runner.Setting
	axes    map[runner.Key][]runner.Setting // by their names
	names   runner.AxisNames
	err     error
}

// command reports whether the task is a command.
func (d described) command() bool {
	return slices.ContainsFunc(d.same, func(s runner.Setting) bool { return s.Path == "task.command" })
}

func (c *comparison) describe(ctx context.Context) described {
	varying, same, err := c.db.Varying(ctx, c.ids()...)
	if err != nil {
		return described{err: err}
	}
	axes, err := c.db.Axes(ctx, varying, c.ids()...)
	shown, names := runner.ShowAxes(axes)
	return described{varying, same, shown, names, err}
}

// GoalOf is the goal of a metric: the sweep's for its own metric, by name for others. Min if it is not known.
func GoalOf(sweep store.SweepInfo, metric string) (goal stop.Goal, known bool) {
	if metric == sweep.Metric {
		return stop.Goal(sweep.Goal), true
	}
	if goal, known = stop.GoalByName(metric); !known {
		goal = stop.Min
	}
	return goal, known
}

// asks reports whether the command line changes the question of the sweep file.
func (q Question) asks() bool {
	return q.Metric != "" || q.Goal != "" || q.At != "" || q.Stat != "" || q.Test != "" || q.Equal != "" || q.Scale != "" || q.Baseline != "" || q.By != "" || q.Where != "" && !q.Runs
}

// armNames checks the axes of --by, and renames them as reports do.
func (c *comparison) armNames() error {
	known := []string{runner.AxisOptimizer, runner.AxisRegularizer, runner.AxisLR, runner.AxisLambda}
	for _, axes := range c.ask.Axes {
		for _, axis := range axes {
			if !slices.Contains(known, axis.Path) {
				known = append(known, axis.Path)
			}
		}
	}
	slices.Sort(known[4:])
	for i, name := range c.ask.By {
		path, err := c.ask.Names.Resolve(name)
		if unknown := (*runner.AxisError)(nil); errors.As(err, &unknown) && len(unknown.Candidates) > 1 {
			return advice.Usage(fmt.Errorf("--by: %w", err), unknown.Hint())
		}
		if err == nil {
			name = c.ask.Names.Of(path)
		}
		if !slices.Contains(known, name) {
			hint := "there are " + strings.Join(known, ", ")
			if meant := document.Nearest(name, known); meant != "" {
				hint = fmt.Sprintf("did you mean %s? ", meant) + hint
			}
			return advice.Usage(fmt.Errorf("--by: points do not differ in %q", name), hint)
		}
		c.ask.By[i] = name
	}
	return nil
}

// knownMetric refuses a metric that no run recorded, if runs recorded others. A run that has just begun may have recorded nothing
// that counts yet.
func knownMetric(ctx context.Context, db *store.Store, results []runner.Result, metric string) error {
	var any int64
	for _, r := range results {
		if r.Found {
			return nil
		}
		if r.RunID != 0 {
			any = r.RunID
		}
	}
	if any == 0 {
		return nil
	}
	known, err := db.Metrics(ctx, any)
	if err != nil || len(known) == 0 {
		return err
	}
	var names []string
	for _, m := range known {
		if m.Metric == metric { // before the first epoch, which is the first that counts
			return nil
		}
		names = append(names, m.Metric)
	}
	return notRecorded(metric, names)
}

func notRecorded(metric string, names []string) error {
	return advice.Nothing(fmt.Errorf("no run has recorded %q", metric), "recorded are "+strings.Join(names, ", "))
}

// goalless refuses a metric whose goal is not known and that no run of the sweep has recorded: its name is wrong, and the goal no matter.
func goalless(ctx context.Context, db *store.Store, sweep store.SweepInfo, q Question) error {
	if _, known := GoalOf(sweep, q.Metric); q.Metric == "" || q.Goal != "" || known {
		return nil
	}
	names, err := db.Names(ctx, sweep.ID)
	if err != nil || len(names.Metrics) == 0 || slices.Contains(names.Metrics, q.Metric) {
		return err
	}
	return notRecorded(q.Metric, names.Metrics)
}

// Missing reports whether an error is about something that does not exist.
func Missing(err error) bool {
	return errors.Is(err, store.ErrNotFound) || advice.Is(err, advice.ExitNothing)
}
