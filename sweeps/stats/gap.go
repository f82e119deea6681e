package stats

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
)

// A MeanError is how a mean that was seen lies about the true one: as Student's t with DF degrees of freedom, which may be
// +Inf, times SE.
type MeanError struct{ SE, DF float64 }

// sized reports whether the error is known, and not 0.
func (e MeanError) sized() bool { return e.SE > 0 && !math.IsInf(e.SE, 1) && e.DF > 0 }

// A Picked is the error of a point that was picked as the lowest of several that may be as good as it, and the errors of these,
// each with what it counts: 1 for a point that is as good, a part for one of which that is in doubt.
type Picked struct {
	Best   MeanError
	Others []MeanError
	Counts []float64
}

// A PickedGap is how far luck alone brings the errors of two points apart of which each was picked: the one's less
// the other's. The best of many looks better by luck than the best of few, and most of all if its own noise is more than that of
// the others. It is known which point was picked, and the chances are those of the cases in which it is (Lee et al. 2016, Annals
// of Statistics 44, 907-927, on such inference).
//
// Points that are correlated, as neighbours on a grid are, count as fewer, so that the gap is then wider than luck makes it.
type PickedGap struct {
	scale        float64
	below, above []float64 // log of the chances that the gap is at most, at least the places of a grid times scale
}

// The grids of a PickedGap lie evenly on the inverse hyperbolic sine of errors, so that they reach into long tails.
const (
	gridReach = 8.0  // e⁸/2, about 1,500 standard errors
	gridStep  = 0.08 // of errors
	gapStep   = 0.16 // of differences, between which chances lie on a cubic
	little    = 1e-10
)

// NewPickedGap is the gap of two arms. shared is what an arm's points have in common and the other's have not, of both arms
// together. ok is false if there is no luck in the gap, or its size is not known.
func NewPickedGap(a, b Picked, shared MeanError) (g *PickedGap, ok bool) {
	lots := [2]*lowest{newLowest(a.Best, a.Others, a.Counts), newLowest(b.Best, b.Others, b.Counts)}
	if lots[0] == nil || lots[1] == nil {
		return nil, false
	}
	g = &PickedGap{scale: math.Hypot(math.Hypot(lots[0].scale, lots[1].scale), shared.SE)}
	at, weight := lots[1].spread(shared)
	n := 2*int(gridReach/gapStep) + 1
	g.below, g.above = make([]float64, n), make([]float64, n)
	for i := range n {
		d := g.scale * math.Sinh((float64(i)-float64(n/2))*gapStep)
		below, above := 0.0, 0.0
		for k, y := range at {
			logAbove := lots[0].logAbove(y + d)
			lies := math.Exp(logAbove)
			above += weight[k] * lies
			if lies > 0.999 {
				below -= weight[k] * math.Expm1(logAbove) // keeps the digits of small chances
			} else {
				below += weight[k] * (1 - lies)
			}
		}
		g.below[i], g.above[i] = math.Log(max(below, 1e-300)), math.Log(max(above, 1e-300))
	}
	return g, true
}

// Below is the chance of a gap of at most d.
func (g *PickedGap) Below(d float64) float64 { return min(1, math.Exp(g.at(g.below, d))) }

// Above is the chance of a gap of at least d.
func (g *PickedGap) Above(d float64) float64 { return min(1, math.Exp(g.at(g.above, d))) }

func (g *PickedGap) at(chances []float64, d float64) float64 {
	return cubic(chances, math.Asinh(d/g.scale)/gapStep+float64(len(chances)/2))
}

// P is the two-sided p-value of a gap: twice the smaller tail, since the two differ.
func (g *PickedGap) P(d float64) float64 {
	if math.IsNaN(d) {
		return d
	}
	return min(1, 2*min(g.Below(d), g.Above(d)))
}

// Ends are the gaps below and above which luck leads with the chance alpha each.
func (g *PickedGap) Ends(alpha float64) (low, high float64) {
	log := math.Log(alpha)
	find := func(chances []float64, rises bool) float64 {
		from, to := 0.0, float64(len(chances)-1)
		for range 40 {
			if middle := (from + to) / 2; (cubic(chances, middle) < log) == rises {
				from = middle
			} else {
				to = middle
			}
		}
		return g.scale * math.Sinh((from-float64(len(chances)/2))*gapStep)
	}
	return find(g.below, true), find(g.above, false)
}

// cubic is the value at a place between those of a table, by Catmull and Rom's cubic, and its end beyond.
func cubic(table []float64, x float64) float64 {
	last := len(table) - 1
	switch {
	case !(x > 0):
		return table[0]
	case x >= float64(last):
		return table[last]
	}
	k := int(x)
	u, b, c := x-float64(k), table[k], table[k+1]
	a, e := 2*b-c, 2*c-b
	if k > 0 {
		a = table[k-1]
	}
	if k+2 <= last {
		e = table[k+2]
	}
	return b + u*((c-a)+u*((2*a-5*b+4*c-e)+u*(3*(b-c)+e-a)))/2
}

// A lowest is an error of which it is known that it is the lowest of several.
type lowest struct {
	scale float64
	log   []float64 // log of −log of the chance that it lies above the places of a grid times scale
}

