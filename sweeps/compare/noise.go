package compare

import (
	"cmp"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// fewestVariances is the least number of variances from which a prior is taken, and fewestOfTrend that from which on it
// may depend on the level: fewer say too little of how variances are spread.
const (
	fewestVariances = 4
	fewestOfTrend   = 20
)

// A Noise is what the points of a grid show together about the noise of the differences of each to one of them, or of each
// alone. The differences are those of means on the report's measure; the variances are of the differences of single seeds, squeezed
// towards what the others let expect at the level of the point (Smyth 2004).
type Noise struct {
	Reference int // of Report.Points; -1 for that of each alone
	PriorDF   float64
	Points    []PointNoise // in the order of Report.Points
	measure   measure
}

// A PointNoise is the noise of a point's difference to the reference.
type PointNoise struct {
	N        int     // seeds that both have
	Level    float64 // of the point's mean over them, on the measure
	Gap      float64 // of the means, on the measure
	Own      float64 // variance of the differences of single seeds
	Expected float64 // what the others let expect of it
	Variance float64 // both together
	DF       float64 // of Variance
	low      float64 // mean of the reference over the seeds that both have
	// sureVariance and sureDF are Variance and DF with no more prior degrees of freedom than the points are sure to show; see
	// stats.Prior.SureDF.
	sureVariance, sureDF float64
}

// se is the standard error of the gap. Folds share data; see stats.Corrected.
func (p *PointNoise) se(overlap float64) float64 {
	return math.Sqrt(p.Variance * (1/float64(p.N) + overlap))
}

// t is the gap in standard errors, above 0 if the point is worse.
func (p *PointNoise) t(overlap float64, goal stop.Goal) float64 {
	t := p.Gap / p.se(overlap)
	if p.Gap == 0 {
		t = 0
	}
	if goal == stop.Max {
		return -t
	}
	return t
}

// Test is the moderated t test of the gap.
func (p *PointNoise) test(overlap float64) stats.Test {
	test, _ := stats.ModeratedT(p.Gap, p.Variance, math.Sqrt(1/float64(p.N)+overlap), p.DF, Level)
	test.N = p.N
	return test
}

// interval is the difference to the reference in the metric's own unit. Its ends are those of the gap's interval.
func (n *Noise) interval(i int, overlap, level float64) stats.Interval {
	return n.within(i, overlap, stats.UpperT((1-level)/2, n.Points[i].DF))
}

// within is the difference to the reference, give or take so many standard errors of the gap.
func (n *Noise) within(i int, overlap, errors float64) stats.Interval {
	half := n.half(i, overlap, errors)
	return n.between(i, -half, half)
}

// half is so many standard errors of the gap; NaN if it has none.
func (n *Noise) half(i int, overlap, errors float64) float64 {
	p := &n.Points[i]
	switch {
	case !(p.DF > 0):
		return math.NaN()
	case p.se(overlap) == 0:
		return 0
	}
	return errors * p.se(overlap)
}

// between is the difference to the reference, with an interval from so much below the gap to so much above it.
func (n *Noise) between(i int, below, above float64) stats.Interval {
	p := &n.Points[i]
	d := stats.Interval{Value: n.measure.value(p.Level) - p.low, Low: math.NaN(), High: math.NaN(), N: p.N}
	if from := p.Level - p.Gap; stats.Finite(below) && stats.Finite(above) && stats.Finite(p.Gap) {
		d.Low, d.High = n.measure.value(from+p.Gap+below)-p.low, n.measure.value(from+p.Gap+above)-p.low
	}
	return d
}

// near are the points with which the best competes, as they are in order: the better quarter, and at least as many as a trend takes.
func (r *Report) near() []int {
	all := r.all()
	return all[:min(len(all), max(fewestOfTrend, len(all)/4))]
}

// noiseTo is the noise of all points' differences to one of them. ok is false where the points say too little about it:
// there are few, or hardly any varies.
//
// What is expected of near points is what near points show, whatever their level: where a point is better by luck, its level is
// a part of the luck, and a trend would take the noise of those that are picked to be less than it is. The
// noise of others depends on their level, which may be far from there.
func (r *Report) noiseTo(reference int) (*Noise, bool) {
	return r.squeeze(r.gapsTo(reference))
}

// squeeze adds to what is seen of noise what is expected of it.
func (r *Report) squeeze(seen *Noise) (*Noise, bool) {
	near := r.near()
	n, ok := r.expect(seen, near, false)
	if len(near) == len(r.Points) {
		return n, ok
	}
	all, known := r.expect(seen, r.all(), true)
	switch {
	case !ok:
		return all, known
	case known:
		for _, i := range near {
			all.Points[i] = n.Points[i]
		}
		all.PriorDF = n.PriorDF
		n = all
	}
	return n, true
}

// gapsTo are the differences of all points to one of them, with the variances that each shows itself.
func (r *Report) gapsTo(reference int) *Noise {
	base, m := &r.Points[reference], r.measure
	n := &Noise{Reference: reference, Points: make([]PointNoise, len(r.Points)), measure: m}
	for i := range r.Points {
		p := &n.Points[i]
		x, y := paired(&r.Points[i], base)
		p.N = len(x)
		p.Own, p.Level, p.Gap, p.low = math.NaN(), math.NaN(), math.NaN(), math.NaN()
		if p.N == 0 {
			continue
		}
		p.low = stats.Mean(y)
		p.Level = m.place(stats.Mean(x))
		p.Gap = p.Level - m.place(p.low)
		if p.N < 2 || i == reference {
			continue
		}
		gaps := make([]float64, p.N)
		for k := range x {
			gaps[k] = m.place(x[k]) - m.place(y[k])
		}
		sd := stats.StdDev(gaps)
		p.Own = sd * sd
	}
	return n
}

// expect adds to differences what those of some points let expect of all, by their level if it may be a trend.
func (r *Report) expect(seen *Noise, some []int, trend bool) (*Noise, bool) {
	n := &Noise{Reference: seen.Reference, Points: slices.Clone(seen.Points), measure: seen.measure}
	variances, df, levels := make([]float64, len(n.Points)), make([]float64, len(n.Points)), make([]float64, len(n.Points))
	for i := range n.Points {
		variances[i], levels[i] = math.NaN(), n.Points[i].Level
	}
	known := 0
	for _, i := range some {
		// A point whose values are the reference's, as those of equal trials are, says nothing about noise.
		if p := &n.Points[i]; r.Points[i].Complete && stats.Finite(p.Own) && p.Own > 0 {
			variances[i], df[i] = p.Own, float64(p.N-1)
			known++
		}
	}
	if known < fewestVariances {
		return nil, false
	}
	how := stats.Moderation{Robust: true} // a point that is far noisier keeps what it shows itself
	if trend && known >= fewestOfTrend {
		how.Trend = levels
	}
	// What chance does to several points alike says nothing of how their variances differ, and is seen but once.
	apart := slices.Clone(df)
	for i, d := range df {
		if d > 0 {
			apart[i] = stats.DegreesApart(d, r.alikeness)
		}
	}
	independent := float64(known) / (1 + r.alikeness*float64(known-1))
	post, prior, ok := stats.Squeeze(variances, apart, how)
	if !ok {
		return nil, false
	}
	sure := prior.SureDF(stats.Mean(positive(apart)), max(2, int(independent)))
	n.PriorDF = prior.Common
	total := prior.DFTotal(df)
	shared := math.Inf(1) // the variance of its own noise: half of what is expected of a point as good as it
	for i := range n.Points {
		switch {
		case n.Reference < 0:
			shared = 0
		case df[i] > 0:
			shared = min(shared, prior.Variance[i]/2)
		}
	}
	for i := range n.Points {
		p := &n.Points[i]
		p.Expected = prior.Variance[i]
		own := float64(p.N - 1)
		with := func(common float64) (variance, degrees float64) {
			variance, degrees = post[i], total[i]
			switch {
			case math.IsNaN(p.Expected):
				variance, degrees = p.Own, own
			case df[i] > 0 && !r.Points[i].Unstable, // it borrows as much as the others, though it may look noisy
				df[i] == 0 && p.N >= 2: // it is not among those that say what to expect
				variance, degrees = stats.Pooled(p.Own, own, p.Expected, common), own+common
			}
			// The reference's own noise is a part of all these variances and is seen once, not as often as there are points: by
			// Satterthwaite (1946), a part of one half with n − 1 degrees of freedom leaves the whole 4(n − 1), and fewer where
			// there are few others for the rest, or they are alike.
			part := min(1, shared/variance)
			return variance, min(degrees, own/(part*part+(1-part)*(1-part)/independent))
		}
		p.Variance, p.DF = with(prior.Common)
		p.sureVariance, p.sureDF = with(sure)
	}
	return n, true
}

// positive are the numbers above 0.
func positive(x []float64) (all []float64) {
	for _, v := range x {
		if v > 0 {
			all = append(all, v)
		}
	}
	return all
}

// moderate finds the measure of the report's values and what they show about noise, and falls back to the test that suits
// the statistic where they show too little.
func (r *Report) moderate() {
	r.measure = r.measureOf()
	if r.Test != TestModerated || len(r.Points) == 0 || !r.Points[0].Complete {
		r.plain()
		return
	}
	r.findUnstable()
	r.own, _ = r.squeeze(r.ownNoise())
	n, ok := r.noiseTo(0)
	if !ok {
		r.plain()
		return
	}
	r.noise = n
}

// plain falls back to the test of each pair by its own values.
func (r *Report) plain() {
	if r.Test != TestModerated {
		return
	}
	r.unmoderated = true
	r.Test = r.Stat.plain(r.Overlap)
}

// A seed went astray if it lies further from the middle of its point than astray times the deviation that other points of about
// that level let expect, and than strayed times the typical distance of the point's own seeds.
const (
	astray    = 8
	strayed   = 4
	ofAbout   = 15 // points of about a level
	fewAstray = 10 // points, below which nothing is called unstable
)

// normalMAD is the standard deviation of normal numbers by their median absolute deviation. Hampel 1974, Journal of the
// American Statistical Association 69.
const normalMAD = 1.4826

// findUnstable marks the points of which some seeds went astray.
//
// What a seed does to all points alike is taken away first. Middles are medians, and so is what is expected: a few wild values
// change neither.
func (r *Report) findUnstable() {
	var at []int
	for i := range r.Points {
		r.Points[i].Unstable, r.Points[i].Astray = false, 0
		if s := &r.Points[i]; s.Complete && len(s.Seeds) > 1 {
			at = append(at, i)
		}
	}
	if len(at) < fewAstray {
		return
	}
	places, common := make([][]float64, len(at)), map[int64][]float64{}
	for k, i := range at {
		s := &r.Points[i]
		row := make([]float64, len(s.Seeds))
		for j := range s.Seeds {
			row[j] = r.measure.place(s.Seeds[j].Value)
		}
		middle := stats.Median(row)
		for j := range row {
			row[j] -= middle
			common[s.Seeds[j].Seed] = append(common[s.Seeds[j].Seed], row[j])
		}
		places[k] = row
	}
	shared := map[int64]float64{}
	for seed, all := range common {
		shared[seed] = stats.Median(all)
	}
	variances, levels := make([]float64, len(at)), make([]float64, len(at))
	for k, i := range at {
		s := &r.Points[i]
		for j := range places[k] {
			places[k][j] -= shared[s.Seeds[j].Seed]
		}
		// The median of a sample variance is less than the variance, by Wilson and Hilferty 1931.
		df := float64(len(s.Seeds) - 1)
		variances[k] = math.Pow(stats.StdDev(places[k]), 2) / math.Pow(1-2/(9*df), 3)
		levels[k] = r.measure.place(stats.Median(s.Values()))
	}
	order := make([]int, len(at))
	for k := range order {
		order[k] = k
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(levels[a], levels[b]), a-b) })
	for o, k := range order {
		from := max(0, min(o-ofAbout/2, len(order)-ofAbout))
		var about []float64
		for _, other := range order[from:min(from+ofAbout, len(order))] {
			about = append(about, variances[other])
		}
		expected, middle := math.Sqrt(stats.Median(about)), stats.Median(places[k])
		far := make([]float64, len(places[k]))
		for j, x := range places[k] {
			far[j] = math.Abs(x - middle)
		}
		limit := max(astray*expected, strayed*normalMAD*stats.Median(far))
		s := &r.Points[at[k]]
		for _, x := range far {
			if x > limit && len(far) > 2 {
				s.Astray++
				s.Unstable = true
			}
		}
	}
}

