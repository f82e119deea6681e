// Package training brings a sweep to its end: it looks up the open trials, trains those that no other process has,
// within the sweep's limits, and stops in order when asked to. Sweeps, confirmations and repetitions all train here.
package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/mlflow"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/gemm"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Session holds what training needs beside a sweep: plugins, arithmetic, interruption and output.
type Session struct {
	Host      *host.Host
	Version   string
	Keeper    []string  // the command that ends processes which programs leave behind
	Guard     []string  // the command between xrun and a program, which keeps what the program starts
	Workers   int       // cohorts or programs at once; 0 is the sweep file's
	Command   []string  // the arguments of this command, which goes on when it is run again
	Data      *Datasets // that have been read; nil reads them anew
	Interrupt *Interruption
	Stderr    io.Writer
	part      *Part // that the latest Train was to train; nil for the whole sweep
	// View makes the view of a sweep that is about to be trained.
	View func(ctx context.Context, w Work) (View, error)
	// Elsewhere makes what trains on other machines; nil trains in this process.
	Elsewhere func(ctx context.Context, j Job) (runner.Executor, error)
}

// A Job is what is to be trained elsewhere.
type Job struct {
	Spec     *sweeps.Spec
	Recorder *store.Recorder
	Workers  int
	Pruning  *runner.Pruning
	Fresh    []runner.Key  // trials that begin anew, whatever is left of them
	Pace     time.Duration // of a trial, if trials of the sweep are done; 0 if it is unknown
	Observe  func(runner.Progress)
	Say      func(text string)
	Drain    <-chan struct{} // ends the training after the running epochs
	Hangup   func() bool     // once Drain is closed: nobody asked for an end, the terminal or the machine did
}

// Work is what a session is about to train.
type Work struct {
	Store   *store.Store
	Sweep   string // which sweep of the store, as FindSweep takes it
	Workers int
	Again   []runner.Key // trials that have ended, and are trained again
	// Only are the trials of the share of the sweep that is trained; nil for all.
	Only map[runner.Key]bool
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
	s.part = nil
	if err := want.Share.refuse(spec); err != nil {
		return 0, err
	}
	most, err := Trials(ctx, db, spec)
	if err != nil {
		return 0, err
	}
	row := sweepRow(spec)
	if of == (Origin{}) {
		if of, err = refined(ctx, db, spec); err != nil {
			return 0, err
		}
	}
	row.Relation, row.Of = of.Relation, of.Of
	if id, err = db.PutSweep(ctx, row, firstStage(spec, most)); err != nil {
		return 0, err
	}
	if err := want.Check(most, "the sweep"); err != nil {
		return 0, err
	}
	trials, err := Asked(ctx, db, id, spec)
	if err != nil {
		return 0, err
	}
	if !want.Share.Whole() {
		if trials, err = s.take(spec, db, id, trials, want); err != nil {
			return 0, err
		}
	}
	if want.AcceptChanges {
		accepted, err := accept(ctx, db, id, spec, trials)
		if err != nil {
			return 0, err
		}
		fmt.Fprintf(s.Stderr, "%s taken over from before a change of the program's files\n", stats.Count(accepted, "result was", "results were"))
	}
	state, err := Survey(ctx, db, spec, trials, want)
	if err != nil {
		return 0, err
	}
	for _, w := range spec.Warnings {
		fmt.Fprintln(s.Stderr, w.Warning())
	}
	engine := "arithmetic by " + gemm.Vectors()
	if command := spec.Task.Command; command != nil {
		engine = command.Name
	}
	if why := s.part.empty(); why != "" {
		fmt.Fprintln(s.Stderr, "nothing to train: "+why)
		return id, nil
	}
	fmt.Fprintf(s.Stderr, "%s: %s · %s\n", spec.Name, state.Describe(), engine)
	if err := s.sayKeptApart(spec, db, trials, state); err != nil {
		return 0, err
	}
	t := &training{Session: s, spec: spec, store: db, workers: s.workersFor(spec), id: id, most: most, trials: trials, want: want, tried: map[runner.Key]bool{}}
	defer t.endLimits()
	return id, t.all(state)
}

