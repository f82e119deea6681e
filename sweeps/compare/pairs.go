package compare

import (
	"math"
	"slices"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// pair compares every point with the best, seed by seed.
func (r *Report) pair() {
	if len(r.Points) == 0 {
		return
	}
	best := &r.Points[0]
	best.Versus = stats.None()
	if r.noise != nil {
		r.pairModerated()
		return
	}
	for i := 1; i < len(r.Points); i++ {
		s := &r.Points[i]
		s.Versus = r.difference(s, best)
		s.Tied = s.Complete && !r.trails(s) && (s.Versus.Includes(0) || s.Versus.IsRounding(best.Interval.Value))
		s.apart = s.Complete && s.Versus.N > 1 && !s.Tied && (r.trails(s) || !math.IsNaN(s.Versus.Low) || math.IsInf(s.Versus.Value, 0))
	}
}

// pairModerated compares every point with the best by what all points show about noise.
func (r *Report) pairModerated() {
	r.chance, r.middle, r.pickedLuck = r.chances(r.noise), r.middleDF(r.noise), &pickedLuck{}
	tied := make([]bool, len(r.Points))
	for _, i := range r.contenders(r.noise, r.chance) {
		tied[i] = true
	}
	for i := 1; i < len(r.Points); i++ {
		s := &r.Points[i]
		s.Versus = r.moderated(r.noise, i)
		s.Tied = s.Complete && !r.trails(s) && (s.Versus.IsRounding(r.Points[0].Interval.Value) || tied[i])
		s.apart = s.Complete && s.Versus.N > 1 && !s.Tied
	}
}

// difference is a − b over the seeds that both points have, or over all seeds with a test that does not pair.
func (r *Report) difference(a, b *Point) stats.Interval {
	d := r.differenceBy(a, b, func(s SeedResult) float64 { return s.Value })
	if r.measure.by == DifferLogit && r.Test.pairs() && d.N > 1 && d.Low == d.High && d.Value != 0 {
		d.Low, d.High = math.NaN(), math.NaN() // of few rows, rates may differ by the same under every seed by chance
	}
	return d
}

// differenceBy is difference by another value of the seeds.
func (r *Report) differenceBy(a, b *Point, of func(SeedResult) float64) stats.Interval {
	if !r.Test.pairs() {
		return r.unpaired(a.values(of), b.values(of))
	}
	return r.paired(pairedBy(a, b, of))
}

// paired are the values of two points under the seeds for which both have a value.
func paired(a, b *Point) (x, y []float64) {
	return pairedBy(a, b, func(s SeedResult) float64 { return s.Value })
}

func pairedBy(a, b *Point, of func(SeedResult) float64) (x, y []float64) {
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
		if u, v := of(seed), of(b.Seeds[at]); !math.IsNaN(u) && !math.IsNaN(v) {
			x, y = append(x, u), append(y, v)
		}
		at++
	}
	return x, y
}
