package question

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// pickedBy returns the values by which finalists were picked, for all points of the sweep that they are from, and its
// best point; nothing if that sweep is gone.
func pickedBy(ctx context.Context, db *store.Store, confirm store.SweepInfo, q Question) (prior map[runner.Key]float64, best runner.Key, err error) {
	q.Where, q.Columns, q.Sort, q.Baseline, q.Curves = "", "", "", "", 0
	if confirm.Of == 0 {
		return nil, "", nil
	}
	from := strconv.FormatInt(confirm.Of, 10)
	r, err := Answer(ctx, db, []string{from}, q)
	if Missing(err) || err == nil && len(r.Points) == 0 {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	keys, err := confirmedKeys(ctx, db, from, confirm.ID)
	if err != nil {
		return nil, "", err
	}
	prior = map[runner.Key]float64{}
	for _, s := range r.Points {
		if s.Complete {
			prior[keys[s.Point]] = s.Interval.Value
		}
	}
	return prior, keys[r.Points[0].Point], nil
}

// confirmedKeys maps the keys of a sweep's points, which may be older, to the keys of its finalists. Points that are no
// finalists keep theirs.
func confirmedKeys(ctx context.Context, db *store.Store, from string, confirm int64) (map[runner.Key]runner.Key, error) {
	sweep, err := db.FindSweep(ctx, from)
	if err != nil {
		return nil, err
	}
	grid, err := db.PointSettings(ctx, sweep.ID)
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
		from, err := db.FindSweep(ctx, strconv.FormatInt(sweep.Of, 10))
		if sweep.Of == 0 || err != nil {
			return sweep, text, advice.Usage(fmt.Errorf("%s has the finalists of a sweep that is gone", sweep.Name), "xrun runs lists the sweeps")
		}
		return sweep, text, advice.Usage(fmt.Errorf("%s has the finalists of %s, under fresh seeds", sweep.Name, from.Name), "name "+from.Name+" instead")
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

// Trainable refuses a sweep that was imported.
func Trainable(name string, text store.SweepText) error {
	if !strings.HasPrefix(text.Resolved, ImportedFrom) {
		return nil
	}
	return advice.Usage(fmt.Errorf("%s was imported: xrun cannot train it", name), advice.Command("compare", name)+" compares it")
}
