package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/runner/prune"
)

// Pruning ends trials that others have left behind. A setting, that is all trials that differ in
// nothing but the seed, goes on or is dropped as a whole, so that what is compared in the end has
// all its seeds.
type Pruning struct {
	Rule prune.Rule
	// Keep says which trials are never pruned, and with them their settings. They are compared like
	// the others. May be nil.
	Keep func(Trial) bool
	// Known are the trials of the sweep that have a result from before, or were pruned.
	Known []Known
}

// Known is what is known of a trial from before.
type Known struct {
	Trial  Trial
	Status Status
	// Curve is the metric that pruning looks at, after the epochs 1, 2, ….
	Curve []float64
}

// better is the better one of the best value so far and another, which may be NaN.
func (p *Pruning) better(best, v float64) float64 {
	if p.Rule.Goal.Better(v, best) {
		return v
	}
	return best
}

// entrant is a trial of a sweep that prunes: exactly one of member and known is set, none before
// it has begun.
type entrant struct {
	trial  Trial
	member *member
	known  *Known
}

// setting is the entrants that differ in the seed only.
type setting struct {
	entrants []*entrant
	kept     bool // never pruned, because one of them is not to be
}

// standing is a sweep that prunes between two rungs.
type standing struct {
	pruning  *Pruning
	settings []*setting // that go on, in the order of the sweep
	byKey    map[Key]*entrant
}

func newStanding(p *Pruning, trials []Trial) *standing {
	s := &standing{pruning: p, byKey: map[Key]*entrant{}}
	points := map[Key]*setting{}
	add := func(t Trial, known *Known) {
		point := t.Point()
		if points[point] == nil {
			points[point] = &setting{}
			s.settings = append(s.settings, points[point])
		}
		points[point].kept = points[point].kept || p.Keep != nil && p.Keep(t)
		e := &entrant{trial: t, known: known}
		points[point].entrants = append(points[point].entrants, e)
		s.byKey[t.Key()] = e
	}
	for _, t := range trials {
		add(t, nil)
	}
	for i := range p.Known {
		add(p.Known[i].Trial, &p.Known[i])
	}
	return s
}

// wake lists trials that have to be trained up to an epoch, although they were pruned before it:
// the settings they were left behind by are not those of this sweep any more.
func (s *standing) wake(until int) []Trial {
	var trials []Trial
	for _, set := range s.settings {
		for _, e := range set.entrants {
			if e.known != nil && e.known.Status == StatusPruned && len(e.known.Curve) < min(until, e.trial.Task.Epochs) {
				e.known = nil
				trials = append(trials, e.trial)
			}
		}
	}
	return trials
}

// value judges an entrant by its epochs up to the given one. It is of no account, and ok false, if
// it failed or was interrupted.
func (s *standing) value(e *entrant, epoch int) (v float64, ok bool) {
	switch {
	case e.known != nil:
		curve := e.known.Curve
		if e.known.Status == StatusDiverged && len(curve) <= epoch {
			return math.NaN(), true
		}
		best := math.NaN()
		for _, v := range curve[:min(epoch, len(curve))] {
			best = s.pruning.better(best, v)
		}
		return best, true
	case e.member == nil:
		return 0, false
	case e.member.end == StatusDiverged:
		return math.NaN(), true
	}
	return e.member.best(s.pruning, epoch), e.member.end != StatusFailed && e.member.end != StatusInterrupted
}

// decide drops the settings that do not go on from a rung, and returns what is to be said of
// those of their trials that are still in training.
func (s *standing) decide(rung int) []pruned {
	values := make([]float64, len(s.settings))
	for i, set := range s.settings {
		var all []float64
		for _, e := range set.entrants {
			if v, ok := s.value(e, rung); ok {
				all = append(all, v)
			}
		}
		values[i] = mean(all)
	}
	rule := s.pruning.Rule
	keep, threshold := rule.Keep(values)
	going := 0
	for i := range keep {
		if keep[i] = keep[i] || s.settings[i].kept; keep[i] {
			going++
		}
	}
	var dropped []pruned
	var left []*setting
	for i, set := range s.settings {
		if keep[i] {
			left = append(left, set)
			continue
		}
		verdict := pruned{rule: rule.String(), Monitor: rule.Monitor, Epoch: rung, Value: values[i], Threshold: threshold, Settings: len(keep), Going: going}
		for _, e := range set.entrants {
			if e.member != nil && !e.member.ended {
				verdict.member = e.member
				dropped = append(dropped, verdict)
			}
		}
	}
	s.settings = left
	return dropped
}

