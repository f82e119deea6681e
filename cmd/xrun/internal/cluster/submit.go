package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// submit queues tasks for trials that no job has, as many as may be queued.
func (x *Executor) submit(ctx context.Context, left []*trial, until int) error {
	var free []*trial
	for _, t := range left {
		if t.task == "" {
			free = append(free, t)
		}
	}
	if len(free) == 0 {
		return nil
	}
	live := len(x.tasks)
	if room := x.Config.Jobs - live; room <= 0 || live > 0 && len(free) > 64 && room < x.Config.Jobs/4 {
		return nil // arrays are not cut too small
	}
	if x.clock.Now().Before(x.held) {
		return nil
	}
	if taken, err := x.doubted(ctx); err != nil {
		return x.later(err)
	} else if taken {
		return nil // what is free is another set now
	}
	parts := x.cut(free)
	parts = parts[:min(len(parts), x.Config.Jobs-live)]
	limit, err := x.Engine.Limit(ctx)
	if err != nil {
		return x.later(err)
	}
	stop := 0
	if until != runner.ToTheEnd {
		stop = until
	}
	wave := x.wave
	x.wave++
	jobs := make([]*job, len(parts))
	for i, part := range parts {
		t := Task{Until: stop, Rule: x.Rule, Work: x.Work}
		for _, of := range part {
			laid, err := x.Lay(of.Trial)
			if err != nil {
				return err
			}
			t.Trials = append(t.Trials, laid)
		}
		jobs[i] = &job{name: taskName(wave, i), trials: part, until: until}
		if err := x.Dir.PutTask(jobs[i].name, t); err != nil {
			return err
		}
	}
	for from := 0; from < len(jobs); from += limit {
		s := Submission{Name: "xrun-" + strings.ToLower(rand.Text()[:12]), Engine: x.Config.Engine, Wave: wave, From: from, Count: min(limit, len(jobs)-from)}
		if err := x.Dir.PutSubmission(s); err != nil {
			return err
		}
		if s.Job, err = x.Engine.Submit(ctx, s); err != nil {
			if _, ok := errors.AsType[*CommandError](err); !ok {
				return errors.Join(err, x.Dir.forgetSubmission(s))
			}
			x.doubt = &s
			return x.later(err)
		}
		x.refused, x.began = time.Time{}, true
		if err := x.Dir.PutSubmission(s); err != nil {
			return err
		}
		x.sent = append(x.sent, s)
		for i := range s.Count {
			j := jobs[from+i]
			j.of, j.index = s, i
			x.tasks[j.name] = j
			for _, t := range j.trials {
				t.task = j.name
			}
		}
		n := 0
		for _, j := range jobs[from : from+s.Count] {
			n += len(j.trials)
		}
		verb := "submitted"
		if x.Anew {
			verb = "wrote"
		}
		x.Say(fmt.Sprintf("%s %s in %s, as array %s", verb, stats.Count(n, "trial", "trials"), stats.Count(s.Count, "job", "jobs"), s.Job))
	}
	x.polled = x.clock.Now() // the engine is given a moment
	return nil
}

// doubted takes up the array whose submission ended with an error, if the engine has it all the same: it may have been the answer that was lost.
func (x *Executor) doubted(ctx context.Context) (taken bool, err error) {
	if x.doubt == nil {
		return false, nil
	}
	s := *x.doubt
	jobs, err := x.Engine.Jobs(ctx, []Submission{s})
	if err != nil {
		return false, err
	}
	x.doubt = nil
	if len(jobs) == 0 {
		return false, nil
	}
	s.Job = jobs[0].Array
	for i := range s.Count {
		if err := x.adopt(s, i); err != nil {
			return false, err
		}
	}
	x.sent, x.refused = append(x.sent, s), time.Time{}
	x.Say("the engine has taken the last array all the same, as job " + s.Job)
	return true, x.Dir.PutSubmission(s)
}

// refusals is how long an engine may refuse jobs once it has taken some: it may be restarted, or a limit be reached.
const refusals = 15 * time.Minute

// later has jobs submitted later which the engine has not taken. The error ends the sweep if it has never taken any, and if it never will.
func (x *Executor) later(err error) error {
	now := x.clock.Now()
	if x.refused.IsZero() {
		x.refused = now
	}
	if len(x.tasks) == 0 && (!x.began || now.Sub(x.refused) > refusals) {
		return err
	}
	x.held = now.Add(max(x.Config.Poll, time.Second))
	if text := err.Error(); text != x.troubled {
		x.troubled = text
		x.Say("what is left is submitted later: " + text)
	}
	return nil
}

// cut cuts trials into tasks of the aimed length: cohorts that train in lockstep stay together. The last job in which a trial may come further
// has no other trial, so that none fails for what another one does to its job.
func (x *Executor) cut(free []*trial) (parts [][]*trial) {
	byKey := map[runner.Key]*trial{}
	var trials []runner.Trial
	for _, t := range free {
		if t.lost > 0 && t.lost == x.Tries-1 {
			parts = append(parts, []*trial{t})
			continue
		}
		trials, byKey[t.Key()] = append(trials, t.Trial), t
	}
	most := x.perTask(trials)
	var part []*trial
	for _, chunk := range runner.Chunks(trials, min(most, unknown)) {
		if len(part) > 0 && len(part)+len(chunk) > most {
			parts, part = append(parts, part), nil
		}
		for _, t := range chunk {
			part = append(part, byKey[t.Key()])
		}
	}
	if len(part) > 0 {
		parts = append(parts, part)
	}
	return parts
}

// unknown is how many trials a task has while nobody knows how long they take: one cohort, or one round of programs.
const unknown = 64

// perTask is the number of trials that train for about as long as a task is to take.
func (x *Executor) perTask(trials []runner.Trial) int {
	n := unknown
	if len(trials) > 0 && trials[0].Task.Command != nil {
		n = x.Work.atOnce(x.Config.Cpus)
	}
	if x.Pace > 0 && x.Config.Length > 0 {
		// So many jobs that a cluster with room for them is used, unless they became too short for that.
		n = max(min(int(x.Config.Length/x.Pace), max((len(trials)+spread-1)/spread, int(shortest/x.Pace))), 1)
	}
	return n
}

// A sweep has at least so many jobs, if each trains for so long at least.
const (
	spread   = 16
	shortest = 30 * time.Second
)
