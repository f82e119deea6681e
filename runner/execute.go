package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/data"
)

// Options say how trials are executed. None of them changes the result of a trial.
type Options struct {
	// Workers is how many cohorts are trained at once. Defaults to 1.
	Workers int
	// Shares are the parts of the machine that workers have, one each; there are no more workers than these. Nil where it is not
	// divided.
	Shares []Share
	// Plugins makes the place where one worker opens plugins, with its share. May be nil where no trial has any.
	Plugins func(Share) (Plugins, error)
	// Programs runs the processes of trials whose task is a command. May be nil where none is.
	Programs Programs
	// Folders is where each trial of a program has a folder, named after its key; empty for none.
	Folders string
	// Recorder takes the results.
	Recorder Recorder
	// Load reads the data set of a task. It is called once for each data set.
	Load func(Task) (*data.Set, error)
	// Available finds what memory there is, so that trials that do not fit fail alone. May be nil.
	Available Available
	// Checkpoint says how often trials are kept to go on from; never by default.
	Checkpoint Checkpointing
	// Drain stops the sweep at the end of the running epochs once it is closed. May be nil.
	Drain <-chan struct{}
	// Optima keeps reference optima from one sweep to the next. May be nil.
	Optima Optima
	Limits
	// Prune, if not nil, ends trials early that others have left behind.
	Prune *Pruning
	// Until, if not 0, ends trials as interrupted after this epoch, with a checkpoint: another process goes on with them, and
	// prunes them.
	Until int
	// Observe is called after every epoch and at every end, by several goroutines. May be nil.
	Observe func(Progress)
}

// Progress is the state of one trial after an epoch, or at its end.
type Progress struct {
	Trial   Trial
	Run     RunID
	Epoch   int
	Metrics []string
	Values  []float64
	End     *End // not nil at the end, with Metrics and Values left out
	// Begun is true where a program starts, before its first report; there are no metrics then.
	Begun bool
	// Warning is something to tell the user at once, with details in further lines; there are no metrics then.
	Warning string
	// Untried is why a trial that failed was not tried; nil if it was.
	Untried *SetAsideError
}

// Execute runs trials until all have ended, the context is done or Drain is closed. A trial that
// fails is recorded as failed and is no error; an error is something that ended the sweep.
func Execute(ctx context.Context, o Options, trials []Trial) error {
	o.Workers = max(o.Workers, 1)
	if o.Shares != nil {
		o.Workers = min(o.Workers, len(o.Shares))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	x := &execution{options: o, cancel: cancel, data: &datasets{load: o.Load, keep: o.Workers + 1}, room: room{memory: o.Available}}
	l := &local{execution: x}
	var err error
	if o.Until > 0 {
		err = l.upTo(ctx, trials, o.Until)
	} else {
		err = Drive(ctx, l, o.Prune, trials)
	}
	return errors.Join(err, x.close())
}

// execution is the workers of one Execute, and what they have paused.
type execution struct {
	options Options
	paused  string // why trials that are given up are interrupted; empty where the sweep was stopped
	cancel  context.CancelCauseFunc
	data    *datasets
	optima  optima
	workers []*worker

	room       room
	quarantine quarantine

	mu      sync.Mutex
	members []*member // begun in the stage at work
	later   []delayed // to be tried again
}

// job is a group of trials to be trained in lockstep: new ones, or some that were paused.
type job struct {
	fresh  cohort
	paused []*member
	tries  int // earlier tries of fresh
}

// fresh plans jobs for trials that have not begun.
func (x *execution) fresh(trials []Trial) []job {
	var jobs []job
	for _, c := range plan(trials, x.options.Workers) {
		jobs = append(jobs, job{fresh: c})
	}
	return jobs
}

// stage trains jobs until their trials have ended or the given epoch is over, and returns the
// members they had.
func (x *execution) stage(ctx context.Context, jobs []job, until int) ([]*member, error) {
	open := &queue{jobs: slices.Clone(jobs)}
	x.members = nil
	for len(x.workers) < min(x.options.Workers, len(jobs)) {
		w := &worker{execution: x}
		if x.options.Shares != nil {
			w.share = x.options.Shares[len(x.workers)]
		}
		x.workers = append(x.workers, w)
	}
	errs := make([]error, len(x.workers))
	var wg sync.WaitGroup
	for i, w := range x.workers {
		wg.Go(func() {
			if errs[i] = w.work(ctx, open, until); errs[i] != nil {
				x.cancel(errs[i])
			}
		})
	}
	wg.Wait()
	errs = append(errs, x.abandon(ctx))
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			return x.members, err
		}
	}
	return x.members, errors.Join(errs...)
}

