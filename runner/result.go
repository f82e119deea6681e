package runner

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Result is a trial of a sweep with the attempt that counts: done before running before the rest, later before
// earlier.
type Result struct {
	Trial       Key
	Point       Key
	Optimizer   string // label
	Regularizer string // label; empty without a penalty
	LR, Lambda  float64
	Seed        int64
	Arithmetic  int // revision

	RunID  int64  // 0 when the trial was never run
	Status Status // empty when the trial was never run
	Reason string
	Epochs int
	Wall   time.Duration
	Plugin time.Duration // time inside plugins: an even share of its cohort's

	Found   bool // the run has recorded the metric
	Summary Summary
	// Kept is the kept epoch of the run, with the value of the metric in question. Keeps is false if the run keeps
	// nothing.
	Keeps bool
	Kept  Kept
	// Again is the attempt in training of a trial that has a result; nil without one.
	Again *Result
}

// A Summary summarizes a metric of one run. Min and Max are of the trained epochs: epoch 0, before training, counts for
// them only while there is no other. They ignore NaN, and are NaN only if all values are. One NaN makes Mean NaN.
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

// An At chooses the kept epoch of a run: best, last, or epoch:N.
type At string

// The choices without a number.
const (
	AtBest At = "best"
	AtLast At = "last"
)

// atEpoch is the beginning of an At that names an epoch.
const atEpoch = "epoch:"

// AtEpoch is the At of an epoch.
func AtEpoch(epoch int) At { return At(atEpoch + strconv.Itoa(epoch)) }

// ParseAt reads an At. Epochs count from 1; 0 is before training.
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
