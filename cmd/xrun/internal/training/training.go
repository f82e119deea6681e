// Package training brings a sweep to its end: it looks up the open trials, trains those that no other process has,
// within the sweep's limits, and stops in order when asked to. Sweeps, confirmations and repetitions all train here.
package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/blas"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Session holds what training needs beside a sweep: plugins, arithmetic, interruption and output.
type Session struct {
	Host      *host.Host
	Backend   blas.Backend
	Version   string
	Keeper    []string // the command that ends processes which programs leave behind
	Workers   int      // cohorts or programs at once; 0 is the sweep file's
	Interrupt *Interruption
	Stderr    io.Writer
	// View makes the view of a sweep with so many open trials; before have a result.
	View func(spec *sweeps.Spec, open, before, workers int) View
}

// A View shows progress.
type View interface {
	Start()
	Stop()
	Observe(runner.Progress)
	Notice(text string)
}

// Train brings the trials of a sweep to their results, and returns the sweep's id.
func (s *Session) Train(spec *sweeps.Spec, db *store.Store, want Wishes, of Origin) (id int64, err error) {
	limitPlugins(s.Host, spec)
	ctx := s.Interrupt.Context
	trials := spec.Trials()
	row := sweepRow(spec)
	if of == (Origin{}) {
		if of, err = refined(ctx, db, spec); err != nil {
			return 0, err
		}
	}
	row.Relation, row.Of = of.Relation, of.Of
	if id, err = db.PutSweep(ctx, row, trials); err != nil {
		return 0, err
	}
	if err := want.Check(trials); err != nil {
		return 0, err
	}
	state, err := Survey(ctx, db, spec, trials, want)
	if err != nil {
		return 0, err
	}
	for _, w := range spec.Warnings {
		fmt.Fprintln(s.Stderr, w.Warning())
	}
	engine := s.Backend.Name()
	if command := spec.Task.Command; command != nil {
		engine = command.Name
	}
	fmt.Fprintf(s.Stderr, "%s: %s · %s\n", spec.Name, state.Describe(), engine)
	if err := s.sayKeptApart(spec, db, trials, state); err != nil {
		return 0, err
	}
	t := &training{Session: s, spec: spec, store: db, workers: s.workersFor(spec), id: id, trials: trials, want: want}
	return id, t.all(state)
}

// sayKeptApart lists results that were trained in the same way under other keys.
func (s *Session) sayKeptApart(spec *sweeps.Spec, db *store.Store, trials []runner.Trial, state State) error {
	if state.Fresh == 0 {
		return nil
	}
	why, err := Because(s.Interrupt.Context, db, spec, trials, state.Status)
	for _, line := range keptApart(why) {
		fmt.Fprintln(s.Stderr, line)
	}
	return err
}

// refined is the sweep that the file of another says it refines, if the database has it.
func refined(ctx context.Context, db *store.Store, spec *sweeps.Spec) (Origin, error) {
	if spec.Refines == "" {
		return Origin{}, nil
	}
	from, err := db.FindSweep(ctx, spec.Refines)
	if question.Missing(err) {
		return Origin{}, nil
	}
	return Origin{store.Refines, from.ID}, err
}

// Once trains one trial in a database of its own.
func (s *Session) Once(spec *sweeps.Spec, trial runner.Trial, db *store.Store) error {
	limitPlugins(s.Host, spec)
	spec.Prune = nil // it is alone
	trials := []runner.Trial{trial}
	id, err := db.PutSweep(s.Interrupt.Context, sweepRow(spec), trials)
	if err != nil {
		return err
	}
	state, err := Survey(s.Interrupt.Context, db, spec, trials, Wishes{})
	if err != nil {
		return err
	}
	t := &training{Session: s, spec: spec, store: db, workers: 1, id: id, trials: trials}
	return t.train(state)
}

