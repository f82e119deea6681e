//go:build unix

package runner_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/stop"
)

func TestATrialEndsWhenItsTimeIsOver(t *testing.T) {
	trials := pruningGrid(t)
	l := execute(t, runner.Options{Limits: runner.Limits{Timeout: 1, Retries: 3}}, trials)
	for _, trial := range trials {
		e := l.ends[trial.Key()]
		if e.Status != runner.StatusFailed || e.Reason != "the timeout of 1ns is over" || !e.Lasting {
			t.Errorf("a trial of no time ended as %s, %q, lasting: %v", e.Status, e.Reason, e.Lasting)
		}
	}
	want := execute(t, runner.Options{}, trials)
	got := execute(t, runner.Options{Limits: runner.Limits{Timeout: time.Hour}}, trials)
	if ends(got, trials) != ends(want, trials) {
		t.Error("a timeout that is not reached changes results")
	}
}

func TestAProgramEndsWhenItsTimeIsOver(t *testing.T) {
	s := &scripts{says: []runner.Report{report(1, 3)}, stays: true}
	trial := commandTrial(stop.Rule{})
	l := execute(t, runner.Options{Programs: s, Limits: runner.Limits{Timeout: 50 * time.Millisecond, Retries: 3}}, []runner.Trial{trial})
	e := l.ends[trial.Key()]
	if e.Status != runner.StatusFailed || e.Reason != "the timeout of 50ms is over" || e.Epochs != 1 || !e.Lasting {
		t.Errorf("it ended as %s, %q after epoch %d", e.Status, e.Reason, e.Epochs)
	}
	if !strings.Contains(strings.Join(s.done, " "), "asked") || len(s.specs) != 1 {
		t.Errorf("the program was %q, started %d times", s.done, len(s.specs))
	}
}

// unlucky programs are killed so many times before they come to an end.
type unlucky struct {
	mu     sync.Mutex
	kills  int
	killed bool // or else they end with a status of their own
	starts []time.Time
}

func (u *unlucky) Start(s runner.ProgramSpec) (runner.Program, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.starts = append(u.starts, time.Now())
	all := &scripts{says: []runner.Report{report(1, 3), report(2, 2)}}
	if len(u.starts) <= u.kills {
		all.end = runner.ProgramEnd{Err: errors.New("ended badly"), Killed: u.killed}
	}
	return all.Start(s)
}

// What a fault that can pass has cost is tried again, after waits that grow; another fault is not.
func TestFaultsThatCanPassAreTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		programs *unlucky
		retries  int
		status   runner.Status
		waits    []time.Duration
	}{
		"once":                 {&unlucky{kills: 1, killed: true}, 1, runner.StatusFinished, []time.Duration{time.Second}},
		"thrice":               {&unlucky{kills: 3, killed: true}, 5, runner.StatusFinished, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		"too often":            {&unlucky{kills: 9, killed: true}, 2, runner.StatusFailed, []time.Duration{time.Second, 2 * time.Second}},
		"a status of its own":  {&unlucky{kills: 1}, 5, runner.StatusFailed, nil},
		"without any retrying": {&unlucky{kills: 1, killed: true}, 0, runner.StatusFailed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				trial := commandTrial(stop.Rule{})
				l := execute(t, runner.Options{Programs: c.programs, Limits: runner.Limits{Retries: c.retries}}, []runner.Trial{trial})
				if e := l.ends[trial.Key()]; e.Status != c.status {
					t.Errorf("it ended as %s, %q", e.Status, e.Reason)
				}
				if len(c.programs.starts) != len(c.waits)+1 {
					t.Fatalf("it was started %d times, want %d", len(c.programs.starts), len(c.waits)+1)
				}
				for i, want := range c.waits {
					if got := c.programs.starts[i+1].Sub(c.programs.starts[i]); got != want {
						t.Errorf("try %d came after %v, want %v", i+2, got, want)
					}
				}
			})
		})
	}
}

// A sweep that is stopped does not wait for what is to be tried again.
func TestAStoppedSweepDoesNotTryAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		programs := &unlucky{kills: 100, killed: true}
		drain := make(chan struct{})
		time.AfterFunc(90*time.Second, func() { close(drain) })
		trial := commandTrial(stop.Rule{})
		began := time.Now()
		execute(t, runner.Options{Programs: programs, Drain: drain, Limits: runner.Limits{Retries: 50}}, []runner.Trial{trial})
		if took := time.Since(began); took != 90*time.Second {
			t.Errorf("it ended after %v", took)
		}
	})
}

// A fault of xrun itself costs the trials that met it, with the stack in their error, and no others.
func TestFault36APanicCostsItsTrialsOnly(t *testing.T) {
	one, other := pruningGrid(t)[:4], pruningGrid(t)[4:8]
	for i := range one {
		one[i].Task.Dataset = "wine"
	}
	l := newLog()
	o := options(t, runner.Options{Recorder: l, Workers: 2})
	load := o.Load
	o.Load = func(task runner.Task) (*data.Set, error) {
		if task.Dataset == "wine" {
			panic("the shelf is empty")
		}
		return load(task)
	}
	if err := runner.Execute(t.Context(), o, append(one, other...)); err != nil {
		t.Fatal(err)
	}
	for _, trial := range one {
		if e := l.ends[trial.Key()]; e.Status != runner.StatusFailed || !strings.Contains(e.Reason, "the shelf is empty") || !strings.Contains(e.Error, "limits_test.go") {
			t.Errorf("a trial that met the panic ended as %s: %.200s", e.Status, e.Error)
		}
	}
	want := execute(t, runner.Options{}, other)
	if ends(l, other) != ends(want, other) {
		t.Error("the others ended in another way")
	}
}
