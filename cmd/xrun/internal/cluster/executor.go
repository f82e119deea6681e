package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// An Executor trains trials as jobs of an engine. It is a [runner.Executor].
type Executor struct {
	Dir       Dir
	Engine    Engine
	Config    sweeps.Cluster
	Collector *Collector
	Lay       func(runner.Trial) (runner.Trial, error) // how a trial is trained on another machine
	Work      Work
	Rule      *prune.Rule  // of a sweep that prunes; nil for others
	Fresh     []runner.Key // trials that begin anew, whatever journals have of them
	Since     int          // the first wave in which they do
	Pace      time.Duration
	Tries     int // jobs in a row in which a trial comes no further, before it fails
	// Drain asks all jobs to end. Leave is true if they go on without the collector, once Drain is closed.
	Drain <-chan struct{}
	Leave func() bool
	// Detach submits what there is to submit, and leaves the jobs to themselves.
	Detach bool
	Anew   bool     // what earlier collectors have submitted is not taken up
	Follow []string // the command that goes on when the jobs have ended; nil for none
	Say    func(text string)
	// Held reports whether this is still the collector of the directory. May be nil.
	Held func() error

	clock clock // nil is the time of the machine

	known    bool        // earlier submissions have been read
	wave     int         // the next
	held     time.Time   // nothing is submitted before, since the engine could not take it
	refused  time.Time   // since when it could not
	doubt    *Submission // ended with an error, and may be queued all the same; nil for none
	began    bool        // the engine has taken jobs
	stopping bool        // jobs are asked to end
	tasks    map[string]*job
	sent     []Submission
	open     []*trial // in the order of the sweep; some may have ended
	polled   time.Time
	said     string
	troubled string
	ended    int             // jobs
	told     map[string]bool // last words of jobs that have not trained
}

// A clock is a time that passes by itself, or in a simulation.
type clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type realTime struct{}

func (realTime) Now() time.Time { return time.Now() }

func (realTime) After(d time.Duration) <-chan time.Time { return time.After(d) }

func (x *Executor) since(t time.Time) time.Duration { return x.clock.Now().Sub(t) }

// job is a task that was submitted.
type job struct {
	name   string
	of     Submission
	index  int
	trials []*trial
	until  int       // the epoch at which it ends
	state  *Job      // what the engine believes; nil if it does not know the job
	gone   time.Time // since when it does not
	runs   time.Time // since when it is believed to run
	nudged time.Time // when it was asked to run again
}

var _ runner.Executor = (*Executor)(nil)

// The time between two looks at the journals, at least, and in lengths of the last look: a network file system is not kept busy.
const (
	look      = 500 * time.Millisecond
	lookShare = 10
)

// Train implements runner.Executor.
func (x *Executor) Train(ctx context.Context, trials []runner.Trial, until int) ([]runner.Reached, error) {
	if x.clock == nil {
		x.clock = realTime{}
	}
	if x.tasks == nil {
		x.tasks = map[string]*job{}
		if err := x.survey(); err != nil {
			return nil, err
		}
	}
	x.Collector.expect(trials)
	for _, t := range trials {
		x.open = append(x.open, x.Collector.trials[t.Key()])
	}
	_, err := x.Collector.Poll(ctx)
	if err == nil && len(x.left(until)) > 0 { // otherwise no engine is needed
		if err = x.attach(ctx); err == nil {
			err = x.train(ctx, until)
		}
	}
	var reached []runner.Reached
	var open []*trial
	for _, t := range x.open {
		r := runner.Reached{Trial: t.Trial, Status: t.status, Best: t.best(x.Rule)}
		if t.status == "" && !t.paused(until) {
			r.Status = runner.StatusInterrupted
		}
		reached = append(reached, r)
		if t.status == "" {
			open = append(open, t)
		}
	}
	x.open = open
	return reached, err
}

// best is the best value up to an epoch.
func (t *trial) best(rule *prune.Rule) func(int) float64 {
	return func(epoch int) float64 {
		best := math.NaN()
		for _, v := range t.curve[:min(epoch, len(t.curve))] {
			if rule.Goal.Better(v, best) {
				best = v
			}
		}
		return best
	}
}

// paused reports whether a trial waits at an epoch or after it.
func (t *trial) paused(until int) bool { return t.waiting(until) != nil }

// waiting is the attempt that waits at an epoch or after it; nil if there is none. After the last epoch nothing is waited for but the end.
func (t *trial) waiting(until int) *attempt {
	if until >= t.Task.Epochs {
		return nil
	}
	for _, a := range t.open {
		if a.left != nil && !a.broken && a.left.Epochs >= until {
			return a
		}
	}
	return nil
}

