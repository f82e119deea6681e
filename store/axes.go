package store

import (
	"context"
	"slices"

	"github.com/xrun-dev/xrun/runner"
)

// Axes lists the values of the further axes of sweeps (see [Store.AxisPaths]), by point and sorted by path. varying
// are the settings that [Store.Varying] lists.
func (s *Store) Axes(ctx context.Context, varying []string, sweepIDs ...int64) (map[runner.Key][]runner.Setting, error) {
	paths, err := s.AxisPaths(ctx, varying, sweepIDs...)
	if err != nil || len(paths) == 0 {
		return nil, err
	}
	query := replicates(sweepIDs) + `SELECT o.point_key, p.path, s.type, s.value
		FROM one o JOIN setting s ON s.trial_id = o.trial_id JOIN setting_path p ON p.id = s.path_id WHERE p.path IN (`
	args := anys(sweepIDs)
	for _, path := range paths {
		args = append(args, path)
	}
	axes := map[runner.Key][]runner.Setting{}
	shared := names{}
	err = s.each(ctx, "read settings", query+list(len(paths), "?")+") ORDER BY p.path", args, func(scan scanner) error {
		var point, path string
		setting, err := scanSetting(scan, &point, &path)
		setting.Path = shared.of([]byte(path))
		key := runner.Key(shared.of([]byte(point)))
		axes[key] = append(axes[key], setting)
		return err
	})
	return axes, err
}

// implied are settings that are no further axes: lr, λ and the seed have columns, and digests follow from paths.
var implied = []string{runner.AxisLR, runner.AxisLambda, runner.AxisSeed, "task.digest", "task.validation_digest", "task.test_digest", "task.objective.identity"}

// AxisPaths lists the paths of the further axes of sweeps, sorted. A further axis has several values among trials of
// the same optimizer and regularizer.
func (s *Store) AxisPaths(ctx context.Context, varying []string, sweepIDs ...int64) (paths []string, err error) {
	query := replicates(sweepIDs) + `SELECT DISTINCT path FROM (SELECT p.path AS path
		FROM one o JOIN setting s ON s.trial_id = o.trial_id JOIN setting_path p ON p.id = s.path_id
		WHERE p.path IN (`
	const tell = `) GROUP BY p.id, CASE WHEN p.path GLOB 'regularizer.*' THEN o.regularizer_label
			WHEN p.path GLOB 'optimizer.*' OR p.path GLOB 'schedule.*' THEN o.optimizer_label END
		HAVING min(s.value) IS NOT max(s.value) OR min(s.type) <> max(s.type)) ORDER BY path`
	args := anys(sweepIDs)
	for _, path := range varying {
		if !slices.Contains(implied, path) {
			args = append(args, path)
		}
	}
	if len(args) == len(sweepIDs) {
		return nil, nil
	}
	err = s.each(ctx, "read settings", query+list(len(args)-len(sweepIDs), "?")+tell, args, func(scan scanner) error {
		var path string
		err := scan(&path)
		paths = append(paths, path)
		return err
	})
	if slices.Contains(paths, runner.AxisDataset) {
		paths = slices.DeleteFunc(paths, func(path string) bool { return path == runner.AxisTarget || path == runner.AxisKind })
	}
	return paths, err
}
