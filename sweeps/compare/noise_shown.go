package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Contender is a point as the ≈ set sees it: how far it lies behind the best, and the noise of its difference to it.
type Contender struct {
	Point  int     // of Report.Points
	Chance float64 // to be truly the best
	Behind float64 // standard errors, as with the set's degrees of freedom; NaN if it shares too few seeds with the best
	// Own is the standard deviation of the differences of single seeds, on the report's measure, and Expected what the others
	// let expect of it.
	Own, Expected float64
	DF            float64 // of both together
	Copy          bool    // its values are those of the best
}

// A Contention is the ≈ set: the points that cannot be told from the best.
type Contention struct {
	Members []Contender // best first, without the best itself
	// Next is the complete point most likely to be the best of those that are told from it; nil if there is none.
	Next    *Contender
	Of      int     // complete points
	Chance  float64 // of the best shown to be truly the best
	DF      float64 // degrees of freedom that most distances have
	Level   float64 // at least the chance that the set holds the best
	PriorDF float64 // what the other points show is as sure as a variance with so many; +Inf if all have one noise
	Trend   bool    // the noise depends on the mean
}

// Moderated reports whether points are told apart by what all of them show about noise.
func (r *Report) Moderated() bool { return r.noise != nil }

// Contention is the ≈ set; ok is false if the test is not moderated.
func (r *Report) Contention() (c Contention, ok bool) {
	if r.noise == nil {
		return Contention{}, false
	}
	c = Contention{Chance: r.chance[r.noise.Reference], DF: r.middle, Level: r.level(), PriorDF: r.noise.PriorDF, Trend: r.trended()}
	for i := range r.Points {
		s := &r.Points[i]
		if s.Complete {
			c.Of++
		}
		if i == r.noise.Reference || !s.Complete {
			continue
		}
		switch {
		case s.Tied:
			c.Members = append(c.Members, r.contender(i))
		case r.Choice == nil && s.apart && (c.Next == nil || r.chance[i] >= c.Next.Chance): // of the others nothing more is asked
			of := r.contender(i)
			if c.Next == nil || of.Chance > c.Next.Chance || of.Behind < c.Next.Behind {
				c.Next = &of
			}
		}
	}
	return c, true
}

// contender is a point as the ≈ set shows it.
func (r *Report) contender(i int) Contender {
	p := &r.noise.Points[i]
	return Contender{Point: i, Chance: r.chance[i], Behind: r.behind(r.noise, i, r.middle), Own: math.Sqrt(p.Own), Expected: math.Sqrt(p.Expected), DF: p.DF,
		Copy: r.copies(r.noise, i)}
}

// copies reports whether a point's values are those of a noise's reference, but for rounding, under all seeds that both have.
func (r *Report) copies(n *Noise, i int) bool {
	x, y := paired(&r.Points[i], &r.Points[n.Reference])
	for k := range x {
		if !stats.Alike(x[k], y[k]) {
			return false
		}
	}
	return len(x) > 0
}

// moderated is the difference of a point to a noise's reference with its interval. A copy differs by nothing, whatever noise
// others have.
func (r *Report) moderated(n *Noise, i int) stats.Interval { return r.moderatedAt(n, i, r.level()) }

// moderatedAt is moderated at another level.
func (r *Report) moderatedAt(n *Noise, i int, level float64) stats.Interval {
	if r.copies(n, i) {
		return stats.Interval{N: n.Points[i].N}
	}
	return n.interval(i, r.Overlap, level)
}

// trended reports whether the grid had enough points for a prior that depends on the mean.
func (r *Report) trended() bool {
	known := 0
	for i := range r.noise.Points {
		if i != r.noise.Reference && r.Points[i].Complete && r.noise.Points[i].Own > 0 {
			known++
		}
	}
	return known >= fewestOfTrend && len(r.near()) < len(r.Points)
}

// A Scatter is the noise of a point against its level.
type Scatter struct {
	Point    int     // of Report.Points
	Mean     float64 // of the metric
	Own      float64 // standard deviation of the differences of single seeds to the best, on the report's measure
	Expected float64 // what the others let expect of it
	Unstable bool
}

