package compare

import (
	"math"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// luckOf is how far luck alone brings the chosen points of two arms apart, of which each was picked from those of its arm
// that are as good as it, over seeds that both have. It is in the direction of worse values. nil if nothing was picked.
//
// Each point's mean is seen with its own noise: the noisiest of many is often the luckiest. A point some of whose seeds went
// astray is seen with the noise that others let expect, since it was not picked for these. What the two chosen points'
// difference varies more than their own noise says is common to the points of an arm, and is no luck in picking.
func (r *Report) luckOf(a, base *Arm) *stats.PickedGap {
	if len(a.good)+len(base.good) <= 2 || r.own == nil {
		return nil
	}
	p := &r.baseNoise.Points[a.Chosen]
	share := 1/float64(p.N) + r.Overlap
	errors := func(points []asGood) stats.Picked {
		var all []stats.MeanError
		var counts []float64
		for _, of := range points {
			i := of.point
			e := &r.own.Points[i]
			v, df := e.Variance, e.DF
			if r.Points[i].Unstable && e.Expected > 0 {
				v = e.Expected
			}
			all = append(all, stats.MeanError{SE: math.Sqrt(v * share), DF: df})
			counts = append(counts, of.counts)
		}
		return stats.Picked{Best: all[0], Others: all[1:], Counts: counts[1:]} // the chosen one comes first
	}
	rest := p.Variance - r.own.Points[a.Chosen].Variance - r.own.Points[base.Chosen].Variance
	shared := stats.MeanError{SE: math.Sqrt(max(0, rest) * share), DF: math.Inf(1)}
	luck, _ := stats.NewPickedGap(errors(a.good), errors(base.good), shared)
	return luck
}

// worse is a difference on the measure in the direction of worse values.
func (r *Report) worse(gap float64) float64 {
	if r.Goal == stop.Max {
		return -gap
	}
	return gap
}

// toBaseArm is the difference of an arm's chosen point to the baseline's with its interval at a level: of all differences whose
// p, by the test of the arm, is above 1 − level.
func (r *Report) toBaseArm(a *Arm, level float64) stats.Interval {
	if a.luck == nil || r.copies(r.baseNoise, a.Chosen) {
		return r.between(a.Chosen, r.Arms[r.Base].Chosen, level)
	}
	low, high := a.luck.Ends((1 - level) / 2)
	if r.Goal == stop.Max {
		low, high = -high, -low
	}
	half := r.baseNoise.half(a.Chosen, r.Overlap, stats.UpperT((1-level)/2, r.baseNoise.Points[a.Chosen].DF))
	return r.baseNoise.between(a.Chosen, min(-half, -high), max(half, -low))
}
