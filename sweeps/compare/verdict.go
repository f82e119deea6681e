package compare

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Verdict is the answer in a sentence or two, with its uncertainty.
func (r *Report) Verdict() string {
	if r.Across != nil {
		return r.acrossVerdict()
	}
	best, ok := r.Best()
	if epoch, named := r.Compared().Epoch(); !ok && named {
		return fmt.Sprintf("No trial of %s has a %s after epoch %d.", r.Sweep, r.Metric, epoch)
	}
	if n := r.Counts[runner.StatusDiverged]; !ok && n > 0 && r.soFar() == "" {
		return fmt.Sprintf("No trial of %s has a %s: %d diverged.", r.Sweep, r.Metric, n)
	}
	if !ok {
		return fmt.Sprintf("No trial of %s has a %s yet.", r.Sweep, r.Metric)
	}
	is := "is best:"
	switch {
	case r.Fresh() && slices.Contains(r.Picked, best.Point):
		is = "was picked as the best, and has"
	case r.Fresh():
		is = "was picked before the others here, and has"
	case r.Choice != nil:
		is = "is best by " + r.ChoiceName + ", by which points are chosen, and has"
	case r.unlike:
		is = "has the best " + r.Stat.name() + ":"
	}
	v := r.soFar() + fmt.Sprintf("%s %s %s %s", r.Name(best), is, r.Metric, stats.Uncertain(best.Interval))
	rival := r.rival()
	switch n := best.Interval.N; {
	case n == 1:
		v += " (one seed: no uncertainty can be given)."
	case rival != "" && best.Complete:
		v += rival + "."
	case math.IsNaN(best.Interval.Low):
		v += fmt.Sprintf(" (%s over %d seeds, too few for a 95 %% interval).", r.Stat.name(), n)
	case !r.Stat.isMean():
		v += fmt.Sprintf(" (%s, 95 %% CI over %d seeds%s).", r.Stat.name(), n, r.onWhat())
	default:
		v += fmt.Sprintf(" (95 %% CI over %d seeds%s).", n, r.onWhat())
	}
	if !best.Complete {
		v += " Some of its seeds are missing or diverged."
	}
	if line := r.outcomeLine(); line != "" && rival != "" && best.Complete {
		v += "\n" + line
	}
	if r.Fresh() {
		return v + r.overtaken()
	}
	if ties := r.ties(); ties != "" {
		v += "\n" + ties
	}
	return v + r.otherwise()
}

// otherwise names the arm whose chosen point has a better value than that of the winner, where points are chosen by another
// metric than the one that is shown; empty if there is none.
func (r *Report) otherwise() string {
	if r.Choice == nil || len(r.Arms) == 0 || r.Arms[0].Chosen < 0 {
		return ""
	}
	best := r.Arms[0]
	for _, a := range r.Arms {
		if a.Chosen >= 0 && r.Goal.Better(r.Points[a.Chosen].Interval.Value, r.Points[best.Chosen].Interval.Value) {
			best = a
		}
	}
	if best.Chosen == r.Arms[0].Chosen {
		return ""
	}
	s := r.Points[best.Chosen]
	return fmt.Sprintf("\nBy %s itself the choice of %s does better, %s: %s, but nothing is chosen by that metric.", r.Metric, best.Name, r.Name(s), stats.Uncertain(s.Interval))
}

// theBest names an arm's chosen point: "the best sgd", or "sgd's choice by val_loss" if another metric chooses.
func (r *Report) theBest(a Arm) string {
	if r.Choice != nil {
		return a.Name + "'s choice by " + r.ChoiceName
	}
	return "the best " + a.Name
}

// scope says what intervals and p-values are about, where the rows on which the metric is computed are the same under every
// seed: " under other seeds, on this validation data"; empty otherwise.
func (r *Report) scope() string {
	if r.Fixed == "" {
		return ""
	}
	return " under other seeds, on this " + r.Fixed
}

// Open reports whether trials are missing or running.
func (r *Report) Open() bool {
	return r.Missing+r.Counts[runner.StatusRunning]+r.Counts[runner.StatusInterrupted] > 0 || r.Stages != nil && r.Stages.Doing != ""
}

// soFar begins the verdict on a sweep that is not done.
func (r *Report) soFar() string {
	if r.Open() {
		return "So far, "
	}
	return ""
}

// overtaken names the finalist that looks better than the picked one; empty if none does.
func (r *Report) overtaken() string {
	better := 0
	for i, s := range r.Points {
		if s.Complete && (s.Interval.Value < r.Points[better].Interval.Value) == (r.Goal != stop.Max) && s.Interval.Value != r.Points[better].Interval.Value {
			better = i
		}
	}
	if better == 0 {
		return ""
	}
	s := r.Points[better]
	return fmt.Sprintf("\n%s looks better under these seeds, %s: to claim that, confirm it under others.", r.Name(s), stats.Uncertain(s.Interval))
}

