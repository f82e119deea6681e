package training

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// limits stop a sweep when its budget is used up or more trials failed than allowed.
type limits struct {
	run       sweeps.Run
	interrupt *Interruption
	planned   int
	failed    atomic.Int64
	budget    *time.Timer
}

func startLimits(run sweeps.Run, interrupt *Interruption) *limits {
	l := &limits{run: run, interrupt: interrupt}
	if run.Budget > 0 {
		l.budget = time.AfterFunc(run.Budget, func() { interrupt.end(fmt.Sprintf("the budget of %v is used up", run.Budget)) })
	}
	return l
}

func (l *limits) stop() {
	if l.budget != nil {
		l.budget.Stop()
	}
}

// watch counts the trials that fail, and passes all progress on.
func (l *limits) watch(next func(runner.Progress)) func(runner.Progress) {
	return func(p runner.Progress) {
		next(p)
		if p.End == nil || p.End.Status != runner.StatusFailed || p.End.Again {
			return
		}
		if n := int(l.failed.Add(1)); l.run.MaxFailures.Exceeded(n, l.planned) {
			l.interrupt.end(fmt.Sprintf("%s failed, and max_failures is %s", stats.Count(n, "trial has", "trials have"), l.run.MaxFailures))
		}
	}
}
