// Package compare says which point of a grid wins, and how sure that is: results in, a [Report] out.
//
// It reads nothing and lays nothing out. The results come from the store, the intervals from sweeps/stats. A report
// holds numbers, and sentences that say them: the verdict, notes with what to do about them, methods for a paper.
package compare

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Level is the confidence level of every interval.
const Level = 0.95

// Question is what sweeps are asked.
type Question struct {
	Sweep  string // name
	Metric string
	Goal   stop.Goal
	// Keep says by which metric, and when, the epoch of a run counts whose parameters are kept.
	Keep runner.Keep
	// At is empty for the values after that epoch, or chooses another one by the metric's own curve.
	At runner.At
	// Command says that the task is a command, which need not have a learning rate nor a λ.
	Command bool
	// Axes are the values of further axes, by point and under the names that Names gives them; nil where
	// there are none.
	Axes  map[runner.Key][]runner.Setting
	Names runner.AxisNames
	// ValueAt holds the metric after the epoch that At chooses, by run, and EpochAt which that is, where its summary does
	// not tell.
	ValueAt map[int64]float64
	EpochAt map[int64]int
	// Choice holds what points are chosen by, by run, with its goal, where that is not the metric:
	// nothing is chosen on test data.
	Choice     map[int64]float64
	ChoiceGoal stop.Goal
	ChoiceName string // of the metric

	Stat Stat // zero is the mean
	Test Test // zero is the permutation test, or where folds overlap the paired t test
	// Overlap is the ratio of rows validated on to rows trained on of folds, which share data: 0 without folds.
	Overlap   float64
	Baseline  func(*Point) bool
	By        []string // what arms differ in: see Arm; nil is optimizer and regularizer
	Target    float64  // to reach
	HasTarget bool
	// Prior is what points were picked by, under other seeds, where that is done: see xrun confirm. They are
	// ranked and stand for their arms by it, whatever they come to now: picking again would be luck again.
	Prior  map[runner.Key]float64
	From   string     // the sweep that they were picked from
	Picked runner.Key // the best of them, where there is a Prior
	// Imported says that the results are from elsewhere, so that xrun can train nothing of them.
	Imported bool
	// Arguments are those by which commands find the sweep: its name, and where its database is.
	Arguments []string
	// Epochs is how many a trial is trained at most, 0 where trials differ in it.
	Epochs int
}

// Report is the answer: points, best first.
type Report struct {
	Question
	Points  []Point
	Arms    []Arm // best first
	Base    int   // of Arms, the one that others are tested against; -1 when nothing is tested
	Shares  []Share
	Seeds   []int64          // those that are compared, in order
	Left    int              // seeds that only some points have, which are left out
	Earlier int              // runs of which an earlier xrun has kept another epoch than [metric] names
	Others  int              // runs of another sweep, which has kept another epoch by a [metric] of its own
	Older   int              // trials of another revision of the arithmetic than that of their point, which are left out
	Unlike  bool             // points have different seeds, with fewer than two in common
	Same    []runner.Setting // what is equal for all trials
	Counts  map[runner.Status]int
	Missing int      // trials that have not been run
	Columns []Column // further ones, of the table
	OnTest  []OnTest // what the chosen points come to on test data
	Order   []int    // of the points in the table; nil is best first
	Checks  []CheckResult
	ShowRun func(SeedResult) bool // which runs a table of runs has; nil is all
	// Curves hold the metric by run, of those runs that something is to be drawn or looked up of; see
	// [Report.Wanted].
	Curves map[int64][]runner.CurvePoint
}

// Point is all trials that differ in nothing but the seed.
type Point struct {
	Point       runner.Key
	Optimizer   string
	Regularizer string           // empty without a penalty
	LR, Lambda  float64          // of a command, 0 for both is that it has no such axis
	Axes        []runner.Setting // further ones
	Seeds       []SeedResult
	Interval    stats.Interval // of the metric over the seeds
	// Versus is the paired difference to the best point, over the seeds that both have.
	Versus stats.Interval
	// VersusBase is the paired difference to the baseline's chosen point.
	VersusBase stats.Interval
	// Tied says that the difference to the best may be none: its interval includes 0. Apart says that it does
	// not; neither is known of points that share fewer than two seeds with the best.
	Tied, Apart bool
	// Complete says that every seed has a result that did not diverge.
	Complete bool
	choice   float64 // what points are ranked by
	order    int     // in the sweep
}

