package compare

import (
	"fmt"

	"github.com/xrun-dev/xrun/runner"
)

// Methods describe how the numbers are computed. The first paragraph suits a paper.
func (r *Report) Methods() []string {
	if r.Across != nil {
		return r.acrossMethods()
	}
	return append([]string{r.methods()}, r.glossary()...)
}

// methods is a paragraph for a paper.
func (r *Report) methods() string {
	chosenBy := r.Metric
	if r.Choice != nil {
		chosenBy = r.ChoiceName
	}
	did := "We trained %s with %s each" + r.shared() + " and report"
	switch {
	case r.Imported:
		did = "Of results of %s with %s each, which were imported, we report"
	case r.Command:
		did = "We ran a program under %s with %s each, which it was told, and report"
	}
	text := fmt.Sprintf(did+" %s %s as %s with 95 %% %s.", Counted(len(r.Points), "point"), r.SeedsEach(), r.Metric, r.When(), r.Stat.name(), r.intervalName())
	if r.seedless {
		return text + " Every point has the same value under each of its seeds, so there was no chance for a test to judge. Values that differ by less than 1e-12 of their size count as the same."
	}
	if r.family() > 0 {
		text += fmt.Sprintf(" Of each of %d arms the point with the best %s of %s was chosen; the chosen points were compared with the chosen point of %s by %s, two-sided",
			len(r.Arms), r.Stat.name(), chosenBy, r.Arms[r.Base].Name, r.testName())
		if n := r.family(); n > 1 {
			text += fmt.Sprintf(", with p-values adjusted by Holm's method over %s", Counted(n, "comparison"))
		}
		text += "."
	}
	text += r.moderatedMethods()
	text += r.stagedMethods()
	switch {
	case r.Choice == nil && runner.OfTestData(r.Metric):
		text += " Points and epochs were chosen on test data."
	case r.Fresh():
		text += " The points had been picked under other seeds."
	case r.Choice == nil:
		text += " Choosing and judging by the same values makes the values of chosen points optimistic; `xrun confirm` trains them again under fresh seeds."
	}
	return text
}

// SeedsEach is the number of seeds of points: "5 seeds", or "3 to 5 seeds".
func (r *Report) SeedsEach() string {
	low, high := len(r.Seeds), 0
	for _, s := range r.Points {
		low, high = min(low, len(s.Seeds)), max(high, len(s.Seeds))
	}
	if low == high {
		return Counted(low, "seed")
	}
	return fmt.Sprintf("%d to %d seeds", low, high)
}

// TestName names the test of arms: "the moderated t test of paired differences".
func (r *Report) TestName() string { return r.testName() }

func (r *Report) testName() string {
	if r.Overlap > 0 && r.Test == TestPairedT {
		return "the corrected resampled t test (Nadeau and Bengio 2003)"
	}
	return r.Test.name(r.Stat)
}

func (r *Report) intervalName() string {
	switch {
	case r.Stat == StatMedian:
		return "exact confidence intervals between two of the values, from six values on (fewer cannot give 95 %)"
	case r.Stat == StatIQM:
		return "confidence intervals of trimmed means (Tukey and McLaughlin 1963)"
	case r.Overlap > 0:
		return "Student t confidence intervals, widened because folds share training data (Nadeau and Bengio 2003)"
	}
	return "Student t confidence intervals"
}

