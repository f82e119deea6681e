package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// survey finds the next wave, from which on attempts at trials count that begin anew.
func (x *Executor) survey() error {
	wave, err := x.Dir.nextWave()
	if err != nil {
		return err
	}
	x.wave = wave
	x.Collector.Fresh = map[runner.Key]string{}
	for _, key := range x.Fresh {
		x.Collector.Fresh[key] = taskName(x.Since, 0)
	}
	return nil
}

// attach takes up what earlier collectors have submitted.
func (x *Executor) attach(ctx context.Context) error {
	if x.known {
		return nil
	}
	all, err := x.Dir.Submissions()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(s Submission) bool { return s.Engine != x.Config.Engine })
	if err := os.Remove(x.Dir.stop()); err != nil && !errors.Is(err, os.ErrNotExist) { // of a collector that was killed while it stopped its jobs
		return err
	}
	if len(all) > 0 && !x.Anew {
		jobs, err := x.Engine.Jobs(ctx, all)
		if err != nil {
			return err
		}
		given, err := x.Dir.given()
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b Submission) int { return cmp.Or(a.Wave-b.Wave, a.From-b.From) })
		for _, s := range all {
			n := slices.IndexFunc(jobs, func(j Job) bool { return j.Submission == s.Name })
			if n < 0 {
				if s.Wave >= given {
					x.past(s)
				}
				continue
			}
			s.Job = cmp.Or(s.Job, jobs[n].Array)
			for i := range s.Count {
				if err := x.adopt(s, i); err != nil {
					return err
				}
			}
			x.sent = append(x.sent, s)
		}
		x.take(jobs)
	}
	x.known = true
	return nil
}

// past ends the attempts of jobs of an earlier collector. It counts those in which trials came no further, so that collectors which start each
// other do not go on for ever.
func (x *Executor) past(s Submission) {
	for i := range s.Count {
		name := taskName(s.Wave, s.From+i)
		t, err := x.Dir.Task(name)
		if err != nil {
			continue // it trains nothing
		}
		tried := len(x.Collector.byTask[name]) > 0
		until := cmp.Or(t.Until, runner.ToTheEnd)
		for _, key := range t.Keys {
			if tr := x.Collector.trials[key]; tr != nil && tr.status == "" && name >= x.Collector.Fresh[key] {
				if tr.leave(name, tried, until, x.clock.Now()); !x.Detach {
					tr.lost = 0 // a person has started this
				}
			}
		}
	}
}

// adopt takes up a task that an earlier collector has submitted.
func (x *Executor) adopt(s Submission, index int) error {
	name := taskName(s.Wave, s.From+index)
	t, err := x.Dir.Task(name)
	if err != nil {
		return err
	}
	j := &job{name: name, of: s, index: index, until: cmp.Or(t.Until, runner.ToTheEnd)}
	for _, key := range t.Keys {
		if known := x.Collector.trials[key]; known != nil && name >= x.Collector.Fresh[key] {
			known.task = name
			j.trials = append(j.trials, known)
		}
	}
	x.tasks[name] = j
	return nil
}

// take notes what the engine believes.
func (x *Executor) take(jobs []Job) {
	now := x.clock.Now()
	seen := map[string]*Job{}
	for _, j := range jobs {
		seen[fmt.Sprintf("%s %d", j.Submission, j.Index)] = &j
	}
	for _, t := range x.tasks {
		t.state = seen[fmt.Sprintf("%s %d", t.of.Name, t.index)]
		switch {
		case t.state != nil:
			t.gone = time.Time{}
		case t.gone.IsZero():
			t.gone = now
		}
		switch running := t.state != nil && t.state.Running; {
		case !running:
			t.runs = time.Time{}
		case t.runs.IsZero():
			t.runs = now
		}
	}
	x.polled = now
}

// poll asks the engine. If it does not answer, everything stays as it was.
func (x *Executor) poll(ctx context.Context) {
	jobs, err := x.Engine.Jobs(ctx, x.sent)
	if err != nil {
		x.polled = x.clock.Now()
		if text := err.Error(); text != x.troubled {
			x.troubled = text
			x.Say("the state of jobs is not known, and is asked for again: " + text)
		}
		return
	}
	x.troubled = ""
	x.take(jobs)
	x.nudge(ctx)
	x.tell()
}

// tell says how many jobs there are, if that has changed.
func (x *Executor) tell() {
	queued, running, ended := 0, 0, x.ended
	reasons, nodes := map[string]bool{}, map[string]bool{}
	for _, t := range x.tasks {
		switch {
		case t.state == nil:
			ended++
		case t.state.Running:
			running++
			nodes[t.state.Node] = true
		default:
			queued++
			reason := t.state.Reason
			if lasts[reason] {
				reason += ", which does not pass by itself: scontrol show job " + t.of.Job
			}
			reasons[reason] = true
		}
	}
	text := fmt.Sprintf("jobs: %d queued%s, %d running%s, %d ended", queued, list(reasons), running, list(nodes), ended)
	if text != x.said {
		x.said = text
		x.Say(text)
	}
}

// lasts are the reasons of Slurm for which a job waits until a person does something: what it asks for is not there, or somebody holds it.
var lasts = map[string]bool{"PartitionConfig": true, "BadConstraints": true, "JobHeldUser": true, "JobHeldAdmin": true, "PartitionNodeLimit": true, "PartitionTimeLimit": true, "InvalidAccount": true, "InvalidQOS": true}

func list(names map[string]bool) string {
	var all []string
	for name := range names {
		if name != "" && name != "None" {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	if len(all) > 4 {
		all = append(all[:4], "…")
	}
	return " (" + strings.Join(all, ", ") + ")"
}

// nudge has jobs run again that are believed to run and give no sign of life.
func (x *Executor) nudge(ctx context.Context) {
	for _, t := range x.tasks {
		if t.state != nil && t.state.Held && x.since(t.nudged) >= x.Config.Poll {
			t.nudged = x.clock.Now()
			x.Say(fmt.Sprintf("job %s_%d is held (%s): it is released", t.of.Job, t.index, t.state.Reason))
			if err := x.Engine.Release(ctx, t.of, t.index); err != nil {
				x.Say(err.Error())
			}
		}
		if t.state == nil || !t.state.Running {
			continue
		}
		if x.since(t.runs) < x.Config.Silence || x.since(t.nudged) < x.Config.Silence {
			continue
		}
		var last time.Time
		for _, r := range x.Collector.byTask[t.name] {
			if r.changed.After(last) {
				last = r.changed
			}
		}
		silent := x.since(t.runs)
		if !last.IsZero() {
			silent = x.since(last)
		}
		if silent < x.Config.Silence {
			continue
		}
		t.nudged = x.clock.Now()
		x.Say(fmt.Sprintf("job %s_%d is said to run on %s but has been silent for %v: it is run again", t.of.Job, t.index, t.state.Node, silent.Round(time.Second)))
		if err := x.Engine.Requeue(ctx, t.of, t.index); err != nil {
			x.Say(err.Error())
		}
	}
}
