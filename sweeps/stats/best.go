package stats

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// A Candidate is a point that may be the best: where its mean is seen, above others if it is worse, and the standard error
// of that mean, with its degrees of freedom.
type Candidate struct{ At, SE, DF float64 }

// The limits of BestChances. Points further than fieldReach behind the lowest, in standard errors of the difference, cannot be
// the best by any chance that counts. Of more than bestAlone points those next to one another are taken together to find how means
// are spread, into at most as many groups, which bounds the time.
const (
	bestPlaces = 60
	bestSteps  = 100
	bestAlone  = 200
)

// bestKernels are the widths, in standard errors, by which the spread of means is found: the wider, the more of what is seen is left
// to chance, and the closer together the means.
var bestKernels = []float64{1, 1.2, 1.4, 1.7, 2}

// BestChances are the chances of points to have the lowest true mean. They sum to 1. Where noise is normal and standard
// errors are the same, a point that is seen lower has no lower chance.
//
// The true means come from a distribution that is itself found from all points, as the one that best explains where they are seen
// (Kiefer and Wolfowitz 1956, by the EM algorithm; Efron 2019, Statistical Science 34). The best explanation follows chance
// as well, and shows a spread where there is none. So there are several explanations, of which the others find less
// spread, down to all means being equal. Each has the weight that Schwarz's criterion (1978, Annals of Statistics 6) gives
// it: simple ones count unless the points speak against them. A mean is seen through Student's t, since its standard error
// is estimated: a point that is noisier than it shows may lie far from its mean.
func BestChances(points []Candidate) []float64 {
	chances := make([]float64, len(points))
	near := nearest(points)
	if len(near) < 2 {
		for _, i := range near {
			chances[i] = 1
		}
		return chances
	}
	f := newSpreadField(points, near)
	weights, scores := make([][]float64, 1+len(bestKernels)), make([]float64, 1+len(bestKernels))
	var all sync.WaitGroup
	for j := range weights {
		all.Go(func() { // most of the time goes here
			if j == 0 {
				weights[j] = f.equal()
			} else {
				weights[j] = f.fit(bestKernels[j-1])
			}
			scores[j] = f.criterion(weights[j])
		})
	}
	all.Wait()
	best, total := slices.Max(scores), 0.0
	for j := range scores {
		scores[j] = math.Exp(scores[j] - best)
		total += scores[j]
	}
	for j, w := range weights {
		if part := scores[j] / total; part > 1e-3 {
			for k, chance := range f.lowest(w) {
				chances[near[k]] += part * chance
			}
		}
	}
	sum := 0.0
	for _, chance := range chances {
		sum += chance
	}
	for i := range chances {
		chances[i] /= sum
	}
	return chances
}

// nearest are the points that may be the best, from the lowest on.
func nearest(points []Candidate) (near []int) {
	lowest := -1
	for i, p := range points {
		if Finite(p.At) && p.SE > 0 && Finite(p.SE) && p.DF > 0 && (lowest < 0 || p.At < points[lowest].At) {
			lowest = i
		}
	}
	for i, p := range points {
		if Finite(p.At) && p.SE > 0 && Finite(p.SE) && p.DF > 0 && p.At-points[lowest].At <= fieldReach*math.Hypot(p.SE, points[lowest].SE) {
			near = append(near, i)
		}
	}
	slices.SortStableFunc(near, func(a, b int) int { return cmp.Compare(points[a].At, points[b].At) })
	return near
}

// A spreadField is points near to the lowest, by which the spread of their true means is found.
type spreadField struct {
	points []Candidate // in the median standard error
	groups []Candidate
	count  []float64 // of points in each group
	at     []float64 // places of means
}

func newSpreadField(points []Candidate, near []int) *spreadField {
	f := &spreadField{at: make([]float64, bestPlaces)}
	var errors []float64
	for _, i := range near {
		errors = append(errors, points[i].SE)
	}
	unit, lowest := middle(errors), points[near[0]].At
	for _, i := range near {
		p := points[i]
		f.points = append(f.points, Candidate{(p.At - lowest) / unit, max(p.SE/unit, 1e-3), p.DF})
	}
	width := 1
	for k := 0; k < len(f.points); k += width {
		if k == bestAlone {
			width = (len(f.points)-k)/bestAlone + 1
		}
		group, n := Candidate{}, float64(min(width, len(f.points)-k))
		for _, p := range f.points[k : k+int(n)] {
			group.At, group.SE, group.DF = group.At+p.At/n, group.SE+math.Log(p.SE)/n, group.DF+1/p.DF/n
		}
		f.groups, f.count = append(f.groups, Candidate{group.At, math.Exp(group.SE), 1 / group.DF}), append(f.count, n)
	}
	high := f.points[len(f.points)-1].At
	for k := range f.at {
		f.at[k] = high * float64(k) / (bestPlaces - 1)
	}
	return f
}

// seen is how likely a point with a mean at each place is seen where it is, but for a factor of its own.
func (f *spreadField) seen(p Candidate, width float64) []float64 {
	row := make([]float64, bestPlaces)
	for k, at := range f.at {
		z := (p.At - at) / p.SE / width
		if p.DF > 1e5 {
			row[k] = math.Exp(-z * z / 2)
		} else {
			row[k] = math.Exp(-(p.DF + 1) / 2 * math.Log1p(z*z/p.DF))
		}
		row[k] += 1e-300
	}
	return row
}

