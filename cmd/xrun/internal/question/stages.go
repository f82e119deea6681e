package question

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/until"
)

// A Staging is what a sweep whose seeds are added in stages has come to.
type Staging struct {
	Rule    *until.Rule
	Outcome until.Outcome
}

// FindStaging goes through the stages of a sweep, by its own question and by the results that the database has; nil for a
// sweep whose points all have the same seeds. retry says which failed trials will be tried again; nil is none.
func FindStaging(ctx context.Context, db *store.Store, sweep store.SweepInfo, retry func(trial runner.Key) bool) (*Staging, error) {
	text, err := db.SweepText(ctx, sweep.ID)
	if err != nil {
		return nil, err
	}
	rule, err := sweeps.ReadUntil(text.Resolved)
	if err != nil || rule == nil {
		return nil, err
	}
	c := &comparison{db: db, sweeps: []store.SweepInfo{sweep}}
	if c.asked, err = sweeps.ReadComparison(text.Resolved); err != nil {
		return nil, err
	}
	if err := c.question(Question{}); err != nil {
		return nil, err
	}
	read := make(chan described, 1)
	go func() { read <- c.describe(ctx) }()
	results, err := c.results(ctx, sweep.Metric)
	facts := <-read
	if err = errors.Join(err, facts.err); err != nil {
		return nil, err
	}
	c.shared(facts)
	if err := c.values(ctx); err != nil {
		return nil, err
	}
	if err := c.problems(ctx, results, facts); err != nil {
		return nil, err
	}
	x, err := c.expressions(ctx, Question{}, results)
	if err != nil {
		return nil, err
	}
	c.ask.Baseline = x.baseline
	var points []runner.Key
	seen := map[runner.Key]bool{}
	for _, r := range results {
		if !seen[r.Point] {
			seen[r.Point] = true
			points = append(points, r.Point)
		}
	}
	return &Staging{Rule: rule, Outcome: rule.Replay(c.ask, points, results, facts.same, retry)}, nil
}

// stages leaves of the results those that the finished stages of sweeps asked for, and says so in the question. Of several
// sweeps it takes the least level, so that no difference is judged at a larger one than its own sweep's.
func (c *comparison) stages(ctx context.Context, results []runner.Result) ([]runner.Result, error) {
	for _, sweep := range c.sweeps {
		s, err := FindStaging(ctx, c.db, sweep, nil)
		if err != nil {
			return nil, err
		}
		if s == nil {
			continue
		}
		of := map[runner.Key]bool{}
		for point := range s.Outcome.Wanted() {
			of[point] = true
		}
		var left []runner.Result
		for _, r := range results {
			if !of[r.Point] || r.Seed < int64(s.Outcome.SeedsOf(r.Point)) {
				left = append(left, r)
			}
		}
		results = left
		n := len(s.Outcome.Looks)
		if n == 0 {
			continue
		}
		stages, before := s.Rule.StagesOf(s.Outcome), c.ask.Stages
		if before != nil && c.ask.Alpha <= s.Outcome.Looks[n-1].Level {
			stages, before = before, stages
		} else {
			c.ask.Alpha = s.Outcome.Looks[n-1].Level
		}
		if before != nil {
			maps.Copy(stages.GivenUp, before.GivenUp)
		}
		if len(c.sweeps) > 1 {
			stages.Over, stages.Doing, stages.Open = "", "", 0 // of one of them
		}
		stages.Elsewhere = c.ask.Metric != sweep.Metric || string(c.ask.Goal) != sweep.Goal || c.ask.At != ""
		c.ask.Stages = stages
	}
	return results, nil
}

// A GivenUp says that the stages of a sweep have given up a point.
type GivenUp struct {
	Sweep string    // its title
	At    time.Time // when it was decided; zero if that was not recorded
	compare.GivenUp
}

// FindGivenUp lists the sweeps that have given up a point, by what their results say now.
func FindGivenUp(ctx context.Context, db *store.Store, point runner.Key) (all []GivenUp, err error) {
	ids, err := db.GivenUpIn(ctx, point)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		sweep, err := db.Sweep(ctx, id)
		if err != nil {
			return nil, err
		}
		s, err := FindStaging(ctx, db, sweep, nil)
		if err != nil {
			return nil, err
		}
		if s == nil {
			continue
		}
		given, ok := s.Rule.StagesOf(s.Outcome).GivenUp[point]
		if !ok {
			continue
		}
		events, err := db.SweepEvents(ctx, id)
		if err != nil {
			return nil, err
		}
		g := GivenUp{Sweep: sweep.Title, GivenUp: given}
		for _, e := range events {
			if e.Kind == store.EventGivenUp && e.Point == point && e.Stage == given.Stage {
				g.At = e.At // the last one holds
			}
		}
		all = append(all, g)
	}
	return all, nil
}