// behind is how far a point lies behind the reference, in standard errors as they are with df degrees of freedom: as few lie
// further as do at its own t.
func (r *Report) behind(n *Noise, i int, df float64) float64 {
	p := &n.Points[i]
	return stats.TOf(p.t(r.Overlap, r.Goal), p.DF, df)
}

// middleDF is the degrees of freedom that most differences have.
func (r *Report) middleDF(n *Noise) float64 {
	var all []float64
	for i := range n.Points {
		if p := &n.Points[i]; i != n.Reference && r.Points[i].Complete && p.DF > 0 {
			all = append(all, p.DF)
		}
	}
	if len(all) == 0 {
		return math.Inf(1)
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// paidForMeans is the part of 1 − level that the set of the best leaves out. The rest pays for the estimates that the chances rest
// on, by simulation.
const paidForMeans = 0.8

// chances are the chances of the points to be truly the best, 0 for those that are not complete.
func (r *Report) chances(n *Noise) []float64 {
	points := make([]stats.Candidate, len(n.Points))
	for i := range points {
		p := &n.Points[i]
		if !r.Points[i].Complete || p.N == 0 && i != n.Reference {
			continue // without a standard error it has no chance
		}
		// Where single points say too little, half of the noise of a difference is the point's.
		points[i] = stats.Candidate{At: p.Gap, SE: p.se(r.Overlap) / math.Sqrt2, DF: p.DF}
		if r.own != nil {
			own := &r.own.Points[i]
			points[i].SE, points[i].DF = math.Sqrt(own.sureVariance*(1/float64(p.N)+r.Overlap)), own.sureDF
		}
		if r.Goal == stop.Max {
			points[i].At = -points[i].At
		}
	}
	return stats.BestChances(points)
}

// surely is the chance at which the set of the best may lose the truly best one because pairs tell points apart.
const surely = 0.01

// contenders are the points that cannot be told from the best: those most likely to be it, as many as it takes to hold it
// with the confidence of the report, by the chances of all. Of these go points whose difference to the best is found
// seed by seed, as that of a point which is worse by a little under every seed.
func (r *Report) contenders(n *Noise, chances []float64) (tied []int) {
	order := r.all()
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(chances[b], chances[a]) })
	sum := 0.0
	for _, i := range order {
		if sum >= 1-paidForMeans*(1-r.level()) || chances[i] == 0 {
			break
		}
		sum += chances[i]
		p := &n.Points[i]
		if i == n.Reference || !(p.t(r.Overlap, r.Goal) > 0) || stats.TwoSidedT(p.t(r.Overlap, r.Goal), p.DF) > surely/float64(len(order)-1) {
			tied = append(tied, i)
		}
	}
	return tied
}