// BestSeed is the best seed of the best point; ok is false when nothing has a result.
func (r *Report) BestSeed() (best SeedResult, ok bool) {
	best.Value = math.NaN()
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

// OnTest is a metric of test data, of each arm's chosen point at the epochs that validation has chosen.
type OnTest struct {
	Metric string
	Arms   []stats.Interval // in the order of Report.Arms
}

// SeedResult is one trial of a point.
type SeedResult struct {
	Seed   int64
	Trial  runner.Key
	Run    int64 // 0: never run
	Status runner.Status
	Value  float64 // NaN without one, which a diverged trial is
	Epoch  int     // after which the run has Value
	Kept   bool    // the run keeps the parameters of Epoch
	Epochs int     // trained
	Wall   time.Duration
	choice float64 // what points are chosen by
}

// Build groups results into points and ranks them: complete points by their mean, then the
// points of which a seed diverged, failed or is missing, by theirs. same is what all trials
// have in common.
func Build(q Question, results []runner.Result, same []runner.Setting) *Report {
	if q.Test == "" && q.Overlap > 0 {
		q.Test = TestPairedT // signs of differences that share data cannot be flipped one by one
	}
	r := &Report{Question: q, Same: same, Counts: map[runner.Status]int{}, Base: -1}
	results = r.oneArithmetic(results)
	index := map[runner.Key]int{}
	for _, res := range results {
		i, ok := index[res.Point]
		if !ok {
			i = len(r.Points)
			index[res.Point] = i
			r.Points = append(r.Points, Point{Point: res.Point, Optimizer: res.Optimizer, Regularizer: res.Regularizer, LR: res.LR, Lambda: res.Lambda, Axes: q.Axes[res.Point], order: i})
		}
		r.Points[i].Seeds = append(r.Points[i].Seeds, r.seed(res))
		if !slices.Contains(r.Seeds, res.Seed) {
			r.Seeds = append(r.Seeds, res.Seed)
		}
		if res.Status == "" {
			r.Missing++
		} else {
			r.Counts[res.Status]++
		}
	}
	r.shareSeeds()
	for i := range r.Points {
		r.summarize(&r.Points[i])
	}
	slices.SortStableFunc(r.Points, r.compare)
	r.pair()
	r.chooseArms()
	if r.Choice != nil {
		r.hide()
		return r
	}
	r.shares()
	return r
}

// oneArithmetic leaves every point the trials of one revision of the arithmetic: that with the most results, and of
// equally many the newest. The others differ in their last digits, which a comparison by seeds would take for
// an effect.
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
	r.Older = len(results) - len(left)
	return left
}

// shareSeeds leaves all points the seeds that every one of them has, where points of several sweeps have
// different ones: means over easy and over hard seeds cannot be compared.
func (r *Report) shareSeeds() {
	counts := map[int64]int{}
	for _, s := range r.Points {
		for _, seed := range s.Seeds {
			counts[seed.Seed]++
		}
	}
	common := slices.DeleteFunc(slices.Clone(r.Seeds), func(seed int64) bool { return counts[seed] < len(r.Points) })
	if len(common) == len(r.Seeds) {
		return
	}
	if len(common) < 2 {
		r.Unlike = true
		return
	}
	r.Left = len(r.Seeds) - len(common)
	r.Seeds = common
	for i := range r.Points {
		s := &r.Points[i]
		s.Seeds = slices.DeleteFunc(s.Seeds, func(seed SeedResult) bool { return !slices.Contains(common, seed.Seed) })
	}
}

// hide takes away what points that were not chosen have of a metric that nothing is chosen by: who sees it
// chooses by it.
func (r *Report) hide() {
	for i := range r.Points {
		s := &r.Points[i]
		if _, chosen := r.ArmOf(i); chosen {
			continue
		}
		none := stats.None()
		s.Interval, s.Versus, s.VersusBase, s.Tied = none, none, none, false
		for k := range s.Seeds {
			s.Seeds[k].Value = math.NaN()
		}
	}
	for i := range r.Arms {
		r.Arms[i].Basin = Basin{Decades: math.NaN(), Low: math.NaN(), High: math.NaN()}
	}
}

func (r *Report) seed(res runner.Result) SeedResult {
	s := SeedResult{Seed: res.Seed, Trial: res.Trial, Run: res.RunID, Status: res.Status, Value: math.NaN(), Epochs: res.Epochs, Wall: res.Wall, choice: math.NaN()}
	if !res.Status.Keeps() {
		return s
	}
	if kept, ok := r.counted(res); ok {
		s.Value, s.Epoch = kept.Value, kept.Epoch
		s.Kept = res.Keeps && res.Kept.Epoch == kept.Epoch
	}
	if named, ok, known := r.Keep.ValueInShort(res.Status, res.Epochs, res.Summary); r.At == "" && r.Metric == r.Keep.Metric && ok && known && named.Epoch != s.Epoch {
		if slices.ContainsFunc(r.Axes[res.Point], func(axis runner.Setting) bool { return runner.OfKeep(axis.Path) }) {
			r.Others++
		} else {
			r.Earlier++
		}
	}
	s.choice = s.Value
	if r.Choice != nil {
		s.choice = math.NaN()
		if v, ok := r.Choice[res.RunID]; ok {
			s.choice = v
		}
	}
	return s
}

