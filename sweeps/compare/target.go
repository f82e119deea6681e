package compare

import (
	"math"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Hits are the first epochs at which the seeds of a point reached the target, by Curves; nil without a target.
func (r *Report) Hits(s Point) []stats.Hit {
	if !r.HasTarget {
		return nil
	}
	var hits []stats.Hit
	for _, seed := range s.Seeds {
		if seed.Run != 0 && seed.Status.Done() {
			hits = append(hits, r.hit(seed, r.Target))
		}
	}
	return hits
}

// hit is the first epoch after which a run's metric was at a target or beyond; epoch 0, before
// training, does not count.
func (r *Report) hit(seed SeedResult, target float64) stats.Hit {
	for _, p := range r.Curves[seed.Run] {
		if p.Epoch > 0 && (p.Value <= target && r.Goal != stop.Max || p.Value >= target && r.Goal == stop.Max) {
			return stats.Hit{At: float64(p.Epoch), Hit: true, Spent: float64(seed.Epochs)}
		}
	}
	return stats.Hit{At: math.Inf(1), Spent: float64(seed.Epochs)}
}

// Reached is the number of hits that reached the target.
func Reached(hits []stats.Hit) (n int) {
	for _, h := range hits {
		if h.Hit {
			n++
		}
	}
	return n
}

// A Basin is the range of learning rates around an arm's best, with its λ and further axes, whose value is at most a
// standard error worse. Decades is NaN for a single learning rate.
type Basin struct {
	Decades   float64
	Low, High float64
	Edge      bool // it reaches the first or the last learning rate of the grid
}

// basin is the basin of an arm.
func (r *Report) basin(a Arm) Basin {
	none := Basin{Decades: math.NaN(), Low: math.NaN(), High: math.NaN()}
	if a.Chosen < 0 {
		return none
	}
	best := &r.Points[a.Chosen]
	line := r.along(a, func(s *Point) float64 { return s.LR }, func(s *Point) float64 { return s.Lambda })
	if len(line) < 2 || line[0].LR <= 0 {
		return none
	}
	sign := 1.0
	if r.Goal == stop.Max {
		sign = -1
	}
	slack := 0.0
	if n := best.Interval.N; n > 1 {
		slack = stats.StdErr(best.Values())
	}
	lrs, values := make([]float64, len(line)), make([]float64, len(line))
	for i, s := range line {
		lrs[i], values[i] = s.LR, sign*s.Interval.Value
		if !s.Complete {
			values[i] = math.NaN()
		}
	}
	b := stats.BasinWidth(lrs, values, slack)
	if b.Best < 0 { // no value is finite
		return none
	}
	return Basin{Decades: b.Decades, Low: lrs[b.Low], High: lrs[b.High], Edge: b.AtEdge}
}

// along lists the points of an arm that differ from its chosen one on one axis only, in the order of that axis. rest
// are the other numbers that must be equal.
func (r *Report) along(a Arm, axis func(*Point) float64, rest ...func(*Point) float64) []*Point {
	best := &r.Points[a.Chosen]
	var line []*Point
	for _, i := range a.Points {
		s := &r.Points[i]
		if axesText(s.Axes) != axesText(best.Axes) || s.Optimizer != best.Optimizer {
			continue
		}
		if slices.ContainsFunc(rest, func(of func(*Point) float64) bool { return of(s) != of(best) }) {
			continue
		}
		line = append(line, s)
	}
	slices.SortFunc(line, func(x, y *Point) int {
		switch {
		case axis(x) < axis(y):
			return -1
		case axis(x) > axis(y):
			return 1
		}
		return 0
	})
	return line
}

// String is the basin's width: "1.5 decades", with a + if it may go on beyond the grid.
func (b Basin) String() string {
	if math.IsNaN(b.Decades) {
		return ""
	}
	text := strconv.FormatFloat(b.Decades, 'f', 1, 64)
	if b.Edge {
		text += "+"
	}
	return text + " decades"
}

// BestOf is the expected value of the best of k random points of an arm: what a budget of k points can hope for.
// Incomplete points count as the worst. NaN for fewer than k points.
func (r *Report) BestOf(a Arm, k int) float64 {
	if len(a.Points) < k {
		return math.NaN()
	}
	sign := 1.0
	if r.Goal == stop.Max {
		sign = -1
	}
	values := make([]float64, len(a.Points))
	for i, s := range a.Points {
		values[i] = math.Inf(1)
		if r.Points[s].Complete {
			values[i] = sign * r.Points[s].Interval.Value
		}
	}
	return sign * stats.ExpectedBestDistinct(values, k)
}