// train trains what is open.
func (x *Executor) train(ctx context.Context, until int) error {
	for {
		if x.Held != nil {
			if err := x.Held(); err != nil {
				return err
			}
		}
		began := x.clock.Now()
		if _, err := x.Collector.Poll(ctx); err != nil {
			return err
		}
		pause := min(max(look, lookShare*x.since(began)), max(x.Config.Poll, look))
		if len(x.sent) > 0 && x.since(x.polled) >= x.Config.Poll {
			x.poll(ctx)
		}
		x.settle(until)
		left := x.left(until)
		if len(left) == 0 {
			return nil
		}
		if err := x.fail(ctx, left); err != nil {
			return err
		}
		select {
		case <-x.Drain:
			return x.drain(ctx)
		default:
		}
		if err := x.submit(ctx, left, until); err != nil {
			return err
		}
		if x.Detach {
			return x.detach(ctx)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-x.Drain:
		case <-x.clock.After(pause):
		}
	}
}

// detach leaves the jobs to themselves. What goes on with them is queued behind them.
func (x *Executor) detach(ctx context.Context) error {
	if len(x.Follow) > 0 && len(x.sent) > 0 {
		if err := x.Engine.Follow(ctx, x.sent, x.Follow); err != nil {
			return err
		}
	}
	return ErrDetached
}

// closed reports whether the job of a task has ended in order, and nothing of it is to be read.
func (x *Executor) closed(t *job) bool {
	files := x.Collector.byTask[t.name]
	for _, r := range files {
		if !r.closed {
			return false
		}
	}
	return len(files) > 0
}

// complete reports whether nothing of a task is left to train.
func (t *job) complete(until int) bool {
	for _, tr := range t.trials {
		if tr.task == t.name && tr.status == "" && !tr.paused(until) {
			return false
		}
	}
	return true
}

// settle ends tasks that are complete, and those whose jobs are gone, so that what they have left open is submitted again. The journal of a job
// that ended without a word may take a while to be seen.
func (x *Executor) settle(until int) {
	for name, t := range x.tasks {
		files := x.Collector.byTask[name]
		orderly := x.closed(t)
		switch {
		case orderly && (t.complete(until) || t.until < until && t.complete(t.until)): // whatever the engine believes: it was to come no further
		case t.gone.IsZero():
			continue
		case x.stopping && len(files) == 0: // it was cancelled before it began
		case !orderly && x.since(t.gone) < x.Config.Grace:
			continue
		}
		delete(x.tasks, name)
		x.ended++
		note := ""
		for _, r := range files {
			note = cmp.Or(r.note, note)
		}
		if note == "" && !orderly {
			note = x.Engine.Words(t.of, t.index)
		}
		if len(files) == 0 && note != "" && !x.stopping && !x.told[note] {
			if x.told == nil {
				x.told = map[string]bool{}
			}
			x.told[note] = true
			x.Say(fmt.Sprintf("job %s_%d ended before it trained anything; the last that it printed: %s", t.of.Job, t.index, note))
		}
		for _, tr := range t.trials {
			if tr.task == name {
				tr.task, tr.note = "", note
				tr.leave(name, len(files) > 0, until, x.clock.Now())
			}
		}
	}
	x.sent = slices.DeleteFunc(x.sent, func(s Submission) bool {
		for _, t := range x.tasks {
			if t.of.Name == s.Name {
				return false
			}
		}
		return true
	})
}

// leave ends the attempts of a task whose job has ended, and counts jobs in which the trial came no further. tried is false if the job has
// begun nothing at all. A trial that waits at the epoch until, as it was told, has come far enough.
func (t *trial) leave(task string, tried bool, until int, at time.Time) {
	here, came := false, t.came
	for _, a := range t.open {
		if a.file.task() != task {
			continue
		}
		here, came = true, max(came, a.epoch)
		if a.left == nil {
			a.broken = true
			a.left = &runner.End{Run: a.run, At: at, Status: runner.StatusInterrupted, Reason: "its job ended without a word: it was killed, or its machine was lost", Epochs: max(a.epoch, 0)}
		}
	}
	switch {
	case came > t.came, t.paused(until):
		t.came, t.lost = max(came, t.came), 0
	case here || !tried: // a trial that had no turn has not failed
		t.lost++
	}
}

// left lists the trials that have neither ended nor reached an epoch.
func (x *Executor) left(until int) (left []*trial) {
	for _, t := range x.open {
		if t.status == "" && !t.paused(until) {
			left = append(left, t)
		}
	}
	return left
}

