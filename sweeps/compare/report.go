// Package compare finds the point of a grid that wins, and how sure that is: results in, a [Report] out.
//
// It reads no files and lays out no text. A report holds numbers and sentences about them: the verdict, notes with
// what to do about them, methods for a paper.
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
	Test Test // zero is the permutation test, or the paired t test if folds overlap
	// Overlap is the ratio of validation rows to training rows of folds, which share data; 0 without folds.
	Overlap   float64
	Baseline  func(*Point) bool
	By        []string // axes that tell arms apart; nil is optimizer and regularizer
	Target    float64  // to reach
	HasTarget bool
	// Prior holds the values by which xrun confirm picked the points under other seeds; nil otherwise. Points are
	// ranked and chosen by these, not by their values now: picking again would be luck again.
	Prior  map[runner.Key]float64
	From   string     // the sweep that they were picked from
	Picked runner.Key // the best of them, if there is a Prior
	// Imported: the results are from elsewhere, and xrun cannot train more of them.
	Imported bool
	// Arguments are the sweep's name and the flags for its database, as commands take them.
	Arguments []string
	// Epochs is the most epochs of a trial; 0 if trials differ in it.
	Epochs int
}

// A Report is the answer: points, best first.
type Report struct {
	Question
	Points  []Point
	Arms    []Arm // best first
	Base    int   // of Arms: the one that others are tested against; -1 if nothing is tested
	Shares  []Share
	Seeds   []int64          // compared, in order
	Same    []runner.Setting // equal for all trials
	Counts  map[runner.Status]int
	Missing int      // trials that have not been run
	Columns []Column // further ones, of the table
	OnTest  []OnTest // metrics of the chosen points on test data
	Order   []int    // of the points in the table; nil is best first
	Checks  []CheckResult
	ShowRun func(SeedResult) bool // which runs a table of runs has; nil is all
	// Curves hold the metric of the runs in [Report.Wanted], by run.
	Curves map[int64][]runner.CurvePoint

	left    int  // seeds that only some points have, which are left out
	earlier int  // runs that kept another epoch than [metric] names, by an earlier xrun
	others  int  // runs of another sweep, whose own [metric] keeps another epoch
	older   int  // trials left out because their point uses another revision of the arithmetic
	unlike  bool // points have different seeds, with fewer than two in common
}

// A Point is all trials that differ only in the seed.
type Point struct {
	Point       runner.Key
	Optimizer   string
	Regularizer string           // empty without a penalty
	LR, Lambda  float64          // both 0 for a command without these axes
	Axes        []runner.Setting // further ones
	Seeds       []SeedResult
	Interval    stats.Interval // of the metric over the seeds
	// Versus is the paired difference to the best point, over the seeds that both have.
	Versus stats.Interval
	// VersusBase is the paired difference to the baseline's chosen point.
	VersusBase stats.Interval
	// Tied: the interval of the difference to the best includes 0. apart: it does not. Both are false for a point
	// that shares fewer than two seeds with the best.
	Tied, apart bool
	// Complete: every seed has a result that did not diverge.
	Complete bool
	choice   float64 // by which points are ranked
	order    int     // in the sweep
}

// BestSeed is the best seed of the best point; ok is false if nothing has a result.
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

// OnTest is a metric of test data: its value for each arm's chosen point, at the epochs that validation chose.
type OnTest struct {
	Metric string
	Arms   []stats.Interval // in the order of Report.Arms
}

// A SeedResult is one trial of a point.
type SeedResult struct {
	Seed   int64
	Trial  runner.Key
	Run    int64 // 0: never run
	Status runner.Status
	Value  float64 // NaN if there is none, as for a diverged trial
	Epoch  int     // of Value
	Epochs int     // trained
	Wall   time.Duration
	kept   bool    // the run keeps the parameters of Epoch
	choice float64 // by which points are chosen
}

// Build groups results into points and ranks them by their means. Points with a seed that diverged,
// failed or is missing come last. same are the settings that all trials share.
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
// over easy and over hard seeds cannot be compared.
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
		s.kept = res.Keeps && res.Kept.Epoch == kept.Epoch
	}
	if named, ok, known := r.Keep.ValueInShort(res.Status, res.Epochs, res.Summary); r.At == "" && r.Metric == r.Keep.Metric && ok && known && named.Epoch != s.Epoch {
		if slices.ContainsFunc(r.Axes[res.Point], func(axis runner.Setting) bool { return runner.OfKeep(axis.Path) }) {
			r.others++
		} else {
			r.earlier++
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

// counted is the epoch of a run that the question asks for, with its value.
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

// unkept counts the values of parameters that are not kept. A program keeps its own parameters.
func (r *Report) unkept() (n int) {
	if r.At == "" || r.Command {
		return 0
	}
	for _, s := range r.Points {
		for _, seed := range s.Seeds {
			if !math.IsNaN(seed.Value) && !seed.kept {
				n++
			}
		}
	}
	return n
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

// epochs is the total number of epochs of the point's seeds.
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
		s.apart = s.Complete && s.Versus.N > 1 && !s.Tied
	}
}

// difference is a − b over the seeds that both points have, or over all seeds with a test that does not pair.
func (r *Report) difference(a, b *Point) stats.Interval {
	if !r.Test.pairs() {
		return r.unpaired(a.Values(), b.Values())
	}
	return r.paired(paired(a, b))
}

// paired are the values of two points under the seeds for which both have a value.
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

// Fresh reports whether the points were picked under other seeds than these.
func (r *Report) Fresh() bool { return r.Prior != nil }

// Best is the winning point, if any has a result.
func (r *Report) Best() (Point, bool) {
	if len(r.Points) == 0 || math.IsNaN(r.Points[0].Interval.Value) {
		return Point{}, false
	}
	return r.Points[0], true
}

// Epochs is the mean number of epochs over a point's seeds.
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

// Count is the number of seeds with the status.
func (s Point) Count(status runner.Status) int {
	n := 0
	for _, seed := range s.Seeds {
		if seed.Status == status {
			n++
		}
	}
	return n
}
