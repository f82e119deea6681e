package compare

import (
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// targetPower is the chance of finding a difference for which seeds are planned.
const targetPower = 0.8

// seedCount warns of too few seeds, and says how many are enough.
func (r *Report) seedCount() []Note {
	n := len(r.Seeds)
	switch {
	case r.Quick:
		return []Note{{Text: "this was a quick look: one seed, few epochs, a thinned grid", Then: "run the sweep without --quick"}}
	case n == 1 && r.draws.Known && !r.draws.Chance() && !r.draws.Window:
		return []Note{note("one seed shows no spread, and others would be equal: " + r.draws.Nothing())}
	case n == 1:
		return []Note{r.then(note("one seed shows no spread"), "set seeds = 5 and run again: only the new seeds run")}
	}
	if r.seedless && r.draws.Known && !r.draws.Chance() {
		return nil // has been said
	}
	if r.seedless {
		return []Note{note("every point has the same value under each of its seeds: the seed changes nothing here, and more seeds would tell no more")}
	}
	notes := append(r.ofStatistic(), r.fellBack()...)
	rival, tested := r.closest()
	if !tested {
		return append(notes, r.untested(n)...)
	}
	if r.Overlap > 0 && !(r.Stat.isMean() && (r.Test == TestPairedT || r.Test == TestModerated)) {
		notes = append(notes, Note{Warning: true, Text: "folds share training data, which only the mean and the paired t test allow for", Then: "--stat mean --test paired-t"})
	}
	able := rival.Test.Least*float64(r.family()) <= 1-r.level()
	if !able {
		notes = append(notes, r.unable(rival))
	}
	if able && stats.Finite(rival.Versus.Low) && rival.Versus.Includes(0) == (rival.P <= 1-Level) {
		notes = append(notes, r.disagree(rival)...)
	}
	if rival.Outcome == OutcomeUndecided || rival.Outcome == OutcomeEqual {
		notes = append(notes, r.power(rival)...)
	}
	return notes
}

// unable warns that the test cannot reach the level with so few seeds.
func (r *Report) unable(rival Arm) Note {
	over, which := "", ""
	if n := r.family(); n > 1 {
		over = fmt.Sprintf(" over %d arms", n)
	}
	seeds, least := Counted(rival.Versus.N, "seed")+" each", r.leastSeeds(rival)
	if r.Test.pairs() {
		seeds = Counted(rival.Versus.N, "paired seed")
		if ties := least - r.enough(r.family()); ties > 0 {
			which = fmt.Sprintf(", of which %d tied,", ties)
		}
	}
	return r.more(warningf("%s%s cannot reach p < 0.05%s by this test, whatever they show; %d can", seeds, which, over, least), least)
}

// disagree says why an interval excludes 0 and p is above 0.05, or the other way round.
func (r *Report) disagree(rival Arm) []Note {
	if r.baseNoise == nil {
		kind := "Student's t"
		switch {
		case r.Stat == StatMedian && r.Test.pairs():
			kind = "that of a sign test"
		case r.Stat == StatMedian:
			kind = "a bootstrap's"
		case r.Stat == StatIQM:
			kind = "of a trimmed mean"
		}
		return []Note{notef("interval and p disagree: the interval is %s, for this arm alone; p is by %s%s", kind, r.testName(), r.corrected())}
	}
	if r.family() < 2 { // both are at the edge
		return nil
	}
	return []Note{notef("interval and p disagree: the interval is for this difference alone; p is corrected by Holm's method")}
}

// fellBack says that the points show too little about noise for the moderated test, and what is used in its place.
func (r *Report) fellBack() []Note {
	if !r.unmoderated || r.Points[0].Interval.N < 2 || len(r.Points) < 2 {
		return nil
	}
	seeds, complete := false, 0
	for i := range r.Points {
		if s := &r.Points[i]; s.Complete && !r.givenUp(s) {
			complete++
			seeds = seeds || i > 0 && s.Versus.N > 1
		}
	}
	if !seeds {
		return nil
	}
	why := fmt.Sprintf("%s show too little about noise, which takes %d", Counted(complete, "complete point"), fewestVariances+1)
	if complete > fewestVariances {
		why = "most points have differences to the best that do not vary from seed to seed, so the grid shows nothing about noise"
	}
	text := why + ": each difference is judged by its own seeds alone"
	if r.family() > 0 {
		text += ", p is by " + r.testName()
	}
	return []Note{note(text)}
}

// ofStatistic are notes on what the statistic over seeds cannot have: an interval from few seeds, or a test of means.
func (r *Report) ofStatistic() (notes []Note) {
	if n := r.Points[0].Interval.N; r.Stat == StatMedian && n > 1 && n < fewestMedians {
		notes = append(notes, r.more(notef("%d seeds have no 95 %% interval of the median: it takes %d", n, fewestMedians), fewestMedians))
	}
	if r.family() > 0 && r.Test.ofMeans() && !r.Stat.isMean() && r.Overlap == 0 {
		notes = append(notes, Note{Warning: true, Text: fmt.Sprintf("p is by %s, which compares means, while the table shows the %s", r.testName(), r.Stat.name()), Then: "--test " + string(r.Stat.test())})
	}
	return notes
}

// corrected names the correction of p-values, if there is one.
func (r *Report) corrected() string {
	if r.family() > 1 {
		return ", corrected by Holm's method"
	}
	return ""
}

// untested gives the reason why no arm was tested; none for a single arm.
func (r *Report) untested(seeds int) []Note {
	if r.Base >= 0 && slices.ContainsFunc(r.Arms, func(a Arm) bool { return a.Chosen >= 0 && a.Chosen != r.Arms[r.Base].Chosen }) {
		return []Note{{Warning: true, Text: "the arms share fewer than two seeds with " + r.Arms[r.Base].Name + ", so nothing can be paired", Then: "--test welch"}}
	}
	// Where all points show together how much noise there is, few seeds can be enough; and stages add them where they are not.
	if seeds < 4 && r.noise == nil && r.Stages == nil {
		return []Note{r.more(notef("%d seeds can hardly tell points apart", seeds), FreshSeeds)}
	}
	return nil
}

// power is a note with the difference that these seeds would find at the level that Holm's method leaves the smallest p-value,
// and the picking of points: by a t test, to which others are close.
func (r *Report) power(rival Arm) []Note {
	s, ok := r.spreadOf(rival)
	if !ok || s.n < 2 || r.baseNoise == nil && (s.n < 3 || !r.Test.pairs()) {
		return nil
	}
	base, alpha := r.Arms[r.Base], r.plainLevel(rival)
	effect := s.value(stats.Detectable(s.df(s.n), alpha, targetPower)*s.se(s.n), s.gap)
	if !(effect > 0) || !stats.Finite(effect) {
		return nil
	}
	text := fmt.Sprintf("with %s a difference of %s between %s and %s would be found in 8 of 10 cases", Counted(s.n, "seed"),
		r.Relative(stats.Interval{Value: effect, Low: math.NaN(), High: math.NaN()}, base), rival.Name, base.Name)
	tell, equal := r.seedsToTell(rival, s, alpha, r.leastSeeds(rival)), r.seedsToEqual(rival, s)
	if tell > 0 {
		text += "; for the one seen it takes " + seedsNeeded(max(tell, s.n+1))
	}
	if equal > 0 && rival.Outcome == OutcomeUndecided {
		text += fmt.Sprintf("; to show that they are equal within %s, if the difference is as small as it looks, it takes %s", r.marginText(), seedsNeeded(max(equal, s.n+1)))
	}
	return []Note{note(text)}
}

// value is the size of a difference on the measure as one of values, in the direction of another.
func (s spread) value(size, like float64) float64 {
	return math.Abs(s.measure.value(s.measure.place(s.low)+math.Copysign(size, like)) - s.low)
}

func seedsNeeded(n int) string {
	if n > 1000 {
		return "more than 1000 seeds"
	}
	return fmt.Sprintf("about %d seeds", n)
}

func differences(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

// closest is the tested arm of the verdict: the best one, or the next one if the baseline is best.
func (r *Report) closest() (Arm, bool) {
	i := slices.IndexFunc(r.Arms, func(a Arm) bool { return a.Tested })
	if r.Base < 0 || i < 0 {
		return Arm{}, false
	}
	return r.Arms[i], true
}

// enough is the least number of seeds with which the test can reach p < 0.05 over so many arms.
func (r *Report) enough(family int) int {
	for n := 3; ; n++ {
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i] = float64(i + 1 + n) // all above y, all differences distinct
			y[i] = -float64(i)
		}
		if r.test(x, y).Least*float64(family) <= 1-Level || n == 40 {
			return n
		}
	}
}