// take finds the trials of a share, says which they are, and records it.
func (s *Session) take(spec *sweeps.Spec, db *store.Store, id int64, trials []runner.Trial, want Wishes) ([]runner.Trial, error) {
	ctx := s.Interrupt.Context
	part, err := want.Share.part(ctx, spec, db.Path(), trials, want)
	if err != nil {
		return nil, err
	}
	if err := want.Check(part.Trials, part.name()); err != nil && part.empty() == "" {
		return nil, err
	}
	if err := db.PutStage(ctx, id, nil, []store.SweepEvent{part.event()}); err != nil {
		return nil, err
	}
	s.part = part
	if part.empty() == "" {
		fmt.Fprintf(s.Stderr, "%s: %s\n", spec.Name, part)
	}
	return part.open, nil
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
	spec.Prune, spec.Until = nil, nil // it is alone
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
	defer t.endLimits()
	if err := t.divide(s.Interrupt.Context); err != nil { // it may well run here all the same
		fmt.Fprintf(s.Stderr, "warning: %v; nothing is set for it\n", err)
	}
	t.workers = 1
	return t.train(state)
}

// workersFor is the number of cohorts or programs that train at once.
func (s *Session) workersFor(spec *sweeps.Spec) int {
	if n := s.workersGiven(spec); n > 0 {
		return n
	}
	if spec.Task.Command != nil {
		return runtime.NumCPU()
	}
	return DefaultWorkers()
}

// workersGiven is the number of workers that somebody has asked for; 0 if nobody has.
func (s *Session) workersGiven(spec *sweeps.Spec) int {
	if s.Workers > 0 {
		return s.Workers
	}
	return spec.Run.Workers
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
	shares  []runner.Share // of this machine; nil where it is not divided
	divided bool
	id      int64          // of the sweep
	most    []runner.Trial // that the sweep may ask for
	trials  []runner.Trial // that it asks for now
	want    Wishes         // until they are met
	tried   map[runner.Key]bool
	limits  *limits // of all that is trained; nil before
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
	if t.spec.Until != nil {
		return t.stages()
	}
	worked, err := t.round(state)
	if err == nil && !worked {
		fmt.Fprintln(t.Stderr, "nothing to train: every trial has its result")
	}
	return err
}

// round trains until every trial that is asked for has ended, or until the sweep is stopped. Trials that have been tried
// before and failed are left out. worked is false if there was nothing to train.
func (t *training) round(state State) (worked bool, err error) {
	for first := true; ; first = false {
		if !first || t.spec.Prune != nil { // it may have changed before the sweep was this process's
			if state, err = t.survey(); err != nil {
				return worked, err
			}
		}
		if state, err = t.await(state); err != nil {
			return worked, err
		}
		state.leaveFailed(t.tried)
		for _, trial := range t.trials {
			t.tried[trial.Key()] = true
		}
		if state.idle() {
			return worked, nil
		}
		worked = true
		if err := t.train(state); err != nil {
			return worked, err
		}
	}
}

// endLimits ends what limits the sweep.
func (t *training) endLimits() {
	if t.limits != nil {
		t.limits.stop()
	}
}

func (t *training) survey() (State, error) {
	return Survey(t.Interrupt.Context, t.store, t.spec, t.trials, t.want)
}

// train trains what is open.
func (t *training) train(state State) error {
	ctx := t.Interrupt.Context
	if err := t.divide(ctx); err != nil {
		return t.stopped(err)
	}
	uses, err := pluginUses(ctx, t.Host, t.spec)
	if err != nil {
		return err
	}
	recorder := t.store.Recorder(t.id, Environment(ctx, t.Version), uses)
	recorder.Rerun(state.rerun)
	t.want = Wishes{}
	view, err := t.View(ctx, Work{Store: t.store, Sweep: fmt.Sprintf("%s@%d", t.spec.Name, t.id), Workers: t.workers, Again: slices.Concat(state.rerun, state.retry), Only: t.part.only()})
	if err != nil {
		return t.stopped(err)
	}
	t.Interrupt.notify(view.Notice)
	defer t.Interrupt.notify(t.say)
	var results atomic.Int64 // that trials came to here, whether they were stored or not
	observe := func(p runner.Progress) {
		if p.End != nil && !p.End.Again && p.End.Status.Done() {
			results.Add(1)
		}
		view.Observe(p)
	}
	if t.limits == nil {
		t.limits = startLimits(t.spec.Run, t.Interrupt)
	}
	t.limits.planned = len(t.trials)
	t.Host.SetNotice(view.Notice)
	t.Data.SetNotice(view.Notice)
	view.Start()
	if t.Elsewhere != nil {
		err = t.elsewhere(ctx, state, recorder, t.limits.watch(observe), view.Notice)
	} else {
		options, programs := t.Options(t.spec.Task.Command != nil)
		defer programs.Close()
		for _, key := range state.rerun {
			programs.Fresh[string(key)] = true
		}
		options.Workers, options.Shares, options.Recorder, options.Optima, options.Folders = t.workers, t.shares, recorder, t.store, Folders(t.store)
		options.Limits, options.Checkpoint = LimitsOf(t.spec), t.spec.Run.Checkpoint
		options.Observe, options.Prune = t.limits.watch(observe), state.pruning
		err = runner.Execute(ctx, options, state.Open)
	}
	view.Stop()
	if flushed := recorder.Flush(context.WithoutCancel(ctx)); err == nil {
		err = flushed
	}
	if store.Unavailable(err) {
		t.sayLost(state.Done, int(results.Load()))
	}
	return t.stopped(err)
}

