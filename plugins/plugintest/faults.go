package plugintest

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// faults is what is done to the process. The first component serves to see that it works.
var faults = []check{
	{id: "faults/killed", required: true, after: "slots/independent", run: (*subject).killed},
	{id: "faults/stopped", required: true, after: "slots/independent", run: (*subject).stopped},
	{id: "faults/flooded", required: true, after: "slots/independent", run: (*subject).flooded},
}

// patience is how long a process that does not answer is waited for, where that is the point.
const patience = 2 * time.Second

// killed ends the process while it works. The host has to report it and start another, in which the
// same trials give the same bits.
func (s *subject) killed(ctx context.Context) (string, error) {
	r := s.together(plugins.Float64)
	want, err := s.run(ctx, s.shared, r)
	if err != nil {
		return "", err
	}
	for _, id := range s.shared.PIDs() {
		p, err := os.FindProcess(id)
		if err != nil {
			return "", err
		}
		time.AfterFunc(20*time.Millisecond, func() { p.Kill() })
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		_, err := s.run(ctx, s.shared, recipe{dtype: plugins.Float64, layout: r.layout, steps: 20_000, slots: r.slots})
		var fault *runner.Fault
		if errors.As(err, &fault) {
			break
		}
		if err != nil {
			return "", err
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return "", failf("the process was killed, but goes on answering")
		}
	}
	got, err := s.run(ctx, s.shared, r)
	if err != nil {
		return "", failf("after the process was killed it does not start again: %v", err)
	}
	return "", s.same(got, want, r, "started again after it was killed it gives other numbers")
}

// stopped halts a process of its own for good.
func (s *subject) stopped(ctx context.Context) (string, error) {
	o := s.options.host(false)
	o.CallTimeout = patience
	return "", s.disturbed(ctx, o, halt, true)
}

// flooded writes to a process's log from outside, as a talkative library would from within.
func (s *subject) flooded(ctx context.Context) (string, error) {
	return "", s.disturbed(ctx, s.options.host(false), flood, false)
}

// disturbed runs trials in a new process before and after something is done to it. Either that ends the
// process, which the host has to report, or nobody may notice.
func (s *subject) disturbed(ctx context.Context, o host.Options, do func(pid int) error, ends bool) error {
	w, err := host.New(o).Worker()
	if err != nil {
		return err
	}
	defer w.Close()
	r := s.together(plugins.Float64)
	want, err := s.run(ctx, w, r)
	if err != nil {
		return err
	}
	if err := s.disturb(ctx, w, do, ends); err != nil {
		return err
	}
	got, err := s.run(ctx, w, r)
	if err != nil {
		return err
	}
	return s.same(got, want, r, "afterwards it gives other numbers")
}

// disturb does something to the process of an open session, and goes on stepping in it.
func (s *subject) disturb(ctx context.Context, w *host.Worker, do func(pid int) error, ends bool) error {
	b, err := s.open(ctx, w, plugins.Float64, layout, s.trials[:1])
	if err != nil {
		return err
	}
	defer b.Close()
	for _, id := range w.PIDs() {
		if err := do(id); err != nil {
			return skipf("%v", err)
		}
	}
	for deadline := time.Now().Add(5 * patience); ; { // a signal takes a moment to arrive
		err = s.touch(ctx, b, []int{0})
		var fault *runner.Fault
		switch {
		case ends && errors.As(err, &fault):
			return nil
		case err != nil || !ends:
			return err
		case time.Now().After(deadline):
			return failf("the process was stopped, but goes on answering")
		}
	}
}