// counted is the epoch of a run that is asked for.
func (r *Report) counted(res runner.Result) (kept runner.Kept, ok bool) {
	if r.At == "" {
		return res.Kept, res.Keeps
	}
	if _, named := r.At.Epoch(); named || r.Choice != nil {
		v, ok := r.ValueAt[res.RunID]
		return runner.Kept{Epoch: r.EpochAt[res.RunID], Value: v}, ok
	}
	kept, ok, _ = runner.Keep{Metric: r.Metric, Goal: r.Goal, At: r.At}.ValueInShort(res.Status, res.Epochs, res.Summary)
	return kept, ok
}

// unkept counts the values that are of parameters which are not kept. A program keeps its own.
func (r *Report) unkept() (n int) {
	if r.At == "" || r.Command {
		return 0
	}
	for _, s := range r.Points {
		for _, seed := range s.Seeds {
			if !math.IsNaN(seed.Value) && !seed.Kept {
				n++
			}
		}
	}
	return n
}

// Compared is which epoch's values are compared: best, last or epoch:N by the metric, or "kept" for the epoch that counts
// by another one.
func (q Question) Compared() runner.At {
	switch {
	case q.At != "":
		return q.At
	case q.Metric == q.Keep.Metric:
		return q.Keep.At
	}
	return "kept"
}

func (r *Report) summarize(s *Point) {
	s.Complete = true
	var values, choices []float64
	for _, seed := range s.Seeds {
		if seed.Status == runner.StatusDiverged || math.IsNaN(seed.Value) || math.IsNaN(seed.choice) {
			s.Complete = false
		}
		if !math.IsNaN(seed.Value) {
			values = append(values, seed.Value)
		}
		if !math.IsNaN(seed.choice) {
			choices = append(choices, seed.choice)
		}
	}
	s.Interval = r.Interval(values)
	s.choice = r.Stat.Of(choices)
	if prior, ok := r.Prior[s.Point]; ok {
		s.choice = prior
	}
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
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		if math.IsNaN(x) && math.IsNaN(y) {
			return cmp.Compare(b.epochs(), a.epochs()) // of pruned points, those that came further
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

// choiceGoal is which way what points are chosen by gets better.
func (r *Report) choiceGoal() stop.Goal {
	if r.Choice != nil {
		return r.ChoiceGoal
	}
	return r.Goal
}

// epochs is how far the point's seeds came together.
func (s Point) epochs() int {
	sum := 0
	for _, seed := range s.Seeds {
		sum += seed.Epochs
	}
	return sum
}

// pair compares every point with the best, seed by seed.
func (r *Report) pair() {
	if len(r.Points) == 0 {
		return
	}
	best := &r.Points[0]
	best.Versus = stats.None()
	for i := 1; i < len(r.Points); i++ {
		s := &r.Points[i]
		s.Versus = r.difference(s, best)
		s.Tied = s.Complete && s.Versus.Includes(0)
		s.Apart = s.Complete && s.Versus.N > 1 && !s.Tied
	}
}

// difference is that of two points over the seeds that both have, a − b; with a test that does not pair, over
// all of them.
func (r *Report) difference(a, b *Point) stats.Interval {
	if !r.Test.pairs() {
		return r.unpaired(a.Values(), b.Values())
	}
	return r.paired(paired(a, b))
}

// paired are the values of two points under the seeds for which both have one.
func paired(a, b *Point) (x, y []float64) {
	at := 0
	for _, seed := range a.Seeds {
		// Seeds mostly have the same order everywhere.
		if at >= len(b.Seeds) || b.Seeds[at].Seed != seed.Seed {
			at = slices.IndexFunc(b.Seeds, func(s SeedResult) bool { return s.Seed == seed.Seed })
		}
		if at < 0 {
			at = len(b.Seeds)
			continue
		}
		if v := b.Seeds[at].Value; !math.IsNaN(v) && !math.IsNaN(seed.Value) {
			x, y = append(x, seed.Value), append(y, v)
		}
		at++
	}
	return x, y
}

// Fresh reports whether the points had been picked before, under other seeds.
func (r *Report) Fresh() bool { return r.Prior != nil }

// Best is the winning point, if any has a result.
func (r *Report) Best() (Point, bool) {
	if len(r.Points) == 0 || math.IsNaN(r.Points[0].Interval.Value) {
		return Point{}, false
	}
	return r.Points[0], true
}

// Epochs is the mean number of epochs that a point's seeds were trained for.
func (s Point) Epochs() float64 {
	total, n := 0, 0
	for _, seed := range s.Seeds {
		if seed.Run != 0 {
			total += seed.Epochs
			n++
		}
	}
	return float64(total) / float64(n)
}

// Count is how many seeds have the status.
func (s Point) Count(status runner.Status) int {
	n := 0
	for _, seed := range s.Seeds {
		if seed.Status == status {
			n++
		}
	}
	return n
}
