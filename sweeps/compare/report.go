// Package compare finds the point of a grid that wins, and how sure that is: results in, a [Report] out.
//
// It reads no files and lays out no text. A report holds numbers and sentences about them: the verdict, notes with
// what to do about them, methods for a paper.
package compare

import (
	"cmp"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Level is the confidence level of every interval.
const Level = 0.95

// A Question is what a comparison is asked about sweeps.
type Question struct {
	Sweep  string // name
	Metric string
	Goal   stop.Goal
	// Keep chooses the epoch of a run whose parameters are kept.
	Keep runner.Keep
	// At is empty for the values after the kept epoch, or chooses another epoch by the metric's own curve.
	At runner.At
	// Command: the task is a command, which may lack a learning rate and a λ.
	Command bool
	// Axes are the values of further axes, by point, named by Names; nil if there are none.
	Axes  map[runner.Key][]runner.Setting
	Names runner.AxisNames
	// Several are the problems, such as data sets, if the points have several. Problem is the one that a report is of, if it
	// is one of several.
	Several Problems
	// Arithmetic describes, by run, what computed its numbers: the BLAS and the architecture.
	Arithmetic map[int64]string
	// Fixed names the data whose rows are the same under every seed, for people: "validation data"; empty if seeds draw
	// the rows on which the metric is computed.
	Fixed   string
	Problem string
	// Draws is what the seed decides in all trials, DrawsOf what it does by point if points differ in that.
	Draws   runner.Draws
	DrawsOf map[runner.Key]runner.Draws
	// ValueAt holds the metric after the epoch that At chooses, and EpochAt this epoch, by run, if a run's summary
	// does not hold them.
	ValueAt map[int64]float64
	EpochAt map[int64]int
	// Choice holds, by run, the values of the metric by which points are chosen, if it is another one: nothing is
	// chosen on test data. nil chooses by Metric.
	Choice     map[int64]float64
	ChoiceGoal stop.Goal
	ChoiceName string

	Stat Stat // zero is the mean
	Test Test // zero is the moderated test, or for medians the sign test
	// Differ is how values are told apart; zero is by what they are.
	Differ Differ
	// Equal is the difference to the baseline up to which values count as equal; zero is by how they are told apart.
	Equal stats.Margin
	// Overlap is the ratio of validation rows to training rows of folds, which share data; 0 without folds.
	Overlap   float64
	Baseline  func(*Point) bool
	By        []string // axes that tell arms apart; nil is optimizer and regularizer
	Target    float64  // to reach
	HasTarget bool
	// Prior holds the values by which xrun confirm picked the points under other seeds; nil otherwise. Points are
	// ranked and chosen by these, not by their values now: picking again would be luck again.
	Prior  map[runner.Key]float64
	From   string       // the sweep that they were picked from
	Picked []runner.Key // the best of them on each problem, if there is a Prior
	// Alpha is the level of differences: of their intervals, and so of what is told from the best; 0 is 1 − Level. Stages say
	// how seeds were added in stages; nil if all points were to have the same.
	Alpha  float64
	Stages *Stages
	// Accepted is the number of runs that were not trained as they are: their results are from before a change of the
	// program's files.
	Accepted int
	// Replaced is the number of runs of scripts that count instead of an earlier one of the same settings and seed. SeedFrom counts the
	// runs of scripts by what was taken for their seed.
	Replaced int
	SeedFrom map[string]int
	// NoOptimum counts the runs that were to record their suboptimality and do not know the optimum, by what was said.
	NoOptimum map[string]int
	// Imported: the results are from elsewhere, and xrun cannot train more of them.
	Imported bool
	// Quick: the results are those of a first look, at few epochs of a thinned grid. Nothing is made from it but the whole sweep.
	Quick bool
	// Parts name the parts of the sweep that the database was to have, as "shard 3/8"; empty if it was to have all.
	Parts []string
	// Arguments are the sweep's name and the flags for its database, as commands take them.
	Arguments []string
	// Epochs is the most epochs of a trial; 0 if trials differ in it.
	Epochs int
}

// A Report is the answer: points, best first.
//
// Over several problems it has a report for each, and Across. Its Points are then those of one problem after another, and
// its Arms have no chosen point.
type Report struct {
	Question
	Problems []*Report // nil for one problem
	Across   *Across   // nil for one problem
	Points   []Point
	Arms     []Arm // best first
	Base     int   // of Arms: the one that others are tested against; -1 if nothing is tested
	Shares   []Share
	Seeds    []int64          // compared, in order
	Same     []runner.Setting // equal for all trials
	Counts   map[runner.Status]int
	Missing  int      // trials that have not been run
	Columns  []Column // further ones, of the table
	OnTest   []OnTest // metrics of the chosen points on test data
	Order    []int    // of the points in the table; nil is best first
	Checks   []CheckResult
	ShowRun  func(SeedResult) bool // which runs a table of runs has; nil is all
	// Slack is how much worse than an arm's best a value in its basin of learning rates may be; see [Report.SlackText].
	Slack float64
	// Constants hold, by run of the best point and metric, what a constant predictor scores on the run's rows.
	Constants map[int64]map[string]float64
	// Curves hold the metric of the runs in [Report.Wanted], by run.
	Curves map[int64][]runner.CurvePoint

	draws     runner.Draws // what the seed decides in any of the points
	repeats   int          // runs that are equal to others by what their seeds decide, and are left out
	left      int          // seeds that only some points have, which are left out
	earlier   int          // runs that kept another epoch than [metric] names, by an earlier xrun
	others    int          // runs of another sweep, whose own [metric] keeps another epoch
	revisions bool         // points have different revisions of the arithmetic
	older     int          // trials left out because their point uses another revision of the arithmetic
	unlike    bool         // points have different seeds, with fewer than two in common, or a test that does not pair
	seedless  bool         // see findSeedless
	constant  bool         // all values of points that differ in an axis are the same

	measure     measure
	noise       *Noise          // of differences to the best point; nil if the test is not moderated
	baseNoise   *Noise          // of differences to the baseline's chosen point
	own         *Noise          // of single points
	alikeness   float64         // see alikenessOf
	unmoderated bool            // the grid shows too little about noise for the moderated test
	asked       Test            // empty: none
	chance      []float64       // of each point to be truly the best, where the test is moderated
	middle      float64         // degrees of freedom that most differences to the best have
	pickedLuck  *pickedLuck     // of the best point; nil if the test is not moderated
	rivalLevel  map[int]float64 // see plainLevel, by the chosen point of the verdict's arm

	hasLR, hasLambda bool     // see HasLR; every name of a point asks
	further          []string // see FurtherAxes
}

// BestSeed is the best seed of the best point; ok is false if nothing has a result.
func (r *Report) BestSeed() (best SeedResult, ok bool) {
	best.Value = math.NaN()
	if r.Across != nil {
		return best, false
	}
	for _, s := range r.Points {
		for _, seed := range s.Seeds {
			if seed.Run != 0 && r.Goal.Better(seed.Value, best.Value) {
				best, ok = seed, true
			}
		}
		if ok {
			return best, true
		}
	}
	return best, false
}

// OnTest is a metric of test data: its value for each arm's chosen point, at the epochs that validation chose.
type OnTest struct {
	Metric string
	Arms   []stats.Interval // in the order of Report.Arms
}

// Build groups results into points and ranks them by their means. Points with a seed that diverged,
// failed or is missing come last. same are the settings that all trials share.
func Build(q Question, results []runner.Result, same []runner.Setting) *Report {
	asked := q.Test
	switch {
	case q.Test != "":
	case q.Overlap > 0 && !q.Stat.isMean():
		q.Test = q.Stat.plain(q.Overlap)
	default:
		q.Test = q.Stat.test()
	}
	if names := q.problems(results); len(names) > 1 {
		r := several(q, results, same, names)
		for _, sub := range r.Problems {
			sub.asked = asked
		}
		return r
	}
	q.Several = Problems{}
	r := &Report{Question: q, Same: same, Counts: map[runner.Status]int{}, Base: -1, asked: asked}
	results = r.oneArithmetic(results)
	results = r.withoutCopies(results)
	index := map[runner.Key]int{}
	seeds := map[int64]bool{}
	for _, res := range results {
		i, ok := index[res.Point]
		if !ok {
			i = len(r.Points)
			index[res.Point] = i
			r.Points = append(r.Points, pointOf(res, q, i))
		}
		r.Points[i].Seeds = append(r.Points[i].Seeds, r.seed(res))
		if !seeds[res.Seed] {
			seeds[res.Seed] = true
			r.Seeds = append(r.Seeds, res.Seed)
		}
		r.revisions = r.revisions || res.Arithmetic != results[0].Arithmetic
		if res.Status == "" {
			r.Missing++
		} else {
			r.Counts[res.Status]++
		}
	}
	r.findAxes()
	r.shareSeeds()
	r.round()
	for i := range r.Points {
		r.summarize(&r.Points[i])
	}
	r.placeGivenUp()
	r.Points = inOrder(r.Points, r.compare)
	r.moderate()
	r.findSeedless()
	r.pair()
	r.Slack, _ = r.slack()
	r.chooseArms()
	if r.Choice != nil {
		r.hide()
		return r
	}
	r.shares()
	return r
}

// Each are the reports of single problems: those of its Problems, or r itself.
func (r *Report) Each() []*Report {
	if r.Across != nil {
		return r.Problems
	}
	return []*Report{r}
}

// problems are the names of the results' problems, in the order of results.
func (q Question) problems(results []runner.Result) (names []string) {
	for _, res := range results {
		if name, ok := q.Several.Of[res.Point]; ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// oneArithmetic leaves each point the trials of one revision of the arithmetic: the one with the most results, the
// newest of several. Others differ in their last digits, which a comparison by seeds would take for an effect.
func (r *Report) oneArithmetic(results []runner.Result) []runner.Result {
	type revision struct {
		point      runner.Key
		arithmetic int
	}
	done := map[revision]int{}
	several := false
	for _, res := range results {
		several = several || res.Arithmetic != results[0].Arithmetic
		at := revision{res.Point, res.Arithmetic}
		done[at] += 0
		if res.Status.Done() {
			done[at]++
		}
	}
	if !several {
		return results
	}
	used := map[runner.Key]int{}
	for at, n := range done {
		now, known := used[at.point]
		if most := done[revision{at.point, now}]; !known || n > most || n == most && at.arithmetic > now {
			used[at.point] = at.arithmetic
		}
	}
	left := slices.DeleteFunc(slices.Clone(results), func(res runner.Result) bool { return used[res.Point] != res.Arithmetic })
	r.older = len(results) - len(left)
	return left
}

// shareSeeds leaves only the seeds that all points have. Points of several sweeps may have different ones, and means
// over easy and over hard seeds cannot be compared. A test that does not pair uses all seeds of each point. Points that were
// given up have fewer, and cost the others none: their differences are over the seeds that both have.
func (r *Report) shareSeeds() {
	counts, points := map[int64]int{}, 0
	for i := range r.Points {
		s := &r.Points[i]
		if r.givenUp(s) {
			continue
		}
		points++
		for _, seed := range s.Seeds {
			counts[seed.Seed]++
		}
	}
	common := slices.DeleteFunc(slices.Clone(r.Seeds), func(seed int64) bool { return counts[seed] < points })
	if len(common) == len(r.Seeds) {
		return
	}
	if len(common) < 2 || !r.Test.pairs() {
		r.unlike = true
		return
	}
	r.left = len(r.Seeds) - len(common)
	r.Seeds = common
	for i := range r.Points {
		s := &r.Points[i]
		s.Seeds = slices.DeleteFunc(s.Seeds, func(seed SeedResult) bool { return !slices.Contains(common, seed.Seed) })
	}
}

// hide removes the values of points that were not chosen, if points are chosen by another metric: a reader who sees
// them chooses by them.
func (r *Report) hide() {
	for i := range r.Points {
		s := &r.Points[i]
		if _, chosen := r.ArmOf(i); chosen {
			continue
		}
		none := stats.None()
		s.Interval, s.Versus, s.VersusBase, s.Tied = none, none, none, false
		s.Unstable, s.Astray = false, 0
		for k := range s.Seeds {
			s.Seeds[k].Value, s.Seeds[k].Recorded = math.NaN(), math.NaN()
		}
	}
	for i := range r.Arms {
		r.Arms[i].Basin = noBasin()
	}
}

// Compared is the epoch whose values are compared: best, last or epoch:N by the metric, or "kept" for the epoch that
// another metric keeps.
func (q Question) Compared() runner.At {
	switch {
	case q.At != "":
		return q.At
	case q.Metric == q.Keep.Metric:
		return q.Keep.At
	}
	return "kept"
}

// compare orders points from best to worst.
func (r *Report) compare(a, b Point) int {
	if a.Complete != b.Complete {
		if a.Complete {
			return -1
		}
		return 1
	}
	x, y := a.choice, b.choice
	if x == y && r.trails(&a) != r.trails(&b) {
		if r.trails(&b) {
			return -1
		}
		return 1
	}
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		if math.IsNaN(x) && math.IsNaN(y) {
			return cmp.Compare(b.epochs(), a.epochs()) // of pruned points, the ones trained longer first
		}
		if math.IsNaN(x) {
			return 1
		}
		return -1
	case r.choiceGoal() == stop.Max:
		return cmp.Compare(y, x)
	}
	return cmp.Compare(x, y)
}

// choiceGoal is the goal of the metric by which points are chosen.
func (r *Report) choiceGoal() stop.Goal {
	if r.Choice != nil {
		return r.ChoiceGoal
	}
	return r.Goal
}

// Fresh reports whether the points were picked under other seeds than these.
func (r *Report) Fresh() bool { return r.Prior != nil }

// Best is the winning point, if any has a result. Several problems have none together.
func (r *Report) Best() (Point, bool) {
	if r.Across != nil || len(r.Points) == 0 || math.IsNaN(r.Points[0].Interval.Value) {
		return Point{}, false
	}
	return r.Points[0], true
}

// inOrder sorts points stably. It moves each once: they are large.
func inOrder(points []Point, compare func(a, b Point) int) []Point {
	order := make([]int, len(points))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(compare(points[a], points[b]), a-b) })
	sorted := make([]Point, len(points))
	for to, from := range order {
		sorted[to] = points[from]
	}
	return sorted
}