// Options are what every execution in this process has. The programs are to be closed.
func (s *Session) Options(isProgram bool) (runner.Options, *process.Programs) {
	o := runner.Options{Load: s.Data.Of, Available: available, Drain: s.Interrupt.drain}
	programs := &process.Programs{Keeper: s.Keeper, Guard: s.Guard, Fresh: map[string]bool{}, Tracker: &mlflow.Tracker{}}
	if isProgram {
		o.Programs = programs
	} else {
		o.Plugins = func(share runner.Share) (runner.Plugins, error) { return s.Host.Worker(share.Env...) }
	}
	return o, programs
}

// LimitsOf are the limits of a sweep's trials.
func LimitsOf(spec *sweeps.Spec) runner.Limits {
	return runner.Limits{Timeout: spec.Run.Timeout, Retries: spec.Run.Retries}
}

// elsewhere trains on other machines.
func (t *training) elsewhere(ctx context.Context, state State, recorder *store.Recorder, observe func(runner.Progress), say func(string)) error {
	pace, err := Pace(ctx, t.store, state)
	if err != nil {
		return err
	}
	x, err := t.Elsewhere(ctx, Job{Spec: t.spec, Recorder: recorder, Workers: t.workers, Pruning: state.pruning, Fresh: state.rerun, Pace: pace, Observe: observe, Say: say,
		Drain: t.Interrupt.drain, Hangup: t.Interrupt.hungUp})
	if err != nil {
		return err
	}
	return runner.Drive(ctx, x, state.pruning, state.Open)
}

// Folders is where trials of programs have folders for their files, beside the database.
func Folders(db *store.Store) string { return db.Path() + ".trials" }

// sayLost says how many results were not stored when the database cannot be written. before is the number of trials that
// had a result when training began, results is the number of those that got one since.
func (t *training) sayLost(before, results int) {
	state, err := Survey(context.WithoutCancel(t.Interrupt.Context), t.store, t.spec, t.trials, Wishes{})
	if err != nil {
		return // the error of the database is said in any case
	}
	if lost := before + results - state.Done; lost > 0 {
		fmt.Fprintf(t.Stderr, "%s not stored, and will be trained again; %s stored\n", stats.Count(lost, "result was", "results were"),
			stats.Count(state.Done, "result is", "results are"))
	}
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
	again := "run the same command again: " + advice.Command(t.Command...)
	if caller := os.Getenv("XRUN_AGAIN"); caller != "" { // how the caller of this command says it
		again = caller
	}
	fmt.Fprintf(t.Stderr, "stopped: %s%s kept in %s\nto go on, %s\n", why,
		stats.Count(state.Done, "trial with a result is", "trials with results are"), t.store.Path(), again)
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

// leaveFailed leaves out trials that have failed since they were tried.
func (s *State) leaveFailed(tried map[runner.Key]bool) {
	s.Open = slices.DeleteFunc(s.Open, func(t runner.Trial) bool {
		return s.Status[t.Key()].Status == runner.StatusFailed && tried[t.Key()]
	})
	s.retry = slices.DeleteFunc(s.retry, func(key runner.Key) bool { return tried[key] })
}

// hold takes a sweep that prunes for this process alone: a rung needs all its trials in one process.
func (t *training) hold() (release func() error, err error) {
	if t.spec.Prune == nil {
		return func() error { return nil }, nil
	}
	for said := false; ; said = true {
		release, ok, err := t.store.TryHold(Digest(t.spec))
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
