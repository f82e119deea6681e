package plugintest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// faults are the checks that disturb the process. The first component shows whether it works.
var faults = []check{
	{id: "faults/killed", required: true, after: "slots/independent", run: (*subject).killed},
	{id: "faults/stopped", required: true, after: "slots/independent", run: (*subject).stopped},
	{id: "faults/flooded", required: true, after: "slots/independent", run: (*subject).flooded},
}

// patience is how long a process that does not answer is waited for at least, where that is the point.
const patience = 2 * time.Second

// kill ends a process a moment later, so that it is at work then.
func kill(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	time.AfterFunc(5*time.Millisecond, func() { p.Kill() })
	return nil
}

// stopped halts a process of its own for good.
func (s *subject) stopped(ctx context.Context) (string, error) {
	if s.options.Short {
		return "", skipf("left out of short checks")
	}
	o := s.options.host(false)
	// No call takes longer than all of those in a new process, whose first ones may be slow.
	o.CallTimeout = max(patience, min(2*s.cold, o.CallTimeout))
	w, err := host.New(o).Worker()
	if err != nil {
		return "", err
	}
	defer w.Close()
	return "", s.disturbed(ctx, w, halt, true)
}

// flooded writes to a process's log from outside, as a talkative library would from within.
func (s *subject) flooded(ctx context.Context) (string, error) {
	return "", s.disturbed(ctx, s.other, flood, false)
}

// killed ends a process while it works.
func (s *subject) killed(ctx context.Context) (string, error) {
	return "", s.disturbed(ctx, s.shared, kill, true)
}

// disturbed runs trials before and after something is done to the process. Either that ends it, which
// the host has to report and then start another, or nobody may notice; the numbers stay the same.
func (s *subject) disturbed(ctx context.Context, w runner.Plugins, do func(pid int) error, ends bool) error {
	r := s.beside(plugins.Float64)
	want, err := s.run(ctx, w, r)
	if err != nil {
		return err
	}
	if err := s.disturb(ctx, w, do, ends); err != nil {
		return err
	}
	got, err := s.run(ctx, w, r)
	if err != nil {
		return fmt.Errorf("afterwards it does not go on: %w", err)
	}
	return s.same(got, want, r, "afterwards it gives other numbers")
}

// disturb does something to the process of an open session, and goes on stepping in it.
func (s *subject) disturb(ctx context.Context, w runner.Plugins, do func(pid int) error, ends bool) error {
	b, err := s.open(ctx, w, plugins.Float64, layout, s.trials[:1])
	if err != nil {
		return err
	}
	defer b.Close()
	processes, ok := w.(interface{ PIDs() []int })
	if !ok {
		return skipf("it runs in no process of its own")
	}
	for _, id := range processes.PIDs() {
		if err := do(id); err != nil {
			return skipf("%v", err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); ; { // a signal takes a moment to arrive
		err = s.touch(ctx, b, []int{0})
		var fault *runner.Fault
		switch {
		case ends && errors.As(err, &fault):
			return nil
		case err != nil || !ends:
			return err
		case time.Now().After(deadline):
			return failf("the process was killed or stopped, but goes on answering")
		}
	}
}
