package training

import (
	"context"
	"fmt"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
	"github.com/xrun-dev/xrun/sweeps/until"
)

// firstStage are the trials that a sweep asks for before it has results: all of them, or those of the first stage.
func firstStage(spec *sweeps.Spec, trials []runner.Trial) []runner.Trial {
	if spec.Until == nil {
		return trials
	}
	first := spec.Until.Stages()[0]
	return sweeps.Asked(trials, func(runner.Key) int { return first })
}

// asked are the trials of the finished stages and of the one under way.
func asked(s *question.Staging, trials []runner.Trial) []runner.Trial {
	wanted := s.Outcome.Wanted()
	return sweeps.Asked(trials, func(point runner.Key) int { return wanted[point] })
}

// Asked are the trials that a sweep of the database has asked for by now: all of them, or those of its stages so far.
func Asked(ctx context.Context, db *store.Store, id int64, spec *sweeps.Spec) ([]runner.Trial, error) {
	trials, err := Trials(ctx, db, spec)
	if err != nil || spec.Until == nil {
		return trials, err
	}
	sweep, err := db.Sweep(ctx, id)
	if err != nil {
		return nil, err
	}
	s, err := question.FindStaging(ctx, db, sweep, nil)
	if err != nil {
		return nil, err
	}
	return asked(s, trials), nil
}

// stages trains stage by stage until no point needs more seeds, or until the sweep is stopped. Which trials a stage has
// follows from the results of the stages before, so an interrupted sweep goes on where it was.
func (t *training) stages() error {
	ctx := t.Interrupt.Context
	sweep, err := t.store.Sweep(ctx, t.id)
	if err != nil {
		return t.stopped(err)
	}
	wish := t.want // what it asks for is for the trials of every stage, each once
	untried := func(key runner.Key) bool { return !t.tried[key] }
	trained, said, looks := false, "", -1
	for {
		s, err := question.FindStaging(ctx, t.store, sweep, untried)
		if err != nil {
			return t.stopped(err)
		}
		next := s.Outcome.Next
		if err := t.enter(s); err != nil {
			return t.stopped(err)
		}
		if looks >= 0 { // those of earlier sessions have been told
			for _, look := range s.Outcome.Looks[min(looks, len(s.Outcome.Looks)):] {
				fmt.Fprintf(t.Stderr, "%s: %s\n", t.spec.Name, told(s, look))
			}
		}
		looks = len(s.Outcome.Looks)
		t.trials = asked(s, t.most)
		if wish.AcceptChanges && next != nil {
			if _, err := accept(ctx, t.store, t.id, t.spec, t.trials); err != nil {
				return t.stopped(err)
			}
		}
		t.want.RetryFailed = wish.RetryFailed
		if next != nil && next.String() != said {
			said = next.String()
			fmt.Fprintf(t.Stderr, "%s: %s\n", t.spec.Name, said)
		}
		state, err := t.survey()
		if err != nil {
			return t.stopped(err)
		}
		before := len(t.tried)
		worked, err := t.round(state)
		if err != nil {
			return err
		}
		trained = trained || worked
		switch {
		case worked || len(t.tried) > before: // the results may close the stage
		case next != nil:
			return nil // others have ended what they trained without a result
		case !trained:
			fmt.Fprintf(t.Stderr, "nothing to train: %s\n", s.Outcome.Over)
			return nil
		default:
			fmt.Fprintf(t.Stderr, "%s: no point needs more seeds: %s\n", t.spec.Name, s.Outcome.Over)
			return nil
		}
	}
}

// enter enters the trials of the stage under way, with what the stages before have decided, in one transaction.
func (t *training) enter(s *question.Staging) error {
	var fresh []runner.Trial
	if next := s.Outcome.Next; next != nil {
		of := map[runner.Key]int{}
		for _, point := range next.Points {
			of[point] = next.Seeds
		}
		fresh = sweeps.Asked(t.most, func(point runner.Key) int { return of[point] })
	}
	return t.store.PutStage(t.Interrupt.Context, t.id, fresh, decisions(s))
}