// Scatter is the noise of the points that show some, by their means from low to high; nil if the test is not moderated. If
// points are chosen by another metric, it has none: a reader would choose by it.
func (r *Report) Scatter() (all []Scatter) {
	if r.noise == nil || r.Choice != nil {
		return nil
	}
	for i := range r.noise.Points {
		if p := &r.noise.Points[i]; i != r.noise.Reference && r.Points[i].Complete && p.Own > 0 {
			all = append(all, Scatter{i, r.measure.value(p.Level), math.Sqrt(p.Own), math.Sqrt(p.Expected), r.Points[i].Unstable})
		}
	}
	slices.SortStableFunc(all, func(a, b Scatter) int { return cmp.Compare(a.Mean, b.Mean) })
	return all
}

// Deviation writes a standard deviation on the report's measure: in percent or as a factor for ratios, in log odds, or in the
// metric's own unit.
func (r *Report) Deviation(d float64) string {
	const large = 0.4 // from which on a percentage and a factor mean different things
	switch {
	case math.IsNaN(d):
		return "–"
	case r.measure.by == DifferRatio && d >= large:
		return "×" + stats.Short(math.Exp(d), 2)
	case r.measure.by == DifferRatio:
		return stats.Short(100*d, 2) + " %"
	}
	return stats.Short(d, 2)
}

// ScatterCaption says what [Report.Scatter] has.
func (r *Report) ScatterCaption() string {
	text := "standard deviation of each point's differences to the best, seed by seed, against its mean"
	switch r.measure.by {
	case DifferRatio:
		return text + "; of logarithms: 0.1 is about 10 %"
	case DifferLogit:
		return text + "; in log odds"
	}
	return text
}

// Shift is what is added to values before logarithms are taken, so that those of 0 have some; 0 mostly.
func (r *Report) Shift() float64 { return r.measure.shift }

// DifferWords says by what values are told apart, and why.
func (r *Report) DifferWords() string {
	m := r.measure
	var text, why string
	switch m.by {
	case DifferRatio:
		text, why = "by ratios: 0.10 and 0.11 differ as much as 1.0 and 1.1", "no value lies below 0, and less is better"
		if r.Goal == stop.Max {
			why = "no value lies below 0, and the means spread over a factor of 2 or more"
		}
	case DifferLogit:
		text, why = "by logits: 0.98 and 0.99 differ as much as odds of 49 and 99", "by its name, "+r.Metric+" is a share, and all values lie between 0 and 1"
	default:
		text, why = "by plain differences", "some values lie below 0"
		if !r.below(0) {
			why = "more is better, and the means spread over less than a factor of 2"
		}
	}
	switch {
	case r.Differ != "" && r.Differ != m.by:
		why = "--scale " + string(r.Differ) + " does not fit them"
	case r.Differ != "":
		why = "it was asked for"
	}
	text = "Values are told apart " + text + " (" + why + "; --scale chooses another way)."
	switch {
	case m.shift == 0:
	case m.by == DifferLogit:
		text += fmt.Sprintf(" Some values are 0 or 1, which have no logit. So %s is added to each share and to its difference from 1: half of the smallest distance of any other value to 0 or 1 (an empirical logit).", stats.Number(stats.Round(m.shift, 2)))
	default:
		text += fmt.Sprintf(" Some values are 0, or far below the mean of their point. So %s is added before logarithms are taken; otherwise the smallest values alone would decide (a started logarithm; Tukey 1977, Exploratory Data Analysis).", stats.Number(stats.Round(m.shift, 2)))
	}
	return text
}

// below reports whether a value of a complete point lies below a limit.
func (r *Report) below(limit float64) bool {
	return slices.ContainsFunc(r.Points, func(s Point) bool { return s.Complete && slices.Min(s.Values()) < limit })
}