// Lead is the difference of the best arm to the baseline, in words, with what it has come to if that is not a difference;
// empty if the best arm is not tested.
func (r *Report) Lead() string {
	if r.Base < 0 || len(r.Arms) == 0 || r.Arms[0].Chosen != 0 || !r.Arms[0].Tested {
		return ""
	}
	a, come := r.Arms[0], ""
	switch {
	case math.IsNaN(a.P):
	case a.Outcome == OutcomeUndecided:
		come = ": undecided"
	case a.Outcome == OutcomeEqual && r.same(a):
		come = ": the same values"
	case a.Outcome == OutcomeEqual:
		come = ": equal within " + r.marginText()
	}
	return r.lead(a, come)
}

func (r *Report) lead(a Arm, come string) string {
	return fmt.Sprintf("%s %s (%s%s)", r.apart(a.Versus, r.Arms[r.Base]), r.theBest(r.Arms[r.Base]), r.certainty(a), come)
}

// rival compares the best arm with the baseline. If it is the baseline, rival compares it with the arm behind.
func (r *Report) rival() string {
	if r.Base < 0 || len(r.Arms) == 0 || r.Arms[0].Chosen != 0 {
		return ""
	}
	if r.Arms[0].Tested {
		return ", " + r.lead(r.Arms[0], "")
	}
	base := r.Arms[r.Base]
	if at := r.rivalAt(); r.Arms[0].Chosen == base.Chosen && at >= 0 && r.Arms[at].Tested {
		a := r.Arms[at]
		return fmt.Sprintf("; %s is %s it (%s)", r.theBest(a), r.apart(a.Versus, base), r.certainty(a))
	}
	return ""
}

// apart is a difference to the baseline in words: "4.8 % [3.5, 6.1] below".
func (r *Report) apart(d stats.Interval, base Arm) string {
	switch {
	case d.Value == 0 || d.IsRounding(r.Points[base.Chosen].Interval.Value):
		return "level with"
	case d.Value < 0:
		return r.relative(d, base, -1) + " below"
	}
	return r.relative(d, base, 1) + " above"
}

// Relative is a difference with its interval, in percent of the baseline if the metric is a positive loss. No loss is
// more than 100 % below another: an interval that says so has wide ends beside a baseline near 0, and is written in
// the metric's own unit.
func (r *Report) Relative(d stats.Interval, base Arm) string { return r.relative(d, base, 1) }

// relative is a difference times its sign, 1 or −1.
func (r *Report) relative(d stats.Interval, base Arm, sign float64) string {
	scale, ok := r.percent(base)
	if ok && !(d.Low/scale < -1) && stats.Finite(d.Value/scale) {
		if ratio := d.Value/scale + 1; sign > 0 && ratio >= 10 {
			return "×" + stats.Number(stats.Round(ratio, 2)) // so far away the interval says nothing more
		}
		signed := flipped(d, sign)
		text := stats.Percent(signed.Value/scale) + " %"
		if !math.IsNaN(d.Low) && !r.seedless {
			text += fmt.Sprintf(" [%s, %s]", stats.Percent(signed.Low/scale), stats.Percent(signed.High/scale))
		}
		return text
	}
	return stats.Ends(flipped(d, sign))
}

// flipped is an interval times 1 or −1.
func flipped(d stats.Interval, sign float64) stats.Interval {
	if sign < 0 {
		return stats.Interval{Value: -d.Value, Low: -d.High, High: -d.Low, N: d.N}
	}
	return d
}

// percent is the value that is 100 % for differences to the baseline. ok is false for an accuracy or an R²: only a
// loss has a zero to be a share of.
func (r *Report) percent(base Arm) (scale float64, ok bool) {
	v := r.Points[base.Chosen].Interval.Value
	return v, r.Goal != stop.Max && v > 0 && !math.IsInf(v, 0)
}

// certainty is the p-value of a tested arm with its number of seeds: "p = 0.016, n = 8".
func (r *Report) certainty(a Arm) string {
	scope := r.scope()
	if math.IsNaN(a.P) || r.seedless {
		scope = ""
	}
	return fmt.Sprintf("%s%s, n = %s", r.PText(a), scope, r.number(a))
}

// PCell is the p-value of a tested arm in a table; empty where there is nothing to test.
func (r *Report) PCell(a Arm) string {
	if r.seedless {
		return ""
	}
	return stats.PValue(a.P)
}