// decisions are the events of the finished stages.
func decisions(s *question.Staging) (events []store.SweepEvent) {
	for _, look := range s.Outcome.Looks {
		for _, g := range look.GivenUp {
			events = append(events, store.SweepEvent{Stage: look.Stage, Kind: store.EventGivenUp, Point: g.Point, Message: g.Says(look.Seeds)})
		}
		events = append(events, store.SweepEvent{Stage: look.Stage, Kind: store.EventStage, Message: decided(s, look)})
	}
	if s.Outcome.Over != "" {
		events = append(events, store.SweepEvent{Stage: len(s.Outcome.Looks), Kind: store.EventOver, Message: "no point gets further seeds: " + s.Outcome.Over})
	}
	return events
}

// decided says what was decided after a stage.
func decided(s *question.Staging, look until.Look) string {
	text := fmt.Sprintf("after stage %d of at most %d, of %s for %s, ", look.Stage, len(s.Rule.Stages()), stats.Count(look.Seeds, "seed", "seeds"), stats.Count(look.Points, "point", "points"))
	if look.Why != "" {
		return text + fmt.Sprintf("at the level %.4g: %s", look.Level, look.Why)
	}
	return text + fmt.Sprintf("%s on and %s given up, at the level %.4g", stats.Count(len(look.Going), "goes", "go"), stats.Count(len(look.GivenUp), "is", "are"), look.Level)
}

// told is what was decided after a stage, with the names of some of the points that were given up.
func told(s *question.Staging, look until.Look) string {
	const most = 6
	text := decided(s, look)
	var names []string
	for i, g := range look.GivenUp {
		if i == most {
			names = append(names, fmt.Sprintf("and %d more", len(look.GivenUp)-most))
			break
		}
		names = append(names, g.Name)
	}
	if len(names) > 0 {
		text += "; given up: " + strings.Join(names, ", ")
	}
	return text
}

// A Forecast is how many trials a sweep takes whose seeds are added in stages.
type Forecast struct {
	Until  string `json:"until"`
	Stages []int  `json:"seeds_of_stages"`
	Least  int    `json:"least"`
	Likely int    `json:"likely"`
	Most   int    `json:"most"`
	How    string `json:"likely_if"`
	Stage  string `json:"stage,omitempty"` // under way or to begin
	Over   string `json:"over,omitempty"`  // why there is none
}

// String is the forecast as a line.
func (f Forecast) String() string {
	if f.Over != "" {
		return fmt.Sprintf("no point needs more seeds: %s", f.Over)
	}
	return fmt.Sprintf("%s\ntrials in all: %d at least, %d likely, %d at most; likely is meant for the case that %s", f.Stage, f.Least, f.Likely, f.Most, f.How)
}

// likelyIf says what Forecast.Likely counts. Of the 105 points of sweeps/examples/digits.toml, under 30 orders of 25 seeds
// until decided, 105, 73, 43, 28, 21 and 16 were in the stages in the mean, which took 948 trials; two thirds each time are 946.
const likelyIf = "two thirds of the points of each stage go on to the next, as on the grid of the digits example, to the last stage"

// forecast counts the trials of a sweep from where it is. arms is the number of combinations of its optimizers and
// regularizers.
func forecast(r until.Rule, out until.Outcome, arms int) Forecast {
	stages := r.Stages()
	f := Forecast{Until: r.Until.String(), Stages: stages, Over: out.Over}
	done := out.Trials()
	if out.Next == nil {
		f.Least, f.Likely, f.Most, f.How = done, done, done, "this is what it has taken"
		return f
	}
	f.Stage, f.How = out.Next.String(), likelyIf
	// to counts the trials up to a stage if so many of the points of each go on to the next. Stages count from 1.
	to := func(last int, left func(points int) int) int {
		total, before, points := done, out.Next.Before, len(out.Next.Points)
		for number := out.Next.Number; number <= last; number++ {
			more := points * (stages[number-1] - before)
			if r.Budget > 0 && total+more > r.Budget {
				break
			}
			total, before, points = total+more, stages[number-1], left(points)
		}
		return total
	}
	all := func(points int) int { return points }
	f.Least = to(out.Next.Number, all)
	f.Likely = to(len(stages), func(points int) int { return max(min(points, arms), (2*points+2)/3) })
	// Where all points go on, a stage may exceed the budget that fits if some are given up.
	budget := r.Budget
	r.Budget = 0
	if f.Most = to(len(stages), all); budget > 0 {
		f.Most = min(f.Most, budget)
	}
	return f
}
