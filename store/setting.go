package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
)

// Settings reads the settings of a sweep's trials, each sorted by path.
func (s *Store) Settings(ctx context.Context, sweepID int64) (map[runner.Key][]runner.Setting, error) {
	const query = `SELECT t.key, p.path, s.type, s.value FROM member m JOIN trial t ON t.id = m.trial_id
		JOIN setting s ON s.trial_id = t.id JOIN setting_path p ON p.id = s.path_id WHERE m.sweep_id = ?`
	all := map[runner.Key][]runner.Setting{}
	shared := names{}
	err := s.each(ctx, "read settings", query, []any{sweepID}, func(scan scanner) error {
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

// Axes lists the values of the further axes of a sweep's command, by setting: those of its settings
// that stand in no table. They are sorted by name.
func (s *Store) Axes(ctx context.Context, sweepID int64) (map[runner.Key][]runner.Setting, error) {
	const query = `SELECT DISTINCT t.point_key, p.path, s.type, s.value
		FROM member m JOIN trial t ON t.id = m.trial_id JOIN setting s ON s.trial_id = t.id JOIN setting_path p ON p.id = s.path_id
		WHERE m.sweep_id = ? AND instr(p.path, '.') = 0 AND p.path NOT IN ('lr', 'lambda', 'seed') ORDER BY p.path`
	axes := map[runner.Key][]runner.Setting{}
	err := s.each(ctx, "read settings", query, []any{sweepID}, func(scan scanner) error {
		var point, path string
		setting, err := scanSetting(scan, &point, &path)
		setting.Path = path
		axes[runner.Key(point)] = append(axes[runner.Key(point)], setting)
		return err
	})
	return axes, err
}

// TableAxes lists what tells the settings of a sweep of xrun's own models apart besides optimizer,
// regularizer, lr and λ: what varies in [task], under the name of the key there, and what varies in an
// optimizer's or a regularizer's table, under its full path. They are sorted by path. nil is that there is
// nothing such.
func (s *Store) TableAxes(ctx context.Context, sweepID int64) (map[runner.Key][]runner.Setting, error) {
	// What follows from another setting says nothing of its own.
	const names = `SELECT path FROM (
			SELECT p.path AS path, min(s.value) IS NOT max(s.value) AS differs
			FROM member m JOIN setting s ON s.trial_id = m.trial_id JOIN setting_path p ON p.id = s.path_id
			WHERE m.sweep_id = ?1 AND p.path LIKE 'task.%' AND p.path NOT IN ('task.digest', 'task.validation_digest', 'task.test_digest', 'task.kind', 'task.target')
			GROUP BY p.id HAVING differs
		) UNION SELECT path FROM (
			SELECT p.path AS path, m.optimizer_label,
				count(*) < (SELECT count(*) FROM member o WHERE o.sweep_id = ?1 AND o.optimizer_label = m.optimizer_label) AS lacks
			FROM member m JOIN setting s ON s.trial_id = m.trial_id JOIN setting_path p ON p.id = s.path_id
			WHERE m.sweep_id = ?1 AND (p.path LIKE 'optimizer.%' OR p.path LIKE 'schedule.%') AND p.path NOT LIKE '%.identity'
			GROUP BY m.optimizer_label, p.id HAVING min(s.value) IS NOT max(s.value) OR lacks
		) UNION SELECT path FROM (
			SELECT p.path AS path, m.regularizer_label
			FROM member m JOIN setting s ON s.trial_id = m.trial_id JOIN setting_path p ON p.id = s.path_id
			WHERE m.sweep_id = ?1 AND p.path LIKE 'regularizer.%' AND p.path NOT LIKE '%.identity'
			GROUP BY m.regularizer_label, p.id HAVING min(s.value) IS NOT max(s.value)
		)`
	wanted := map[string]bool{}
	err := s.each(ctx, "read settings", names, []any{sweepID}, func(scan scanner) error {
		var path string
		err := scan(&path)
		wanted[path] = true
		return err
	})
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	const values = `SELECT DISTINCT t.point_key, s.type, s.value
		FROM setting_path p JOIN setting s ON s.path_id = p.id JOIN trial t ON t.id = s.trial_id
		JOIN member m ON m.trial_id = t.id AND m.sweep_id = ?2 WHERE p.path = ?1`
	axes := map[runner.Key][]runner.Setting{}
	for _, path := range slices.Sorted(maps.Keys(wanted)) {
		err := s.each(ctx, "read settings", values, []any{path, sweepID}, func(scan scanner) error {
			var point string
			setting, err := scanSetting(scan, &point)
			setting.Path = strings.TrimPrefix(strings.TrimPrefix(path, "task."), "objective.")
			axes[runner.Key(point)] = append(axes[runner.Key(point)], setting)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return axes, nil
}

// Varying splits the settings of a sweep in those that differ between its trials, which includes
// those that only some have, and those that are the same for all. Both are sorted by path.
func (s *Store) Varying(ctx context.Context, sweepID int64) (varying []string, constant []runner.Setting, err error) {
	// A bare column beside min() is of the row that has the minimum.
	const query = `SELECT p.path, count(*) < (SELECT count(*) FROM member WHERE sweep_id = ?1)
			OR min(s.value) IS NOT max(s.value) OR min(s.type) <> max(s.type), s.type, min(s.value)
		FROM member m JOIN setting s ON s.trial_id = m.trial_id JOIN setting_path p ON p.id = s.path_id
		WHERE m.sweep_id = ?1 GROUP BY p.id ORDER BY p.path`
	err = s.each(ctx, "read settings", query, []any{sweepID}, func(scan scanner) error {
		var path string
		var varies bool
		setting, err := scanSetting(scan, &path, &varies)
		setting.Path = path
		if varies {
			varying = append(varying, path)
		} else {
			constant = append(constant, setting)
		}
		return err
	})
	return varying, constant, err
}
