package runner

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Limits say when a trial is given up.
type Limits struct {
	// Timeout is how long a trial may train; 0 for no limit. The trials of a cohort share its time, so
	// that the limit does not depend on how many are trained at once.
	Timeout time.Duration
	// Retries is how often a trial is tried again, after a wait, when its plugin crashed or hung, or its
	// program was killed. Such faults can pass. An error that a component reports, or an exit status of
	// a program, would come again.
	Retries int
}

// The waits before a trial is tried again: 1 s, 2 s, 4 s, …
const (
	firstWait = time.Second
	maxWait   = time.Minute
)

// delayed is a job that waits for its time.
type delayed struct {
	job
	due time.Time
}

// postpone has a job done again after a while, which it returns. The job has been tried again
// tries times before. Other jobs go on meanwhile.
func (x *execution) postpone(j job, tries int) (wait time.Duration) {
	wait = min(firstWait<<min(tries, 16), maxWait)
	j.tries = tries + 1
	x.mu.Lock()
	defer x.mu.Unlock()
	x.later = append(x.later, delayed{j, time.Now().Add(wait)})
	return wait
}

// next waits for the first postponed job. There is none when all are done or the sweep is being
// stopped.
func (w *worker) next(ctx context.Context) (job, bool) {
	w.mu.Lock()
	if len(w.later) == 0 {
		w.mu.Unlock()
		return job{}, false
	}
	first := 0
	for i, d := range w.later {
		if d.due.Before(w.later[first].due) {
			first = i
		}
	}
	d := w.later[first]
	w.later = slices.Delete(w.later, first, first+1)
	w.mu.Unlock()
	timer := time.NewTimer(time.Until(d.due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return d.job, true
	case <-ctx.Done():
	case <-w.options.Drain:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.later = append(w.later, d)
	return job{}, false
}

// abandon gives up the postponed jobs when the workers have ended.
func (x *execution) abandon(ctx context.Context) error {
	var members []*member
	for _, d := range x.later {
		members = append(members, d.paused...)
	}
	x.later = nil
	return x.giveUp(ctx, members)
}

// expire fails the trials whose time is over.
func (l *lockstep[F]) expire() {
	limit := l.worker.options.Timeout
	if limit <= 0 || len(l.active) == 0 {
		return
	}
	now := time.Now()
	share := now.Sub(l.counted) / time.Duration(len(l.active))
	l.counted = now
	for _, slot := range slices.Clone(l.active) {
		m := l.members[slot]
		if m.place.took += share; m.place.took < limit {
			continue
		}
		message := timedOut(limit)
		l.update.Events = append(l.update.Events, Event{Run: m.run, At: now, Kind: "timeout", Epoch: max(m.recorded, 0), Message: message})
		l.close(slot, End{Run: m.run, At: now, Status: StatusFailed, Reason: message, Error: message, Lasting: true, Epochs: max(m.recorded, 0), Cost: l.cost(slot)})
	}
}

func timedOut(limit time.Duration) string { return fmt.Sprintf("the timeout of %v is over", limit) }
