package compare

import (
	"math"
	"sync"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// An Expectation is the mean that the best point is expected to have under fresh seeds.
type Expectation struct {
	// Interval is the mean over so many fresh Seeds, N are those that were seen. In 95 % of cases the mean lies in it.
	stats.Interval
	Seeds int
	// Luck is by how much the mean that was seen is better than the expected one, in the metric's unit: of many points that
	// are about as good, the one with the best luck was picked.
	Luck float64
}

// FreshSeeds is the number of seeds of xrun confirm, where it is not told another.
const FreshSeeds = 10

// Expected is the mean that the best point is expected to have over so many fresh seeds. The seen mean is too good, since the
// point was picked by it. ok is false where the grid says too little about noise, or nothing was picked by the shown values.
//
// Its true mean is that of the means that are likely behind what was seen of all points. Such an empirical Bayes estimate is
// not biased by picking (Efron 2011, Journal of the American Statistical Association 106). The interval is Student's for a
// mean of further values: seeds differ as those seen do, and that is known as well as n seeds tell it.
func (r *Report) Expected(seeds int) (e Expectation, ok bool) {
	if r.noise == nil || r.Fresh() || r.Choice != nil || seeds < 1 {
		return e, false
	}
	m, n, luck := r.measure, r.Points[0].Interval.N, r.luck()
	if !luck.known {
		return e, false
	}
	worse := luck.gained
	if r.Goal == stop.Max {
		worse = -worse
	}
	seen := r.Points[0].Interval.Value
	place := m.place(seen) + worse
	next := stats.NextMean(place, luck.deviation, n, seeds, r.Overlap, Level)
	e = Expectation{Seeds: seeds, Interval: stats.Interval{Value: m.value(place), Low: m.value(next.Low), High: m.value(next.High), N: n}}
	e.Luck = math.Abs(e.Value - seen)
	return e, stats.Finite(e.Value) && stats.Finite(e.Low) && stats.Finite(e.High)
}

// A pickedLuck is what the best point owes to having been picked, whatever it is asked about: found once, as it takes all points.
type pickedLuck struct {
	once sync.Once

	known     bool
	gained    float64 // on the measure
	deviation float64 // of the seeds of points about as good
}

// luck is what the best point owes to having been picked.
func (r *Report) luck() *pickedLuck {
	r.pickedLuck.once.Do(func() { r.findLuck(r.pickedLuck) })
	return r.pickedLuck
}

func (r *Report) findLuck(l *pickedLuck) {
	n := r.Points[0].Interval.N
	distances, like := []float64{0}, []int{0} // of each point; points about as good
	chance, lowest := 0.0, math.Inf(1)        // the variance of a difference: of points about as good, and at the best level
	for i := 1; i < len(r.Points); i++ {
		t := r.behind(r.noise, i, r.middle)
		if !r.Points[i].Complete || math.IsNaN(t) {
			continue
		}
		distances = append(distances, t*math.Sqrt2)
		p := &r.noise.Points[i]
		if r.Points[i].Tied && stats.Finite(p.Variance) {
			like = append(like, i)
			chance += p.Variance
		}
		if p.Expected > 0 {
			lowest = min(lowest, p.Expected)
		}
	}
	if n < 2 || math.IsInf(lowest, 1) {
		return
	}
	chance = max(lowest, chance/float64(max(1, len(like)-1)))
	l.gained = stats.NewField(distances, 1).Luck() * math.Sqrt(chance/2*(1/float64(n)+r.Overlap))
	l.known, l.deviation = true, r.deviation(like)
}

// deviation is the standard deviation of seeds on the report's measure, over some points. What a seed does to all of them is
// in it, so that more points make it hardly surer.
func (r *Report) deviation(points []int) float64 {
	sum, n := 0.0, 0
	for _, i := range points {
		var places []float64
		for _, v := range r.Points[i].Values() {
			places = append(places, r.measure.place(v))
		}
		if sd := stats.StdDev(places); len(places) > 1 && stats.Finite(sd) {
			sum += sd * sd
			n++
		}
	}
	return math.Sqrt(sum / float64(n))
}
