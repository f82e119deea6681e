package runner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// An Executor trains trials somewhere: in this process, or elsewhere. It trains each of them at least once, and hands what they yield to a
// recorder, which records each exactly once.
type Executor interface {
	// Train trains the given trials, and those of earlier calls that have not ended, until each has ended or an epoch is over;
	// [ToTheEnd] is past every epoch. It returns the trials that it has begun or gone on with, also with an error. The error
	// [ErrStopped] says that it was asked to stop.
	Train(ctx context.Context, trials []Trial, until int) ([]Reached, error)
	// Drop ends trials that others have left behind.
	Drop(ctx context.Context, verdicts []Verdict) error
	// Abandon ends what has not ended as interrupted.
	Abandon(ctx context.Context) error
}

// ToTheEnd is past every epoch.
const ToTheEnd = math.MaxInt

// ErrStopped is the error of an [Executor] that has been asked to stop.
var ErrStopped = errors.New("the sweep is being stopped")

// Reached is how far a trial has come.
type Reached struct {
	Trial  Trial
	Status Status // how it has ended; empty if it is paused
	// Best is the best value up to an epoch of the metric that pruning looks at; NaN without one.
	Best func(epoch int) float64
}

// Drive trains trials to their ends. Where they are pruned, it goes from rung to rung.
func Drive(ctx context.Context, x Executor, p *Pruning, trials []Trial) error {
	if p != nil {
		return climb(ctx, x, p, trials)
	}
	_, err := x.Train(ctx, trials, ToTheEnd)
	if errors.Is(err, ErrStopped) {
		return x.Abandon(ctx)
	}
	return err
}

// local is the executor of this process.
type local struct {
	*execution
	byKey map[Key]*member
	open  []*member // in the order of their stages
}

// Train implements Executor.
func (l *local) Train(ctx context.Context, trials []Trial, until int) ([]Reached, error) {
	jobs := l.fresh(trials)
	for _, members := range group(l.open, l.options.Workers, func(m *member) Trial { return m.trial }) {
		jobs = append(jobs, job{paused: members})
	}
	members, err := l.stage(ctx, jobs, until)
	if l.byKey == nil {
		l.byKey = map[Key]*member{}
	}
	var reached []Reached
	for _, m := range members {
		l.byKey[m.trial.Key()] = m
		r := Reached{Trial: m.trial, Best: func(epoch int) float64 { return m.best(l.options.Prune, epoch) }}
		if m.ended {
			r.Status = m.end
		}
		reached = append(reached, r)
	}
	if err == nil && until != ToTheEnd && l.draining() {
		err = ErrStopped
	}
	if err != nil {
		l.open = append(l.open, members...) // some of them may not have begun to go on
		return reached, err
	}
	l.open = alive(members)
	return reached, nil
}

// upTo trains trials to an epoch, and leaves those that have not ended to another process.
func (l *local) upTo(ctx context.Context, trials []Trial, epoch int) error {
	_, err := l.Train(ctx, trials, epoch)
	if err == nil {
		l.paused = fmt.Sprintf("paused after epoch %d", epoch)
	}
	if errors.Is(err, ErrStopped) {
		err = nil
	}
	return errors.Join(err, l.giveUp(ctx, l.open))
}

// Drop implements Executor.
func (l *local) Drop(ctx context.Context, verdicts []Verdict) error {
	var u Update
	var members []*member
	for _, v := range verdicts {
		members = append(members, l.byKey[v.Trial.Key()])
	}
	outputs := l.dismiss(ctx, members)
	at := time.Now()
	for i, v := range verdicts {
		m := members[i]
		m.ended, m.end = true, StatusPruned
		e, event := v.End(m.run, at)
		before := m.paused()
		e.Cost, e.Coefficients, e.Output = before.Cost, before.Coefficients, outputs[m]
		u.Ends, u.Events = append(u.Ends, e), append(u.Events, event)
		l.observe(Progress{Trial: m.trial, Run: m.run, Epoch: v.Epoch, End: &e})
	}
	l.open = alive(l.open)
	return l.record(ctx, u)
}

// Abandon implements Executor.
func (l *local) Abandon(ctx context.Context) error { return l.giveUp(ctx, l.open) }
