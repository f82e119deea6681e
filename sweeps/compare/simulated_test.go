package compare

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A cell is a kind of sweep of which many are made up, and of which it is known what is true.
type cell struct {
	arms  []int // points of each, the baseline's first
	seeds int
	noise kind
	means means
}

// A kind is how the values of seeds lie about their point's mean.
type kind string

// The kinds. All have the deviation 5 % of the level but for rates, and those of losses, which have 50 %.
const (
	normal   kind = "normal"
	heavy    kind = "heavy tails"    // Student's t with 3 degrees of freedom
	skewed   kind = "skewed"         // exponential, with a long tail of worse values
	unequal  kind = "unequal"        // each point's deviation is another: lognormal, 0.5
	growing  kind = "growing"        // the deviation grows with the square of the level
	split    kind = "shared split"   // what the seed does to all points is twice the rest
	families kind = "shared by arms" // what the seed does to all points of an arm alike is as much as the rest
	losses   kind = "losses"         // lognormal, 50 %
	rate100  kind = "rate of 100"    // shares of 100 rows
	rate400  kind = "rate of 400"    // shares of 400 rows
	digits   kind = "digits"         // the residuals of recorded losses
	cancer   kind = "breast cancer"  // likewise
)

// means is how true means lie, in standard errors of a single point's mean.
type means struct {
	shape string // equal, slip, bowl, exponential
	scale float64
}

var equal = means{shape: "equal"}

func (m means) String() string {
	if m.scale == 0 {
		return m.shape
	}
	return fmt.Sprintf("%s %g", m.shape, m.scale)
}

func (c cell) points() (n int) {
	for _, arm := range c.arms {
		n += arm
	}
	return n
}

func (c cell) String() string {
	arms := fmt.Sprintf("%d arms", len(c.arms))
	if c.arms[0] == 1 && c.points() > len(c.arms) {
		arms += ""
	}
	return fmt.Sprintf("%s, %d points, %d seeds, %s, %s", c.noise, c.points(), c.seeds, arms, c.means)
}

// A world makes up sweeps of a cell.
type world struct {
	cell
	question Question
	results  []runner.Result // in the order of points, then seeds
	armOf    []int
	recorded [][]float64 // values by point and seed, each by the mean of its point, for the kinds that are recorded
	spread   float64     // their standard deviation
	rng      *rand.Rand
	truth    []float64 // of each point of the last draw
}

func newWorld(c cell, recorded [][]float64, seed uint64) *world {
	w := &world{cell: c, recorded: recorded, rng: rand.New(rand.NewPCG(seed, 7))}
	for _, row := range recorded {
		w.spread += stats.StdDev(row) / float64(len(recorded))
	}
	metric, goal := "val_loss", stop.Min
	if c.shares() > 0 {
		metric, goal = "val_accuracy", stop.Max
	}
	w.question = Question{Metric: metric, Goal: goal, Keep: runner.Keep{Metric: metric, Goal: goal, At: runner.AtBest},
		Baseline: func(s *Point) bool { return s.Optimizer == "arm0" }}
	zeros := make([]float64, c.seeds)
	for a, n := range c.arms {
		for i := range n {
			w.results = append(w.results, comparetest.Results(fmt.Sprintf("arm%d", a), 1+float64(i), 0, zeros...)...)
			w.armOf = append(w.armOf, a)
		}
	}
	w.truth = make([]float64, len(w.armOf))
	return w
}

// shares is the number of rows of which the values are shares; 0 for others.
func (c cell) shares() int {
	switch c.noise {
	case rate100:
		return 100
	case rate400:
		return 400
	}
	return 0
}

// unit is a number with mean 0 and variance 1.
func (w *world) unit() float64 {
	switch w.noise {
	case heavy:
		chi := 0.0
		for range 3 {
			z := w.rng.NormFloat64()
			chi += z * z
		}
		return w.rng.NormFloat64() / math.Sqrt(chi/3) / math.Sqrt(3)
	case skewed:
		return w.rng.ExpFloat64() - 1
	}
	return w.rng.NormFloat64()
}

// offsets are the true means of points beyond a common one, in standard errors, and in a random order.
func (w *world) offsets() []float64 {
	at := make([]float64, len(w.armOf))
	for i := range at {
		switch w.means.shape {
		case "exponential":
			at[i] = w.means.scale * w.rng.ExpFloat64()
		case "bowl":
			x, y := w.rng.NormFloat64(), w.rng.NormFloat64()
			at[i] = w.means.scale * (x*x + y*y)
		case "slip":
			at[i] = w.means.scale
		}
	}
	if w.means.shape == "slip" {
		at[w.rng.IntN(len(at))] = 0
	}
	return at
}

