package question

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// pickedBy returns the values by which finalists were picked, for all points of the sweep that they are from, and its
// best point of each problem; nothing if that sweep is gone.
func pickedBy(ctx context.Context, db *store.Store, confirm store.SweepInfo, q Question) (prior map[runner.Key]float64, best []runner.Key, err error) {
	q.Where, q.Columns, q.Sort, q.Baseline, q.Curves = "", "", "", "", 0
	if confirm.Of == 0 {
		return nil, nil, nil
	}
	r, err := AnswerOf(ctx, db, confirm.Of, q)
	if Missing(err) || err == nil && len(r.Points) == 0 {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	keys, err := confirmedKeys(ctx, db, confirm.Of, confirm.ID)
	if err != nil {
		return nil, nil, err
	}
	prior = map[runner.Key]float64{}
	for _, sub := range r.Each() {
		for i, s := range sub.Points {
			if i == 0 {
				best = append(best, keys[s.Point])
			}
			if s.Complete {
				prior[keys[s.Point]] = s.RankedBy()
			}
		}
	}
	return prior, best, nil
}

// confirmedKeys maps the keys of a sweep's points, which may be older, to the keys of its finalists. Points that are no
// finalists keep theirs.
func confirmedKeys(ctx context.Context, db *store.Store, from, confirm int64) (map[runner.Key]runner.Key, error) {
	grid, err := db.PointSettings(ctx, from)
	if err != nil {
		return nil, err
	}
	finalists, err := db.PointSettings(ctx, confirm)
	if err != nil {
		return nil, err
	}
	trained := func(settings []runner.Setting) string { return fmt.Sprintf("%q", runner.TrainingSettings(settings)) }
	now := map[string]runner.Key{}
	for key, settings := range finalists {
		now[trained(settings)] = key
	}
	keys := map[runner.Key]runner.Key{}
	for key, settings := range grid {
		keys[key] = key
		if finalist, ok := now[trained(settings)]; ok {
			keys[key] = finalist
		}
	}
	return keys, nil
}

// GridSweep finds the sweep to confirm or refine. An empty name is the newest sweep that holds no finalists.
func GridSweep(ctx context.Context, db *store.Store, name string) (sweep store.SweepInfo, text store.SweepText, err error) {
	if sweep, err = db.FindSweep(ctx, name); err != nil {
		return sweep, text, err
	}
	if text, err = db.SweepText(ctx, sweep.ID); err != nil || sweep.Relation != store.Confirms {
		return sweep, text, err
	}
	if name != "" {
		from, err := db.Sweep(ctx, sweep.Of)
		if sweep.Of == 0 || err != nil {
			return sweep, text, advice.Usage(fmt.Errorf("%s has the finalists of a sweep that is gone", sweep.Title), "xrun runs lists the sweeps")
		}
		return sweep, text, advice.Usage(fmt.Errorf("%s has the finalists of %s, under fresh seeds", sweep.Title, from.Title), "name "+from.Title+" instead")
	}
	all, err := db.Sweeps(ctx)
	if err != nil {
		return sweep, text, err
	}
	for _, sweep := range all {
		if text, err = db.SweepText(ctx, sweep.ID); err != nil || sweep.Relation != store.Confirms {
			return sweep, text, err
		}
	}
	return sweep, text, advice.Nothing(errors.New("all sweeps hold finalists"), "xrun sweep trains a grid")
}

// ImportedFrom begins the specification of a sweep that was imported.
const ImportedFrom = "imported = "

// RecordedAs begins the specification of a sweep whose runs scripts have recorded.
const RecordedAs = "recorded = "

// QuickOverride stands for --quick among the stored overrides of a sweep.
const QuickOverride = "--quick"

// Trainable refuses a sweep that was imported or recorded.
func Trainable(name string, text store.SweepText) error {
	switch {
	case strings.HasPrefix(text.Resolved, ImportedFrom):
		return advice.Usage(fmt.Errorf("%s was imported: xrun cannot train it", name), advice.Command("compare", name)+" compares it")
	case strings.HasPrefix(text.Resolved, RecordedAs):
		return advice.Usage(fmt.Errorf("scripts have recorded %s: xrun cannot train it", name),
			advice.Command("compare", name)+" compares it; a sweep file with [task] command runs the script")
	}
	return nil
}
