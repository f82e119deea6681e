package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// EventReplaced is the kind of the event of a script's run that is newer than another one of the same settings and seed, and counts instead.
const EventReplaced = "replaced"

// An Attempt is a run that no sweep of this process carries out: that of a script, or of a job elsewhere.
type Attempt struct {
	Token string // its name in every database and journal
	Trial runner.Trial
	Start time.Time
	// Replicate gives the trial the first seed, from 1, that no run of its point has.
	Replicate bool
	// Continues is the run that goes on; 0 begins one.
	Continues int64
	// Anew records the attempt again as a whole, although this process or an earlier one may have recorded its end: what stands under its
	// token is taken back first. It may be another trial by now.
	Anew bool
	// Moves says that a run that is still open elsewhere may have got further settings since it was recorded: it becomes another trial then.
	Moves bool
	// Revision is that of a run that is imported. A result with another one is taken back, and recorded anew. Empty is any.
	Revision string
}

// EventImported is the kind of the event of a run that was imported. Its detail is the revision of the run.
const EventImported = "imported"

// EventApart is the kind of the event of a run that was to go on with another one, with which somebody else has gone on.
const EventApart = "apart"

// A Standing says what the database knows of an attempt.
type Standing int

// The standings.
const (
	AttemptOpen     Standing = iota // it is this recorder's to record
	AttemptRecorded                 // its end is recorded
	AttemptTaken                    // another living process records it
)

// An Attempted is an attempt that has been looked up, and begun if it is open.
type Attempted struct {
	Standing Standing
	Run      runner.RunID
	Seed     int64
	Recorded int    // the last epoch that it has points of; -1 without any
	GoesOn   bool   // the run has values of earlier attempts
	Output   []byte // and this is what they had printed
}

// BeginAttempt begins a run under the attempt's token, or goes on with the one that has it. The trial is entered into the recorder's sweep.
// When the run ends with a result, it replaces an older result of its trial, as with [Recorder.Rerun]. In one transaction.
func (r *Recorder) BeginAttempt(ctx context.Context, a Attempt) (Attempted, error) {
	found, err := r.BeginAttempts(ctx, []Attempt{a})
	if err != nil {
		return Attempted{}, err
	}
	return found[0], nil
}

