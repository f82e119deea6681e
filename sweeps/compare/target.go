package compare

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

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

// A Basin is the range of learning rates around an arm's best, with its λ and further axes, whose value is at most
// [Report.Slack] worse. Decades is NaN for a single learning rate.
type Basin struct {
	Decades   float64 // between the points by straight lines over the logarithm
	Low, High float64
	Edge      bool // the first or the last learning rate of the grid lies in it: it may be wider
	// Below: the grid is too coarse, and the basin is narrower than Step, the decades from the best to its neighbours.
	Below bool
	Step  float64
}

// noBasin is the basin of an arm that has none.
func noBasin() Basin { return Basin{Decades: math.NaN(), Low: math.NaN(), High: math.NaN()} }

// basin is the basin of an arm.
func (r *Report) basin(a Arm) Basin {
	if a.Chosen < 0 {
		return noBasin()
	}
	line := r.along(a, func(s *Point) float64 { return s.LR }, func(s *Point) float64 { return s.Lambda })
	if len(line) < 2 || line[0].LR <= 0 {
		return noBasin()
	}
	sign := 1.0
	if r.Goal == stop.Max {
		sign = -1
	}
	lrs, values := make([]float64, len(line)), make([]float64, len(line))
	for i, s := range line {
		lrs[i], values[i] = s.LR, sign*s.Interval.Value
		if !s.Complete {
			values[i] = math.NaN()
		}
	}
	b := stats.BasinWidth(lrs, values, r.Slack)
	if b.Best < 0 { // no value is finite
		return noBasin()
	}
	return Basin{Decades: b.Decades, Low: b.Low, High: b.High, Edge: b.AtEdge, Below: b.Alone && !b.AtEdge && b.Decades < b.Step, Step: b.Step}
}

// slackShare is the part of the distance to a perfect value that counts as about as good.
const slackShare = 0.1

// slack is what the basins of all arms have in common, so that they can be compared: neither the number of seeds nor
// their scatter enters it. It is a tenth of the distance from the best value of all to a perfect one, which is 0 for
// a metric to make small without values below 0, and 1 for a share such as an accuracy. Where neither is known, or the best is
// perfect, it is a tenth of the distance from the best to the median of the complete points.
func (r *Report) slack() (slack float64, of string) {
	var finite []float64
	for _, v := range r.Ranked() { // best first
		if stats.Finite(v) {
			finite = append(finite, v)
		}
	}
	if len(finite) == 0 {
		return math.NaN(), ""
	}
	switch best := finite[0]; {
	case r.Goal != stop.Max && best > 0:
		return slackShare * best, "the best value of all"
	case r.Goal == stop.Max && best < 1 && best > 0 && isShare(r.Metric):
		return slackShare * (1 - best), "the best value's distance to 1"
	}
	return slackShare * math.Abs(stats.Median(finite)-finite[0]), "the distance from the best value of all to the median point"
}

// isShare reports whether a metric is one of those that are 1 where nothing is wrong.
func isShare(metric string) bool {
	words := strings.FieldsFunc(strings.ToLower(metric), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	return slices.ContainsFunc(words, func(word string) bool {
		return slices.Contains([]string{"accuracy", "acc", "auc", "auroc", "f1", "r2", "precision", "recall", "iou", "dice"}, word)
	})
}

// SlackText describes the slack of basins: "10 % of the best value of all, 0.027".
func (r *Report) SlackText() string {
	slack, of := r.slack()
	return fmt.Sprintf("%.0f %% of %s, %s", 100*slackShare, of, stats.Short(slack, 2))
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

// String is the basin's width: "1.5 decades", "≥ 1.5 decades" if it may go on beyond the grid, "< 0.5 decades" if it is
// narrower than a step of the grid.
func (b Basin) String() string {
	text := func(x float64) string {
		if x < 0.095 {
			return strconv.FormatFloat(x, 'g', 1, 64)
		}
		return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 2, 64), "0")
	}
	switch {
	case math.IsNaN(b.Decades):
		return ""
	case b.Edge:
		return "≥ " + text(b.Decades) + " decades"
	case b.Below:
		return "< " + text(b.Step) + " decades"
	}
	return text(b.Decades) + " decades"
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
