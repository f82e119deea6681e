package store

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// A Run is one attempt at a trial.
type Run struct {
	ID          int64
	Trial       runner.Key
	Point       runner.Key
	SweepID     int64
	Sweep       string // name
	SweepTitle  string // its name, or NAME@ID if a later sweep has the same name
	Optimizer   string // label
	Regularizer string // label; empty without a penalty
	LR, Lambda  float64
	Seed        int64
	Attempt     int // from 1
	Status      runner.Status
	Reason      string
	Error       string
	Epochs      int
	Metric      string // of the sweep that ran it, or whose trials were asked for
	Keeps       bool   // whether Kept is set
	Kept        runner.Kept
	StartedAt   time.Time
	EndedAt     time.Time // zero while it runs
	Cost        runner.Cost
}

// A RunQuery chooses runs.
type RunQuery struct {
	Sweep  int64           // runs of this sweep; 0 is all
	Trials int64           // runs of the trials of this sweep, by any sweep, with its labels and values; 0 is all
	Point  runner.Key      // runs of the trials of this point; empty is all
	Best   bool            // only the attempt of each trial that counts
	Status []runner.Status // empty is all
	Limit  int             // 0 is none
	Where  Condition       // nil is all
	Newest bool            // newest first
}

const selectRuns = `SELECT r.id, t.key, t.point_key, r.sweep_id, coalesce(m.optimizer_label, t.optimizer),
	coalesce(m.regularizer_label, t.regularizer, ''), t.lr, t.lambda, t.seed, r.attempt, r.status, r.reason, r.error,
	r.epochs, r.kept_epoch, r.value, r.started_at, coalesce(r.ended_at, 0), r.steps, r.gradient_evals, r.wall_ns, r.plugin_ns, r.transport_ns
	FROM present_run r JOIN trial t ON t.id = r.trial_id
	LEFT JOIN member m ON m.sweep_id = r.sweep_id AND m.trial_id = r.trial_id`

// Runs lists runs, oldest first unless asked otherwise.
func (s *Store) Runs(ctx context.Context, q RunQuery) ([]Run, error) {
	of := selectRuns
	if q.Trials != 0 {
		of = strings.Replace(of, `LEFT JOIN member m ON m.sweep_id = r.sweep_id`, `JOIN member m ON m.sweep_id = `+strconv.FormatInt(q.Trials, 10), 1)
	}
	query, args := of+` WHERE 1`, []any(nil)
	if q.Where != nil {
		f, err := s.finder(ctx)
		if err != nil {
			return nil, err
		}
		where, values, err := q.Where.SQL(f.column)
		if err != nil {
			return nil, err
		}
		query, args = of+strings.Join(f.joins, "")+` WHERE `+where, values
	}
	if q.Sweep != 0 {
		query += ` AND r.sweep_id = ?`
		args = append(args, q.Sweep)
	}
	if q.Point != "" {
		query += ` AND t.point_key = ?`
		args = append(args, string(q.Point))
	}
	if len(q.Status) > 0 {
		query += ` AND r.status IN (` + list(len(q.Status), "?") + `)`
		for _, status := range q.Status {
			args = append(args, string(status))
		}
	}
	query += ` ORDER BY r.id`
	if q.Newest {
		query += ` DESC`
	}
	if q.Limit > 0 {
		query += ` LIMIT ?`
		args = append(args, q.Limit)
	}
	room := q.Limit
	if room == 0 && q.Where == nil && q.Trials == 0 && q.Point == "" {
		const count = `SELECT count(*) FROM present_run WHERE ?1 = 0 OR sweep_id = ?1`
		err := s.each(ctx, "count runs", count, []any{q.Sweep}, func(scan scanner) error { return scan(&room) })
		if err != nil {
			return nil, err
		}
	}
	found, err := s.runs(ctx, room, query, args...)
	if err == nil && q.Trials != 0 {
		err = s.valuesIn(ctx, q.Trials, found)
	}
	if err != nil || !q.Best {
		return found, err
	}
	best, err := s.bestAttempts(ctx)
	return slices.DeleteFunc(found, func(r Run) bool { return best[r.Trial] != r.ID }), err
}

// bestAttempts chooses the attempt of every trial that counts: done before running before the rest, later before
// earlier.
func (s *Store) bestAttempts(ctx context.Context) (map[runner.Key]int64, error) {
	const query = `SELECT t.key, r.id, r.status FROM present_run r JOIN trial t ON t.id = r.trial_id ORDER BY r.id`
	settled, err := s.settled(ctx, query)
	if err != nil {
		return nil, err
	}
	best, status := map[runner.Key]int64{}, map[runner.Key]runner.Status{}
	err = s.each(ctx, "read runs", settled, nil, func(scan scanner) error {
		var key, now string
		var id int64
		err := scan(&key, &id, &now)
		if k, s := runner.Key(key), runner.Status(now); err == nil && s.CountsOver(status[k]) {
			best[k], status[k] = id, s
		}
		return err
	})
	return best, err
}

