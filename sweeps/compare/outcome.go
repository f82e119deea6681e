package compare

import (
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/sweeps/stats"
)

// An Outcome is what the comparison of an arm with the baseline has come to.
type Outcome string

// The outcomes.
const (
	// OutcomeBetter and OutcomeWorse: the adjusted p is at most 1 − Level. The difference may still be a small one.
	OutcomeBetter Outcome = "better"
	OutcomeWorse  Outcome = "worse"
	// OutcomeEqual: no difference is shown, and it is shown that there is none larger than the margin.
	OutcomeEqual Outcome = "equal"
	// OutcomeUndecided: neither is shown.
	OutcomeUndecided Outcome = "undecided"
)

// Outcomes are the values of the name outcome in [check].
var Outcomes = []Outcome{OutcomeBetter, OutcomeWorse, OutcomeEqual, OutcomeUndecided}

// outcomes judges every tested arm.
func (r *Report) outcomes() {
	_, size, ok := r.EqualWithin()
	var ps []float64
	tested := map[int]int{} // by point: of ps
	for i := range r.Arms {
		a := &r.Arms[i]
		if a.Equal = math.NaN(); !a.Tested || !ok {
			continue
		}
		if _, known := tested[a.Chosen]; !known {
			tested[a.Chosen] = len(ps)
			p := math.NaN()
			if !r.coincides(*a) {
				p = stats.Equivalence(size, func(level float64) stats.Interval { return r.toBaseArm(a, level) })
			}
			ps = append(ps, p)
		}
	}
	adjusted := stats.Holm(ps)
	for i := range r.Arms {
		a := &r.Arms[i]
		if at, known := tested[a.Chosen]; known && a.Tested {
			a.Equal = r.perLook(adjusted[at])
		}
		a.Outcome = r.outcomeOf(*a)
		a.Within = a.Tested && a.Outcome != "" && (a.Equal <= 1-Level || r.same(*a))
	}
	// The verdict and the notes ask for it several times, and it takes a while.
	if at := r.rivalAt(); at >= 0 && r.Arms[at].Tested && (r.Arms[at].Outcome == OutcomeUndecided || r.Arms[at].Outcome == OutcomeEqual) {
		r.rivalLevel = map[int]float64{r.Arms[at].Chosen: r.plainLevel(r.Arms[at])}
	}
}

// outcomeOf is the outcome of an arm; empty for the baseline, and for an arm without a complete point.
func (r *Report) outcomeOf(a Arm) Outcome {
	base := r.Arms[r.Base]
	switch {
	case a.Chosen < 0 || a.key == base.key:
		return ""
	case a.Chosen == base.Chosen: // two arms have a point in common
		return OutcomeEqual
	case !a.Tested:
		return OutcomeUndecided
	case r.seedless && (a.Versus.Value == 0 || a.Within):
		return OutcomeEqual
	case (a.P <= 1-Level || r.seedless) && r.leads(a) != 0:
		if r.leads(a) > 0 {
			return OutcomeBetter
		}
		return OutcomeWorse
	case a.Equal <= 1-Level || r.same(a):
		return OutcomeEqual
	}
	return OutcomeUndecided
}

// leads is 1 if the arm's value is better than the baseline's, −1 if it is worse, and 0 if it is neither, or a test that does
// not look at the size of differences sees it the other way round.
func (r *Report) leads(a Arm) int {
	sign := 0
	switch {
	case r.Goal.Better(a.Versus.Value, 0):
		sign = 1
	case r.Goal.Better(0, a.Versus.Value):
		sign = -1
	}
	counts := a.Wins
	switch r.Test {
	case TestMWU:
		counts = a.Better
	case TestSign:
	default:
		return sign
	}
	if float64(sign)*(counts-0.5) < 0 {
		return 0
	}
	return sign
}

// A Decision is the verdict as data: the outcome of the best arm against the baseline, or of the next one if the baseline is
// the best.
type Decision struct {
	Arm, Baseline int // of Report.Arms
	Outcome       Outcome
	// Within: the difference is shown to lie within EqualWithin, in the metric's unit, which is NaN if there is no margin.
	Within      bool
	EqualWithin float64
	// Difference has the 95 % interval that is shown: greater differences are excluded. Equal has that by which values are
	// judged to be equal, at 1 − 2·(1 − Level). Hundred is what 100 % of them is; NaN if they have no percentage.
	Difference, Equal stats.Interval
	Hundred           float64
	P                 float64
	// Seeds are how many it is likely to take, each point, to decide it, if the difference and the noise are as they look; 0
	// if it is decided, or there is no saying.
	Seeds int
}

// Decision is the verdict as data; ok is false if there is no arm besides the baseline that has a result.
func (r *Report) Decision() (d Decision, ok bool) {
	at := r.rivalAt()
	if at < 0 {
		return d, false
	}
	return r.DecisionOf(r.Arms[at])
}

// DecisionOf is the outcome of one arm; ok is false if it has none.
func (r *Report) DecisionOf(a Arm) (d Decision, ok bool) {
	if r.Across != nil || r.Base < 0 || a.Outcome == "" {
		return d, false
	}
	base := r.Arms[r.Base]
	d = Decision{Baseline: r.Base, Outcome: a.Outcome, Within: a.Within, Difference: a.Versus, Equal: stats.None(), Hundred: math.NaN(), EqualWithin: math.NaN(), P: a.P}
	d.Arm = slices.IndexFunc(r.Arms, func(other Arm) bool { return other.key == a.key })
	if _, size, ok := r.EqualWithin(); ok {
		d.EqualWithin = size
	}
	if scale, ok := r.percent(base); ok {
		d.Hundred = scale
	}
	if a.Tested {
		d.Equal = r.toBaseArm(&a, r.equalLevel())
	} else if a.Chosen == base.Chosen {
		d.Difference = stats.Interval{N: r.Points[a.Chosen].Interval.N}
		d.Equal, d.Within = d.Difference, true
	} else {
		d.Difference = r.Points[a.Chosen].VersusBase // of too few seeds
	}
	if a.Outcome == OutcomeUndecided && a.Tested {
		d.Seeds = r.seedsToDecide(a)
	}
	return d, true
}

