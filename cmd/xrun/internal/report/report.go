// Package report turns the results of a sweep into what people and programs read: settings with
// their uncertainty, a verdict, maps, tables, JSON and CSV.
//
// It decides nothing about training and reads no files; the numbers come from the store, the
// intervals from sweeps/stats.
package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Level is the confidence level of every interval.
const Level = 0.95

// Question is what a sweep is asked.
type Question struct {
	Sweep  string // name
	Metric string
	Goal   stop.Goal
	At     string // best, last or epoch:N
	// Command says that the task is a command, which need not have a learning rate nor a λ.
	Command bool
	// Axes are the values of further axes, by setting; nil where there are none.
	Axes map[runner.Key][]runner.Setting
	// ValueAt holds the metric after the epoch that At names, by run.
	ValueAt map[int64]float64
}

// Report is the answer: settings, best first.
type Report struct {
	Question
	Settings []Setting
	Seeds    []int64          // all seeds of the sweep, in order
	Same     []runner.Setting // what is equal for all trials
	Counts   map[runner.Status]int
	Missing  int // trials that have not been run
}

// Setting is all trials that differ in nothing but the seed.
type Setting struct {
	Point       runner.Key
	Optimizer   string
	Regularizer string           // empty without a penalty
	LR, Lambda  float64          // of a command, 0 for both is that it has no such axis
	Axes        []runner.Setting // further ones
	Seeds       []SeedResult
	Interval    stats.Interval
	// Versus is the paired difference to the best setting, over the seeds that both have.
	Versus stats.Interval
	// Tied says that the difference to the best may be none: its interval includes 0.
	Tied bool
	// Complete says that every seed has a result that did not diverge.
	Complete bool
}

// BestRun is the best seed's run of the best setting; ok is false when nothing has a result.
func (r *Report) BestRun() (id int64, ok bool) {
	best := math.NaN()
	for _, s := range r.Settings {
		for _, seed := range s.Seeds {
			better := seed.Value < best
			if r.Goal == stop.Max {
				better = seed.Value > best
			}
			if seed.Run != 0 && !math.IsNaN(seed.Value) && (better || !ok) {
				id, best, ok = seed.Run, seed.Value, true
			}
		}
		if ok {
			return id, true
		}
	}
	return 0, false
}

// SeedResult is one trial of a setting.
type SeedResult struct {
	Seed   int64
	Run    int64 // 0: never run
	Status runner.Status
	Value  float64 // NaN without one
	Epoch  int     // at which Value was reached
	Epochs int     // trained
}

// Build groups results into settings and ranks them: complete settings by their mean, then the
// settings of which a seed diverged, failed or is missing, by theirs. same is what all trials
// have in common.
func Build(q Question, results []store.Result, same []runner.Setting) *Report {
	r := &Report{Question: q, Same: same, Counts: map[runner.Status]int{}}
	index := map[runner.Key]int{}
	for _, res := range results {
		i, ok := index[res.Point]
		if !ok {
			i = len(r.Settings)
			index[res.Point] = i
			r.Settings = append(r.Settings, Setting{Point: res.Point, Optimizer: res.Optimizer, Regularizer: res.Regularizer, LR: res.LR, Lambda: res.Lambda, Axes: q.Axes[res.Point]})
		}
		r.Settings[i].Seeds = append(r.Settings[i].Seeds, r.seed(res))
		if !slices.Contains(r.Seeds, res.Seed) {
			r.Seeds = append(r.Seeds, res.Seed)
		}
		if res.Status == "" {
			r.Missing++
		} else {
			r.Counts[res.Status]++
		}
	}
	for i := range r.Settings {
		r.Settings[i].summarize()
	}
	slices.SortStableFunc(r.Settings, r.compare)
	r.pair()
	return r
}

func (r *Report) seed(res store.Result) SeedResult {
	s := SeedResult{Seed: res.Seed, Run: res.RunID, Status: res.Status, Value: math.NaN(), Epochs: res.Epochs}
	if !res.Found || !res.Status.Done() {
		return s // what a run has come to half-way is not a result
	}
	switch {
	case r.At == "last":
		s.Value, s.Epoch = res.Summary.Last, res.Epochs
	case r.At != "best":
		if v, ok := r.ValueAt[res.RunID]; ok {
			s.Value = v
		}
	case r.Goal == stop.Max:
		s.Value, s.Epoch = res.Summary.Max, res.Summary.MaxStep
	default:
		s.Value, s.Epoch = res.Summary.Min, res.Summary.MinStep
	}
	return s
}

func (s *Setting) summarize() {
	s.Complete = true
	var values []float64
	for _, seed := range s.Seeds {
		if seed.Status == runner.StatusDiverged || math.IsNaN(seed.Value) {
			s.Complete = false
		}
		if !math.IsNaN(seed.Value) {
			values = append(values, seed.Value)
		}
	}
	s.Interval = stats.MeanT(values, Level)
}

// compare orders settings from best to worst.
func (r *Report) compare(a, b Setting) int {
	if a.Complete != b.Complete {
		if a.Complete {
			return -1
		}
		return 1
	}
	x, y := a.Interval.Value, b.Interval.Value
	switch {
	case math.IsNaN(x) || math.IsNaN(y):
		if math.IsNaN(x) && math.IsNaN(y) {
			return cmp.Compare(b.epochs(), a.epochs()) // of pruned settings, those that came further
		}
		if math.IsNaN(x) {
			return 1
		}
		return -1
	case r.Goal == stop.Max:
		return cmp.Compare(y, x)
	}
	return cmp.Compare(x, y)
}

// epochs is how far the setting's seeds came together.
func (s Setting) epochs() int {
	sum := 0
	for _, seed := range s.Seeds {
		sum += seed.Epochs
	}
	return sum
}

// pair compares every setting with the best, seed by seed.
func (r *Report) pair() {
	if len(r.Settings) == 0 {
		return
	}
	r.Settings[0].Versus = stats.Interval{Value: math.NaN(), Low: math.NaN(), High: math.NaN()}
	best := map[int64]float64{}
	for _, s := range r.Settings[0].Seeds {
		best[s.Seed] = s.Value
	}
	for i := 1; i < len(r.Settings); i++ {
		s := &r.Settings[i]
		var own, other []float64
		for _, seed := range s.Seeds {
			if v, ok := best[seed.Seed]; ok && !math.IsNaN(v) && !math.IsNaN(seed.Value) {
				own, other = append(own, seed.Value), append(other, v)
			}
		}
		s.Versus = stats.PairedT(own, other, Level)
		s.Tied = s.Complete && s.Versus.Includes(0)
	}
}

// Best is the winning setting, if any has a result.
func (r *Report) Best() (Setting, bool) {
	if len(r.Settings) == 0 || math.IsNaN(r.Settings[0].Interval.Value) {
		return Setting{}, false
	}
	return r.Settings[0], true
}

// Epochs is the mean number of epochs that a setting's seeds were trained for.
func (s Setting) Epochs() float64 {
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
func (s Setting) Count(status runner.Status) int {
	n := 0
	for _, seed := range s.Seeds {
		if seed.Status == status {
			n++
		}
	}
	return n
}
