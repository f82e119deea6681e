package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// Axes lists the values of the further axes of sweeps (see [Store.AxisPaths]), by point and sorted by path. varying
// are the settings that [Store.Varying] lists.
func (s *Store) Axes(ctx context.Context, varying []string, sweepIDs ...int64) (map[runner.Key][]runner.Setting, error) {
	values, paths, err := s.candidates(ctx, varying, sweepIDs)
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	axes := map[runner.Key][]runner.Setting{}
	for _, path := range paths {
		for _, v := range values[path] {
			axes[v.point] = append(axes[v.point], runner.Setting{Path: path, Value: v.value})
		}
	}
	return axes, nil
}

// implied are settings that are no further axes: lr, λ and the seed have columns, and digests follow from paths.
var implied = []string{runner.AxisLR, runner.AxisLambda, runner.AxisSeed, "task.digest", "task.validation_digest", "task.test_digest", runner.PathDataRevision, "task.objective.identity"}

// AxisPaths lists the paths of the further axes of sweeps, sorted. A further axis has several values among trials of
// the same optimizer and regularizer, of which not to be set is one where that is the default.
func (s *Store) AxisPaths(ctx context.Context, varying []string, sweepIDs ...int64) (paths []string, err error) {
	_, paths, err = s.candidates(ctx, varying, sweepIDs)
	return paths, err
}

// A pointValue is the value of a setting at a point.
type pointValue struct {
	point runner.Key
	value plugins.Value
}

// candidates reads the settings that may be further axes, by path, and the sorted paths of those that are. Each setting
// is read once, and nothing is sorted in SQL.
func (s *Store) candidates(ctx context.Context, varying []string, sweepIDs []int64) (values map[string][]pointValue, paths []string, err error) {
	args := anys(sweepIDs)
	for _, path := range varying {
		if !slices.Contains(implied, path) {
			args = append(args, path)
		}
	}
	if len(args) == len(sweepIDs) {
		return nil, nil, nil
	}
	query := replicates(sweepIDs) + `, wanted AS MATERIALIZED (SELECT id, path FROM setting_path WHERE path IN (` + list(len(args)-len(sweepIDs), "?") + `))
		SELECT o.point_key, o.optimizer_label, coalesce(o.regularizer_label, ''), p.path, s.type, s.value
		FROM one o CROSS JOIN wanted p CROSS JOIN setting s ON s.trial_id = o.trial_id AND s.path_id = p.id`
	type group struct{ path, label string }
	firsts := map[group]plugins.Value{}
	axes := map[string]bool{}
	values = map[string][]pointValue{}
	shared := names{}
	var point, optimizer, regularizer, path sql.RawBytes
	err = s.each(ctx, "read settings", query, args, func(scan scanner) error {
		setting, err := scanSetting(scan, &point, &optimizer, &regularizer, &path)
		if err != nil {
			return err
		}
		of := group{path: shared.of(path)}
		switch component, _, _ := strings.Cut(of.path, "."); component {
		case "regularizer":
			of.label = shared.of(regularizer)
		case "optimizer", "schedule":
			of.label = shared.of(optimizer)
		}
		if first, known := firsts[of]; !known {
			firsts[of] = setting.Value
		} else if first != setting.Value {
			axes[of.path] = true
		}
		values[of.path] = append(values[of.path], pointValue{runner.Key(shared.of(point)), setting.Value})
		return nil
	})
	for path := range values { // of those that vary: one with one value is not set at other points
		if runner.DefaultOmitted(path) {
			axes[path] = true
		}
	}
	paths = slices.Sorted(maps.Keys(axes))
	if axes[runner.AxisDataset] {
		paths = slices.DeleteFunc(paths, func(path string) bool { return path == runner.AxisTarget || path == runner.AxisKind })
	}
	return values, paths, err
}