// PText is the p-value of a tested arm, or why it has none: "p = 0.016".
func (r *Report) PText(a Arm) string {
	switch {
	case r.seedless:
		return "the same under every seed"
	case math.IsNaN(a.P): // the difference is not finite
		return "not tested"
	}
	return stats.PEquals(a.P)
}

// onWhat is ", on this validation data" where its rows are the same under every seed.
func (r *Report) onWhat() string {
	if r.Fixed == "" {
		return ""
	}
	return ", on this " + r.Fixed
}

// number is the number of seeds of a tested arm, and of the baseline if they are not paired: "8", or "8 and 10".
func (r *Report) number(a Arm) string {
	mine, others := a.Versus.N, a.Versus.N
	if !r.Test.pairs() {
		mine, others = len(r.Points[a.Chosen].Values()), len(r.Points[r.Arms[r.Base].Chosen].Values())
	}
	if mine == others {
		return strconv.Itoa(mine)
	}
	return fmt.Sprintf("%d and %d", mine, others)
}

// ties counts the points that cannot be told from the best, and names the cheapest.
func (r *Report) ties() string {
	best := r.Points[0]
	others, apart, tied := 0, 0, []int{0} // complete points
	for i, s := range r.Points[1:] {
		if s.Complete {
			others++
		}
		if s.apart {
			apart++
		}
		if s.Tied {
			tied = append(tied, i+1)
		}
	}
	if best.Interval.N < 2 || others == 0 || !best.Complete || r.Choice != nil {
		return ""
	}
	which := "other"
	if others < len(r.Points)-1 {
		which = "other complete"
	}
	whose := "paired differences exclude"
	if !r.Test.pairs() {
		whose = "differences exclude"
	}
	if unknown := others - apart - (len(tied) - 1); unknown > 0 {
		if r.Stat == StatMedian && best.Interval.N < fewestMedians {
			return "" // Notes say how many seeds it takes
		}
		if r.measure.by == DifferLogit && slices.ContainsFunc(r.Points[1:], func(s Point) bool { return s.Versus.N > 1 && math.IsNaN(s.Versus.Low) && stats.Finite(s.Versus.Value) }) {
			return fmt.Sprintf("Differences to %s of the %d %s points are the same under every seed, which rates may be by chance: they have no interval.", count(unknown), others, which)
		}
		return fmt.Sprintf("%s of the %d %s points cannot be compared with it: they share too few seeds.", capital(count(unknown)), others, which)
	}
	switch {
	case len(tied) == 1 && r.seedless:
		return ""
	case len(tied) == 1 && others == 1:
		return fmt.Sprintf("The %s point is apart from it%s (95 %% CI of the difference).", which, r.scope())
	case len(tied) == 1:
		return fmt.Sprintf("All %d %s points are apart from it%s: the 95 %% intervals of their %s 0.", others, which, r.scope(), whose)
	}
	text := fmt.Sprintf("%s of the %d %s points cannot be told from it (≈).", capital(count(len(tied)-1)), others, which)
	if len(tied)-1 == others {
		text = fmt.Sprintf("None of the %d %s points can be told from it (≈).", others, which)
	}
	if others == 1 {
		text = fmt.Sprintf("The %s point cannot be told from it (≈).", which)
	}
	if r.changesEpochs() {
		return text
	}
	// A wide interval ties with anything. Only a point within a standard error of the best is advised:
	// Breiman et al. 1984.
	cheapest, slack := 0, stats.StdErr(best.Values())
	for _, i := range tied {
		near := math.Abs(r.Points[i].Interval.Value-best.Interval.Value) <= slack
		if near && r.Points[i].Epochs() < r.Points[cheapest].Epochs()-0.5 {
			cheapest = i
		}
	}
	if cheapest == 0 {
		return text
	}
	return fmt.Sprintf("%s Cheapest within a standard error: %s, %.0f epochs instead of %.0f.", text, r.Name(r.Points[cheapest]), r.Points[cheapest].Epochs(), best.Epochs())
}

// changesEpochs reports whether an axis changes the cost of an epoch.
func (r *Report) changesEpochs() bool {
	return slices.ContainsFunc(r.FurtherAxes(), func(axis string) bool {
		return slices.Contains([]string{"batch", "hidden", "model", "dataset", "dtype", "sampling", "width"}, strings.TrimPrefix(r.Names.Path(axis), "task."))
	})
}

// count writes small numbers as words.
func count(n int) string {
	words := []string{"none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	if n < len(words) {
		return words[n]
	}
	return strconv.Itoa(n)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