// workersFor is the number of cohorts or programs that train at once.
func (s *Session) workersFor(spec *sweeps.Spec) int {
	switch {
	case s.Workers > 0:
		return s.Workers
	case spec.Run.Workers > 0:
		return spec.Run.Workers
	case spec.Task.Command != nil:
		return runtime.NumCPU()
	}
	return DefaultWorkers()
}

// DefaultWorkers is one for each core, and one more that computes while others wait for their plugins: it saves a
// tenth of the time of a sweep of small models on two cores.
func DefaultWorkers() int { return runtime.NumCPU() + 1 }

// A training brings the trials of a sweep to their results. Other processes may train some of them.
type training struct {
	*Session
	spec    *sweeps.Spec
	store   *store.Store
	workers int
	id      int64 // of the sweep
	trials  []runner.Trial
	want    Wishes // until they are met
}

// Look is the time between two looks at the progress of other processes.
const Look = 300 * time.Millisecond

// all trains until every trial has ended, or until the sweep is stopped.
func (t *training) all(state State) error {
	stop := t.heedRequests()
	defer stop()
	release, err := t.hold()
	if err != nil {
		return err
	}
	defer release()
	for first := true; ; first = false {
		if !first || t.spec.Prune != nil { // it may have changed before the sweep was this process's
			if state, err = t.survey(); err != nil {
				return err
			}
		}
		if state, err = t.await(state); err != nil {
			return err
		}
		if !first {
			state.leaveFailed()
		}
		switch {
		case !state.idle():
		case first:
			fmt.Fprintln(t.Stderr, "nothing to train: every trial has its result")
			return nil
		default:
			return nil
		}
		if err := t.train(state); err != nil {
			return err
		}
	}
}

func (t *training) survey() (State, error) {
	return Survey(t.Interrupt.Context, t.store, t.spec, t.trials, t.want)
}

// train trains what is open.
func (t *training) train(state State) error {
	ctx := t.Interrupt.Context
	products := t.Backend.Name()
	if t.spec.Task.Command != nil {
		products = "" // the arithmetic is its own
	}
	uses, err := pluginUses(ctx, t.Host, t.spec)
	if err != nil {
		return err
	}
	recorder := t.store.Recorder(t.id, Environment(ctx, products, t.Version), uses)
	recorder.Rerun(state.rerun)
	t.want = Wishes{}
	view := t.View(t.spec, len(state.Open)+state.revived, state.Done, t.workers)
	t.Interrupt.notify(view.Notice)
	defer t.Interrupt.notify(t.say)
	limits := startLimits(t.spec.Run, t.Interrupt, len(t.trials))
	defer limits.stop()
	t.Host.SetNotice(view.Notice)
	view.Start()
	options := runner.Options{
		Workers: t.workers, Recorder: recorder, BLAS: t.Backend, Load: OpenDataset,
		Limits:     runner.Limits{Timeout: t.spec.Run.Timeout, Retries: t.spec.Run.Retries},
		Checkpoint: t.spec.Run.Checkpoint, Drain: t.Interrupt.drain, Observe: limits.watch(view.Observe), Prune: state.pruning, Optima: t.store,
	}
	if t.spec.Task.Command != nil {
		programs := &process.Programs{Keeper: t.Keeper}
		defer programs.Close()
		options.Programs = programs
	} else {
		options.Plugins = func() (runner.Plugins, error) { return t.Host.Worker() }
	}
	err = runner.Execute(ctx, options, state.Open)
	view.Stop()
	if flushed := recorder.Flush(context.WithoutCancel(ctx)); err == nil {
		err = flushed
	}
	return t.stopped(err)
}

// stopped is err, or the exit of a sweep that was stopped.
func (t *training) stopped(err error) error {
	if code := t.Interrupt.code(); code != 0 {
		return t.goodbye(code, "")
	}
	if why := t.Interrupt.reason(); why != "" && err == nil {
		return t.goodbye(advice.ExitTrials, why)
	}
	return err
}

