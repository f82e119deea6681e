// Package stop decides when a trial has trained for long enough.
//
// A rule is a value that says what was asked for; Start makes the state that watches one trial.
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

// A Delta says how Patience.MinDelta is meant.
type Delta string

// The meanings of a smallest improvement d, for goal min: an absolute one asks for
// value < best − d, a relative one for value < best − d·|best|.
const (
	Absolute Delta = "absolute"
	Relative Delta = "relative"
)

// Patience stops a trial when its monitored metric has not improved for a number of epochs.
//
// An improvement is strict: value < best − MinDelta (or its mirror image), so a tie never is
// one, and gains below the threshold add up against the same best. The first watched value is
// always an improvement. The trial stops at the Patience-th watched epoch in a row without one.
// Epochs before StartFrom are not watched at all, as in Keras.
//
// NaN and infinite values end a trial as diverged whatever the rule.
type Patience struct {
	Monitor string // empty: no early stopping, divergence is still watched
	Goal    Goal
	// Patience counts epochs; 0 never stops for lack of improvement.
	Patience  int
	MinDelta  float64
	Delta     Delta
	StartFrom int
	// RestoreBest keeps the parameters of the best epoch rather than of the last.
	RestoreBest bool
	// Target stops the trial as soon as the metric reaches it.
	Target    float64
	HasTarget bool
	// DivergenceFactor ends a trial whose training loss exceeds this many times its value before
	// training, if that was above 0; 0 watches for NaN and Inf only.
	DivergenceFactor float64
}

// Enabled reports whether the rule can end a trial early other than by NaN and Inf.
func (p Patience) Enabled() bool { return p.Monitor != "" || p.DivergenceFactor > 0 }

// A Decision is what a rule says after an epoch. The zero Decision is to go on.
type Decision struct {
	Stop     bool
	Diverged bool
	// Improved says that this epoch is the best so far.
	Improved bool
	// Message says why, with the numbers: empty to go on.
	Message string
}

// A Watch follows one trial. Make one with [Patience.Start].
type Watch struct {
	rule      Patience
	initial   float64 // training loss before training
	best      float64
	bestEpoch int
	waited    int
	watched   bool
}

// Start makes a Watch. initial is the training loss before training, for the divergence limit.
func (p Patience) Start(initial float64) *Watch {
	return &Watch{rule: p, initial: initial, best: math.NaN()}
}

// Best is the best watched epoch, and its value: NaN before the first.
func (w *Watch) Best() (epoch int, value float64) { return w.bestEpoch, w.best }

// Observe takes the training loss and the monitored value after an epoch, epochs counted from 1.
func (w *Watch) Observe(epoch int, loss, value float64) Decision {
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return Decision{Stop: true, Diverged: true, Message: fmt.Sprintf("training loss is %v at epoch %d", loss, epoch)}
	}
	if f := w.rule.DivergenceFactor; f > 0 && w.initial > 0 && loss > float64(f*w.initial) {
		return Decision{Stop: true, Diverged: true, Message: fmt.Sprintf(
			"training loss %.6g at epoch %d is more than %g times its initial %.6g", loss, epoch, f, w.initial)}
	}
	if w.rule.Monitor == "" {
		w.bestEpoch = epoch
		return Decision{}
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return Decision{Stop: true, Diverged: true, Message: fmt.Sprintf("%s is %v at epoch %d", w.rule.Monitor, value, epoch)}
	}
	if epoch < w.rule.StartFrom {
		return Decision{}
	}
	var d Decision
	if w.improves(value) {
		w.best, w.bestEpoch, w.waited, w.watched = value, epoch, 0, true
		d.Improved = true
	} else {
		w.waited++
	}
	if w.rule.HasTarget && !w.better(w.rule.Target, value) {
		d.Stop = true
		d.Message = fmt.Sprintf("%s %.6g at epoch %d reaches the target %g", w.rule.Monitor, value, epoch, w.rule.Target)
		return d
	}
	if w.rule.Patience > 0 && w.waited >= w.rule.Patience {
		d.Stop = true
		d.Message = fmt.Sprintf("%s has not improved on %.6g (epoch %d) by %s for %d epochs: %.6g at epoch %d",
			w.rule.Monitor, w.best, w.bestEpoch, w.threshold(), w.waited, value, epoch)
	}
	return d
}

func (w *Watch) improves(value float64) bool {
	if !w.watched {
		return true
	}
	d := w.rule.MinDelta
	if w.rule.Delta == Relative {
		d *= math.Abs(w.best)
	}
	if w.rule.Goal == Max {
		return value > w.best+d
	}
	return value < w.best-d
}

// better reports whether a is strictly better than b.
func (w *Watch) better(a, b float64) bool {
	if w.rule.Goal == Max {
		return a > b
	}
	return a < b
}

func (w *Watch) threshold() string {
	if w.rule.Delta == Relative {
		return fmt.Sprintf("%g relative", w.rule.MinDelta)
	}
	return fmt.Sprintf("%g", w.rule.MinDelta)
}
