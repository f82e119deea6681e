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
	"github.com/xrun-dev/xrun/runner/stop"
)

// Pruning ends trials that others have left behind. A point goes on or is dropped with all its
// seeds, so that every point that is compared in the end has all of them.
type Pruning struct {
	Rule prune.Rule
	// Keep says which trials are never pruned, and with them their points. They are compared like
	// the others. May be nil.
	Keep func(Trial) bool
	// Known are the trials of the sweep that have an earlier result, or were pruned.
	Known []Known
}

// Known is a trial with a result from an earlier sweep.
type Known struct {
	Trial  Trial
	Status Status
	// Curve is the metric that pruning compares, after the epochs 1, 2, ….
	Curve []float64
}

// better is the better one of the best value so far and another, which may be NaN.
func (p *Pruning) better(best, v float64) float64 {
	if p.Rule.Goal.Better(v, best) {
		return v
	}
	return best
}

// entrant is a trial of a sweep that prunes: exactly one of reached and known is set, none before
// it has begun.
type entrant struct {
	trial   Trial
	reached *Reached
	known   *Known
}

// point is the entrants that differ in the seed only.
type point struct {
	entrants []*entrant
	spared   bool // never pruned, because Keep names one of its trials
}

// standing is the state of a pruned sweep between two rungs.
type standing struct {
	pruning *Pruning
	points  []*point // that go on, in the order of the sweep
	byKey   map[Key]*entrant
}

func newStanding(p *Pruning, trials []Trial) *standing {
	s := &standing{pruning: p, byKey: map[Key]*entrant{}}
	points := map[Key]*point{}
	add := func(t Trial, known *Known) {
		key := t.Point()
		if points[key] == nil {
			points[key] = &point{}
			s.points = append(s.points, points[key])
		}
		at := points[key]
		at.spared = at.spared || p.Keep != nil && p.Keep(t)
		e := &entrant{trial: t, known: known}
		at.entrants = append(at.entrants, e)
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
// the points that left them behind are not in this sweep any more.
func (s *standing) wake(until int) []Trial {
	var trials []Trial
	for _, at := range s.points {
		for _, e := range at.entrants {
			if e.known != nil && e.known.Status == StatusPruned && len(e.known.Curve) < min(until, e.trial.Task.Epochs) {
				e.known = nil
				trials = append(trials, e.trial)
			}
		}
	}
	return trials
}

// value is the best value of an entrant up to an epoch. ok is false if it failed or was
// interrupted: it does not count.
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
	case e.reached == nil:
		return 0, false
	case e.reached.Status == StatusDiverged:
		return math.NaN(), true
	}
	return e.reached.Best(epoch), e.reached.Status != StatusFailed && e.reached.Status != StatusInterrupted
}

// decide drops the points that do not go on from a rung, and returns a verdict for each of their
// trials that is still in training.
func (s *standing) decide(rung int) []Verdict {
	values := make([]float64, len(s.points))
	for i, at := range s.points {
		var all []float64
		for _, e := range at.entrants {
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
		if keep[i] = keep[i] || s.points[i].spared; keep[i] {
			going++
		}
	}
	var dropped []Verdict
	var left []*point
	for i, at := range s.points {
		if keep[i] {
			left = append(left, at)
			continue
		}
		verdict := Verdict{Epoch: rung, rule: rule.String(), monitor: rule.Monitor, value: values[i], threshold: threshold, points: len(keep), going: going}
		for _, e := range at.entrants {
			if e.reached != nil && e.reached.Status == "" {
				verdict.Trial = e.trial
				dropped = append(dropped, verdict)
			}
		}
	}
	s.points = left
	return dropped
}

// mean is the mean of values, equal to the last bit for every order of them; NaN without any.
func mean(values []float64) float64 {
	slices.Sort(values)
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// A Verdict is the reason for which a trial is dropped after an epoch.
type Verdict struct {
	Trial     Trial
	Epoch     int
	rule      string
	monitor   string
	value     float64
	threshold float64
	points    int // before
	going     int // of them, after
}

func (v Verdict) message() string {
	return fmt.Sprintf("%d of %d points go on after epoch %d, with %s of %.6g or better; this one has %.6g",
		v.going, v.points, v.Epoch, v.monitor, v.threshold, v.value)
}

// facts are the numbers behind the decision, as one line of JSON.
func (v Verdict) facts() string {
	text, _ := json.Marshal(map[string]any{"rule": v.rule, "monitor": v.monitor, "epoch": v.Epoch, "value": stop.Number(v.value),
		"threshold": stop.Number(v.threshold), "points": v.points, "going_on": v.going})
	return string(text)
}

// End is the end of a run that is dropped, with the event that tells why.
func (v Verdict) End(run RunID, at time.Time) (End, Event) {
	return End{Run: run, At: at, Status: StatusPruned, Reason: v.message(), Epochs: v.Epoch},
		Event{Run: run, At: at, Kind: "pruned", Epoch: v.Epoch, Message: v.message(), Detail: v.facts()}
}

// Revived lists known trials that have to be trained again: they
// were pruned among other points than the sweep has now. It is for sweeps all of whose trials are
// known.
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

// climb trains trials from rung to rung and drops those in between that others have left behind.
func climb(ctx context.Context, x Executor, p *Pruning, trials []Trial) error {
	all := newStanding(p, trials)
	if len(all.points) == 0 {
		return nil
	}
	epochs := all.points[0].entrants[0].trial.Task.Epochs
	fresh := trials
	for _, until := range append(p.Rule.Rungs(epochs), epochs) {
		asked := append(fresh, all.wake(until)...)
		fresh = nil
		reached, err := x.Train(ctx, asked, until)
		begun := map[Key]bool{}
		for _, r := range reached {
			key := r.Trial.Key()
			all.byKey[key].reached, begun[key] = &r, true
		}
		if errors.Is(err, ErrStopped) {
			return x.Abandon(ctx)
		}
		if err != nil {
			return errors.Join(err, x.Abandon(ctx))
		}
		for _, t := range asked {
			if !begun[t.Key()] {
				return errors.Join(&BusyError{Trial: t}, x.Abandon(ctx))
			}
		}
		if until == epochs {
			return nil
		}
		if err := x.Drop(ctx, all.decide(until)); err != nil {
			return errors.Join(err, x.Abandon(ctx))
		}
	}
	return nil
}

// A BusyError is a trial of a sweep that prunes which another process has taken meanwhile. Only a
// process that has all trials of a rung can decide it.
type BusyError struct{ Trial Trial }

func (e *BusyError) Error() string {
	return fmt.Sprintf("another process has taken trial %s, so that this sweep cannot be pruned", e.Trial.Key().Short())
}

// Hint says what a person can do about it.
func (e *BusyError) Hint() string {
	return "wait until the other process has ended and run the sweep again"
}
