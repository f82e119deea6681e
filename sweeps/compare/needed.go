package compare

import (
	"math"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A spread is an arm's difference to the baseline with its noise, and how that shrinks with more seeds.
type spread struct {
	gap      float64 // on the measure
	variance float64 // of the difference under one seed
	n        int     // seeds
	sides    float64 // 2 if each arm adds degrees of freedom of its own
	prior    float64 // degrees of freedom from elsewhere
	overlap  float64
	measure  measure
	low      float64 // the baseline's mean
}

// spreadOf is the spread of a tested arm. ok is false if it shows none.
func (r *Report) spreadOf(a Arm) (s spread, ok bool) {
	base := &r.Points[r.Arms[r.Base].Chosen]
	if r.baseNoise != nil {
		p := &r.baseNoise.Points[a.Chosen]
		s = spread{gap: p.Gap, variance: p.Variance, n: p.N, sides: 1, prior: max(0, p.DF-float64(p.N-1)), overlap: r.Overlap, measure: r.baseNoise.measure, low: p.low}
		return s, s.variance > 0 && stats.Finite(s.gap)
	}
	s = spread{gap: a.Versus.Value, sides: 1, overlap: r.Overlap, measure: measure{by: DifferPlain}, low: base.Interval.Value}
	if r.Test.pairs() {
		d := differences(paired(&r.Points[a.Chosen], base))
		sd := stats.StdDev(d)
		s.n, s.variance = len(d), sd*sd
	} else {
		x, y := r.Points[a.Chosen].Values(), base.Values()
		u, v := stats.StdDev(x), stats.StdDev(y)
		s.n, s.variance, s.sides = min(len(x), len(y)), u*u+v*v, 2
	}
	return s, s.variance > 0 && stats.Finite(s.variance) && stats.Finite(s.gap)
}

// se is the standard error under n seeds, and df its degrees of freedom.
func (s spread) se(n int) float64 { return math.Sqrt(s.variance * (1/float64(n) + s.overlap)) }

func (s spread) df(n int) float64 { return s.sides*float64(n-1) + s.prior }

// margin is a difference of values as one on the measure, on the side where it is less.
func (s spread) margin(size float64) float64 {
	at := s.measure.place(s.low)
	up, down := s.measure.place(s.low+size)-at, at-s.measure.place(s.low-size)
	if math.IsNaN(down) || math.IsNaN(up) { // beyond the end of the values
		return max(up, down)
	}
	return min(up, down)
}

// plainLevel is the level that a t test of this arm alone must reach so that its adjusted p is at most 1 − Level: less than
// that where several arms are tested, or its chosen point was picked among more or fewer as good ones than the baseline's.
func (r *Report) plainLevel(a Arm) float64 {
	if known, ok := r.rivalLevel[a.Chosen]; ok {
		return known
	}
	alpha := (1 - r.level()) / float64(r.family())
	if a.luck == nil {
		return alpha
	}
	// By the end at which the difference that is seen would have to lie.
	p := &r.baseNoise.Points[a.Chosen]
	low, high := a.luck.Ends(alpha / 2)
	far := high
	if r.worse(p.Gap) < 0 {
		far = -low
	}
	if t := far / p.se(r.Overlap); t > 0 {
		return min(alpha, stats.TwoSidedT(t, p.DF))
	}
	return alpha
}

// seedsToTell is the number of seeds with which the difference that is seen would be found with the chance targetPower; 0 if
// there is no saying. least is what the test needs at all.
func (r *Report) seedsToTell(a Arm, s spread, alpha float64, least int) int {
	if s.gap == 0 || s.overlap > 0 {
		return 0
	}
	n := stats.Fewest(2, func(n int) bool { return math.Abs(s.gap)/s.se(n) >= stats.Detectable(s.df(n), alpha, targetPower) })
	return known(max(n, least))
}

// seedsToEqual is the number of seeds with which two values that differ as these do would be shown to be equal, with the chance
// targetPower; 0 if there is no saying.
func (r *Report) seedsToEqual(a Arm, s spread) int {
	_, size, ok := r.EqualWithin()
	if !ok || s.overlap > 0 {
		return 0
	}
	margin, alpha := s.margin(size), (1-r.level())/float64(r.family())
	if !(math.Abs(s.gap) < margin) {
		return 0
	}
	if a.luck != nil {
		low, high := a.luck.Ends(alpha)
		p := &r.baseNoise.Points[a.Chosen]
		alpha = min(alpha, stats.TwoSidedT(max(-low, high)/p.se(r.Overlap), p.DF)/2)
	}
	return known(stats.Fewest(2, func(n int) bool {
		se := s.se(n)
		return stats.EquivalencePower(s.gap/se, margin/se, s.df(n), alpha) >= targetPower
	}))
}

// seedsToDecide is the number of seeds with which an arm is likely to be told from the baseline, or shown to be equal to it.
func (r *Report) seedsToDecide(a Arm) int {
	s, ok := r.spreadOf(a)
	if !ok {
		return 0
	}
	tell, equal := r.seedsToTell(a, s, r.plainLevel(a), r.leastSeeds(a)), r.seedsToEqual(a, s)
	if tell == 0 || equal != 0 && equal < tell {
		tell = equal
	}
	if tell == 0 {
		return 0
	}
	return max(tell, s.n+1)
}

// known is a number of seeds, 0 for one beyond all reach.
func known(n int) int {
	if n >= beyondReach {
		return 0
	}
	return n
}

const beyondReach = 1_000_000

// leastSeeds is the number of seeds that the test needs to reach p < 0.05 at all.
func (r *Report) leastSeeds(a Arm) int {
	if r.baseNoise != nil {
		return 2
	}
	if !r.Test.pairs() {
		return r.enough(r.family())
	}
	ties := 0
	for _, d := range differences(paired(&r.Points[a.Chosen], &r.Points[r.Arms[r.Base].Chosen])) {
		if d == 0 {
			ties++
		}
	}
	return r.enough(r.family()) + ties
}
