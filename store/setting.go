package store

import (
	"context"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
)

// Settings reads the settings of a sweep's trials, each sorted by path. No paths mean all settings. Trials without any
// of them are missing from the map.
func (s *Store) Settings(ctx context.Context, sweepID int64, paths []string) (map[runner.Key][]runner.Setting, error) {
	query := `SELECT t.key, p.path, s.type, s.value FROM member m JOIN trial t ON t.id = m.trial_id
		JOIN setting s ON s.trial_id = t.id JOIN setting_path p ON p.id = s.path_id WHERE m.sweep_id = ?`
	args := []any{sweepID}
	if len(paths) > 0 {
		query += ` AND s.path_id IN (SELECT id FROM setting_path WHERE path IN (` + list(len(paths), "?") + `))`
		for _, path := range paths {
			args = append(args, path)
		}
	}
	all := map[runner.Key][]runner.Setting{}
	shared := names{}
	err := s.each(ctx, "read settings", query, args, func(scan scanner) error {
		var key, path string
		setting, err := scanSetting(scan, &key, &path)
		setting.Path = shared.of([]byte(path))
		k := runner.Key(shared.of([]byte(key)))
		all[k] = append(all[k], setting)
		return err
	})
	for _, settings := range all {
		slices.SortFunc(settings, func(a, b runner.Setting) int { return strings.Compare(a.Path, b.Path) })
	}
	return all, err
}

// TrialSettings reads the settings of one trial, sorted by path.
func (s *Store) TrialSettings(ctx context.Context, key runner.Key) ([]runner.Setting, error) {
	const query = `SELECT p.path, s.type, s.value FROM trial t JOIN setting s ON s.trial_id = t.id
		JOIN setting_path p ON p.id = s.path_id WHERE t.key = ? ORDER BY p.path`
	var all []runner.Setting
	err := s.each(ctx, "read settings", query, []any{string(key)}, func(scan scanner) error {
		var path string
		setting, err := scanSetting(scan, &path)
		setting.Path = path
		all = append(all, setting)
		return err
	})
	return all, err
}

func scanSetting(scan scanner, before ...any) (runner.Setting, error) {
	var kind int
	var value any
	if err := scan(append(before, &kind, &value)...); err != nil {
		return runner.Setting{}, err
	}
	v, err := decode(kind, value)
	return runner.Setting{Value: v}, err
}

// replicates begins a query on the table one, which has one trial of each point of sweeps, with its labels. Trials of
// one point differ in the seed only.
func replicates(sweepIDs []int64) string {
	return `WITH one AS MATERIALIZED (SELECT min(m.trial_id) AS trial_id, t.point_key AS point_key, m.optimizer_label AS optimizer_label,
		m.regularizer_label AS regularizer_label FROM member m JOIN trial t ON t.id = m.trial_id WHERE m.sweep_id IN (` +
		list(len(sweepIDs), "?") + `) GROUP BY t.point_key) `
}

// PointSettings reads the settings of one trial of each point of a sweep, each sorted by path.
func (s *Store) PointSettings(ctx context.Context, sweepID int64) (map[runner.Key][]runner.Setting, error) {
	const query = `SELECT o.point_key, p.path, s.type, s.value FROM one o JOIN setting s ON s.trial_id = o.trial_id
		JOIN setting_path p ON p.id = s.path_id ORDER BY p.path`
	all := map[runner.Key][]runner.Setting{}
	shared := names{}
	sweeps := []int64{sweepID}
	err := s.each(ctx, "read settings", replicates(sweeps)+query, anys(sweeps), func(scan scanner) error {
		var point, path string
		setting, err := scanSetting(scan, &point, &path)
		setting.Path = shared.of([]byte(path))
		key := runner.Key(shared.of([]byte(point)))
		all[key] = append(all[key], setting)
		return err
	})
	return all, err
}

// Varying splits the settings of sweeps into those that vary between trials and those that are the same for all.
// Settings that only some trials have vary. Both are sorted by path.
func (s *Store) Varying(ctx context.Context, sweepIDs ...int64) (varying []string, constant []runner.Setting, err error) {
	ids := anys(sweepIDs)
	var seeds bool // whether they vary
	const ofSeeds = `SELECT coalesce(min(t.seed) <> max(t.seed), 0) FROM member m JOIN trial t ON t.id = m.trial_id WHERE m.sweep_id IN (`
	err = s.each(ctx, "read seeds", ofSeeds+list(len(ids), "?")+")", ids, func(scan scanner) error { return scan(&seeds) })
	if err != nil {
		return nil, nil, err
	}
	// A bare column beside min() is of the row that has the minimum.
	const query = `SELECT p.path, v.varies, v.type, v.value FROM (
			SELECT s.path_id AS path_id, count(*) < (SELECT count(*) FROM one) OR min(s.value) IS NOT max(s.value)
				OR min(s.type) <> max(s.type) AS varies, s.type AS type, min(s.value) AS value
			FROM one o JOIN setting s ON s.trial_id = o.trial_id GROUP BY s.path_id) v
		JOIN setting_path p ON p.id = v.path_id ORDER BY p.path`
	err = s.each(ctx, "read settings", replicates(sweepIDs)+query, ids, func(scan scanner) error {
		var path string
		var varies bool
		setting, err := scanSetting(scan, &path, &varies)
		setting.Path = path
		switch {
		case varies && path == runner.PathArithmetic: // trials of one point may differ in the revision
		case varies || path == "seed" && seeds:
			varying = append(varying, path)
		default:
			constant = append(constant, setting)
		}
		return err
	})
	return varying, constant, err
}

// anys are values to bind.
func anys[T any](values []T) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}
