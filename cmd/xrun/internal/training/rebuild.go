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
	text, err := db.SweepText(ctx, r.SweepID)
	if err != nil {
		return nil, runner.Trial{}, err
	}
	sweep, err := db.FindSweep(ctx, fmt.Sprint(r.SweepID))
	if err != nil {
		return nil, runner.Trial{}, err
	}
	if err := question.Trainable(sweep.Name, text); err != nil {
		return nil, runner.Trial{}, err
	}
	changes := ChangesOf(text)
	spec, err := Reload(ctx, h, version, sweep.File, text, changes)
	if err != nil {
		return nil, runner.Trial{}, fmt.Errorf("make trial %s of %s again: %w", r.Trial.Short(), sweep.File, err)
	}
	var nearest []string
	want, err := db.TrialSettings(ctx, r.Trial)
	if err != nil {
		return nil, runner.Trial{}, err
	}
	for _, t := range spec.Trials() {
		if t.Seed != r.Seed || t.LR != r.LR || t.Lambda != r.Lambda {
			continue
		}
		if t.Matches(want) {
			return spec, t, nil
		}
		if changed := difference(runner.TrainingSettings(want), runner.TrainingSettings(t.Settings())); nearest == nil || len(changed) < len(nearest) {
			nearest = changed
		}
	}
	why := "the sweep file does not ask for it any more"
	if len(nearest) > 0 {
		why = causes(nearest)
	}
	return nil, runner.Trial{}, Changed(fmt.Errorf("trial %s cannot be made again as it was: %s", r.Trial.Short(), why), sweep.File)
}

// quickOverride stands for --quick among the stored overrides of a sweep.
const quickOverride = "--quick"

// Changed is an error of a trial whose data or plugins have changed.
func Changed(err error, file string) error {
	return advice.Failure(err, "paths are looked up from where "+file+" was run; put back what has changed, or run the sweep again: "+advice.Command("sweep", file))
}
