package compare

import (
	"math"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

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
	// VersusBase is the paired difference to the baseline's chosen point; for the chosen point of an arm it is the arm's.
	VersusBase stats.Interval
	// Tied: the interval of the difference to the best includes 0. apart: it does not. Both are false for a point
	// that shares fewer than two seeds with the best.
	Tied, apart bool
	// Complete: every seed has a result that did not diverge.
	Complete bool
	// Unstable: its seeds differ far more than those of the others let expect, and Astray of them lie far from the rest.
	Unstable bool
	Astray   int
	choice   float64 // by which points are ranked
	order    int     // in the sweep
}

// A SeedResult is one trial of a point.
type SeedResult struct {
	Seed       int64
	Trial      runner.Key
	Run        int64 // 0: never run
	Status     runner.Status
	Recorded   float64 // its value; NaN if there is none, as for a diverged trial
	Value      float64 // as it is compared: values that rounding alone tells apart are one
	Epoch      int     // of Value
	Epochs     int     // trained
	Wall       time.Duration
	kept       bool    // the run keeps the parameters of Epoch
	arithmetic int     // revision
	choice     float64 // by which points are chosen
	// first and last are the metric's first value, before training where that is reported, and its last one; NaN if
	// the run has none.
	first, last float64
}

// RankedBy is the value by which the point is ranked: of the metric that chooses points.
func (s *Point) RankedBy() float64 { return s.choice }

func (r *Report) seed(res runner.Result) SeedResult {
	s := SeedResult{Seed: res.Seed, Trial: res.Trial, Run: res.RunID, Status: res.Status, Value: math.NaN(), Recorded: math.NaN(), Epochs: res.Epochs, Wall: res.Wall, choice: math.NaN(), arithmetic: res.Arithmetic, first: math.NaN(), last: math.NaN()}
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
	if res.Found {
		s.first, s.last = res.Summary.First, res.Summary.Last
	}
	s.Recorded, s.choice = s.Value, s.Value
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

// round makes one of the values that rounding alone tells apart, so that no last bit is taken for noise, or ranks points.
func (r *Report) round() {
	for _, of := range []func(*SeedResult) *float64{
		func(s *SeedResult) *float64 { return &s.Value },
		func(s *SeedResult) *float64 { return &s.choice },
	} {
		var places []*float64
		var values []float64
		for i := range r.Points {
			for k := range r.Points[i].Seeds {
				places = append(places, of(&r.Points[i].Seeds[k]))
				values = append(values, *places[len(places)-1])
			}
		}
		for i, v := range stats.Leveled(values) {
			*places[i] = v
		}
	}
}

// findSeedless finds out whether the seed does nothing in the sweep: every complete point has one value under all of its seeds, of
// which it has several. None ends otherwise under some of them. A difference is then what it is, and
// there is no chance for a test to judge: p is 0, or 1 without a difference. Rates may coincide, unless it is
// known that nothing is drawn.
func (r *Report) findSeedless() {
	for i := range r.Points {
		s := &r.Points[i]
		values := s.Values()
		if r.givenUp(s) || !s.Complete && (len(values) == 0 || s.Count(runner.StatusDiverged)+s.Count(runner.StatusFailed) == 0) {
			continue
		}
		if r.seedless = s.Complete && len(values) > 1 && slices.Min(values) == slices.Max(values) && (!r.drawsOf(s.Point).Chance() || r.measure.by != DifferLogit); !r.seedless {
			return
		}
	}
}

func (r *Report) summarize(s *Point) {
	s.Complete = true
	var values, choices []float64
	for _, seed := range s.Seeds {
		// A value that is not finite is no result: −Inf would win. A run that is judged by it has diverged, but it may
		// report it beside, and earlier versions called it finished.
		if seed.Status == runner.StatusDiverged || !stats.Finite(seed.Value) || !stats.Finite(seed.choice) {
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

// epochs is the total number of epochs of the point's seeds.
func (s Point) epochs() int {
	sum := 0
	for _, seed := range s.Seeds {
		sum += seed.Epochs
	}
	return sum
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
