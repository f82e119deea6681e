package runner

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Result is a trial of a sweep with its best attempt: done before running before the rest,
// later before earlier.
type Result struct {
	Trial       Key
	Point       Key
	Optimizer   string // label
	Regularizer string // label; empty without a penalty
	LR, Lambda  float64
	Seed        int64
	Arithmetic  int // revision

	RunID  int64  // 0 when the trial was never run
	Status Status // empty likewise
	Reason string
	Epochs int
	Wall   time.Duration
	Plugin time.Duration // inside plugins: an even share of its cohort's

	Found   bool // the run has recorded the metric
	Summary Summary
	// Kept is the epoch of the run that counts, whatever metric is asked for, with that metric's value after it.
	// Keeps is false if there is none.
	Keeps bool
	Kept  Kept
}

// A Summary is a metric of one run in short. Min and Max are those of the trained epochs: epoch 0,
// before training, counts for them only as long as there is no other. They pass over NaN, and are
// NaN only when nothing else was recorded; it makes Mean NaN.
type Summary struct {
	First, Last float64
	Min         float64
	MinStep     int // the first epoch that has Min
	Max         float64
	MaxStep     int
	Mean        float64
	Count       int
}

// A CurvePoint is a metric after one epoch; epoch 0 is before training.
type CurvePoint struct {
	Epoch int
	Value float64
}

// An At chooses the epoch of a run that counts: best, last, or epoch:N.
type At string

// The epochs that can be asked for without a number.
const (
	AtBest At = "best"
	AtLast At = "last"
)

// atEpoch begins an At that names one epoch.
const atEpoch = "epoch:"

// AtEpoch is the At of one epoch.
func AtEpoch(epoch int) At { return At(atEpoch + strconv.Itoa(epoch)) }

// ParseAt reads an At. Epochs are counted from 1; 0 is before training.
func ParseAt(text string) (At, error) {
	at := At(text)
	if at == AtBest || at == AtLast {
		return at, nil
	}
	if epoch, ok := at.Epoch(); !ok || epoch < 0 || AtEpoch(epoch) != at {
		return "", fmt.Errorf("%q is not best, last or epoch:N", text)
	}
	return at, nil
}

// Epoch is the epoch that At names; ok is false for best and last.
func (at At) Epoch() (epoch int, ok bool) {
	number, named := strings.CutPrefix(string(at), atEpoch)
	if !named {
		return 0, false
	}
	epoch, err := strconv.Atoi(number)
	return epoch, err == nil
}