// newLowest is nil if the error has no size.
func newLowest(one MeanError, others []MeanError, counts []float64) *lowest {
	if !one.sized() {
		return nil
	}
	const alike = 0.04 // errors whose sizes differ by less count as one, the larger
	type kind struct{ se, df int }
	count := map[kind]float64{}
	for i, e := range others {
		if e.sized() {
			count[kind{int(math.Ceil(math.Log(e.SE) / alike)), tailsPlace(e.DF)}] += counts[i]
		}
	}
	// In one order, so that sums are the same in any order of errors.
	kinds := slices.SortedFunc(maps.Keys(count), func(a, b kind) int { return cmp.Or(a.se-b.se, a.df-b.df) })
	half := int(gridReach / gridStep)
	l := &lowest{scale: one.SE, log: make([]float64, 2*half+1)}
	place := func(i float64) float64 { return math.Sinh((i - float64(half)) * gridStep) }
	all := make([]float64, 2*half) // log of the chance that all others lie above the middle of each cell
	for _, k := range kinds {
		tails, relative := tailsAt(k.df), l.scale/math.Exp(alike*float64(k.se))
		for i := range all {
			all[i] += count[k] * tails.logAbove(relative*place(float64(i)+0.5))
		}
	}
	own := tailsAt(tailsPlace(one.DF))
	beyond := math.Exp(own.logAbove(-place(0))) // of the grid, to each side
	mass, total := make([]float64, 2*half), beyond
	for i := range mass {
		from, to := place(float64(i)), place(float64(i+1))
		if from < 0 {
			from, to = -to, -from // of the same chance, without a difference of numbers near 1
		}
		mass[i] = (math.Exp(own.logAbove(from)) - math.Exp(own.logAbove(to))) * math.Exp(all[i])
		total += mass[i]
	}
	below := beyond
	for i := range l.log {
		l.log[i] = math.Log(max(-math.Log1p(-min(below/total, 0.5)), 1e-300))
		if i < len(mass) {
			below += mass[i]
		}
	}
	above := beyond * math.Exp(all[len(all)-1])
	for i := len(l.log) - 1; i > 0 && above < 0.5*total; i-- {
		l.log[i] = math.Log(-math.Log(max(above/total, 1e-300)))
		above += mass[i-1]
	}
	return l
}

// logAbove is the log of the chance that the lowest lies above y.
func (l *lowest) logAbove(y float64) float64 {
	return -math.Exp(cubic(l.log, math.Asinh(y/l.scale)/gridStep+float64(len(l.log)/2)))
}

func (l *lowest) above(y float64) float64 { return math.Exp(l.logAbove(y)) }

// spread is where the lowest lies when an error that all have in common is added: places, and the chances to lie about them.
func (l *lowest) spread(shared MeanError) (at, chance []float64) {
	common := newLowest(shared, nil, nil)
	if common == nil {
		return cells(l.scale, gridStep, little, l.above)
	}
	const part = 0.3 // of the lowest's own scale, by which places of the common error differ at most
	places, chances := cells(common.scale, max(gridStep/4, min(2*gridStep, part*l.scale/common.scale)), 100*little, common.above)
	return cells(math.Hypot(l.scale, common.scale), gridStep, little, func(y float64) (above float64) {
		for k, x := range places {
			above += chances[k] * l.above(y-x)
		}
		return above
	})
}

// cells are the places of a grid, and the chances to lie nearest to each, of those that are more than little.
func cells(scale, step, little float64, above func(y float64) float64) (at, chance []float64) {
	half := int(gridReach / step)
	before := 1.0
	for i := -half; i <= half && before > little; i++ {
		after := above(scale * math.Sinh((float64(i)+0.5)*step))
		if before-after > little {
			at, chance = append(at, scale*math.Sinh(float64(i)*step)), append(chance, before-after)
		}
		before = after
	}
	return at, chance
}

// tails are the logarithms of the chances that Student's t lies above places that are even on the inverse hyperbolic sine.
type tails []float64

const tailsStep, tailsReach = 0.1, 12

func (t tails) logAbove(x float64) float64 {
	above := cubic(t, math.Asinh(math.Abs(x))/tailsStep)
	if x < 0 {
		return math.Log1p(-math.Exp(above))
	}
	return above
}

// Degrees of freedom count by places 5 % apart, downwards, and as infinite from tailsMost on.
const tailsApart, tailsMost = 0.05, 300

func tailsPlace(df float64) int { return int(math.Floor(math.Log(min(df, tailsMost)) / tailsApart)) }

// tailsKnown are the tails that were asked for: they take longer than what is done with them, and there are few.
var tailsKnown sync.Map

func tailsAt(place int) tails {
	if known, ok := tailsKnown.Load(place); ok {
		return known.(tails)
	}
	df := math.Exp(float64(place) * tailsApart)
	if place == tailsPlace(math.Inf(1)) {
		df = math.Inf(1)
	}
	t := make(tails, int(tailsReach/tailsStep)+1)
	f := newLogF(1, df)
	t[0] = -math.Ln2
	for i := 1; i < len(t); i++ {
		_, twoSided := f.tails(2 * math.Log(math.Sinh(float64(i)*tailsStep)))
		t[i] = max(-1e6, twoSided-math.Ln2)
	}
	tailsKnown.Store(place, t)
	return t
}
