package until

import (
	"fmt"
	"maps"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// An Outcome is what a sweep has come to, stage by stage.
type Outcome struct {
	Looks []Look             // of the complete stages
	Asked map[runner.Key]int // the seeds of each point in the complete stages; empty before the first is complete
	Next  *Stage             // that is under way, or to begin; nil if no point needs more seeds
	Over  string             // why there is no next stage
}

// A Look is the decision after a complete stage.
type Look struct {
	Stage, Seeds int // the stage counts from 1; its seeds of a point
	Points       int // that the stage asked for
	Level        float64
	Decision
}

// A Stage asks for seeds.
type Stage struct {
	Number, Of    int // it counts from 1
	Seeds, Before int // of a point after it, and before
	Points        []runner.Key
	Open          int // trials without a result
}

// Trials is the number of trials that the stage adds.
func (s *Stage) Trials() int { return len(s.Points) * (s.Seeds - s.Before) }

// String says what the stage does: "stage 2 of at most 7: 8 seeds for 14 points".
func (s *Stage) String() string {
	return fmt.Sprintf("stage %d of at most %d: %s for %s", s.Number, s.Of, stats.Count(s.Seeds, "seed", "seeds"), stats.Count(len(s.Points), "point", "points"))
}

// Replay goes through the stages of a sweep as far as their results are there, and decides after each. It looks only at the
// seeds that the stages ask for, so whatever else the results hold makes no difference. points are those of the sweep, in
// its order. A failed trial has ended, unless retry says that it will be tried again; retry may be nil.
func (r Rule) Replay(q compare.Question, points []runner.Key, results []runner.Result, same []runner.Setting, retry func(trial runner.Key) bool) Outcome {
	type trial struct {
		point runner.Key
		seed  int64
	}
	ended := map[trial]bool{}
	for _, res := range results {
		if res.Status.Done() || res.Status == runner.StatusFailed && (retry == nil || !retry(res.Trial)) {
			ended[trial{res.Point, res.Seed}] = true
		}
	}
	out := Outcome{Asked: map[runner.Key]int{}}
	stages := r.Stages()
	next := &Stage{Number: 1, Of: len(stages), Seeds: stages[0], Points: points}
	total := next.Trials()
	for {
		for _, point := range next.Points {
			for seed := range next.Seeds {
				if !ended[trial{point, int64(seed)}] {
					next.Open++
				}
			}
		}
		if next.Open > 0 {
			out.Next = next
			return out
		}
		for _, point := range next.Points {
			out.Asked[point] = next.Seeds
		}
		q.Stages = r.StagesOf(out)
		look := Look{Stage: next.Number, Seeds: next.Seeds, Points: len(next.Points), Level: r.Level(next.Number),
			Decision: r.Decide(q, out.Of(results), same, next.Number)}
		if out.Over = r.over(look, total); out.Over != "" {
			look.Going, look.GivenUp, look.Why = nil, nil, out.Over // who gets no more seeds than all others is not given up
			out.Looks = append(out.Looks, look)
			return out
		}
		out.Looks = append(out.Looks, look)
		next = &Stage{Number: next.Number + 1, Of: len(stages), Seeds: stages[next.Number], Before: next.Seeds, Points: look.Going}
		total += next.Trials()
	}
}

// over says why there is no further stage; empty if there is one. trials is the number of trials so far.
func (r Rule) over(look Look, trials int) string {
	stages := r.Stages()
	if look.Why != "" {
		return look.Why
	}
	if look.Stage == len(stages) {
		return fmt.Sprintf("the question is open, and no point gets more than %d seeds", r.Max)
	}
	if more := len(look.Going) * (stages[look.Stage] - look.Seeds); r.Budget > 0 && trials+more > r.Budget {
		return fmt.Sprintf("the question is open, and the next stage, %s for %s, would exceed the budget of %s: %d + %d",
			stats.Count(stages[look.Stage], "seed", "seeds"), stats.Count(len(look.Going), "point", "points"), stats.Count(r.Budget, "trial", "trials"), trials, more)
	}
	return ""
}

// Of are the results that the complete stages asked for; those of the stage under way before the first is complete.
func (o Outcome) Of(results []runner.Result) (asked []runner.Result) {
	for _, res := range results {
		if res.Seed < int64(o.SeedsOf(res.Point)) {
			asked = append(asked, res)
		}
	}
	return asked
}

// SeedsOf is the number of seeds of a point that the complete stages asked for, or the first one while it is under way.
func (o Outcome) SeedsOf(point runner.Key) int {
	if len(o.Looks) == 0 && len(o.Asked) == 0 && o.Next != nil {
		return o.Next.Seeds
	}
	return o.Asked[point]
}

// Wanted is the number of seeds of a point that all stages asked for, the one under way included.
func (o Outcome) Wanted() map[runner.Key]int {
	wanted := maps.Clone(o.Asked)
	if o.Next != nil {
		for _, point := range o.Next.Points {
			wanted[point] = o.Next.Seeds
		}
	}
	return wanted
}

// Trials is the number of trials that the complete stages asked for.
func (o Outcome) Trials() (n int) {
	for _, seeds := range o.Asked {
		n += seeds
	}
	return n
}

// StagesOf are the stages of an outcome as a comparison takes them.
func (r Rule) StagesOf(o Outcome) *compare.Stages {
	s := &compare.Stages{Until: r.Until.String(), GivenUp: map[runner.Key]compare.GivenUp{}, Settled: map[string]compare.Settled{}, Over: o.Over}
	for _, look := range o.Looks {
		s.Seeds, s.Settled = append(s.Seeds, look.Seeds), look.Settled
		for _, g := range look.GivenUp {
			s.GivenUp[g.Point] = compare.GivenUp{Stage: look.Stage, Seeds: look.Seeds, Why: g.Why}
		}
	}
	if o.Next != nil {
		s.Doing, s.Open = o.Next.String(), o.Next.Open
	}
	return s
}