// Unfit says why the values cannot be told apart as was asked for; empty if they can.
func (r *Report) Unfit() string {
	if r.Differ == "" || r.Differ == r.measure.by || r.measure.by == "" {
		return ""
	}
	low, high := math.Inf(1), math.Inf(-1)
	for i := range r.Points {
		if s := &r.Points[i]; s.Complete {
			for _, v := range s.Values() {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	of := ""
	if r.Problem != "" {
		of = " of " + r.Problem
	}
	switch {
	case !(low <= high):
		return ""
	case r.Differ == DifferLogit && low < 0:
		return fmt.Sprintf("%s%s has values below 0, such as %s, and logits are of shares between 0 and 1", r.Metric, of, stats.Number(low))
	case r.Differ == DifferLogit:
		return fmt.Sprintf("%s%s has values above 1, such as %s, and logits are of shares between 0 and 1", r.Metric, of, stats.Number(high))
	case low < 0:
		return fmt.Sprintf("%s%s has values below 0, such as %s, which have no ratios", r.Metric, of, stats.Number(low))
	}
	return fmt.Sprintf("%s%s has no value above 0, and so no ratios", r.Metric, of)
}

// scaled are notes on a scale that was asked for and is not used.
func (r *Report) scaled() []Note {
	switch unfit := r.Unfit(); {
	case unfit != "":
		return []Note{{Warning: true, Text: unfit + ": differences are plain ones", Then: "leave scale out, or choose scale = \"difference\""}}
	case r.unmoderated && r.Differ != "":
		return []Note{notef("the scale has no effect: it is for the moderated test, and the points show too little about noise for it")}
	}
	return nil
}

// unstable names the unstable points.
func (r *Report) unstable() []Note {
	const most = 5
	var names []string
	n := 0
	for i := range r.Points {
		s := &r.Points[i]
		if !s.Unstable {
			continue
		}
		if n++; n <= most {
			names = append(names, fmt.Sprintf("#%d %s (%s)", i+1, r.Name(*s), s.AstrayText()))
		}
	}
	if n == 0 {
		return nil
	}
	text := strings.Join(names, ", ")
	if more := n - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return []Note{notef("%s unstable: %s. Seeds differ far more there than at points of about the same level", stats.Count(n, "point is", "points are"), text)}
}

// AstrayText says how many seeds of an unstable point went astray; empty for another point.
func (s *Point) AstrayText() string {
	switch {
	case !s.Unstable:
		return ""
	case s.Astray == 0:
		return "seeds far apart"
	}
	return fmt.Sprintf("%d of %s went astray", s.Astray, Counted(len(s.Seeds), "seed"))
}

// moderatedMethods is how the moderated test works, for a paper; empty if it is not used.
func (r *Report) moderatedMethods() string {
	if r.noise == nil {
		return ""
	}
	on := "Differences are of means"
	switch r.measure.by {
	case DifferRatio:
		on = "Differences of means are ratios, judged on logarithms"
	case DifferLogit:
		on = "Differences of means are judged on logits"
	}
	text := " " + on + ". The variance of the differences of seeds was moderated over the points (Smyth 2004)"
	if r.trended() {
		text += fmt.Sprintf(", among the best %d by themselves, and among the others along a trend with the mean (Law et al. 2014)", len(r.near()))
	}
	text += "; outlying points kept more of their own (Phipson et al. 2016)."
	if r.family() > 0 && !r.Fresh() && r.Choice == nil {
		text += " p-values and intervals of arms allow for each arm's choice among points that may be as good, by the noise of each point."
	}
	return text
}

// borrowing says which points borrow little, and which seeds count as astray.
func borrowing() string {
	return fmt.Sprintf("A point that is far noisier than the others let expect borrows little or nothing (Phipson et al. 2016). A seed went astray if it lies far from the median of its point: more than %d times the deviation that points of about the same level show, and more than %d times that of the point's own seeds. Its point is then called unstable. The best point's own noise is part of every difference to it but is seen only once, which limits the degrees of freedom.", astray, strayed)
}

// noiseGlossary explains what is borrowed from other points.
func (r *Report) noiseGlossary() []string {
	of := ""
	if r.Problem != "" {
		of = r.Problem + ": "
	}
	c, ok := r.Contention()
	if !ok {
		if !r.unmoderated {
			return nil
		}
		return []string{of + fmt.Sprintf("The points show too little about noise to borrow from each other: it takes a complete best point and %d further ones that vary. Each pair is judged by its own values, by %s.", fewestVariances, r.testName())}
	}
	borrowed := fmt.Sprintf("What the other points show about a point's noise counts as much as %s further seeds of its own (prior degrees of freedom; Smyth 2004).", stats.Short(c.PriorDF, 2))
	if math.IsInf(c.PriorDF, 1) {
		borrowed = "The points' variances differ by no more than chance makes them, so each is taken to have the noise that is expected of it (prior degrees of freedom: ∞; Smyth 2004)."
	}
	if c.Trend {
		borrowed += fmt.Sprintf(" The best %d points set what is expected of themselves. For the others it depends on the mean, along the trend of all points (Law et al. 2014).", len(r.near()))
	}
	return []string{of + r.DifferWords(), of + borrowed}
}
