package training

import (
	"context"
	"fmt"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// Rebuild makes the trial of a run again from the stored sweep file. Its data and plugins must be where they were and
// the same; otherwise the error lists what has changed.
func Rebuild(ctx context.Context, db *store.Store, h *host.Host, version string, r store.Run) (*sweeps.Spec, runner.Trial, error) {
	spec, trials, err := RebuildAll(ctx, db, h, version, []store.Run{r})
	if err != nil {
		return spec, runner.Trial{}, err
	}
	return spec, trials[0], nil
}

// RebuildAll is [Rebuild] for several runs of one sweep, whose file is read once.
func RebuildAll(ctx context.Context, db *store.Store, h *host.Host, version string, runs []store.Run) (*sweeps.Spec, []runner.Trial, error) {
	text, err := db.SweepText(ctx, runs[0].SweepID)
	if err != nil {
		return nil, nil, err
	}
	sweep, err := db.Sweep(ctx, runs[0].SweepID)
	if err != nil {
		return nil, nil, err
	}
	if err := question.Trainable(sweep.Name, text); err != nil {
		return nil, nil, err
	}
	wants := make([][]runner.Setting, len(runs))
	for i, r := range runs {
		if wants[i], err = db.TrialSettings(ctx, r.Trial); err != nil {
			return nil, nil, err
		}
	}
	var trials []runner.Trial
	spec, err := Found(ctx, db.Path(), h, version, sweep, text, ChangesOf(text), func(spec *sweeps.Spec) error {
		trials = trials[:0]
		for i, r := range runs {
			trial, err := again(spec, r, wants[i])
			if err != nil {
				return err
			}
			trials = append(trials, trial)
		}
		return nil
	})
	return spec, trials, err
}

// Revision is the revision of xrun's arithmetic that computed a run; 0 for a program, too.
func Revision(ctx context.Context, db *store.Store, r store.Run) (int, error) {
	settings, err := db.TrialSettings(ctx, r.Trial)
	for _, s := range settings {
		if s.Path == runner.PathArithmetic {
			return int(s.Value.Integer), err
		}
	}
	return 0, err
}

// again finds the trial of a run in its sweep.
func again(spec *sweeps.Spec, r store.Run, want []runner.Setting) (runner.Trial, error) {
	var nearest []string
	for _, t := range spec.Trials() {
		if t.Seed != r.Seed || t.LR != r.LR || t.Lambda != r.Lambda {
			continue
		}
		if t.Matches(want) {
			return t, nil
		}
		if changed := difference(runner.TrainingSettings(want), runner.TrainingSettings(t.Settings())); nearest == nil || len(changed) < len(nearest) {
			nearest = changed
		}
	}
	why := "the sweep file does not ask for it any more"
	if len(nearest) > 0 {
		why = causes(nearest)
	}
	return runner.Trial{}, fmt.Errorf("trial %s cannot be made again as it was: %s", r.Trial.Short(), why)
}

// Found reads a stored sweep again where its file is now: at the first of its [Places] where it can be read and check
// has no objection. The error is that of the first place.
func Found(ctx context.Context, database string, h *host.Host, version string, sweep store.SweepInfo, text store.SweepText, changes sweeps.Changes, check func(*sweeps.Spec) error) (*sweeps.Spec, error) {
	places := Places(database, sweep.File)
	var first error
	for _, file := range places {
		spec, err := Reload(ctx, h, version, file, text, changes)
		if err != nil {
			err = fmt.Errorf("read %s again: %w", Short(file), err)
		} else if err = check(spec); err == nil {
			return spec, nil
		} else {
			err = changed(err, Short(file), places)
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// changed is an error of a trial whose data, files or plugins have changed.
func changed(err error, file string, places []string) error {
	return advice.Failure(err, "what the sweep file names was looked for in "+foldersOf(places)+"; put back what has changed, or run the sweep again: "+advice.Command("sweep", file))
}
