package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// An Elsewhere is an attempt at a trial in a job elsewhere, whose journal this process records.
type Elsewhere struct {
	Token       string // its name in every database and journal
	Trial       runner.Trial
	Start       time.Time
	Environment Environment // of the machine that trains
	// Continues is the token of the attempt from whose checkpoint it goes on; empty for none. Its journal repeats what that one had
	// recorded, whose values are dropped therefore.
	Continues string
}

// wentOn is the reason of an attempt with which another one has gone on, and finishedFirst that of one that was too late. They keep no values.
const (
	wentOn        = "another attempt went on with it"
	finishedFirst = "another attempt finished first"
)

// BeginElsewhere begins the runs of attempts, or goes on with those that have their tokens, in one transaction. An attempt that this
// database has whole needs no run: its number is 0. The trials must be known through PutSweep. The first attempt at a trial that reaches a
// result counts, as everywhere.
func (r *Recorder) BeginElsewhere(ctx context.Context, attempts []Elsewhere) ([]runner.RunID, error) {
	if len(attempts) == 0 {
		return nil, nil
	}
	var runs []*openRun
	var dropped []runner.RunID
	err := r.store.writer.do(ctx, "begin", func(_ context.Context, tx *tx) error {
		runs, dropped = make([]*openRun, len(attempts)), nil
		plugins, err := putPlugins(tx, r.plugins)
		if err != nil {
			return err
		}
		environments := map[Environment]int64{}
		for i, a := range attempts {
			environment, known := environments[a.Environment]
			if !known {
				if environment, err = putEnvironment(tx, a.Environment); err != nil {
					return err
				}
				environments[a.Environment] = environment
			}
			before, err := r.supersede(tx, a.Continues)
			if err != nil {
				return err
			}
			if before != 0 {
				dropped = append(dropped, before)
			}
			if runs[i], err = r.enterElsewhere(tx, a, environment); err != nil {
				return err
			}
			for j, use := range r.plugins {
				if runs[i] == nil || !used(a.Trial, use) {
					continue
				}
				const insertUse = `INSERT INTO run_plugin (run_id, role, plugin_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
				if _, err := tx.exec(insertUse, runs[i].id, use.Role, plugins[j]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	begun := make([]runner.RunID, len(attempts))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range dropped {
		delete(r.open, id)
	}
	for i, run := range runs {
		if run != nil && !slices.Contains(dropped, runner.RunID(run.id)) { // another one of these attempts goes on with it
			begun[i] = runner.RunID(run.id)
			r.open[begun[i]] = run
		}
	}
	return begun, nil
}

// Settled tells of attempts that need no run which result their trials have: that of the attempt itself, or, unless the trial runs again, that
// of whoever else has trained it. It is empty for a trial that is still to be trained.
func (r *Recorder) Settled(ctx context.Context, attempts []Elsewhere) ([]runner.Status, error) {
	const query = `SELECT r.status FROM run r JOIN trial t ON t.id = r.trial_id WHERE t.key = ? AND (r.token = ? OR ?) AND r.deleted_at IS NULL
		AND r.status IN ('finished', 'stopped', 'diverged')`
	all := make([]runner.Status, len(attempts))
	for i, a := range attempts {
		key := a.Trial.Key()
		err := r.store.each(ctx, "read trials", query, []any{string(key), a.Token, !r.again[key]}, func(scan scanner) error { return scan(&all[i]) })
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// enterElsewhere is the run of an attempt; nil if it is recorded already, or another living process records it.
func (r *Recorder) enterElsewhere(tx *tx, a Elsewhere, environment int64) (*openRun, error) {
	const (
		find = `SELECT r.id, r.trial_id, r.status, r.reason, o.id, o.uuid FROM run r JOIN owner o ON o.id = r.owner_id WHERE r.token = ?`
		of   = `SELECT t.id, coalesce(max(r.attempt), 0) + 1, coalesce(max(r.deleted_at IS NULL AND r.status IN ('finished', 'stopped', 'diverged')), 0)
			FROM trial t LEFT JOIN run r ON r.trial_id = t.id WHERE t.key = ? GROUP BY t.id`
		insert = `INSERT INTO run (token, trial_id, sweep_id, attempt, status, owner_id, environment_id, started_at) VALUES (?, ?, ?, ?, 'running', ?, ?, ?)`
	)
	run := &openRun{lastEpoch: -1}
	var status, reason string
	var other owner
	key := a.Trial.Key()
	err := tx.one(find, []any{a.Token}, &run.id, &run.trial, &status, &reason, &other.id, &other.uuid)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		var try int
		var done bool
		if err := tx.one(of, []any{string(key)}, &run.trial, &try, &done); errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("trial %s belongs to no sweep of this database", key.Short())
		} else if err != nil {
			return nil, err
		}
		if done && !r.again[key] {
			return nil, nil // a late copy of what is recorded
		}
		run.again = done
		result, err := tx.exec(insert, a.Token, run.trial, r.sweep, try, r.store.owner.id, environment, a.Start.UnixMicro())
		if err != nil {
			return nil, err
		}
		run.id, err = result.LastInsertId()
		return run, err
	case err != nil:
		return nil, err
	case status == string(runner.StatusRunning) && other.uuid == r.store.owner.uuid: // its journal is read again
	case status == string(runner.StatusRunning):
		if alive(tx.path, other.uuid) {
			return nil, nil
		}
		if err := other.bury(tx, "the process that recorded it died", false); err != nil {
			return nil, err
		}
	case status != string(runner.StatusInterrupted), reason == wentOn, reason == finishedFirst:
		return nil, nil
	}
	run.again = r.again[key]
	if err := r.takeBack(tx, run, Attempt{}); err != nil {
		return nil, err
	}
	return run, r.reopen(tx, run)
}

// supersede drops the values of an attempt with which another one goes on. Its run is 0 if there is none, or if it has a result.
func (r *Recorder) supersede(tx *tx, token string) (runner.RunID, error) {
	if token == "" {
		return 0, nil
	}
	const (
		find = `SELECT id FROM run WHERE token = ? AND (status = 'running' AND owner_id = ? OR status = 'interrupted' AND reason NOT IN (?, ?))`
		end  = `UPDATE run SET status = 'interrupted', reason = ?, ended_at = coalesce(ended_at, ?) WHERE id = ?`
	)
	run := &openRun{}
	err := tx.one(find, []any{token, r.store.owner.id, wentOn, finishedFirst}, &run.id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := r.takeBack(tx, run, Attempt{}); err != nil {
		return 0, err
	}
	if _, err := tx.exec(`DELETE FROM checkpoint WHERE run_id = ?`, run.id); err != nil {
		return 0, err
	}
	if _, err := tx.exec(end, wentOn, time.Now().UnixMicro(), run.id); err != nil {
		return 0, err
	}
	return runner.RunID(run.id), sealRun(tx, run.id, sealedAtEnd)
}

// RecordFailed records a failed run for each of some trials whose attempts have left nothing.
func (r *Recorder) RecordFailed(ctx context.Context, trials []runner.Trial, at time.Time, message string) error {
	attempts := make([]Elsewhere, len(trials))
	for i, t := range trials {
		attempts[i] = Elsewhere{Token: rand.Text(), Trial: t, Start: at, Environment: r.environment}
	}
	runs, err := r.BeginElsewhere(ctx, attempts)
	if err != nil {
		return err
	}
	var u runner.Update
	for _, run := range runs {
		if run != 0 {
			u.Ends = append(u.Ends, runner.End{Run: run, At: at, Status: runner.StatusFailed, Reason: message, Error: message})
		}
	}
	return r.Record(ctx, u)
}