// fit is the distribution of means that best explains the points through a kernel of a width.
func (f *spreadField) fit(width float64) []float64 {
	w := slices.Repeat([]float64{1. / bestPlaces}, bestPlaces)
	if f.at[bestPlaces-1] == 0 { // all are seen at one place
		return w
	}
	rows := make([][]float64, len(f.groups))
	for i, p := range f.groups {
		rows[i] = f.seen(p, width)
	}
	next := make([]float64, bestPlaces)
	for range bestSteps {
		clear(next)
		for i := 0; i < len(rows); i += 4 {
			for j, sum := range fourSums(rows[i:min(i+4, len(rows))], w) {
				if i+j < len(rows) {
					addShare(next, rows[i+j], f.count[i+j]/float64(len(f.points))/sum)
				}
			}
		}
		for k := range w {
			w[k] *= next[k]
		}
	}
	return w
}

// fourSums are the sums of up to four rows, weighed: the sum of one row waits for no other's.
func fourSums(rows [][]float64, weights []float64) [4]float64 {
	four := [4][]float64{}
	for j := range four {
		four[j] = rows[min(j, len(rows)-1)]
	}
	p, q, r, s := four[0][:len(weights)], four[1][:len(weights)], four[2][:len(weights)], four[3][:len(weights)]
	var a, b, c, d float64
	for k, w := range weights {
		a += p[k] * w
		b += q[k] * w
		c += r[k] * w
		d += s[k] * w
	}
	return [4]float64{a, b, c, d}
}

// addShare adds a share of a row to a sum.
func addShare(sum, row []float64, share float64) {
	sum = sum[:len(row)]
	for k, x := range row {
		sum[k] += x * share
	}
}

// equal is the distribution in which all means are the same, at the place that best explains the points.
func (f *spreadField) equal() []float64 {
	logs := make([]float64, bestPlaces)
	for i, p := range f.groups {
		for k, l := range f.seen(p, 1) {
			logs[k] += f.count[i] * math.Log(l)
		}
	}
	w := make([]float64, bestPlaces)
	w[slices.Index(logs, slices.Max(logs))] = 1
	return w
}

// criterion is Schwarz's: the log likelihood of a distribution of means, less what its parts, of which each has a place and a
// weight, would win by chance.
func (f *spreadField) criterion(w []float64) (score float64) {
	for i, p := range f.groups {
		sum := 0.0
		for k, l := range f.seen(p, 1) {
			sum += l * w[k]
		}
		score += f.count[i] * math.Log(sum)
	}
	parts := 0
	for k := range w {
		if w[k] > 1e-6 && (k == 0 || w[k] > w[k-1]) && (k == len(w)-1 || w[k] >= w[k+1]) {
			parts++
		}
	}
	if slices.Max(w) < 0.99 {
		parts = max(parts, 2) // one part that is broad
	}
	return score - float64(2*parts-1)/2*math.Log(float64(len(f.points)))
}

// lowest are the chances of the points to have the lowest mean, if means come from a distribution. Those that may be at
// one place are as if spread about it: which comes first is as in a race, in which each has a hazard of its own.
func (f *spreadField) lowest(w []float64) []float64 {
	n := len(f.points)
	above := make([][]float64, n) // the chance that a point's mean is at a place or above
	for i, p := range f.points {
		row := f.seen(p, 1)
		above[i] = make([]float64, bestPlaces+1)
		for k := bestPlaces - 1; k >= 0; k-- {
			above[i][k] = above[i][k+1] + row[k]*w[k]
		}
		for k, all := 0, above[i][0]; k < bestPlaces; k++ {
			above[i][k] /= all
		}
	}
	chances, hazards, none := make([]float64, n), make([]float64, n), 1.0 // the chance that no mean is below a place
	for k := 0; k < bestPlaces && none > 1e-15; k++ {
		all := 0.0
		for i, row := range above {
			hazards[i] = 0
			if row[k] > 0 {
				hazards[i] = -math.Log(max(row[k+1]/row[k], 1e-9))
			}
			all += hazards[i]
		}
		if all == 0 {
			continue
		}
		here := none * -math.Expm1(-all) / all
		for i, h := range hazards {
			chances[i] += here * h
		}
		none *= math.Exp(-all)
	}
	return chances
}

// SureDF is the prior degrees of freedom as far as n variances with df degrees each can show them: those that were found,
// less one standard error of what they were found by, the variance of the logarithms. A few variances that happen to be alike
// do not show that all are.
func (p Prior) SureDF(df float64, n int) float64 {
	spread := 0.0
	if !math.IsInf(p.Common, 1) {
		spread = trigamma(p.Common / 2)
	}
	// The variance of a sample variance is (μ₄ − σ⁴)/n, and μ₄ = ψ‴ + 3ψ′² for the logarithm of a gamma variable.
	chance := trigamma(df / 2)
	spread += math.Sqrt((pentagamma(df/2) + 2*chance*chance) / float64(n))
	return 2 * trigammaInverse(spread)
}
