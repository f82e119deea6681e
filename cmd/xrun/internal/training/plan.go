package training

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/until"
)

// A Plan is what a sweep would run.
type Plan struct {
	Trials []Planned // all of the sweep or of its share, or those of its stages so far
	Part   *Part     // nil for the whole sweep
	State  State
	Each   time.Duration         // mean time of a trial; 0 if unknown
	Why    map[runner.Key]string // of new trials: what has changed since the trial at their place ran
	Memory *Memory               // nil if unknown
	Tables []Table               // the data that has to be encoded
	AtOnce string                // how many train at once where the machine is divided; else empty
	// Seeds forecasts the trials of a sweep whose seeds are added in stages; nil for others.
	Seeds *Forecast
}

// Machine says what the sweep takes of this machine.
func (p *Plan) Machine() (lines []string) {
	if p.AtOnce != "" {
		lines = append(lines, p.AtOnce)
	}
	for _, table := range p.Tables {
		lines = append(lines, table.String())
	}
	if p.Memory != nil {
		lines = append(lines, p.Memory.String())
	}
	return lines
}

// A Planned is a trial of a plan.
type Planned struct {
	Key         runner.Key        `json:"key"`
	Optimizer   string            `json:"optimizer"`
	Regularizer string            `json:"regularizer"`
	LR          float64           `json:"lr"`
	Lambda      float64           `json:"lambda"`
	Axes        map[string]string `json:"axes,omitempty"`
	Seed        int64             `json:"seed"`
	State       string            `json:"state"`
	Because     string            `json:"because,omitempty"` // for a new trial: what has changed since the trial at its place ran
}

// FindPlan finds what a sweep would run, without running or writing anything. The database at the path need not be there. Data that
// have been read are not read again.
func FindPlan(ctx context.Context, spec *sweeps.Spec, path string, want Wishes, read *Datasets) (*Plan, error) {
	trials := spec.Trials()
	if err := want.Check(trials, "the sweep"); err != nil {
		return nil, err
	}
	if err := want.Share.refuse(spec); err != nil {
		return nil, err
	}
	trials = firstStage(spec, trials)
	first := trials
	var staging *question.Staging
	plan := &Plan{}
	db, err := store.OpenReadOnly(ctx, path)
	own := ""
	switch {
	case err == nil:
		defer db.Close()
		own = db.Path()
		if trials, staging, err = soFar(ctx, db, spec); err != nil {
			return nil, err
		}
	case !question.Missing(err):
		return nil, err
	}
	all := trials
	if !want.Share.Whole() {
		if plan.Part, err = want.Share.part(ctx, spec, own, trials, want); err != nil {
			return nil, err
		}
		if err := want.Check(plan.Part.Trials, plan.Part.name()); err != nil && plan.Part.empty() == "" {
			return nil, err
		}
		all, trials = plan.Part.Trials, plan.Part.open
	}
	plan.State = State{Open: trials, Fresh: len(trials)}
	if own != "" {
		if plan.State, err = Survey(ctx, db, spec, trials, want); err != nil {
			return nil, err
		}
		if plan.Each, err = Pace(ctx, db, plan.State); err != nil {
			return nil, err
		}
		if plan.Why, err = Because(ctx, db, spec, trials, plan.State.Status); err != nil {
			return nil, err
		}
	}
	for _, t := range all {
		plan.Trials = append(plan.Trials, plan.planned(t, spec.Prune != nil, want))
	}
	if r := spec.Until; r != nil {
		points, arms := pointsOf(first)
		out := until.Outcome{Next: &until.Stage{Number: 1, Of: len(r.Stages()), Seeds: r.Stages()[0], Points: points}}
		if staging != nil {
			out = staging.Outcome
		}
		f := forecast(*r, out, arms)
		plan.Seeds = &f
	}
	plan.AtOnce = planDivision(ctx, spec)
	plan.Memory = FindMemory(trials, cmp.Or(spec.Run.Workers, DefaultWorkers()), read)
	plan.Tables = FindTables(trials, read)
	return plan, nil
}

// soFar are the trials that a sweep asks for by now, with its stages if it is in the database and has any.
func soFar(ctx context.Context, db *store.Store, spec *sweeps.Spec) ([]runner.Trial, *question.Staging, error) {
	trials, err := Trials(ctx, db, spec)
	if err != nil || spec.Until == nil {
		return trials, nil, err
	}
	all, err := db.Sweeps(ctx)
	if err != nil {
		return nil, nil, err
	}
	digest := Digest(spec)
	for _, sweep := range all {
		if sweep.Digest == digest {
			s, err := question.FindStaging(ctx, db, sweep, nil)
			if err != nil {
				return nil, nil, err
			}
			return asked(s, trials), s, nil
		}
	}
	return firstStage(spec, trials), nil, nil
}

// pointsOf are the points of trials in their order, and the number of combinations of their optimizers and regularizers.
func pointsOf(trials []runner.Trial) (points []runner.Key, arms int) {
	seen, optimizers, regularizers := map[runner.Key]bool{}, map[string]bool{}, map[string]bool{}
	for _, t := range trials {
		if key := t.Point(); !seen[key] {
			seen[key] = true
			points = append(points, key)
		}
		optimizers[t.Optimizer.Label] = true
		if t.Regularizer != nil {
			regularizers[t.Regularizer.Label] = true
		}
	}
	return points, len(optimizers) * max(1, len(regularizers))
}

// planned is a trial with what would become of it.
func (p *Plan) planned(t runner.Trial, prunes bool, want Wishes) Planned {
	row := Planned{Key: t.Key(), Optimizer: t.Optimizer.Label, LR: t.LR, Lambda: t.Lambda, Seed: t.Seed, State: "new"}
	if t.Regularizer != nil {
		row.Regularizer = t.Regularizer.Label
	}
	for _, axis := range t.Axes {
		if row.Axes == nil {
			row.Axes = map[string]string{}
		}
		row.Axes[axis.Path] = axis.Value.String()
	}
	if p.Part != nil && p.Part.Other[row.Key] != "" {
		row.State = "known: " + p.Part.Other[row.Key]
		return row
	}
	st := p.State.Status[row.Key]
	if st.Status != "" {
		row.State = planState(st, prunes, want.RetryFailed)
	}
	if st.Status.Done() && want.Again(row.Key) {
		row.State = "will run again: --rerun"
	}
	row.Because = p.Why[row.Key]
	return row
}

// planState describes what becomes of a trial with an attempt.
func planState(st store.TrialStatus, prunes, retryFailed bool) string {
	switch {
	case st.Status == runner.StatusPruned && prunes:
		return "pruned: " + st.Reason
	case st.Status.Done():
		return "done: " + string(st.Status)
	case st.Status == runner.StatusRunning:
		return "running: " + st.Owner
	case st.Status == runner.StatusFailed && st.Lasting && !retryFailed:
		return "failed for good: " + st.Reason
	case st.Checkpoint > 0:
		return fmt.Sprintf("goes on from epoch %d", st.Checkpoint)
	case st.Status == runner.StatusFailed:
		return "will retry: " + st.Reason
	}
	return "will run again: " + string(st.Status)
}