// Run finds a run by its id.
func (s *Store) Run(ctx context.Context, id int64) (Run, error) {
	found, err := s.runs(ctx, 1, selectRuns+` WHERE r.id = ?`, id)
	if err == nil && len(found) == 0 {
		err = &notFoundError{What: "run", Name: strconv.FormatInt(id, 10)}
	}
	if err != nil {
		return Run{}, err
	}
	return found[0], nil
}

// shortestPrefix is the least number of digits of a trial's key; fewer are the id of a run.
const shortestPrefix = 4

// FindRun finds a run by its id, or the best attempt at the trial whose key begins with name. A name that could be
// both is an id.
func (s *Store) FindRun(ctx context.Context, name string) (Run, error) {
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		run, err := s.Run(ctx, id)
		if err == nil || len(name) < shortestPrefix || Unavailable(err) {
			return run, err
		}
	}
	missing := &notFoundError{What: "run", Name: name}
	if len(name) < shortestPrefix || strings.Trim(name, "0123456789abcdef") != "" {
		return Run{}, missing
	}
	found, err := s.runs(ctx, 1, selectRuns+` WHERE t.key >= ? AND t.key < ? ORDER BY r.id LIMIT 1000`, name, name+"g")
	if err != nil {
		return Run{}, err
	}
	var best Run
	for _, run := range found {
		switch {
		case best.Trial != "" && best.Trial != run.Trial:
			return Run{}, &notFoundError{What: "one run for", Name: name, Known: []string{string(best.Trial), string(run.Trial)}}
		case run.Status.CountsOver(best.Status):
			best = run
		}
	}
	if best.ID == 0 {
		return Run{}, missing
	}
	return best, nil
}

// FindPoint finds the point whose key begins with name.
func (s *Store) FindPoint(ctx context.Context, name string) (runner.Key, error) {
	if len(name) < shortestPrefix || strings.Trim(name, "0123456789abcdef") != "" { // no key begins so
		return "", &notFoundError{What: "run", Name: name}
	}
	var found []string
	const query = `SELECT DISTINCT t.point_key FROM present_run r JOIN trial t ON t.id = r.trial_id WHERE t.point_key >= ? AND t.point_key < ? LIMIT 2`
	err := s.each(ctx, "read points", query, []any{name, name + "g"}, func(scan scanner) error {
		var key string
		err := scan(&key)
		found = append(found, key)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case len(found) > 1:
		return "", &notFoundError{What: "one point for", Name: name, Known: found}
	case len(found) == 0:
		return "", &notFoundError{What: "run or point", Name: name}
	}
	return runner.Key(found[0]), nil
}

// runs reads runs. It makes room for about as many: growing costs as much as reading.
func (s *Store) runs(ctx context.Context, room int, query string, args ...any) ([]Run, error) {
	type named struct{ name, title, metric string }
	sweeps := map[int64]named{} // a join would look each run's name up again
	err := s.each(ctx, "read sweeps", `SELECT id, name, `+titleOf+`, metric FROM sweep`, nil, func(scan scanner) error {
		var id int64
		var sweep named
		err := scan(&id, &sweep.name, &sweep.title, &sweep.metric)
		sweeps[id] = sweep
		return err
	})
	if err != nil {
		return nil, err
	}
	if query, err = s.settled(ctx, query); err != nil {
		return nil, err
	}
	all := make([]Run, 0, min(room, 1<<20))
	// Repeated text is copied once: a listing has few different names.
	var key, point, optimizer, regularizer, status, reason, fault sql.RawBytes
	shared := names{}
	err = s.each(ctx, "read runs", query, args, func(scan scanner) error {
		var r Run
		var started, ended, wall, plugin, transport int64
		var keptEpoch sql.NullInt64
		var value real
		err := scan(&r.ID, &key, &point, &r.SweepID, &optimizer, &regularizer, &r.LR, &r.Lambda, &r.Seed,
			&r.Attempt, &status, &reason, &fault, &r.Epochs, &keptEpoch, &value, &started, &ended,
			&r.Cost.Steps, &r.Cost.GradientEvals, &wall, &plugin, &transport)
		r.Cost.Wall, r.Cost.Plugin, r.Cost.Transport = time.Duration(wall), time.Duration(plugin), time.Duration(transport)
		r.Trial, r.Point = runner.Key(key), runner.Key(point)
		if keptEpoch.Valid {
			r.Keeps, r.Kept = true, runner.Kept{Epoch: int(keptEpoch.Int64), Value: value.float()}
		}
		of := sweeps[r.SweepID]
		r.Sweep, r.SweepTitle, r.Metric = of.name, of.title, of.metric
		r.Optimizer, r.Regularizer = shared.of(optimizer), shared.of(regularizer)
		r.Status, r.Reason, r.Error = runner.Status(shared.of(status)), string(reason), string(fault)
		r.StartedAt, r.EndedAt = moment(started), moment(ended)
		all = append(all, r)
		return err
	})
	return all, err
}

// names keeps one copy of each text.
type names map[string]string

func (n names) of(text []byte) string {
	if known, ok := n[string(text)]; ok {
		return known
	}
	copied := string(text)
	n[copied] = copied
	return copied
}