func (x *execution) note(members []*member) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.members = append(x.members, members...)
}

func (x *execution) close() error {
	var errs []error
	for _, w := range x.workers {
		if w.plugins != nil {
			errs = append(errs, w.plugins.Close())
		}
	}
	return errors.Join(errs...)
}

// worker trains jobs one after the other.
type worker struct {
	*execution
	share   Share
	plugins Plugins // nil before the first job
	given   given
}

func (w *worker) work(ctx context.Context, open *queue, until int) (err error) {
	if w.plugins == nil && w.options.Plugins != nil {
		if w.plugins, err = w.options.Plugins(w.share); err != nil {
			return err
		}
	}
	for j, ok := open.take(w); ok; j, ok = open.take(w) {
		if err := w.do(ctx, j, until); err != nil || w.draining() {
			return err
		}
	}
	for {
		j, ok := w.next(ctx)
		if !ok {
			return nil
		}
		if err := w.do(ctx, j, until); err != nil {
			return err
		}
	}
}

// do trains the trials of one job.
func (w *worker) do(ctx context.Context, j job, until int) (err error) {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if w.draining() {
		return nil
	}
	members := j.paused
	if members == nil {
		if members, err = w.begin(ctx, j.fresh); err != nil {
			return err
		}
		for _, m := range members {
			m.tries = j.tries
		}
	}
	if j.paused == nil || j.tries == 0 { // noted before its first try
		w.note(members)
	}
	if err := w.noteShare(ctx, members); err != nil {
		return err
	}
	return w.trainAll(ctx, members, until)
}

// begin opens the runs of a cohort. Trials that need none are left out.
func (w *worker) begin(ctx context.Context, c cohort) ([]*member, error) {
	runs, err := w.options.Recorder.Begin(ctx, c)
	if err != nil {
		return nil, &recordError{err}
	}
	var members []*member
	var u Update
	for i, t := range c {
		b := runs[i]
		if b.Run == 0 {
			continue
		}
		m := w.newMember(t, b)
		members = append(members, m)
		if b.From == nil {
			continue
		}
		e := Event{Run: b.Run, At: time.Now(), Kind: "resumed", Epoch: b.From.Epoch, Message: fmt.Sprintf("goes on from epoch %d", b.From.Epoch)}
		if err := m.goOn(b.From); err != nil {
			e.Message = "begins again: " + err.Error()
		}
		u.Events = append(u.Events, e)
	}
	return members, w.record(ctx, u)
}

// trainAll trains members until each has ended or is paused. After an error, remedyFor decides.
func (w *worker) trainAll(ctx context.Context, members []*member, until int) error {
	groups := byEpoch(members, until)
	for len(groups) > 0 {
		if w.draining() {
			return w.giveUp(ctx, members)
		}
		group, err := w.tryable(ctx, groups[0])
		if err != nil {
			return err
		}
		groups = groups[1:]
		if len(group) == 0 {
			continue
		}
		if err = w.train(ctx, group, until); err == nil {
			continue
		}
		var memory *MemoryError
		if errors.As(err, &memory) && len(group) > 1 && ctx.Err() == nil { // fewer of them may fit
			groups = append(groups, group[:len(group)/2], group[len(group)/2:])
			continue
		}
		if errors.Is(err, ErrStopped) {
			return w.giveUp(ctx, members)
		}
		r := remedyFor(err, ctx.Err() != nil, group, w.options.Retries)
		if r.kind == abandon {
			return errors.Join(w.giveUp(ctx, members), err)
		}
		if err := w.apply(ctx, r, err); err != nil {
			return err
		}
		groups = append(groups, r.groups...)
	}
	return nil
}

// apply carries out a remedy, except for the groups, which are trained later.
func (w *worker) apply(ctx context.Context, r remedy, err error) error {
	switch r.kind {
	case forget:
		for _, m := range r.members {
			m.place.from = nil
		}
		err = fmt.Errorf("its checkpoint cannot be used: %w", err)
	case postpone:
		wait := w.postpone(job{paused: r.members}, r.members[0].tries)
		for _, m := range r.members {
			m.tries++
		}
		err = fmt.Errorf("%w (in %v)", err, wait)
	case fail:
		if r.fault != nil {
			w.quarantine.note(r.fault, r.members)
		}
		return w.failAll(ctx, r.members, err)
	}
	return w.noteRetry(ctx, r.members, err)
}