// goodbye prints the reason of the stop, the number of kept results and how to go on.
func (t *training) goodbye(code int, why string) error {
	state, err := Survey(context.WithoutCancel(t.Interrupt.Context), t.store, t.spec, t.trials, Wishes{})
	if err != nil {
		return err
	}
	if why != "" {
		why += ": "
	}
	fmt.Fprintf(t.Stderr, "stopped: %s%s kept in %s\nto go on, run the same command again: %s\n", why,
		stats.Count(state.Done, "trial with a result is", "trials with results are"), t.store.Path(), advice.Command("sweep", t.spec.File))
	return advice.Exit(code)
}

func (t *training) say(text string) { fmt.Fprintln(t.Stderr, text) }

// await waits while other processes train all that is left, or while their trials prevent pruning. Trials of a process
// that dies become open.
func (t *training) await(state State) (State, error) {
	said := ""
	for state.idle() && state.running > 0 || !state.idle() && state.busy != nil {
		if text := "waiting for " + state.elsewhere() + "; ctrl-c leaves them to it"; text != said {
			said = text
			t.say(text)
		}
		if !t.pause() {
			return state, t.stopped(context.Cause(t.Interrupt.Context))
		}
		var err error
		if state, err = t.survey(); err != nil {
			return state, t.stopped(err)
		}
	}
	return state, nil
}

// pause waits for a moment; false if the sweep is told to stop.
func (t *training) pause() bool {
	select {
	case <-t.Interrupt.drain:
	case <-t.Interrupt.Context.Done():
	case <-time.After(Look):
		return true
	}
	return false
}

// elsewhere names the processes that run trials, and counts these.
func (s State) elsewhere() string {
	var owners []string
	for _, st := range s.Status {
		if st.Owner != "" && !slices.Contains(owners, st.Owner) {
			owners = append(owners, st.Owner)
		}
	}
	if len(owners) == 0 {
		return "another process that is at work on the same trials"
	}
	slices.Sort(owners)
	text := fmt.Sprintf("%s that %s runs", stats.Count(s.running, "trial", "trials"), owners[0])
	if n := len(owners) - 1; n > 0 {
		text = fmt.Sprintf("%s that %s and %s run", stats.Count(s.running, "trial", "trials"), owners[0], stats.Count(n, "other process", "other processes"))
	}
	return text
}

// leaveFailed leaves out trials that have failed since the sweep began: they have been tried.
func (s *State) leaveFailed() {
	s.Open = slices.DeleteFunc(s.Open, func(t runner.Trial) bool { return s.Status[t.Key()].Status == runner.StatusFailed })
}

// hold takes a sweep that prunes for this process alone: a rung needs all its trials in one process.
func (t *training) hold() (release func() error, err error) {
	if t.spec.Prune == nil {
		return func() error { return nil }, nil
	}
	for said := false; ; said = true {
		release, ok, err := t.store.TryHold(sweepDigest(t.spec))
		if err != nil || ok {
			return release, err
		}
		if !said {
			t.say("waiting for another process that prunes this sweep; ctrl-c leaves it to it")
		}
		if !t.pause() {
			return nil, errors.Join(t.stopped(context.Cause(t.Interrupt.Context)))
		}
	}
}

// heedRequests makes `xrun stop` count as a signal.
func (t *training) heedRequests() (stop func()) {
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		select {
		case <-t.Interrupt.drain: // an ending sweep does not wait for disk space
			t.store.Hurry()
		case <-done:
		}
	}()
	go func() {
		defer close(ended)
		tick := time.NewTicker(Look)
		defer tick.Stop()
		for heard := 0; heard < 2; {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			asked, atOnce := t.store.StopRequested()
			if asked && heard == 0 {
				heard = 1
				t.Interrupt.raise()
			}
			if atOnce && heard == 1 {
				heard = 2
				t.Interrupt.raise()
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
