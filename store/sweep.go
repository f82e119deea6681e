package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// A Sweep is a sweep file as it was run.
type Sweep struct {
	ID        int64
	Name      string
	Notes     string
	Tags      []string
	File      string   // path of the file as given
	Text      []byte   // as written
	Resolved  string   // the complete specification
	Digest    string   // equal digests mean the same sweep
	Overrides []string // changes of the command line, KEY=VALUE as given
	Metric    string
	Goal      string    // min or max
	At        string    // best, last or epoch:N
	CreatedAt time.Time // zero is now
	Relation  Relation  // to the sweep Of
	Of        int64
}

// A Relation is what a sweep is to another one.
type Relation string

// The relations.
const (
	Unrelated Relation = ""
	Confirms  Relation = "confirm" // its best points, under fresh seeds
	Refines   Relation = "refine"  // its grid, made finer around the best point
)

// PutSweep enters a sweep with its trials, in their order. A sweep with the same digest is updated: it gets the new
// name, notes, tags and text, and the trials that it lacks.
func (s *Store) PutSweep(ctx context.Context, sw Sweep, trials []runner.Trial) (id int64, err error) {
	if sw.CreatedAt.IsZero() {
		sw.CreatedAt = time.Now()
	}
	entries := make([]entry, len(trials))
	for i, t := range trials {
		entries[i] = entry{trial: t, key: t.Key(), point: t.Point()}
	}
	err = s.writer.do(ctx, "enter sweep", func(_ context.Context, tx *tx) error {
		if id, err = putSweep(tx, sw); err != nil {
			return err
		}
		if err := putTrials(tx, entries); err != nil {
			return err
		}
		if err := putMembers(tx, id, entries); err != nil {
			return err
		}
		return sealSweep(tx, id)
	})
	return id, err
}

// An entry is a trial that is about to be entered.
type entry struct {
	trial      runner.Trial
	key, point runner.Key
	id         int64
	settings   []storedSetting // of a new one
}

