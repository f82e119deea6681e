package compare

import (
	"fmt"

	"github.com/xrun-dev/xrun/runner"
)

// Methods describe how the numbers are computed. The first paragraph suits a paper.
func (r *Report) Methods() []string { return append([]string{r.methods()}, r.glossary()...) }

// methods is a paragraph for a paper.
func (r *Report) methods() string {
	chosenBy := r.Metric
	if r.Choice != nil {
		chosenBy = r.ChoiceName
	}
	did := "We trained %s with %s each, sharing data split, initial weights and batch order by seed, and report"
	switch {
	case r.Imported:
		did = "Of results of %s with %s each, which were imported, we report"
	case r.Command:
		did = "We ran a program under %s with %s each, which it was told, and report"
	}
	text := fmt.Sprintf(did+" %s %s as %s with 95 %% %s.", Counted(len(r.Points), "point"), r.seedsEach(), r.Metric, r.When(), r.Stat.name(), r.intervalName())
	if r.family() > 0 {
		text += fmt.Sprintf(" Of each of %d arms the point with the best %s of %s was chosen; the chosen points were compared with the chosen point of %s by %s, two-sided",
			len(r.Arms), r.Stat.name(), chosenBy, r.Arms[r.Base].Name, r.testName())
		if n := r.family(); n > 1 {
			text += fmt.Sprintf(", with p-values adjusted by Holm's method over %s", Counted(n, "comparison"))
		}
		text += "."
	}
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

// seedsEach is the number of seeds of points: "5 seeds", or "3 to 5 seeds".
func (r *Report) seedsEach() string {
	low, high := len(r.Seeds), 0
	for _, s := range r.Points {
		low, high = min(low, len(s.Seeds)), max(high, len(s.Seeds))
	}
	if low == high {
		return Counted(low, "seed")
	}
	return fmt.Sprintf("%d to %d seeds", low, high)
}

func (r *Report) testName() string {
	if r.Overlap > 0 && r.Test == TestPairedT {
		return "the corrected resampled t test (Nadeau and Bengio 2003)"
	}
	return r.Test.name()
}

func (r *Report) intervalName() string {
	switch {
	case r.Stat.isMean() && r.Overlap > 0:
		return "Student t confidence intervals, widened because folds share training data (Nadeau and Bengio 2003)"
	case r.Stat.isMean():
		return "Student t confidence intervals"
	}
	return "bootstrap confidence intervals (BCa, 2,000 resamples)"
}

// glossary explains the parts that the report has.
func (r *Report) glossary() []string {
	lines := []string{
		"± is the half-width of the interval over seeds: " + r.intervalName() + ". One seed has none.",
		"Intervals and tests are about other seeds on this data set, and so about other splits of the same rows. New rows may differ more; Nadeau and Bengio 2003.",
		"≈ marks points whose paired difference to the best, seed by seed, has an interval that includes 0. That is a hint, not a test.",
		"Complete points come first. A point with a seed that diverged, failed, was pruned or is missing is ranked behind them and never chosen.",
	}
	if r.Base >= 0 {
		base := r.Arms[r.Base].Name
		lines = append(lines,
			fmt.Sprintf("vs %s is the difference of a point to the chosen point of %s, paired by seed, with its interval; in percent if the metric is a loss above 0.", base, base),
			"p is given for chosen points only. It is the chance of a difference at least as large if there were none, adjusted by Holm (1979) for the number of arms tested. Sign flips and rank tests are exact: n paired seeds cannot give less than 2^(1−n).",
			"wins counts the common seeds under which the arm does better than the baseline, ties counting half.")
	}
	if len(r.Arms) > 1 {
		lines = append(lines,
			"lr basin is the range of learning rates around the chosen one, all else equal, whose value is at most one standard error worse, in decades; + if it reaches an end of the grid.",
			"best of 5 is the expected value of the best of 5 random points of the arm (Dodge et al. 2019, without replacement): what to hope for with a small budget.")
	}
	if len(r.OnTest) > 0 {
		lines = append(lines, "test_ columns are the values of the chosen points on test data, at the epochs that "+r.Metric+" chose: nothing was picked by them.")
	}
	if r.HasTarget {
		lines = append(lines, "after epochs is the median over seeds of the first epoch at the target; a seed that misses it counts as ∞. ERT is all epochs spent, misses included, per seed that reached it (Auger and Hansen 2005).")
	}
	if len(r.Shares) > 0 {
		lines = append(lines, "matters most is an analysis of variance over the values of complete points: the sum of squares of each factor and of each pair of them, as a share of the total. seeds is what varies within points.")
	}
	return lines
}