// BeginAttempts is [Recorder.BeginAttempt] for each of some attempts, in one transaction. Their tokens differ.
func (r *Recorder) BeginAttempts(ctx context.Context, attempts []Attempt) ([]Attempted, error) {
	printed := make([][]byte, len(attempts)) // by the runs that go on
	for i, a := range attempts {
		if a.Continues != 0 {
			output, err := r.store.OutputOf(ctx, a.Continues)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, err
			}
			printed[i] = output.Content
		}
	}
	var found []Attempted
	var runs []*openRun
	err := r.store.writer.do(ctx, "begin", func(_ context.Context, tx *tx) (err error) {
		found, runs = make([]Attempted, len(attempts)), make([]*openRun, len(attempts))
		var fresh []entry
		used, err := usedSeeds(tx, attempts)
		if err != nil {
			return err
		}
		for i, a := range attempts {
			found[i].Seed = a.Trial.Seed
			if found[i], runs[i], err = r.takeUpAttempt(tx, a, printed[i]); err != nil {
				return err
			}
			if found[i].Run != 0 {
				continue
			}
			var e entry
			if runs[i], e, err = r.enter(tx, &a, used); err != nil {
				return err
			}
			found[i].Seed = a.Trial.Seed
			fresh = append(fresh, e)
		}
		if len(fresh) == 0 {
			return nil
		}
		if err := putMembers(tx, r.sweep, fresh); err != nil {
			return err
		}
		return sealSweep(tx, r.sweep)
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, run := range runs {
		if run != nil {
			found[i].Run, found[i].Recorded = runner.RunID(run.id), run.lastEpoch
			r.open[found[i].Run] = run
		}
	}
	return found, nil
}

// takeUpAttempt finds the run of an attempt, and opens it if it is this recorder's. Its number is 0 if the attempt needs a new one.
func (r *Recorder) takeUpAttempt(tx *tx, a Attempt, printed []byte) (found Attempted, run *openRun, err error) {
	found.Seed = a.Trial.Seed
	id, standing, err := findAttempt(tx, a, r.store.owner.uuid)
	if err != nil || id == 0 {
		return found, nil, err
	}
	const trialOf = `SELECT r.trial_id, t.seed, t.point_key FROM run r JOIN trial t ON t.id = r.trial_id WHERE r.id = ?`
	run = &openRun{id: id, again: true, attempt: true}
	var point string
	if err := tx.one(trialOf, []any{id}, &run.trial, &found.Seed, &point); err != nil {
		return found, nil, err
	}
	if found.Standing, found.Run = standing, runner.RunID(id); standing != AttemptOpen {
		return found, nil, nil
	}
	if a.Anew || a.Moves && (point != string(a.Trial.Point()) || !a.Replicate && found.Seed != a.Trial.Seed) {
		if err := r.renew(tx, run, &a); err != nil {
			return found, nil, err
		}
		found.Seed = a.Trial.Seed
	}
	if a.Continues != 0 {
		found.Output, found.GoesOn = printed, true
	}
	if err := r.takeBack(tx, run, a); err != nil {
		return found, nil, err
	}
	return found, run, r.reopen(tx, run)
}

// findAttempt finds the run of an attempt; 0 if it needs a new one. The run of a process that has died is interrupted. A run that
// another attempt has gone on with belongs to that one.
func findAttempt(tx *tx, a Attempt, mine string) (id int64, standing Standing, err error) {
	const query = `SELECT r.id, r.status, o.id, o.uuid, r.token = ?,
		EXISTS (SELECT 1 FROM event e WHERE e.run_id = r.id AND e.kind = 'continued' AND e.detail <> ?),
		EXISTS (SELECT 1 FROM event e WHERE e.run_id = r.id AND e.kind = 'continued' AND e.detail = ?)
		FROM run r JOIN owner o ON o.id = r.owner_id WHERE r.token = ? OR r.id = ? ORDER BY r.token = ? DESC LIMIT 1`
	var status string
	var other owner
	var own, byOther, byThis bool
	err = tx.one(query, []any{a.Token, a.Token, a.Token, a.Token, a.Continues, a.Token}, &id, &status, &other.id, &other.uuid, &own, &byOther, &byThis)
	if errors.Is(err, sql.ErrNoRows) {
		if a.Continues != 0 {
			return 0, 0, &notFoundError{What: "run", Name: fmt.Sprint(a.Continues)}
		}
		return 0, AttemptOpen, nil
	}
	if err != nil {
		return 0, 0, err
	}
	goesOn := a.Continues != 0 && !own
	switch s := runner.Status(status); {
	case a.Anew && (s != runner.StatusRunning || other.uuid == mine):
		return id, AttemptOpen, nil
	case s == runner.StatusRunning && alive(tx.path, other.uuid):
		if goesOn && !byThis {
			return 0, AttemptOpen, nil // somebody else goes on with it
		}
		return id, AttemptTaken, nil
	case s == runner.StatusRunning:
		err = other.bury(tx, "the process that ran it died", false)
		return id, AttemptOpen, err
	case s == runner.StatusInterrupted && (goesOn || !byOther), s == runner.StatusFailed && goesOn && !byThis:
		return id, AttemptOpen, nil
	case goesOn && !byThis:
		return 0, AttemptOpen, nil // somebody else went on with it, to its end
	case own && a.Revision != "" && s.Ended():
		reopened, err := takeResult(tx, id, a.Revision)
		if reopened || err != nil {
			return id, AttemptOpen, err
		}
	}
	return id, AttemptRecorded, nil
}

// takeResult makes an imported result interrupted again if it was of another revision. A deleted one stays as it is.
func takeResult(tx *tx, id int64, revision string) (reopened bool, err error) {
	const take = `UPDATE run SET status = 'interrupted', error = '', lasting = 0, kept_epoch = NULL, value = NULL WHERE id = ? AND deleted_at IS NULL
		AND EXISTS (SELECT 1 FROM event e WHERE e.run_id = run.id AND e.kind = ? AND e.detail <> ?)`
	n, err := affected(tx, take, id, EventImported, revision)
	return n > 0, err
}

// takeBack prepares an interrupted run for its attempt. What is recorded under the attempt's own token comes again, whole, and is removed.
// A run that goes on keeps its values; what it has printed is the attempt's to keep, since it gets a whole output at its end.
func (r *Recorder) takeBack(tx *tx, run *openRun, a Attempt) error {
	if a.Continues == 0 {
		for _, query := range []string{`DELETE FROM point WHERE run_id = ?`, `DELETE FROM summary WHERE run_id = ?`, `DELETE FROM event WHERE run_id = ?`,
			`UPDATE run SET points = 0, hash = 0, epochs = 0 WHERE id = ?`} {
			if _, err := tx.exec(query, run.id); err != nil {
				return err
			}
		}
		return nil
	}
	if _, err := tx.exec(`UPDATE run SET status = 'interrupted', error = '', lasting = 0 WHERE id = ? AND status = 'failed'`, run.id); err != nil {
		return err
	}
	const note = `INSERT INTO event (run_id, at, kind, epoch, message, detail) SELECT ?, ?, 'continued', (SELECT epochs FROM run WHERE id = ?), 'another process went on with it', ?
		WHERE NOT EXISTS (SELECT 1 FROM event WHERE run_id = ? AND kind = 'continued' AND detail = ?)`
	_, err := tx.exec(note, run.id, a.Start.UnixMicro(), run.id, a.Token, run.id, a.Token)
	return err
}

// renew makes a run an interrupted one of the attempt's trial, which may be another one than it was. A trial that no run and no other sweep
// has is removed. What was deleted stays so, unless it becomes another trial.
func (r *Recorder) renew(tx *tx, run *openRun, a *Attempt) error {
	const (
		was   = `SELECT t.point_key, t.seed, r.sweep_id, r.attempt FROM run r JOIN trial t ON t.id = r.trial_id WHERE r.id = ?`
		tries = `SELECT coalesce(max(attempt), 0) + 1 FROM run WHERE trial_id = ? AND id <> ?`
		renew = `UPDATE run SET trial_id = ?1, sweep_id = ?2, attempt = ?3, environment_id = ?4, started_at = ?5, status = 'interrupted', reason = '', error = '', lasting = 0,
			deleted_at = CASE WHEN trial_id = ?1 THEN deleted_at END, kept_epoch = NULL, value = NULL, steps = 0, gradient_evals = 0, wall_ns = 0, plugin_ns = 0, transport_ns = 0, seal = NULL, seal_kind = 0 WHERE id = ?6`
		left   = `DELETE FROM member WHERE sweep_id = ?1 AND trial_id = ?2 AND NOT EXISTS (SELECT 1 FROM run WHERE trial_id = ?2 AND sweep_id = ?1)`
		lonely = `DELETE FROM trial WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM run WHERE trial_id = ?1) AND NOT EXISTS (SELECT 1 FROM member WHERE trial_id = ?1)`
	)
	var point string
	var seed, sweep int64
	var try int
	if err := tx.one(was, []any{run.id}, &point, &seed, &sweep, &try); err != nil {
		return err
	}
	before := run.trial
	if a.Replicate && point == string(a.Trial.Point()) {
		a.Trial.Seed = seed
	} else if err := countSeed(tx, a, run.id); err != nil {
		return err
	}
	entries := []entry{{trial: a.Trial, key: a.Trial.Key(), point: a.Trial.Point()}}
	if err := putTrials(tx, entries); err != nil {
		return err
	}
	if err := putMembers(tx, r.sweep, entries); err != nil {
		return err
	}
	trial := entries[0].id
	environment, err := putEnvironment(tx, r.environment)
	if err != nil {
		return err
	}
	if trial != before {
		if err := tx.one(tries, []any{trial, run.id}, &try); err != nil {
			return err
		}
	}
	for _, query := range []string{`DELETE FROM artifact WHERE run_id = ?`, `DELETE FROM coefficient WHERE run_id = ?`, `DELETE FROM constant WHERE run_id = ?`, `DELETE FROM checkpoint WHERE run_id = ?`} {
		if _, err := tx.exec(query, run.id); err != nil {
			return err
		}
	}
	if _, err := tx.exec(renew, trial, r.sweep, try, environment, a.Start.UnixMicro(), run.id); err != nil {
		return err
	}
	run.trial = trial
	if trial != before || sweep != r.sweep {
		if _, err := tx.exec(left, sweep, before); err != nil {
			return err
		}
		if _, err := tx.exec(lonely, before); err != nil {
			return err
		}
		if err := sealSweep(tx, sweep); err != nil {
			return err
		}
	}
	return sealSweep(tx, r.sweep)
}

// countSeed gives an attempt that has none the first seed that no other run of its point has.
func countSeed(tx *tx, a *Attempt, but int64) error {
	const seeds = `SELECT DISTINCT t.seed FROM trial t JOIN run r ON r.trial_id = t.id WHERE t.point_key = ? AND r.deleted_at IS NULL AND r.id <> ?`
	if !a.Replicate {
		return nil
	}
	used, err := ids(tx, seeds, string(a.Trial.Point()), but)
	if err != nil {
		return err
	}
	taken := map[int64]bool{}
	for _, seed := range used {
		taken[seed] = true
	}
	a.Trial.Seed = firstFree(taken)
	return nil
}

// firstFree is the first seed, from 1, that is not taken.
func firstFree(taken map[int64]bool) int64 {
	seed := int64(1)
	for taken[seed] {
		seed++
	}
	return seed
}

// usedSeeds are the seeds that runs of points have, of the attempts that get the first other one. All are looked up at once: there is no index.
func usedSeeds(tx *tx, attempts []Attempt) (map[runner.Key]map[int64]bool, error) {
	used := map[runner.Key]map[int64]bool{}
	var points []any
	for _, a := range attempts {
		if a.Replicate && used[a.Trial.Point()] == nil {
			used[a.Trial.Point()] = map[int64]bool{}
			points = append(points, string(a.Trial.Point()))
		}
	}
	if len(points) == 0 {
		return used, nil
	}
	query := `SELECT DISTINCT t.point_key, t.seed FROM trial t JOIN run r ON r.trial_id = t.id WHERE r.deleted_at IS NULL AND t.point_key IN (` + list(len(points), "?") + `)`
	rows, err := tx.query(query, points...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var point string
		var seed int64
		if err := rows.Scan(&point, &seed); err != nil {
			return nil, err
		}
		used[runner.Key(point)][seed] = true
	}
	return used, rows.Err()
}

// enter begins a run of an attempt. The entry is to become a member of the recorder's sweep.
func (r *Recorder) enter(tx *tx, a *Attempt, used map[runner.Key]map[int64]bool) (*openRun, entry, error) {
	const (
		tries = `SELECT coalesce(max(attempt), 0) + 1 FROM run WHERE trial_id = ?`
		begin = `INSERT INTO run (token, trial_id, sweep_id, attempt, status, owner_id, environment_id, started_at) VALUES (?, ?, ?, ?, 'running', ?, ?, ?)`
	)
	point := a.Trial.Point()
	if a.Replicate {
		taken := used[point]
		a.Trial.Seed = firstFree(taken)
		taken[a.Trial.Seed] = true
	}
	entries := []entry{{trial: a.Trial, key: a.Trial.Key(), point: a.Trial.Point()}}
	if err := putTrials(tx, entries); err != nil {
		return nil, entry{}, err
	}
	environment, err := putEnvironment(tx, r.environment)
	if err != nil {
		return nil, entry{}, err
	}
	var try int
	if err := tx.one(tries, []any{entries[0].id}, &try); err != nil {
		return nil, entry{}, err
	}
	result, err := tx.exec(begin, a.Token, entries[0].id, r.sweep, try, r.store.owner.id, environment, a.Start.UnixMicro())
	if err != nil {
		return nil, entry{}, err
	}
	id, err := result.LastInsertId()
	return &openRun{id: id, trial: entries[0].id, lastEpoch: -1, again: true, attempt: true}, entries[0], err
}
