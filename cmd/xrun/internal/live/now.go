package live

import (
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// A Now is what a View shows, as data for other pictures of it.
type Now struct {
	Trials, Ended int
	Share         float64 // of the sweep that is done, trials in training in parts
	Elapsed       time.Duration
	Left          time.Duration // estimated by what the session has done
	LeftKnown     bool
	Stage         string
	Best          []string // the leading point of each problem, in words
	Running       []Running
}

// A Running is a trial in training.
type Running struct {
	Point  runner.Key
	Run    int64
	Name   string
	Seed   int64
	Epoch  int
	Epochs int     // that it will train; 0 if unknown
	Value  float64 // the metric now; NaN without a report
}

// Now is the state of the view. The trials in training that are furthest come first.
func (v *View) Now() Now {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := Now{Trials: len(v.board.order), Ended: v.board.ended, Share: v.share(), Elapsed: time.Since(v.began), Stage: v.stage, Best: v.bests()}
	now.Left, now.LeftKnown = v.timeLeft()
	runs := map[*trial]int64{}
	for run, t := range v.trials {
		runs[t] = run
	}
	for _, t := range v.running() {
		now.Running = append(now.Running, Running{Point: t.Point, Run: runs[t], Name: t.name, Seed: t.Seed, Epoch: t.epoch, Epochs: t.epochs, Value: t.value})
	}
	return now
}
