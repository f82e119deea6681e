// Package stop decides when a trial has trained for long enough.
//
// A [Rule] is a value with the settings of a rule. Start makes the [Watch] of one trial.
package stop

import (
	"fmt"
	"math"
)

// A Goal is the direction in which a metric gets better.
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

// A Delta is the meaning of Rule.MinDelta.
type Delta string

// The meanings of a smallest improvement d, for goal min: an absolute one asks for
// value < best − d, a relative one for value < best − d·|best|.
const (
	Absolute Delta = "absolute"
	Relative Delta = "relative"
)

// A BestUpdate chooses the best value of the rule Patience.
type BestUpdate string

// OnThreshold, the default, changes the best value only by more than MinDelta. Smaller gains add up against the same
// best, so a trial that makes them continues. OnAny changes it by every strict gain, as in scikit-learn. Each gain must
// then be larger than MinDelta, so a trial with smaller gains stops.
const (
	OnThreshold BestUpdate = "threshold"
	OnAny       BestUpdate = "any"
)

// A Decision is the decision of a rule after an epoch. The zero Decision is to continue.
type Decision struct {
	Stop     bool
	Diverged bool
	// Message gives the reason with its numbers; empty to continue.
	Message string
	// Facts are the same for programs; only set to stop.
	Facts Facts
}

// A Watch follows one trial. [Rule.Start] makes one. It is a plain value: a copy is independent, and another Watch of
// the same Rule can continue from its State.
type Watch struct {
	rule Rule
	State
}

// State is the state of a Watch.
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

// Resume makes a Watch that continues from the State of another.
func (r Rule) Resume(s State) *Watch { return &Watch{rule: r, State: s} }

// Best is the best watched epoch of the rule, and its value: NaN before the first. It does not choose the kept
// parameters.
func (w *Watch) Best() (epoch int, value float64) { return w.BestEpoch, w.BestValue }

// Observe takes the training loss and the monitored value after an epoch, epochs counted from 1.
//
// It checks first NaN, Inf and the divergence limit, then the target, and then the rule.
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

// Judge takes the value, after an epoch, of the metric that the trial is judged by. One that is not finite ends the
// trial as diverged, whatever the goal: it is no result, and −Inf would win every comparison.
func (w *Watch) Judge(epoch int, metric string, value float64) Decision {
	if !math.IsNaN(value) && !math.IsInf(value, 0) {
		return Decision{}
	}
	return w.diverged(Facts{Metric: metric, Epoch: epoch, Value: value}, fmt.Sprintf("%s is %v at epoch %d, and the trial is judged by it", metric, value, epoch))
}

// A verdict is the judgement of the rule on an epoch.
type verdict struct {
	stop            bool
	measure         string
	measured, limit float64
	message         string
}

// judge records a watched epoch and applies the rule.
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
		d = float64(d * math.Abs(w.BestValue))
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
