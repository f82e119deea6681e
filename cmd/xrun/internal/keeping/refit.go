package keeping

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Refit is a model that was trained on training and validation rows together.
type Refit struct {
	Label                   string // of the point
	Seed                    int64
	Epochs                  int
	Why                     string // so many epochs
	Train, Validation, Test int    // rows before they were joined
	Rows                    int    // that train now
	Expected                string // what the sweep says about the point's quality
}

// Unjudged says what is known about the quality of the model.
func (r Refit) Unjudged() string {
	return "nothing has judged it: its validation rows train it, and test rows are left out; " + r.Expected
}

func (r Refit) String() string {
	of := "all but those for test" // folds by order leave out what is later than their validation rows
	if r.Train+r.Validation == r.Rows {
		of = fmt.Sprintf("%d of training and %d of validation", r.Train, r.Validation)
	}
	return fmt.Sprintf("%s seed %d, trained on %d rows, %s, for %s: %s", r.Label, r.Seed, r.Rows, of, stats.Count(r.Epochs, "epoch", "epochs"), r.Why)
}

// Refit trains the trial of a run again, on its training and validation rows together, and writes the parameters. It trains in a
// database of its own, which is gone afterwards.
func (k Keeper) Refit(session *training.Session, found question.KeptRun, to advice.Target) (r Refit, err error) {
	if !to.IsStdout() {
		if err := to.Check(); err != nil { // before training
			return r, err
		}
	}
	ctx := session.Interrupt.Context
	spec, trial, err := training.Rebuild(ctx, k.Store, k.Host, k.Version, found.Run)
	if err != nil {
		return r, err
	}
	if trial.Task.Objective != nil {
		return r, advice.Usage(errors.New("a plugin's model is not trained again with the validation rows"), "without --refit, xrun best writes what the run has kept")
	}
	if !trial.Task.Validates() || trial.Task.Dataset == "" {
		return r, advice.Usage(errors.New("there are no validation rows to train on"), "--refit is for sweeps with `validation` in [task]; without --refit, xrun best writes what the run has kept")
	}
	label, err := question.LabelOf(ctx, k.Store, found.Run)
	if err != nil {
		return r, err
	}
	set, err := k.Data.Of(trial.Task)
	if err != nil {
		return r, err
	}
	r = Refit{Label: label.String(), Seed: trial.Seed, Expected: expected(found)}
	r.Epochs, r.Why = epochs(found)
	if r.Train, r.Validation, r.Test, r.Rows, err = trial.Rows(set); err != nil {
		return r, err
	}
	metrics := metricsOf(trial)
	if err := joined(spec, &trial, r.Epochs); err != nil {
		return r, err
	}
	artifact, err := k.trainOnce(session, spec, trial)
	if err != nil {
		return r, err
	}
	facts := k.facts(found.Run)
	delete(facts, "trial") // it is not what was trained
	facts["sweep"], facts["refit"], facts["epoch"] = found.Sweep, r.String(), fmt.Sprint(r.Epochs)
	facts["judged"] = r.Unjudged()
	meta, err := k.describe(trial, facts)
	if err != nil {
		return r, err
	}
	meta.Metrics = metrics
	content, err := trained.Attach(artifact.Content, meta)
	if err != nil {
		return r, err
	}
	return r, advice.Deliver(to, writing(content))
}

// epochs is how long a refit trains: as long as the seeds of the point, in the middle, took to the epoch that they keep. Of an
// even number of seeds it is the smaller of the two in the middle.
func epochs(found question.KeptRun) (n int, why string) {
	if found.Point == nil {
		return max(1, found.Kept.Epoch), "as many as the run has kept"
	}
	var kept []int
	for _, s := range found.Point.Seeds {
		if s.Run != 0 && s.Status.Keeps() {
			kept = append(kept, s.Epoch)
		}
	}
	slices.Sort(kept)
	n = max(1, kept[(len(kept)-1)/2])
	if len(kept) == 1 {
		return n, "as many as its one seed has kept"
	}
	return n, fmt.Sprintf("the median of the kept epochs of %d seeds", len(kept))
}

// expected describes the quality of the point in the sweep.
func expected(found question.KeptRun) string {
	if found.Point == nil {
		return fmt.Sprintf("its expected quality is that of the run, whose %s was %s", found.Metric, stats.Number(found.Kept.Value))
	}
	return fmt.Sprintf("its expected quality is that of %s in %s: %s %s", found.Report.Name(*found.Point), found.Sweep, found.Metric, stats.Uncertain(found.Point.Interval))
}

// joined changes a trial and its sweep so that validation rows train as well, for so many epochs.
func joined(spec *sweeps.Spec, trial *runner.Trial, epochs int) error {
	trial.Task.Joined, trial.Task.Report = true, nil
	loss := runner.PartTrain + "loss"
	if s := trial.Optimizer.Schedule; s.Kind == schedule.Plateau && s.Monitor != "" && !slices.Contains(trial.Task.Reported(), s.Monitor) {
		return advice.Usage(fmt.Errorf("the schedule lowers the learning rate by %s, and a refit has no rows for that", s.Monitor),
			"a schedule that depends on the epoch alone, or a plateau of "+loss+", can be trained again; xrun best without --refit writes what the run has kept")
	}
	trial.Stop = stop.Rule{DivergenceFactor: trial.Stop.DivergenceFactor}
	if trial.Optimizer.Schedule.Kind == "" {
		trial.Task.Epochs = epochs
	} else if epochs < trial.Task.Epochs {
		// The schedule is that of the whole length. The first watched epoch reaches a target that every loss reaches.
		trial.Stop.Monitor, trial.Stop.Goal, trial.Stop.StartFrom = loss, stop.Min, epochs
		trial.Stop.Target, trial.Stop.HasTarget = math.MaxFloat64, true
	}
	spec.Task, spec.Stop = trial.Task, trial.Stop
	spec.Metric = sweeps.Metric{Name: loss, Goal: stop.Min, At: runner.AtLast}
	trial.Keep = spec.Metric.Keep()
	return nil
}

// trainOnce trains a trial into a database that is gone afterwards.
func (k Keeper) trainOnce(session *training.Session, spec *sweeps.Spec, trial runner.Trial) (artifact store.Artifact, err error) {
	dir, err := os.MkdirTemp("", "xrun-refit-")
	if err != nil {
		return artifact, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx := context.WithoutCancel(session.Interrupt.Context)
	db, err := store.Open(ctx, filepath.Join(dir, "xrun.db"), store.Options{Version: k.Version})
	if err != nil {
		return artifact, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := session.Once(spec, trial, db); err != nil {
		return artifact, err
	}
	runs, err := db.Runs(ctx, store.RunQuery{})
	if err != nil {
		return artifact, err
	}
	if len(runs) != 1 || !runs[0].Status.Keeps() {
		why := "it has no run"
		if len(runs) > 0 {
			why = fmt.Sprintf("it %s after %s: %s", runs[0].Status, stats.Count(runs[0].Epochs, "epoch", "epochs"), runs[0].Reason)
		}
		return artifact, advice.Failure(fmt.Errorf("the refit has no result: %s", why), "xrun best without --refit writes what the run has kept")
	}
	return db.ArtifactOf(ctx, runs[0].ID)
}
