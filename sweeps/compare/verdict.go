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
	case r.Fresh() && best.Point == r.Picked:
		is = "was picked as the best, and has"
	case r.Fresh():
		is = "was picked before the others here, and has"
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
	case !r.Stat.isMean():
		v += fmt.Sprintf(" (%s, 95 %% CI over %d seeds).", r.Stat.name(), n)
	default:
		v += fmt.Sprintf(" (95 %% CI over %d seeds).", n)
	}
	if !best.Complete {
		v += " Some of its seeds are missing or diverged."
	}
	if r.Fresh() {
		return v + r.overtaken()
	}
	if ties := r.ties(); ties != "" {
		v += "\n" + ties
	}
	return v
}

// Open reports whether trials are missing or running.
func (r *Report) Open() bool {
	return r.Missing+r.Counts[runner.StatusRunning]+r.Counts[runner.StatusInterrupted] > 0
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

// Lead is the difference of the best arm to the baseline, in words; empty if the best arm is not tested.
func (r *Report) Lead() string {
	if r.Base < 0 || len(r.Arms) == 0 || r.Arms[0].Chosen != 0 || !r.Arms[0].Tested {
		return ""
	}
	return fmt.Sprintf("%s the best %s (%s)", r.apart(r.Arms[0].Versus, r.Arms[r.Base]), r.Arms[r.Base].Name, r.certainty(r.Arms[0]))
}

// rival compares the best arm with the baseline. If it is the baseline, rival compares it with the arm behind.
func (r *Report) rival() string {
	if r.Base < 0 || len(r.Arms) == 0 || r.Arms[0].Chosen != 0 {
		return ""
	}
	if lead := r.Lead(); lead != "" {
		return ", " + lead
	}
	base := r.Arms[r.Base]
	for _, a := range r.Arms {
		if a.Tested {
			return fmt.Sprintf("; the best %s is %s it (%s)", a.Name, r.apart(a.Versus, base), r.certainty(a))
		}
	}
	return ""
}

// apart is a difference to the baseline in words: "4.8 % [3.5, 6.1] below".
func (r *Report) apart(d stats.Interval, base Arm) string {
	switch {
	case d.Value == 0:
		return "level with"
	case d.Value < 0:
		return r.Relative(stats.Interval{Value: -d.Value, Low: -d.High, High: -d.Low, N: d.N}, base) + " below"
	}
	return r.Relative(d, base) + " above"
}

// Relative is a difference with its interval, in percent of the baseline if the metric is a positive loss.
func (r *Report) Relative(d stats.Interval, base Arm) string {
	if scale, ok := r.percent(base); ok {
		if ratio := d.Value/scale + 1; ratio >= 10 {
			return "×" + stats.Number(stats.Round(ratio, 2)) // so far away the interval says nothing more
		}
		text := stats.Percent(d.Value/scale) + " %"
		if !math.IsNaN(d.Low) {
			text += fmt.Sprintf(" [%s, %s]", stats.Percent(d.Low/scale), stats.Percent(d.High/scale))
		}
		return text
	}
	half := d.Half()
	if !(half > 0) || math.IsInf(half, 0) {
		return stats.Short(d.Value, 4)
	}
	decimals := max(0, min(12, 2-int(math.Floor(math.Log10(half)))))
	text := func(x float64) string { return strconv.FormatFloat(x, 'f', decimals, 64) }
	return fmt.Sprintf("%s [%s, %s]", text(d.Value), text(d.Low), text(d.High))
}

// percent is the value that is 100 % for differences to the baseline. ok is false for an accuracy or an R²: only a
// loss has a zero to be a share of.
func (r *Report) percent(base Arm) (scale float64, ok bool) {
	v := r.Points[base.Chosen].Interval.Value
	return v, r.Goal != stop.Max && v > 0 && !math.IsInf(v, 0)
}

// certainty is the p-value of a tested arm with its number of seeds: "p = 0.016, n = 8".
func (r *Report) certainty(a Arm) string {
	text := fmt.Sprintf("%s, n = %d", stats.PEquals(a.P), a.Versus.N)
	if a.P > 1-Level {
		text += ": not significant"
	}
	return text
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
		return fmt.Sprintf("%s of the %d %s points cannot be compared with it: they share too few seeds.", capital(count(unknown)), others, which)
	}
	switch {
	case len(tied) == 1 && others == 1:
		return fmt.Sprintf("The %s point is apart from it (95 %% CI of the difference).", which)
	case len(tied) == 1:
		return fmt.Sprintf("All %d %s points are apart from it: the 95 %% intervals of their %s 0.", others, which, whose)
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
