package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/blas"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// training brings the trials of a sweep to their results, together with other processes that may be at work
// on the same ones.
type training struct {
	*program
	context   *cli.Context
	interrupt *interruption
	spec      *sweeps.Spec
	host      *host.Host
	store     *store.Store
	backend   blas.Backend
	workers   int
	id        int64 // of the sweep
	trials    []runner.Trial
	want      wishes // until they have been followed
}

// look is how often it is looked whether another process has got further.
const look = 300 * time.Millisecond

// all trains until every trial has ended. What is said and why it was stopped, if it was, is in the error.
func (t *training) all(state surveyed) error {
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
			fmt.Fprintln(t.stderr, "nothing to train: every trial has its result")
			return nil
		default:
			return nil
		}
		if err := t.train(state); err != nil {
			return err
		}
	}
}

func (t *training) survey() (surveyed, error) {
	return survey(t.interrupt.ctx, t.store, t.spec, t.trials, t.want)
}

// train trains what is open.
func (t *training) train(state surveyed) error {
	ctx := t.interrupt.ctx
	products := t.backend.Name()
	if t.spec.Task.Command != nil {
		products = "" // the arithmetic is its own
	}
	uses, err := t.pluginUses(ctx, t.host, t.spec)
	if err != nil {
		return err
	}
	recorder := t.store.Recorder(t.id, environment(ctx, products), uses)
	recorder.Rerun(state.rerun)
	t.want = wishes{}
	view := t.newView(t.context.String("progress"), t.spec, len(state.open)+state.revived, state.done, t.workers)
	t.interrupt.notify(view.Notice)
	defer t.interrupt.notify(t.say)
	limits := startLimits(t.spec.Run, t.interrupt, len(t.trials))
	defer limits.stop()
	t.host.SetNotice(view.Notice)
	view.Start()
	options := runner.Options{
		Workers: t.workers, Recorder: recorder, BLAS: t.backend, Load: loadDataset,
		Limits:     runner.Limits{Timeout: t.spec.Run.Timeout, Retries: t.spec.Run.Retries},
		Checkpoint: t.spec.Run.Checkpoint, Drain: t.interrupt.drain, Observe: limits.watch(view.Observe), Prune: state.pruning, Optima: t.store,
	}
	if t.spec.Task.Command != nil {
		programs, err := newPrograms()
		if err != nil {
			return err
		}
		defer programs.Close()
		options.Programs = programs
	} else {
		options.Plugins = func() (runner.Plugins, error) { return t.host.Worker() }
	}
	err = runner.Execute(ctx, options, state.open)
	view.Stop()
	if flushed := recorder.Flush(context.WithoutCancel(ctx)); err == nil {
		err = flushed
	}
	return t.stopped(err)
}

// stopped is err, or what there is to say of a sweep that was told to stop.
func (t *training) stopped(err error) error {
	if code := t.interrupt.code(); code != 0 {
		return t.goodbye(code, "")
	}
	if why := t.interrupt.reason(); why != "" && err == nil {
		return t.goodbye(advice.ExitTrials, why)
	}
	return err
}

// goodbye says why a sweep was stopped, what it has kept and how to go on.
func (t *training) goodbye(code int, why string) error {
	state, err := survey(context.WithoutCancel(t.interrupt.ctx), t.store, t.spec, t.trials, wishes{})
	if err != nil {
		return err
	}
	if why != "" {
		why += ": "
	}
	fmt.Fprintf(t.stderr, "stopped: %s%s kept in %s\nto go on, run the same command again: xrun sweep %s\n", why,
		count(state.done, "trial with a result is", "trials with results are"), t.store.Path(), t.spec.File)
	return advice.Exit(code)
}

func (t *training) say(text string) { fmt.Fprintln(t.stderr, text) }

// await waits while there is nothing to train but what other processes are training, or while trials that
// another one has stand in the way of pruning. Trials of a process that dies become open.
func (t *training) await(state surveyed) (surveyed, error) {
	said := ""
	for state.idle() && state.running > 0 || !state.idle() && state.busy != nil {
		if text := "waiting for " + state.elsewhere() + "; ctrl-c leaves them to it"; text != said {
			said = text
			t.say(text)
		}
		if !t.pause() {
			return state, t.stopped(context.Cause(t.interrupt.ctx))
		}
		var err error
		if state, err = t.survey(); err != nil {
			return state, t.stopped(err)
		}
	}
	return state, nil
}

// pause waits for a moment, and reports false when the sweep is told to stop.
func (t *training) pause() bool {
	select {
	case <-t.interrupt.drain:
	case <-t.interrupt.ctx.Done():
	case <-time.After(look):
		return true
	}
	return false
}

// elsewhere says which processes run how many of the trials.
func (s surveyed) elsewhere() string {
	var owners []string
	for _, st := range s.status {
		if st.Owner != "" && !slices.Contains(owners, st.Owner) {
			owners = append(owners, st.Owner)
		}
	}
	if len(owners) == 0 {
		return "another process that is at work on the same trials"
	}
	slices.Sort(owners)
	text := fmt.Sprintf("%s that %s runs", count(s.running, "trial", "trials"), owners[0])
	if n := len(owners) - 1; n > 0 {
		text = fmt.Sprintf("%s that %s and %s run", count(s.running, "trial", "trials"), owners[0], count(n, "other process", "other processes"))
	}
	return text
}

// leaveFailed leaves out what has failed since the sweep began: it has been tried.
func (s *surveyed) leaveFailed() {
	s.open = slices.DeleteFunc(s.open, func(t runner.Trial) bool { return s.status[t.Key()].Status == runner.StatusFailed })
}

// hold takes a sweep that prunes for this process alone: rungs can be decided only by who has all their trials.
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
			return nil, errors.Join(t.stopped(context.Cause(t.interrupt.ctx)))
		}
	}
}

// heedRequests makes `xrun stop` count as a signal.
func (t *training) heedRequests() (stop func()) {
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		select {
		case <-t.interrupt.drain: // who wants to end does not want to wait for space
			t.store.Hurry()
		case <-done:
		}
	}()
	go func() {
		defer close(ended)
		tick := time.NewTicker(look)
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
				t.interrupt.raise()
			}
			if atOnce && heard == 1 {
				heard = 2
				t.interrupt.raise()
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