func putSweep(tx *tx, sw Sweep) (id int64, err error) {
	const (
		upsert = `INSERT INTO sweep (digest, name, notes, file, text, resolved, metric, goal, at, created_at, overrides, relation, of_sweep)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0))
			ON CONFLICT (digest) DO UPDATE SET name = excluded.name, notes = excluded.notes, file = excluded.file,
			text = excluded.text, resolved = excluded.resolved, metric = excluded.metric, goal = excluded.goal, at = excluded.at, deleted_at = NULL,
			overrides = excluded.overrides, relation = excluded.relation, of_sweep = excluded.of_sweep
			RETURNING id`
		untag = `DELETE FROM sweep_tag WHERE sweep_id = ?`
		tag   = `INSERT INTO sweep_tag (sweep_id, tag) VALUES (?, ?) ON CONFLICT DO NOTHING`
	)
	text := sw.Text
	if text == nil {
		text = []byte{}
	}
	overrides := ""
	if len(sw.Overrides) > 0 {
		list, err := json.Marshal(sw.Overrides)
		if err != nil {
			return 0, err
		}
		overrides = string(list)
	}
	args := []any{sw.Digest, sw.Name, sw.Notes, sw.File, text, sw.Resolved, sw.Metric, sw.Goal, sw.At, sw.CreatedAt.UnixMicro(), overrides, string(sw.Relation), sw.Of}
	if err := tx.one(upsert, args, &id); err != nil {
		return 0, err
	}
	if _, err := tx.exec(untag, id); err != nil {
		return 0, err
	}
	for _, name := range sw.Tags {
		if _, err := tx.exec(tag, id, name); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// putTrials enters new trials with their settings, and finds the ids of all.
func putTrials(tx *tx, entries []entry) error {
	const (
		insertTrial   = `INSERT INTO trial (id, key, point_key, optimizer, regularizer, lr, lambda, seed, key_version, arithmetic, seal) VALUES`
		insertSetting = `INSERT INTO setting (trial_id, path_id, type, value) VALUES`
		lastID        = `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'trial'), 0)`
	)
	ids, err := trialIDs(tx, entries)
	if err != nil {
		return err
	}
	var last int64
	if err := tx.one(lastID, nil, &last); err != nil {
		return err
	}
	newTrials := tx.bulk(insertTrial, 11, "")
	var fresh []*entry
	for i := range entries {
		e := &entries[i]
		if e.id = ids[e.key]; e.id != 0 {
			continue
		}
		last++
		e.id, ids[e.key] = last, last
		fresh = append(fresh, e)
		var regularizer any
		if e.trial.Regularizer != nil {
			regularizer = e.trial.Regularizer.Component
		}
		for _, setting := range e.trial.Settings() {
			kind, value, err := encode(setting.Value)
			if err != nil {
				return fmt.Errorf("setting %s: %w", setting.Path, err)
			}
			e.settings = append(e.settings, storedSetting{setting.Path, kind, value})
		}
		row := []any{string(e.key), string(e.point), cmp.Or(e.trial.Optimizer.Component, e.trial.Optimizer.Label), regularizer,
			e.trial.LR, e.trial.Lambda, e.trial.Seed, runner.KeyVersion, e.trial.Arithmetic}
		if err := newTrials.add(slices.Concat([]any{e.id}, row, []any{sealOfTrial(row, e.settings)})...); err != nil {
			return err
		}
	}
	if err := newTrials.flush(); err != nil {
		return err
	}
	settings := tx.bulk(insertSetting, 4, "")
	paths := map[string]int64{}
	for _, e := range fresh {
		for _, setting := range e.settings {
			path, err := pathID(tx, paths, setting.path)
			if err != nil {
				return err
			}
			if err := settings.add(e.id, path, setting.kind, setting.value); err != nil {
				return err
			}
		}
	}
	return settings.flush()
}

func trialIDs(tx *tx, entries []entry) (map[runner.Key]int64, error) {
	const query = `SELECT key, id FROM trial WHERE key IN `
	ids := make(map[runner.Key]int64, len(entries))
	for chunk := range slices.Chunk(entries, keysAtOnce) {
		keys := make([]runner.Key, len(chunk))
		for i, e := range chunk {
			keys[i] = e.key
		}
		rows, err := tx.query(query+keyList, chunked(keys)...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var key string
			var id int64
			if err := rows.Scan(&key, &id); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			ids[runner.Key(key)] = id
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// putMembers appends the trials that the sweep lacks.
func putMembers(tx *tx, sweep int64, entries []entry) error {
	const (
		count  = `SELECT count(*) FROM member WHERE sweep_id = ?`
		insert = `INSERT INTO member (sweep_id, trial_id, position, optimizer_label, regularizer_label) VALUES`
	)
	var offset int
	if err := tx.one(count, []any{sweep}, &offset); err != nil {
		return err
	}
	members := tx.bulk(insert, 5, "ON CONFLICT DO NOTHING")
	for i, e := range entries {
		var regularizer any
		if e.trial.Regularizer != nil {
			regularizer = label(*e.trial.Regularizer)
		}
		if err := members.add(sweep, e.id, offset+i, label(e.trial.Optimizer), regularizer); err != nil {
			return err
		}
	}
	return members.flush()
}

func label(c runner.Choice) string {
	if c.Label == "" {
		return c.Component
	}
	return c.Label
}

func pathID(tx *tx, known map[string]int64, path string) (id int64, err error) {
	const (
		insert = `INSERT INTO setting_path (path) VALUES (?) ON CONFLICT DO NOTHING`
		find   = `SELECT id FROM setting_path WHERE path = ?`
	)
	if id, ok := known[path]; ok {
		return id, nil
	}
	if _, err := tx.exec(insert, path); err != nil {
		return 0, err
	}
	err = tx.one(find, []any{path}, &id)
	known[path] = id
	return id, err
}

// types are the types of settings, indexed by their number in the database.
var types = []plugins.Type{1: plugins.TypeReal, 2: plugins.TypeInteger, 3: plugins.TypeFlag, 4: plugins.TypeChoice, 5: plugins.TypeText}

// encode converts a value to its type in SQLite. A real stays real, -0.0 too.
func encode(v plugins.Value) (kind int, value any, err error) {
	kind = slices.Index(types[1:], v.Type) + 1
	switch v.Type {
	case plugins.TypeReal:
		if v.Real != v.Real {
			return 0, nil, errors.New("a setting cannot be NaN")
		}
		return kind, v.Real, nil
	case plugins.TypeInteger:
		return kind, v.Integer, nil
	case plugins.TypeFlag:
		return kind, v.Flag, nil
	case plugins.TypeChoice, plugins.TypeText:
		return kind, v.Text, nil
	}
	return 0, nil, fmt.Errorf("unknown type %q", v.Type)
}

func decode(kind int, value any) (plugins.Value, error) {
	if kind > 0 && kind < len(types) {
		switch v := value.(type) {
		case float64:
			return plugins.Value{Type: types[kind], Real: v}, nil
		case int64:
			if types[kind] == plugins.TypeFlag {
				return plugins.Flag(v != 0), nil
			}
			return plugins.Value{Type: types[kind], Integer: v}, nil
		case string:
			return plugins.Value{Type: types[kind], Text: v}, nil
		}
	}
	return plugins.Value{}, fmt.Errorf("a setting is stored as %T with type %d", value, kind)
}