// mean is that of values in whatever order they come, to the last bit; NaN if there is none.
func mean(values []float64) float64 {
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// pruned says why a trial is dropped.
type pruned struct {
	member    *member
	rule      string
	Monitor   string
	Epoch     int
	Value     float64
	Threshold float64
	Settings  int
	Going     int
}

func (p pruned) message() string {
	return fmt.Sprintf("%d of %d settings go on after epoch %d, with %s of %.6g or better; this one has %.6g",
		p.Going, p.Settings, p.Epoch, p.Monitor, p.Threshold, p.Value)
}

// facts are what was decided on, as one line of JSON.
func (p pruned) facts() string {
	number := func(v float64) any { // JSON has no NaN
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	}
	text, _ := json.Marshal(map[string]any{"rule": p.rule, "monitor": p.Monitor, "epoch": p.Epoch, "value": number(p.Value),
		"threshold": number(p.Threshold), "settings": p.Settings, "going_on": p.Going})
	return string(text)
}

// Revived are the known trials that have to be trained again, as far as what is known tells: they
// were pruned among other settings than the sweep has now. It is for sweeps that have no trials
// left but known ones.
func (p *Pruning) Revived() []Trial {
	if len(p.Known) == 0 {
		return nil
	}
	s := newStanding(p, nil)
	epochs := p.Known[0].Trial.Task.Epochs
	for _, rung := range append(p.Rule.Rungs(epochs), epochs) {
		if trials := s.wake(rung); len(trials) > 0 {
			return trials
		}
		s.decide(rung)
	}
	return nil
}

// rungs trains trials from rung to rung and drops those that are pruned in between.
func (x *execution) rungs(ctx context.Context, trials []Trial) error {
	all := newStanding(x.options.Prune, trials)
	if len(all.settings) == 0 {
		return nil
	}
	epochs := all.settings[0].entrants[0].trial.Task.Epochs
	fresh := trials
	var paused []*member
	for _, until := range append(x.options.Prune.Rule.Rungs(epochs), epochs) {
		jobs := x.fresh(append(fresh, all.wake(until)...))
		for _, members := range group(paused, x.options.Workers, func(m *member) Trial { return m.trial }) {
			jobs = append(jobs, job{paused: members})
		}
		fresh = nil
		members, err := x.stage(ctx, jobs, until)
		begun := map[Key]bool{}
		for _, m := range members {
			key := m.trial.Key()
			all.byKey[key].member, begun[key] = m, true
		}
		if err != nil || x.draining() {
			return errors.Join(err, x.giveUp(ctx, append(paused, members...)))
		}
		for _, j := range jobs {
			for _, t := range j.fresh {
				if !begun[t.Key()] {
					return errors.Join(&BusyError{Trial: t}, x.giveUp(ctx, members))
				}
			}
		}
		if until == epochs {
			return nil
		}
		if err := x.drop(ctx, all.decide(until)); err != nil {
			return errors.Join(err, x.giveUp(ctx, members))
		}
		paused = alive(members)
	}
	return nil
}

// A BusyError is a trial of a sweep that prunes which another process has taken meanwhile: rungs can
// be decided only by who has all their trials.
type BusyError struct{ Trial Trial }

func (e *BusyError) Error() string {
	return fmt.Sprintf("another process has taken trial %s, so that this sweep cannot be pruned", e.Trial.Key().Short())
}

// Hint says what a person can do about it.
func (e *BusyError) Hint() string {
	return "wait until the other process has ended and run the sweep again"
}

// drop ends pruned trials.
func (x *execution) drop(ctx context.Context, all []pruned) error {
	var u Update
	var members []*member
	for _, p := range all {
		members = append(members, p.member)
	}
	outputs := x.dismiss(ctx, members)
	at := time.Now()
	for _, p := range all {
		m := p.member
		m.ended, m.end = true, StatusPruned
		e := m.paused()
		e.At, e.Status, e.Reason, e.Epochs, e.Output = at, StatusPruned, p.message(), p.Epoch, outputs[m]
		u.Ends = append(u.Ends, e)
		u.Events = append(u.Events, Event{Run: m.run, At: at, Kind: "pruned", Epoch: p.Epoch, Message: p.message(), Detail: p.facts()})
		x.observe(Progress{Trial: m.trial, Run: m.run, Epoch: p.Epoch, End: &e})
	}
	return x.record(ctx, u)
}
