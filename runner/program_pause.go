package runner

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// pause suspends the processes of a trial that has reached a rung, and reports whether it could. If
// not, the trial fails.
func (a *attempt) pause(rung int) bool {
	m := a.member
	monitor := a.options.Prune.Rule.Monitor
	if math.IsNaN(a.best) {
		a.ending = a.failure(fmt.Sprintf("%s has not reported %s by epoch %d, after which trials are compared", a.name, monitor, rung))
		a.pending = nil
		return false
	}
	if err := a.program.Pause(); err != nil {
		a.ending = a.failure(fmt.Sprintf("%s cannot be paused to be compared: %v", a.name, err))
		a.pending = nil
		return false
	}
	m.spent, a.paused = a.cost(), true
	return true
}

// cost is the cost of the trial, without the time in which it was paused.
func (a *attempt) cost() Cost {
	c := a.member.spent
	c.Wall += time.Since(a.began)
	return c
}

// dismiss ends the processes of paused members, all at once and with their grace time, and returns
// what they have printed.
func (x *execution) dismiss(ctx context.Context, members []*member) map[*member][]byte {
	outputs := map[*member][]byte{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, m := range members {
		a := m.attempt
		if a == nil || !a.paused {
			continue
		}
		a.paused = false
		wg.Go(func() {
			output := a.dismiss(ctx)
			mu.Lock()
			defer mu.Unlock()
			outputs[m] = output
		})
	}
	wg.Wait()
	return outputs
}

// dismiss ends the processes of one paused trial.
func (a *attempt) dismiss(ctx context.Context) []byte {
	p := a.program
	p.Ask() // before they go on: so they do nothing else first
	p.Resume()
	grace := time.NewTimer(a.member.trial.Task.Command.Grace)
	defer grace.Stop()
	cut := ctx.Done()
	for {
		select {
		case _, more := <-p.Reports():
			if !more {
				return p.End().Output
			}
		case <-grace.C:
			p.Kill()
		case <-cut:
			cut = nil
			p.Kill()
		}
	}
}
