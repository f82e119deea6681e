package runner

import (
	"math"
	"slices"

	"github.com/xrun-dev/xrun/runner/stop"
)

// A Keep chooses the epoch of a run that counts: the run has its value and keeps its parameters. [metric] of a
// sweep file sets it. The zero Keep keeps the last epoch and knows no value.
type Keep struct {
	Metric string
	Goal   stop.Goal
	At     At // empty: last
}

// Kept is the epoch of a run that counts.
type Kept struct {
	Epoch int
	Value float64 // of the metric after Epoch; NaN where there is none
}

// Keeps reports whether a run with this status keeps an epoch. A run that diverged has nothing worth
// keeping, and one that was pruned, failed or interrupted has no result.
func (s Status) Keeps() bool { return s == StatusFinished || s == StatusStopped }

// Value is the epoch of a run that counts, by the run's status and the curve of the metric; ok is false if the
// run keeps nothing. Under AtBest it is the first of the best epochs from 1 on, or epoch 0 if there is no
// other. NaN is never the best.
func (k Keep) Value(status Status, curve []CurvePoint) (kept Kept, ok bool) {
	if !status.Keeps() {
		return Kept{}, false
	}
	keeper := k.Start()
	for _, p := range curve {
		keeper.Observe(p.Epoch, p.Value)
	}
	return keeper.Kept()
}

// ValueInShort is Value by the metric's summary and the number of epochs. known is false if the summary
// cannot tell: the curve has to be asked about an epoch that At names.
func (k Keep) ValueInShort(status Status, epochs int, s Summary) (kept Kept, ok, known bool) {
	if !status.Keeps() || s.Count == 0 {
		return Kept{}, false, true
	}
	switch {
	case k.At == AtLast || k.At == "":
		return Kept{epochs, s.Last}, true, true
	case k.At != AtBest:
		return Kept{}, false, false
	case k.Goal == stop.Max:
		return Kept{s.MaxStep, s.Max}, !math.IsNaN(s.Max), true
	}
	return Kept{s.MinStep, s.Min}, !math.IsNaN(s.Min), true
}

// A Keeper finds the epoch that counts while a run goes on.
type Keeper struct {
	keep Keep
	KeeperState
}

// KeeperState is what a Keeper has seen.
type KeeperState struct {
	Found  bool
	Newest Kept
}

// Start begins to follow a run.
func (k Keep) Start() *Keeper { return &Keeper{keep: k} }

// Resume goes on from the state of another Keeper of the same Keep.
func (k Keep) Resume(s KeeperState) *Keeper { return &Keeper{k, s} }

// Observe takes the value after an epoch; epochs come in order. It reports whether this is the epoch that counts,
// as far as the run has come.
func (k *Keeper) Observe(epoch int, value float64) bool {
	if !k.counts(epoch, value) {
		return false
	}
	k.Found, k.Newest = true, Kept{epoch, value}
	return true
}

func (k *Keeper) counts(epoch int, value float64) bool {
	switch at := k.keep.At; at {
	case AtLast, "":
		return true
	case AtBest:
		if k.Newest.Epoch == 0 && epoch > 0 { // what the untrained model had is not something it reached
			k.Found = false
		}
		return !math.IsNaN(value) && (!k.Found || k.keep.Goal.Better(value, k.Newest.Value))
	default:
		n, ok := at.Epoch()
		return ok && n == epoch
	}
}

// Kept is the epoch that counts so far; ok is false if there is none yet.
func (k *Keeper) Kept() (kept Kept, ok bool) { return k.Newest, k.Found }

// ValueAt is the value of a curve after an epoch; ok is false if it has none.
func ValueAt(curve []CurvePoint, epoch int) (value float64, ok bool) {
	i, ok := slices.BinarySearchFunc(curve, epoch, func(p CurvePoint, epoch int) int { return p.Epoch - epoch })
	if !ok {
		return math.NaN(), false
	}
	return curve[i].Value, true
}

// Wild finds the first value of a recorded curve that is not finite: a run that nobody could stop diverged there. Epoch 0 is before
// training and counts only if there is no other.
func Wild(curve []CurvePoint) (p CurvePoint, found bool) {
	for _, p := range curve {
		if (math.IsNaN(p.Value) || math.IsInf(p.Value, 0)) && (p.Epoch > 0 || len(curve) == 1) {
			return p, true
		}
	}
	return p, false
}