// glossary explains the parts that the report has.
func (r *Report) glossary() []string {
	lines := []string{
		"± is the half-width of the interval over the point's own seeds: " + r.intervalName() + ". It borrows nothing from other points. One seed has none.",
		r.about(),
		r.tiesName(),
		"Complete points come first. A point with a seed that diverged, failed, was pruned or is missing is ranked behind them and never chosen.",
	}
	if r.Problem == "" { // else each has its own
		lines = append(lines, r.noiseGlossary()...)
	}
	if r.noise != nil {
		lines = append(lines, borrowing())
	}
	if r.Base >= 0 {
		base := r.Arms[r.Base].Name
		paired, by := ", paired by seed", ""
		if !r.Test.pairs() {
			paired = ""
		}
		if r.baseNoise != nil {
			by = " by Student's t with the moderated variance, which may be narrower or wider than ±"
		}
		lines = append(lines,
			fmt.Sprintf("vs %s is the difference of a point to the chosen point of %s%s, with its interval%s; in percent if the metric is a loss above 0.", base, base, paired, by),
			"p is given for chosen points only. It is the chance of a difference at least as large if there were none, adjusted by Holm (1979) for the number of arms tested."+r.leastName(),
			r.outcomeMethods(),
			"wins counts the common seeds under which the arm does better than the baseline, ties counting half.")
	}
	if len(r.Arms) > 1 {
		lines = append(lines,
			"lr basin is the range of learning rates around the best one, all else equal, whose value is at most a common slack worse, in decades: log₁₀(η_high/η_low). The slack is "+r.SlackText()+
				". Between two points of the grid the value is taken to be linear in log₁₀ η. ≥: an end of the grid lies in it. <: no other point lies in it, and it is narrower than the step of the grid.",
			"best of 5 is the expected value of the best of 5 random points of the arm (Dodge et al. 2019, without replacement): what to hope for with a small budget.")
	}
	if len(r.OnTest) > 0 {
		lines = append(lines, "test_ columns are the values of the chosen points on test data, at the epochs that "+r.Metric+" chose: nothing was picked by them.")
	}
	if c, ok := r.Constant(); ok {
		lines = append(lines, "a constant predicts the same for every row, "+c.Says+", on the rows of the best point's runs; its value is the mean over their seeds. The best point counts as told from it if the 95 % interval of the paired difference (Student's t) is above 0.")
	}
	if r.HasTarget {
		lines = append(lines, "after epochs is the median over seeds of the first epoch at the target; a seed that misses it counts as ∞. ERT is all epochs spent, misses included, per seed that reached it (Auger and Hansen 2005).")
	}
	if len(r.Shares) > 0 {
		lines = append(lines, "matters most is an analysis of variance over "+r.sharedName()+" of complete points: the sum of squares of each factor and of each pair of them, as a share of the total. "+r.withinName())
	}
	return lines
}

// tiesName explains ≈.
func (r *Report) tiesName() string {
	if r.noise == nil {
		how := "paired difference to the best, seed by seed,"
		if !r.Test.pairs() {
			how = "difference to the best"
		}
		return "≈ marks points whose " + how + " has an interval that includes 0. That is a hint, not a test."
	}
	return "≈ marks, with the point that looks best, a set that holds the best one with at least 95 %. A point outside it is told from the best. One inside it need not be as good: it is not shown to be worse. The set allows for the number of points, so the interval of a single difference may leave out 0 for one inside it."
}

// leastName says how small p can be, and what it allows for.
func (r *Report) leastName() string {
	switch r.Test {
	case TestPermutation, TestWilcoxon, TestSign:
		return " Sign flips and rank tests are exact: n paired seeds cannot give less than 2^(1−n)."
	case TestModerated:
		if !r.Fresh() && r.Choice == nil {
			return " It allows for the choice of each point among those of its arm that may be as good."
		}
	}
	return ""
}

// sharedName names what the shares are of.
func (r *Report) sharedName() string {
	switch r.judged().by {
	case DifferRatio:
		return "the logarithms of the values"
	case DifferLogit:
		return "the logits of the values"
	}
	return "the values"
}

// withinName explains the shares of seeds.
func (r *Report) withinName() string {
	for _, s := range r.Shares {
		if s.Name == ShareChance {
			return "What varies within points is divided in two. seeds, alike for all: what a seed, such as its split of the data, does to all points alike; comparing seed by seed removes it. chance: what is left for each point alone, and decides how sure one is."
		}
	}
	return "seeds is what varies within points."
}
