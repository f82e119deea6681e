package store

import (
	"context"
	"slices"
	"strconv"
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

// Values lists the different values that the trials of sweeps have of settings, as texts.
func (s *Store) Values(ctx context.Context, paths []string, sweepIDs ...int64) (values []string, err error) {
	query := `SELECT DISTINCT s.value FROM member m JOIN setting s ON s.trial_id = m.trial_id WHERE m.sweep_id IN (` + list(len(sweepIDs), "?") + `)
		AND s.path_id IN (SELECT id FROM setting_path WHERE path IN (` + list(len(paths), "?") + `)) ORDER BY 1`
	var args []any
	for _, id := range sweepIDs {
		args = append(args, id)
	}
	for _, path := range paths {
		args = append(args, path)
	}
	err = s.each(ctx, "read the values of settings", query, args, func(scan scanner) error {
		var value string
		if err := scan(&value); err != nil {
			return err
		}
		values = append(values, value)
		return nil
	})
	return values, err
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
// one point differ in the seed only. It is in the order of trials, in which the file has settings: in that of the points,
// each would be looked for on another page.
func replicates(sweepIDs []int64) string {
	return `WITH one AS MATERIALIZED (SELECT min(m.trial_id) AS trial_id, t.point_key AS point_key, m.optimizer_label AS optimizer_label,
		m.regularizer_label AS regularizer_label FROM member m JOIN trial t ON t.id = m.trial_id WHERE m.sweep_id IN (` +
		list(len(sweepIDs), "?") + `) GROUP BY t.point_key ORDER BY min(m.trial_id)) `
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
	first := map[int64]firstSetting{}
	const ofFirst = `SELECT path_id, type, value FROM setting WHERE trial_id = (SELECT min(trial_id) FROM member WHERE sweep_id IN (`
	err = s.each(ctx, "read settings", ofFirst+list(len(ids), "?")+"))", ids, func(scan scanner) error {
		var path int64
		var of firstSetting
		err := scan(&path, &of.kind, &of.value)
		first[path] = of
		return err
	})
	one := replicates(sweepIDs)
	if !seeds { // there are no replicates to find
		one = `WITH one AS MATERIALIZED (SELECT DISTINCT trial_id FROM member WHERE sweep_id IN (` + list(len(ids), "?") + `) ORDER BY trial_id) `
	}
	var varies map[int64]bool
	if err == nil {
		varies, err = s.unlike(ctx, one, ids, first)
	}
	if err != nil {
		return nil, nil, err
	}
	err = s.each(ctx, "read settings", `SELECT id, path FROM setting_path`, nil, func(scan scanner) error {
		var id int64
		var path string
		if err := scan(&id, &path); err != nil {
			return err
		}
		of, known := first[id]
		switch {
		case varies[id] && path == runner.PathArithmetic: // trials of one point may differ in the revision
		case varies[id] || known && path == "seed" && seeds:
			varying = append(varying, path)
		case known:
			value, err := decode(of.kind, of.value)
			constant = append(constant, runner.Setting{Path: path, Value: value})
			return err
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(varying)
	slices.SortFunc(constant, func(a, b runner.Setting) int { return strings.Compare(a.Path, b.Path) })
	return varying, constant, nil
}

// A firstSetting is a setting of the first trial, as it is in the file.
type firstSetting struct {
	kind  int
	value any
}

// unlike are the paths of settings that not all points have as the first trial has them. one is SQL of their trials. All settings are read once, in
// the order of the file, and only those that differ are counted by path: to sort all of them takes longer than the rest
// of a report.
func (s *Store) unlike(ctx context.Context, one string, ids []any, first map[int64]firstSetting) (map[int64]bool, error) {
	if len(first) == 0 {
		return nil, nil
	}
	args := slices.Clone(ids)
	differs := "CASE s.path_id"
	for path, of := range first {
		differs += " WHEN " + strconv.FormatInt(path, 10) + " THEN s.type <> ? OR s.value <> ?"
		args = append(args, of.kind, of.value)
	}
	query := one + `SELECT (SELECT count(*) FROM one), count(*), coalesce(group_concat(DISTINCT s.path_id) FILTER (WHERE ` + differs + ` ELSE 1 END), '')
		FROM one o CROSS JOIN setting s ON s.trial_id = o.trial_id`
	var points, settings int
	var differing string
	err := s.each(ctx, "read settings", query, args, func(scan scanner) error { return scan(&points, &settings, &differing) })
	if err != nil {
		return nil, err
	}
	varies := map[int64]bool{}
	others := false // paths that the first trial does not have
	for text := range strings.SplitSeq(differing, ",") {
		if path, err := strconv.ParseInt(text, 10, 64); err == nil {
			varies[path] = true
			_, known := first[path]
			others = others || !known
		}
	}
	if !others && settings == points*len(first) {
		return varies, nil
	}
	// Some points lack settings that others have.
	var rest []string
	for path := range first {
		if !varies[path] {
			varies[path] = true
			rest = append(rest, strconv.FormatInt(path, 10))
		}
	}
	query = one + `SELECT s.path_id FROM one o CROSS JOIN setting s ON s.trial_id = o.trial_id
		WHERE +s.path_id IN (` + strings.Join(rest, ",") + `) GROUP BY s.path_id HAVING count(*) = (SELECT count(*) FROM one)`
	err = s.each(ctx, "read settings", query, ids, func(scan scanner) error {
		var path int64
		err := scan(&path)
		delete(varies, path)
		return err
	})
	return varies, err
}

// anys are values to bind.
func anys[T any](values []T) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}
