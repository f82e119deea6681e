package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// Begin implements runner.Recorder. All trials are claimed in one transaction: no other process
// can begin one of them as long as this one lives. The trials must be known through PutSweep.
func (r *Recorder) Begin(ctx context.Context, trials []runner.Trial) ([]runner.Begun, error) {
	keys := make([]runner.Key, len(trials))
	for i, t := range trials {
		keys[i] = t.Key()
	}
	var runs []claimed
	err := r.store.writer.do(ctx, "begin", func(_ context.Context, tx *tx) error {
		var err error
		runs, err = r.claim(tx, trials, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	begun := make([]runner.Begun, len(trials))
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, c := range runs {
		if c.run != nil {
			begun[i] = runner.Begun{Run: runner.RunID(c.run.id), Recorded: c.run.lastEpoch, From: c.from}
			r.open[begun[i].Run] = c.run
		}
	}
	return begun, nil
}

// A claimable is a trial before it is begun.
type claimable struct {
	id       int64
	attempts int
	done     bool
	taken    bool // running under a live owner
}

// A claimed is a run of this process, and the checkpoint from which it continues. Both are nil for a trial that
// needs no run.
type claimed struct {
	run  *openRun
	from *runner.Checkpoint
}

// claim enters a run for each free trial, or continues an interrupted one.
func (r *Recorder) claim(tx *tx, trials []runner.Trial, keys []runner.Key) ([]claimed, error) {
	const (
		insertRun = `INSERT INTO run (id, token, trial_id, sweep_id, attempt, status, owner_id, environment_id, started_at) VALUES`
		insertUse = `INSERT INTO run_plugin (run_id, role, plugin_id) VALUES`
		lastID    = `SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'run'), 0)`
	)
	known, err := findClaimable(tx, keys)
	if err != nil {
		return nil, err
	}
	environment, err := putEnvironment(tx, r.environment)
	if err != nil {
		return nil, err
	}
	plugins, err := putPlugins(tx, r.plugins)
	if err != nil {
		return nil, err
	}
	var id int64
	if err := tx.one(lastID, nil, &id); err != nil {
		return nil, err
	}
	now := time.Now().UnixMicro()
	runs := make([]claimed, len(trials))
	inserts := tx.bulk(insertRun, 9, "")
	uses := tx.bulk(insertUse, 3, "ON CONFLICT DO NOTHING")
	for i, key := range keys {
		trial := known[key]
		if trial == nil {
			return nil, fmt.Errorf("trial %s belongs to no sweep of this database", key.Short())
		}
		if trial.taken || trial.done && !r.again[key] {
			continue
		}
		trial.taken = true // a trial may be in the list twice
		if trial.attempts > 0 && !trial.done {
			if runs[i], err = r.takeUp(tx, trial.id); err != nil {
				return nil, err
			}
			if runs[i].run != nil {
				continue
			}
		}
		id++
		runs[i].run = &openRun{id: id, trial: trial.id, lastEpoch: -1, again: trial.done}
		if err := inserts.add(id, rand.Text(), trial.id, r.sweep, trial.attempts+1, "running", r.store.owner.id, environment, now); err != nil {
			return nil, err
		}
	}
	if err := inserts.flush(); err != nil {
		return nil, err
	}
	for i, c := range runs {
		for j, use := range r.plugins {
			if c.run != nil && used(trials[i], use) {
				if err := uses.add(c.run.id, use.Role, plugins[j]); err != nil {
					return nil, err
				}
			}
		}
	}
	return runs, uses.flush()
}

func used(t runner.Trial, use PluginUse) bool {
	var choice *runner.Choice
	switch use.Role {
	case "optimizer":
		choice = &t.Optimizer
	case "base":
		choice = t.Optimizer.Base
	case "regularizer":
		choice = t.Regularizer
	case "objective":
		choice = t.Task.Objective
	}
	return choice != nil && choice.Identity == use.Digest && (use.Component == "" || use.Component == choice.Component)
}

// findClaimable looks trials up, and interrupts their runs whose owner has died.
func findClaimable(tx *tx, keys []runner.Key) (map[runner.Key]*claimable, error) {
	const query = `SELECT t.key, t.id, coalesce(r.attempt, 0), CASE WHEN r.deleted_at IS NULL THEN coalesce(r.status, '') ELSE 'deleted' END, coalesce(o.id, 0), coalesce(o.uuid, '')
		FROM trial t LEFT JOIN run r ON r.trial_id = t.id LEFT JOIN owner o ON o.id = r.owner_id AND r.status = 'running'
		WHERE t.key IN `
	known := make(map[runner.Key]*claimable, len(keys))
	living := map[string]bool{}
	var dead []owner
	for chunk := range slices.Chunk(keys, keysAtOnce) {
		rows, err := tx.query(query+keyList, chunked(chunk)...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var key, status string
			var id int64
			var attempt int
			var other owner
			if err := rows.Scan(&key, &id, &attempt, &status, &other.id, &other.uuid); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			c := known[runner.Key(key)]
			if c == nil {
				c = &claimable{id: id}
				known[runner.Key(key)] = c
			}
			c.attempts = max(c.attempts, attempt)
			if runner.Status(status) == runner.StatusRunning {
				lives, asked := living[other.uuid]
				if !asked {
					lives = alive(tx.path, other.uuid)
					living[other.uuid] = lives
					if !lives {
						dead = append(dead, other)
					}
				}
				c.taken = c.taken || lives
			}
			c.done = c.done || runner.Status(status).Done()
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	for _, other := range dead {
		if err := other.bury(tx, "the process that ran it died", false); err != nil {
			return nil, err
		}
	}
	return known, nil
}

const keysAtOnce = 256

// keyList is the right side of IN for keysAtOnce keys.
var keyList = "(" + list(keysAtOnce, "?") + ")"

// chunked makes arguments for keyList; an empty key, which no trial has, fills the rest.
func chunked(keys []runner.Key) []any {
	args := make([]any, keysAtOnce)
	for i := range args {
		args[i] = ""
	}
	for i, key := range keys {
		args[i] = string(key)
	}
	return args
}

func putEnvironment(tx *tx, e Environment) (id int64, err error) {
	const (
		insert = `INSERT INTO environment (digest, host, cpu, cores, os, arch, go_version, blas, xrun_version, git_commit, git_dirty)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
		find = `SELECT id FROM environment WHERE digest = ?`
	)
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []any{e.Host, e.CPU, fmt.Sprint(e.Cores), e.OS, e.Arch, e.GoVersion,
		e.BLAS, e.XrunVersion, e.GitCommit, fmt.Sprint(e.GitDirty)}))
	digest := hex.EncodeToString(sum[:])
	if _, err := tx.exec(insert, digest, e.Host, e.CPU, e.Cores, e.OS, e.Arch, e.GoVersion, e.BLAS, e.XrunVersion, e.GitCommit, e.GitDirty); err != nil {
		return 0, err
	}
	return id, tx.one(find, []any{digest}, &id)
}

func putPlugins(tx *tx, uses []PluginUse) ([]int64, error) {
	const (
		insert = `INSERT INTO plugin (name, version, digest, protocol, features) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
		find   = `SELECT id FROM plugin WHERE name = ? AND version = ? AND digest = ? AND protocol = ? AND features = ?`
	)
	ids := make([]int64, len(uses))
	for i, use := range uses {
		features, err := json.Marshal(append([]string{}, use.Features...))
		if err != nil {
			return nil, err
		}
		args := []any{use.Name, use.Version, use.Digest, use.Protocol, string(features)}
		if _, err := tx.exec(insert, args...); err != nil {
			return nil, err
		}
		if err := tx.one(find, args, &ids[i]); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
