// Package stop decides when a trial has trained for long enough.
//
// A [Rule] is a value that says what was asked for; Start makes the state that watches one trial.
package stop

import (
	"fmt"
	"math"
)

// A Goal says which way a metric gets better.
type Goal string

// The goals.
const (
	Min Goal = "min"
	Max Goal = "max"
)

// Better reports whether a is better than b. NaN is never better, and every number is better than NaN.
func (g Goal) Better(a, b float64) bool {
	switch {
	case math.IsNaN(a):
		return false
	case math.IsNaN(b):
		return true
	case g == Max:
		return a > b
	}
	return a < b
}

// A Delta says how Rule.MinDelta is meant.
type Delta string

// The meanings of a smallest improvement d, for goal min: an absolute one asks for
// value < best − d, a relative one for value < best − d·|best|.
const (
	Absolute Delta = "absolute"
	Relative Delta = "relative"
)

// A BestUpdate says what becomes the best value under the rule Patience.
type BestUpdate string

// OnThreshold, the default, takes only improvements by more than MinDelta for the best: gains below
// it add up against the same best, and a trial that keeps making them goes on. OnAny takes every
// strict gain, as scikit-learn does: each gain has to be larger than MinDelta to be one, so a trial
// that gains less every epoch stops.
const (
	OnThreshold BestUpdate = "threshold"
	OnAny       BestUpdate = "any"
)

// A Decision is what a rule says after an epoch. The zero Decision is to go on.
type Decision struct {
	Stop     bool
	Diverged bool
	// Message says why, with the numbers: empty to go on.
	Message string
	// Facts are the same for programs; only set to stop.
	Facts Facts
}

// A Watch follows one trial. Make one with [Rule.Start]. It is a plain value: a copy goes on by
// itself, and from the same State another Watch of the same Rule does as well.
type Watch struct {
	rule Rule
	State
}

// State is what a Watch has seen.
type State struct {
	Initial   float64 // training loss before training
	BestValue float64 // NaN before the first
	BestEpoch int
	Waited    int  // watched epochs since the last improvement
	Watched   bool // BestValue has a value
	Strip     Strip
}

// Start makes a Watch. initial is the training loss before training, for the divergence limit.
func (r Rule) Start(initial float64) *Watch {
	return &Watch{rule: r, State: State{Initial: initial, BestValue: math.NaN()}}
}

// Resume makes a Watch that goes on from the State of another.
func (r Rule) Resume(s State) *Watch { return &Watch{rule: r, State: s} }

// Best is the best watched epoch as the rule sees it, and its value: NaN before the first. Which epoch's
// parameters are kept is not the rule's business.
func (w *Watch) Best() (epoch int, value float64) { return w.BestEpoch, w.BestValue }

// Observe takes the training loss and the monitored value after an epoch, epochs counted from 1.
//
// It looks first for NaN, Inf and the divergence limit, then at the target, and then at the rule.
func (w *Watch) Observe(epoch int, loss, value float64) Decision {
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return w.diverged(Facts{Metric: "train_loss", Epoch: epoch, Value: loss},
			fmt.Sprintf("training loss is %v at epoch %d", loss, epoch))
	}
	if f := w.rule.DivergenceFactor; f > 0 && w.Initial > 0 && loss > float64(f*w.Initial) {
		return w.diverged(Facts{Metric: "train_loss", Epoch: epoch, Value: loss, Measure: "loss/initial", Measured: loss / w.Initial, Limit: f},
			fmt.Sprintf("training loss %.6g at epoch %d is more than %g times its initial %.6g", loss, epoch, f, w.Initial))
	}
	if w.rule.Monitor == "" {
		return Decision{}
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return w.diverged(Facts{Metric: w.rule.Monitor, Epoch: epoch, Value: value},
			fmt.Sprintf("%s is %v at epoch %d", w.rule.Monitor, value, epoch))
	}
	if epoch < w.rule.StartFrom {
		return Decision{}
	}
	verdict := w.judge(epoch, loss, value)
	facts := Facts{Metric: w.rule.Monitor, Epoch: epoch, Value: value}
	if w.rule.HasTarget && !w.rule.Goal.Better(w.rule.Target, value) {
		facts.Cause, facts.Measure, facts.Measured, facts.Limit = causeTarget, w.rule.Monitor, value, w.rule.Target
		return w.stop(Decision{}, facts, fmt.Sprintf("%s %.6g at epoch %d reaches the target %g", w.rule.Monitor, value, epoch, w.rule.Target))
	}
	if verdict.stop {
		facts.Cause, facts.Measure, facts.Measured, facts.Limit = causeRule, verdict.measure, verdict.measured, verdict.limit
		return w.stop(Decision{}, facts, verdict.message)
	}
	return Decision{}
}

// A verdict is the judgement of the rule on an epoch.
type verdict struct {
	stop            bool
	measure         string
	measured, limit float64
	message         string
}

// judge notes a watched epoch and asks the rule.
func (w *Watch) judge(epoch int, loss, value float64) verdict {
	if w.rule.name() == Patience {
		return w.patience(epoch, value)
	}
	if !w.Watched || w.rule.Goal.Better(value, w.BestValue) {
		w.BestValue, w.BestEpoch, w.Watched, w.Waited = value, epoch, true, 0
	} else {
		w.Waited++
	}
	switch w.rule.Name {
	case GL:
		return w.generalizationLoss(epoch, value)
	case PQ:
		return w.progressQuotient(epoch, loss, value)
	default:
		return w.upStrips(epoch, value)
	}
}

// patience stops at the Patience-th watched epoch in a row without an improvement.
func (w *Watch) patience(epoch int, value float64) verdict {
	waits := !w.improves(value)
	if w.Waited++; !waits {
		w.Waited = 0
	}
	if !waits || w.rule.BestUpdate == OnAny && w.rule.Goal.Better(value, w.BestValue) {
		w.BestValue, w.BestEpoch, w.Watched = value, epoch, true
	}
	if w.rule.Patience == 0 || w.Waited < w.rule.Patience {
		return verdict{}
	}
	return verdict{true, "epochs without improvement", float64(w.Waited), float64(w.rule.Patience),
		fmt.Sprintf("%s has not improved on %.6g (epoch %d) by %s for %d epochs: %.6g at epoch %d",
			w.rule.Monitor, w.BestValue, w.BestEpoch, w.threshold(), w.Waited, value, epoch)}
}

func (w *Watch) improves(value float64) bool {
	if !w.Watched {
		return true
	}
	d := w.rule.MinDelta
	if w.rule.Delta == Relative {
		d *= math.Abs(w.BestValue)
	}
	if w.rule.Goal == Max {
		return value > w.BestValue+d
	}
	return value < w.BestValue-d
}

func (w *Watch) threshold() string {
	if w.rule.Delta == Relative {
		return fmt.Sprintf("%g relative", w.rule.MinDelta)
	}
	return fmt.Sprintf("%g", w.rule.MinDelta)
}

func (w *Watch) diverged(f Facts, message string) Decision {
	f.Cause = causeDivergence
	return w.stop(Decision{Diverged: true}, f, message)
}

func (w *Watch) stop(d Decision, f Facts, message string) Decision {
	f.Rule, f.BestEpoch, f.Best = w.rule.String(), w.BestEpoch, w.BestValue
	d.Stop, d.Message, d.Facts = true, message, f
	return d
}
