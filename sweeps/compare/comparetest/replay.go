package comparetest

import (
	"math"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// Curves are those of trained trials, by run.
type Curves struct {
	Loss   map[int64][]runner.CurvePoint
	Metric map[int64][]runner.CurvePoint // of val_loss
}

// NewCurves has none yet.
func NewCurves() Curves {
	return Curves{Loss: map[int64][]runner.CurvePoint{}, Metric: map[int64][]runner.CurvePoint{}}
}

// Trained is a trial of one seed with a curve of val_loss from epoch 0 on.
func (c Curves) Trained(run int64, optimizer string, status runner.Status, values ...float64) runner.Result {
	for epoch, v := range values {
		c.Loss[run] = append(c.Loss[run], runner.CurvePoint{Epoch: epoch, Value: 1})
		c.Metric[run] = append(c.Metric[run], runner.CurvePoint{Epoch: epoch, Value: v})
	}
	return runner.Result{Point: runner.Key(optimizer), Optimizer: optimizer, LR: 1, RunID: run, Status: status, Found: true,
		Epochs: len(values) - 1, Wall: time.Duration(len(values)-1) * time.Second, Plugin: time.Duration(len(values)-1) * time.Millisecond, Reason: "why"}
}

// Endings are trials that end in each way that a replay tells apart.
func (c Curves) Endings() []runner.Result {
	return []runner.Result{
		c.Trained(1, "late", runner.StatusFinished, 9, 5, 6, 6, 6, 1), // its best comes after a plateau
		c.Trained(2, "early", runner.StatusFinished, 9, 4, 2, 3, 3, 3),
		c.Trained(3, "cut", runner.StatusStopped, 9, 7, 8),
		c.Trained(4, "wild", runner.StatusDiverged, 9, 10, 12, math.NaN()),
		{Point: "failed", Optimizer: "failed", RunID: 5, Status: runner.StatusFailed},
		{Point: "missing", Optimizer: "missing"},
	}
}
