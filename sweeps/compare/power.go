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
	if n == 1 {
		return []Note{r.then(note("one seed shows no spread"), "set seeds = 5 and run again: only the new seeds run")}
	}
	rival, tested := r.closest()
	if !tested {
		return r.untested(n)
	}
	var notes []Note
	if r.Overlap > 0 && !(r.Stat.isMean() && r.Test == TestPairedT) {
		notes = append(notes, Note{Warning: true, Text: "folds share training data, which only the mean and the paired t test allow for", Then: "--stat mean --test paired-t"})
	}
	family := r.family()
	x, y := paired(&r.Points[rival.Chosen], &r.Points[r.Arms[r.Base].Chosen])
	d := differences(x, y)
	ties := len(d) - len(slices.DeleteFunc(slices.Clone(d), func(v float64) bool { return v == 0 }))
	enough := r.enough(family) + ties
	if rival.Test.Least*float64(family) > 1-Level {
		over, which := "", ""
		if family > 1 {
			over = fmt.Sprintf(" over %d arms", family)
		}
		if ties > 0 && r.Test.pairs() {
			which = fmt.Sprintf(", of which %d tied,", ties)
		}
		seeds := Counted(len(d), "paired seed")
		if !r.Test.pairs() {
			seeds, enough = Counted(rival.Versus.N, "seed")+" each", r.enough(family)
		}
		notes = append(notes, r.more(warningf("%s%s cannot reach p < 0.05%s by this test, whatever they show; %d can",
			seeds, which, over, enough), enough))
	}
	if able := rival.Test.Least*float64(family) <= 1-Level; able && stats.Finite(rival.Versus.Low) && rival.Versus.Includes(0) == (rival.P <= 1-Level) {
		kind := "Student's t"
		if !r.Stat.isMean() {
			kind = "a bootstrap's"
		}
		notes = append(notes, notef("interval and p disagree: the interval is %s, for this arm alone; p is by %s%s", kind, r.testName(), r.corrected()))
	}
	if rival.P > 1-Level && len(d) > 2 && r.Test.pairs() {
		notes = append(notes, r.power(rival, d, enough)...)
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
	if seeds < 4 {
		return []Note{r.then(notef("%d seeds can hardly tell points apart", seeds), "raise seeds and run again: only the new seeds run")}
	}
	return nil
}

// power is a note with the difference that these seeds would find by a paired t test at the level that Holm leaves
// the smallest p-value; other tests find about the same. d are the paired differences. least is the number of seeds
// that the test needs at all.
func (r *Report) power(rival Arm, d []float64, least int) []Note {
	base, n, alpha := r.Arms[r.Base], len(d), (1-Level)/float64(r.family())
	sd := stats.StdDev(d)
	effect := stats.DetectableEffect(sd*math.Sqrt(1+float64(n)*r.Overlap), n, alpha, targetPower)
	if !(sd > 0) || !stats.Finite(effect) {
		return nil
	}
	text := fmt.Sprintf("with %d seeds a difference of %s between %s and %s would be found in 8 of 10 cases", n,
		r.Relative(stats.Interval{Value: effect, Low: math.NaN(), High: math.NaN()}, base), rival.Name, base.Name)
	if rival.Versus.Value != 0 && r.Overlap == 0 {
		text += "; for the one seen it takes " + seedsNeeded(max(least, stats.SeedsFor(sd, math.Abs(rival.Versus.Value), alpha, targetPower)))
	}
	return []Note{note(text)}
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
	if r.Base < 0 {
		return Arm{}, false
	}
	for _, a := range r.Arms {
		if a.Tested {
			return a, true
		}
	}
	return Arm{}, false
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