// noteRetry records that members are trained again, and why.
func (w *worker) noteRetry(ctx context.Context, members []*member, err error) error {
	message, detail := explain(err)
	var u Update
	for _, m := range members {
		from := "the start"
		if epoch := m.from(); epoch > 0 {
			from = fmt.Sprintf("epoch %d", epoch)
		}
		u.Events = append(u.Events, Event{Run: m.run, At: time.Now(), Kind: "retry", Epoch: max(m.recorded, 0),
			Message: "trained again from " + from + " after a fault: " + message, Detail: detail})
	}
	return w.record(ctx, u)
}

// explain splits the text of an error into its first line and the rest, or the last words of the plugin.
func explain(err error) (message, detail string) {
	message, detail, _ = strings.Cut(err.Error(), "\n")
	var fault *Fault
	if errors.As(err, &fault) && fault.LastWords != "" {
		detail = fault.LastWords
	}
	return message, detail
}

// record hands an update to the recorder, even while the sweep is being stopped.
func (x *execution) record(ctx context.Context, u Update) error {
	if len(u.Points)+len(u.Events)+len(u.Ends)+len(u.Checkpoints) == 0 {
		return nil
	}
	if err := x.options.Recorder.Record(context.WithoutCancel(ctx), u); err != nil {
		return &recordError{err}
	}
	return nil
}

// failAll ends members as failed, with the error and the plugin's last words.
func (w *worker) failAll(ctx context.Context, members []*member, err error) error {
	var u Update
	at := time.Now()
	message, detail := explain(err)
	var untried *SetAsideError
	errors.As(err, &untried)
	for _, m := range members {
		m.ended, m.end = true, StatusFailed
		e := End{Run: m.run, At: at, Status: StatusFailed, Reason: message, Error: message, Lasting: isSlotError(err), Epochs: max(m.recorded, 0), Cost: m.spent}
		if detail != "" {
			e.Error += "\n" + detail
		}
		u.Ends = append(u.Ends, e)
		u.Events = append(u.Events, Event{Run: m.run, At: at, Kind: "fault", Epoch: e.Epochs, Message: message, Detail: detail})
		w.observe(Progress{Trial: m.trial, Run: m.run, Epoch: e.Epochs, End: &e, Untried: untried})
	}
	return w.record(ctx, u)
}

// giveUp ends members as interrupted, and keeps their checkpoints.
func (x *execution) giveUp(ctx context.Context, members []*member) error {
	var u Update
	outputs := x.dismiss(ctx, members)
	for _, m := range members {
		if m.ended {
			continue // before, or because it is in the list twice
		}
		m.ended, m.end = true, StatusInterrupted
		if p := m.place; p != nil && p.from != nil && !p.from.kept && x.options.Checkpoint.enabled() {
			c, err := p.from.of(m)
			if err != nil {
				return err
			}
			u.Checkpoints = append(u.Checkpoints, c)
		}
		e := End{Run: m.run, At: time.Now(), Status: StatusInterrupted, Reason: cmp.Or(x.paused, "the sweep was stopped"), Epochs: max(m.recorded, 0), Cost: m.spent, Output: outputs[m]}
		if x.paused != "" && (m.unsaved || m.place != nil && m.place.from != nil) { // whoever goes on with it may prune it
			e.Coefficients = m.paused().Coefficients
		}
		u.Ends = append(u.Ends, e)
		x.observe(Progress{Trial: m.trial, Run: m.run, Epoch: e.Epochs, End: &e})
	}
	return x.record(ctx, u)
}

// train trains one group in lockstep, in the precision of its task. A panic is a fault of xrun. It fails
// these trials only.
func (w *worker) train(ctx context.Context, group []*member, until int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a fault of xrun itself, please report it: %v\n%s", p, debug.Stack())
		}
	}()
	task := group[0].trial.Task
	if task.Command != nil {
		return w.runPrograms(ctx, group, until)
	}
	if task.DType == plugins.Float32 {
		return (&lockstep[float32]{worker: w, members: group, task: task, until: until, began: time.Now()}).run(ctx)
	}
	return (&lockstep[float64]{worker: w, members: group, task: task, until: until, began: time.Now()}).run(ctx)
}

func (x *execution) draining() bool {
	select {
	case <-x.options.Drain:
		return true
	default:
		return false
	}
}

func (x *execution) observe(p Progress) {
	if x.options.Observe != nil {
		x.options.Observe(p)
	}
}