// draw makes up a sweep, and compares it.
func (w *world) draw() *Report {
	deviation := 0.05
	switch w.noise {
	case losses:
		deviation = 0.5
	case digits, cancer:
		deviation = w.spread
	}
	n := float64(w.seeds)
	shared := make([]float64, w.seeds)
	byArm := make([][]float64, len(w.arms))
	for k := range shared {
		if w.noise == split {
			shared[k] = 2 * w.rng.NormFloat64()
		}
	}
	for a := range byArm {
		byArm[a] = make([]float64, w.seeds)
		for k := range byArm[a] {
			if w.noise == families {
				byArm[a][k] = w.rng.NormFloat64()
			}
		}
	}
	var seeds, rows []int // of those recorded
	if w.recorded != nil {
		seeds = w.rng.Perm(len(w.recorded[0]))[:w.seeds]
		rows = w.rng.Perm(len(w.recorded))
	}
	for i, offset := range w.offsets() {
		d := deviation
		if w.noise == unequal {
			d *= math.Exp(0.5 * w.rng.NormFloat64())
		}
		level := 1 + offset*deviation/math.Sqrt(n)
		if w.shares() > 0 {
			const p = 0.9
			level = max(0.05, p-offset*math.Sqrt(p*(1-p)/float64(w.shares())/n))
		}
		if w.noise == growing {
			d *= level * level
		}
		w.truth[i] = level
		for k := range w.seeds {
			var v float64
			switch {
			case w.shares() > 0:
				v = distuv.Binomial{N: float64(w.shares()), P: level, Src: w.rng}.Rand() / float64(w.shares())
			case w.recorded != nil:
				v = level * w.recorded[rows[i]][seeds[k]]
			case w.noise == losses:
				v = level * math.Exp(d*w.unit()-d*d/2)
			default:
				v = max(1e-3, level*(1+d*(w.unit()+shared[k]+byArm[w.armOf[i]][k])))
			}
			w.results[i*w.seeds+k].Kept.Value = v
		}
	}
	return Build(w.question, w.results, nil)
}

// A tally counts how often something is so.
type tally struct{ hits, of int }

func (t *tally) add(hit bool) {
	t.of++
	if hit {
		t.hits++
	}
}

func (t tally) share() float64 { return float64(t.hits) / float64(t.of) }

// sure is the confidence with which a cell must be outside its limit before it fails.
const sure = 0.999

// least and most are the Clopper-Pearson bounds of the share that the tally estimates.
func (t tally) least() float64 {
	if t.hits == 0 {
		return 0
	}
	return distuv.Beta{Alpha: float64(t.hits), Beta: float64(t.of-t.hits) + 1}.Quantile(1 - sure)
}

func (t tally) most() float64 {
	if t.hits == t.of {
		return 1
	}
	return distuv.Beta{Alpha: float64(t.hits) + 1, Beta: float64(t.of - t.hits)}.Quantile(sure)
}

// An outcome is what many sweeps of a cell showed.
type outcome struct {
	cell
	alarms    tally // of sweeps in which some arm differs from the baseline's at 0.05
	holds     tally // of sets of the best, that hold the truly best
	pairs     tally // of intervals of differences of two points that were not picked, that hold the true one
	ofArms    tally // of intervals of differences of arms' chosen points, likewise
	size      float64
	moderated bool
}

// outcomeOf makes up many sweeps.
func outcomeOf(c cell, recorded [][]float64, draws int) outcome {
	o := outcome{cell: c}
	w := newWorld(c, recorded, uint64(draws))
	index := map[runner.Key]int{}
	for i := range w.truth {
		index[w.results[i*w.seeds].Point] = i
	}
	for range draws {
		r := w.draw()
		o.moderated = o.moderated || !r.unmoderated
		alarm := false
		base := r.Arms[r.Base].Chosen
		for _, a := range r.Arms {
			if !a.Tested {
				continue
			}
			alarm = alarm || a.P <= 0.05
			if r.Points[a.Chosen].Optimizer != "arm1" {
				continue // one arm of each sweep, so that they are independent
			}
			o.ofArms.add(holds(a.Versus, w.truth[index[r.Points[a.Chosen].Point]]-w.truth[index[r.Points[base].Point]]))
		}
		if c.means == equal {
			o.alarms.add(alarm)
		}
		best := 0
		for i, t := range w.truth {
			if r.Goal.Better(t, w.truth[best]) {
				best = i
			}
		}
		fixed := len(w.truth) - 1
		for i := range r.Points {
			s := &r.Points[i]
			at := index[s.Point]
			if i == 0 || s.Tied {
				o.size++
			}
			if at == best && c.means != equal {
				o.holds.add(i == 0 || s.Tied)
			}
			if at == fixed && c.arms[0] == 1 && i != base {
				o.pairs.add(holds(r.unpicked(i), w.truth[fixed]-w.truth[0]))
			}
		}
	}
	o.size /= float64(draws)
	return o
}

// unpicked is the difference of a point to the baseline's, as if it had not been chosen.
func (r *Report) unpicked(i int) stats.Interval {
	if r.baseNoise == nil {
		return r.Points[i].VersusBase
	}
	return r.moderated(r.baseNoise, i)
}