// fail gives up trials whose jobs ended again and again.
func (x *Executor) fail(ctx context.Context, left []*trial) error {
	var which []*trial
	for _, t := range left {
		if t.task == "" && t.lost >= x.Tries {
			which = append(which, t)
		}
	}
	if len(which) == 0 {
		return nil
	}
	if err := x.Collector.interrupt(ctx, which, "its job ended"); err != nil {
		return err
	}
	if err := x.Dir.give(x.wave); err != nil {
		return err
	}
	for _, t := range which {
		message := fmt.Sprintf("its job ended %d times without coming any further", x.Tries)
		if t.note != "" {
			message += ", the last time with: " + t.note
		}
		message += "; " + x.Dir.output() + " has what the jobs printed"
		if err := x.Collector.Recorder.RecordFailed(ctx, []runner.Trial{t.Trial}, x.clock.Now(), message); err != nil {
			return err
		}
		t.status = runner.StatusFailed
		if x.Collector.Observe != nil {
			x.Collector.Observe(runner.Progress{Trial: t.Trial, Epoch: t.came, End: &runner.End{At: x.clock.Now(), Status: runner.StatusFailed, Reason: message, Error: message, Epochs: t.came}})
		}
	}
	return nil
}

// drain asks all jobs to end, and waits until they have, or leaves them to themselves.
func (x *Executor) drain(ctx context.Context) error {
	if len(x.tasks) == 0 {
		return runner.ErrStopped
	}
	if x.Leave != nil && x.Leave() {
		x.Detach = true
		x.Say(fmt.Sprintf("%s left alone: the same command takes up what becomes of it", stats.Count(len(x.tasks), "job is", "jobs are")))
		return runner.ErrStopped
	}
	x.stopping = true
	if err := x.Dir.give(x.wave); err != nil { // that jobs end now is no fault of theirs
		return err
	}
	x.Say(fmt.Sprintf("%s asked to end after the running epochs", stats.Count(len(x.tasks), "job is", "jobs are")))
	if err := os.WriteFile(x.Dir.stop(), nil, 0o666); err != nil {
		return err
	}
	defer os.Remove(x.Dir.stop())
	if err := x.Engine.Cancel(ctx, x.sent, false); err != nil {
		x.Say(err.Error())
	}
	for x.polled = (time.Time{}); len(x.tasks) > 0; {
		if _, err := x.Collector.Poll(ctx); err != nil {
			return errors.Join(err, x.Engine.Cancel(context.WithoutCancel(ctx), x.sent, true))
		}
		if x.since(x.polled) >= min(x.Config.Poll, 5*time.Second) {
			x.poll(ctx)
		}
		x.settle(runner.ToTheEnd)
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), x.Engine.Cancel(context.WithoutCancel(ctx), x.sent, true))
		case <-x.clock.After(look):
		}
	}
	return runner.ErrStopped
}

// Drop implements runner.Executor.
func (x *Executor) Drop(ctx context.Context, verdicts []runner.Verdict) error {
	var u runner.Update
	at := x.clock.Now()
	for _, v := range verdicts {
		t := x.Collector.trials[v.Trial.Key()]
		dropped := t.waiting(v.Epoch)
		for _, a := range t.open {
			a.over = true
			if a != dropped { // a copy of it, which may be at work still
				u.Ends = append(u.Ends, runner.End{Run: a.run, At: at, Status: runner.StatusInterrupted, Reason: "another attempt came to the rung first", Epochs: max(a.epoch, 0)})
				continue
			}
			e, event := v.End(a.run, at)
			if a.left != nil {
				e.Cost, e.Coefficients, e.Output = a.left.Cost, a.left.Coefficients, a.left.Output
			}
			u.Ends, u.Events = append(u.Ends, e), append(u.Events, event)
			if x.Collector.Observe != nil {
				x.Collector.Observe(runner.Progress{Trial: t.Trial, Run: a.run, Epoch: v.Epoch, End: &e})
			}
		}
		t.open, t.status = nil, runner.StatusPruned
	}
	x.open = slices.DeleteFunc(x.open, func(t *trial) bool { return t.status != "" })
	return x.Collector.Recorder.Record(ctx, u)
}

// Abandon implements runner.Executor. Jobs that were left to themselves go on; the runs that are recorded of them are taken up again.
func (x *Executor) Abandon(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	reason := "the sweep was stopped"
	if x.Detach {
		reason = "its job goes on, and nobody records it now"
	}
	return errors.Join(x.Collector.interrupt(ctx, x.open, reason), x.Collector.Recorder.Flush(ctx))
}