// rivalAt is the arm of the verdict: the best one besides the baseline, −1 if there is none. One that has the baseline's own
// point says little as long as there is another.
func (r *Report) rivalAt() int {
	if r.Across != nil || r.Base < 0 {
		return -1
	}
	shares := -1
	for i, a := range r.Arms {
		switch {
		case a.Outcome == "":
		case a.Chosen != r.Arms[r.Base].Chosen:
			return i
		case shares < 0:
			shares = i
		}
	}
	return shares
}

// outcomeMethods says how outcomes are found.
func (r *Report) outcomeMethods() string {
	text := "The outcome is better or worse where p is at most 0.05."
	if _, _, ok := r.EqualWithin(); ok {
		text += fmt.Sprintf(" It is equal where p is larger and two one-sided tests at 5 %% (Schuirmann 1987) show that the difference is less than %s", r.marginText())
		if m, _, _ := r.EqualWithin(); m.Unit == stats.MarginPercent {
			text += " of the baseline's value"
		}
		text += fmt.Sprintf(": its %s %% interval, formed as the one that is shown, lies within that margin", stats.Short(100*r.equalLevel(), 4))
		if r.baseNoise != nil && !r.Fresh() && r.Choice == nil {
			text += ". Like p, this allows for the picking of each arm's best"
		}
		if r.family() > 1 {
			text += ". The p-values of these tests are adjusted by Holm's method among themselves"
		}
		text += "."
	} else {
		text += " No margin is set within which values count as equal; --equal sets one."
	}
	return text + " Otherwise it is undecided. The number of seeds that would decide finds the difference that is seen, or shows that it is within the margin, in 8 of 10 cases; that supposes that the difference and the noise are what they look."
}

// DegreesOf are the degrees of freedom of an arm's moderated test, and of them those that other points give; ok is false if it
// was tested otherwise.
func (r *Report) DegreesOf(a Arm) (df, prior float64, ok bool) {
	if r.baseNoise == nil || !a.Tested {
		return 0, 0, false
	}
	return r.baseNoise.Points[a.Chosen].DF, r.baseNoise.PriorDF, true
}

// outcomeLine says in a sentence what the verdict's numbers have come to, where they do not say so themselves: what is not
// excluded, and how many seeds would decide. It is empty for an arm that is clearly better or worse.
func (r *Report) outcomeLine() string {
	d, ok := r.Decision()
	if !ok || !r.Arms[d.Arm].Tested {
		return ""
	}
	switch {
	case d.Outcome == OutcomeUndecided:
		return r.undecidedLine(d)
	case d.Outcome == OutcomeEqual && r.same(r.Arms[d.Arm]):
		return fmt.Sprintf("Equal: %s and %s have the same value under every seed.", r.Arms[d.Arm].Name, r.Arms[d.Baseline].Name)
	case d.Outcome == OutcomeEqual:
		return fmt.Sprintf("Equal within %s: %s.", r.marginText(), r.equalEnds(d))
	case d.Within:
		return fmt.Sprintf("%s, but by less than %s: %s.", capital(string(d.Outcome)), r.marginText(), r.equalEnds(d))
	}
	return ""
}

// undecidedLine says what an undecided difference may be.
func (r *Report) undecidedLine(d Decision) string {
	arm, base := r.Arms[d.Arm], r.Arms[d.Baseline]
	i := d.Difference
	text := "Undecided: "
	switch low, high := r.amounts(i, base); {
	case r.alike(arm.Chosen, base.Chosen):
		text += fmt.Sprintf("%s and %s have the same rate under all %s, which may be chance", arm.Name, base.Name, Counted(i.N, "seed"))
	case math.IsNaN(i.Low) || !stats.Finite(i.Value):
		text += fmt.Sprintf("%s give no interval of the difference", Counted(i.N, "seed"))
	case i.Low < 0 && i.High > 0:
		text += fmt.Sprintf("%s may be up to %s below or %s above %s", arm.Name, low, high, base.Name)
	case i.High <= 0:
		text += fmt.Sprintf("p is above 0.05, though by the interval alone %s is at least %s and at most %s below %s", arm.Name, high, low, base.Name)
	default:
		text += fmt.Sprintf("p is above 0.05, though by the interval alone %s is at least %s and at most %s above %s", arm.Name, low, high, base.Name)
	}
	if d.Seeds > 0 {
		text += "; " + seedsNeeded(d.Seeds) + " would decide"
	}
	return text + "."
}

// amounts are the sizes of the ends of a difference to the baseline in words: in percent where [Report.Relative] has it so.
func (r *Report) amounts(d stats.Interval, base Arm) (low, high string) {
	scale, ok := r.percent(base)
	if ok && !(d.Low/scale < -1) && stats.Finite(d.Value/scale) {
		return stats.Percent(math.Abs(d.Low/scale)) + " %", stats.Percent(math.Abs(d.High/scale)) + " %"
	}
	return stats.Short(math.Abs(d.Low), 2), stats.Short(math.Abs(d.High), 2)
}
