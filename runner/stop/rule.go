package stop

import "fmt"

// A Name is the name of a stopping rule.
type Name string

// The rules. The last three are those of Prechelt 1998, "Automatic early stopping using cross
// validation: quantifying the criteria" (Neural Networks 11, 761–767), made for errors, which are
// above 0 and to become small.
const (
	// Patience, the default, stops when the metric has not improved for a number of epochs.
	Patience Name = "patience"
	// GL stops when the generalization loss is above Alpha.
	GL Name = "gl"
	// PQ stops when the generalization loss, divided by the progress in training, is.
	PQ Name = "pq"
	// UP stops when the metric has become worse in Strips strips in a row.
	UP Name = "up"
)

// Names lists the rules.
var Names = []Name{Patience, GL, PQ, UP}

// A Rule says when a trial stops. The zero Rule watches for NaN and Inf only. Fields that its
// Name does not use are ignored.
//
// For all rules, epochs count from 1, and epochs before StartFrom are not watched, as in Keras. The first watched epoch
// is the best so far. Only a strictly better one is an improvement; a tie is none. NaN and infinite values end a trial
// as diverged with every rule, before StartFrom too.
//
// Patience stops at the Patience-th watched epoch in a row without an improvement by more than
// MinDelta. BestUpdate chooses what improvements are measured against.
//
// For the others, E is the monitored value, E_opt the least of the watched epochs, E_tr the
// training loss, and strips are the watched epochs 1…k, k+1…2k and so on, of which an unfinished
// one decides nothing.
//
// GL stops after the first epoch with GL = 100(E/E_opt − 1) > Alpha.
//
// PQ stops at the end of the first strip with GL/P > Alpha, where P = 1000(mean E_tr / min E_tr − 1)
// over that strip. If P is 0, training makes no progress, and any GL above 0 is enough. Prechelt's
// second criterion, to give up when P < 0.1, is not applied: the epochs of the task are the limit.
//
// GL and PQ are ratios to E_opt, which has no meaning when E_opt ≤ 0: from then on they never stop.
// Nor does PQ at a strip whose least E_tr ≤ 0. Neither is defined for Goal Max.
//
// UP stops at the end of a strip when E has become strictly worse than at the end of the strip
// before, and so at each of the last Strips ends. The end of the first strip is only compared with
// later ones, and a tie begins the count again. It needs no ratios and works for Goal Max as well.
type Rule struct {
	Name    Name   // empty: Patience
	Monitor string // empty: no early stopping; divergence is still watched
	Goal    Goal   // empty: Min

	// Patience counts epochs; 0 never stops for lack of improvement.
	Patience   int
	MinDelta   float64
	Delta      Delta      // empty: Absolute
	BestUpdate BestUpdate // empty: OnThreshold

	Alpha  float64 // of GL and PQ: percent, and percent for a thousandth of progress
	Strip  int     // of PQ and UP: k, epochs
	Strips int     // of UP

	StartFrom int
	// Target stops the trial as soon as the metric reaches it.
	Target    float64
	HasTarget bool
	// DivergenceFactor ends a trial whose training loss exceeds this many times its value before
	// training, if that was above 0; 0 watches for NaN and Inf only.
	DivergenceFactor float64
}

// DivergenceFactor is the usual factor of a rule: training that has made the loss a thousand times worse does not
// come back to a result that is worth comparing.
const DivergenceFactor = 1000

// New is a rule with its defaults: a patience of 10; GL 5, PQ 0.5 and UP 3, of those that Prechelt
// tried, with strips of 5 epochs.
func New(name Name) Rule {
	r := Rule{Name: name, Goal: Min, Patience: 10, Delta: Absolute, BestUpdate: OnThreshold, Strip: 5, Strips: 3}
	switch name {
	case GL:
		r.Alpha = 5
	case PQ:
		r.Alpha = 0.5
	}
	return r
}

func (r Rule) name() Name {
	if r.Name == "" {
		return Patience
	}
	return r.Name
}

// Earliest is the first epoch after which the rule can stop a trial, without divergence; 0 if it never can.
func (r Rule) Earliest() int {
	if r.Monitor == "" {
		return 0
	}
	first := max(r.StartFrom, 1) // that is watched
	switch {
	case r.HasTarget:
		return first
	case r.name() == Patience && r.Patience == 0:
		return 0
	case r.name() == Patience:
		return first + r.Patience
	case r.Name == GL:
		return first + 1
	case r.Name == PQ:
		return first + r.Strip - 1
	}
	return first + r.Strip*(r.Strips+1) - 1
}

// NoMeaning says why the rule is undefined for its goal; empty if it is defined.
func (r Rule) NoMeaning() string {
	if r.Goal == Max && (r.Name == GL || r.Name == PQ) {
		return fmt.Sprintf("the rule %s is a ratio of errors: it needs a metric to minimize", r.Name)
	}
	return ""
}
