package store

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

// Curve reads a metric of a run in the order of epochs, bit for bit as it was recorded.
func (s *Store) Curve(ctx context.Context, runID int64, metric string) ([]runner.CurvePoint, error) {
	const query = `SELECT p.step, s.slot, p.special,
		CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
		            WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END
		FROM point p JOIN metric_slot s ON s.set_id = p.set_id
		WHERE p.run_id = ? AND s.metric_id = (SELECT id FROM metric WHERE name = ?) ORDER BY p.step`
	var curve []runner.CurvePoint
	err := s.each(ctx, "read curve", query, []any{runID, metric}, func(scan scanner) error {
		var step int64
		v, err := scanPoint(scan, &step)
		curve = append(curve, runner.CurvePoint{Epoch: int(step), Value: v})
		return err
	})
	return curve, err
}

// Curves reads a metric of every run of a sweep's trials, by run, each in the order of epochs. Runs
// that have not recorded it are missing from the map.
func (s *Store) Curves(ctx context.Context, sweepID int64, metric string) (map[int64][]runner.CurvePoint, error) {
	const query = `SELECT p.run_id, p.step, s.slot, p.special,
		CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
		            WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END
		FROM member m JOIN present_run r ON r.trial_id = m.trial_id JOIN point p ON p.run_id = r.id
		JOIN metric_slot s ON s.set_id = p.set_id
		WHERE m.sweep_id = ? AND s.metric_id = (SELECT id FROM metric WHERE name = ?) ORDER BY p.run_id, p.step`
	curves := map[int64][]runner.CurvePoint{}
	err := s.each(ctx, "read curves", query, []any{sweepID, metric}, func(scan scanner) error {
		var run, step int64
		v, err := scanPoint(func(dest ...any) error { return scan(append([]any{&run}, dest...)...) }, &step)
		curves[run] = append(curves[run], runner.CurvePoint{Epoch: int(step), Value: v})
		return err
	})
	return curves, err
}

// CurvesOf is Curves for chosen runs.
func (s *Store) CurvesOf(ctx context.Context, metric string, runs []int64) (map[int64][]runner.CurvePoint, error) {
	curves := map[int64][]runner.CurvePoint{}
	for _, run := range runs {
		curve, err := s.Curve(ctx, run, metric)
		if err != nil {
			return nil, err
		}
		curves[run] = curve
	}
	return curves, nil
}

// A MetricSummary is the summary of a metric of a run.
type MetricSummary struct {
	Metric string
	runner.Summary
}

// Metrics lists the metrics of a run, sorted by name.
func (s *Store) Metrics(ctx context.Context, runID int64) ([]MetricSummary, error) {
	const query = `SELECT m.name, u.first, u.last, u.min, u.min_step, u.max, u.max_step, u.mean, u.count
		FROM summary u JOIN metric m ON m.id = u.metric_id WHERE u.run_id = ? ORDER BY m.name`
	var all []MetricSummary
	err := s.each(ctx, "read metrics", query, []any{runID}, func(scan scanner) error {
		var m MetricSummary
		var first, last, low, high, mean real
		err := scan(&m.Metric, &first, &last, &low, &m.MinStep, &high, &m.MaxStep, &mean, &m.Count)
		m.First, m.Last, m.Min, m.Max, m.Mean = first.float(), last.float(), low.float(), high.float(), mean.float()
		all = append(all, m)
		return err
	})
	return all, err
}

// An Event is something that happened to a run.
type Event struct {
	At      time.Time
	Kind    string
	Epoch   int
	Message string
	Detail  string
}

// Events lists what happened to a run, in order.
func (s *Store) Events(ctx context.Context, runID int64) ([]Event, error) {
	const query = `SELECT at, kind, epoch, message, detail FROM event WHERE run_id = ? ORDER BY id`
	var all []Event
	err := s.each(ctx, "read events", query, []any{runID}, func(scan scanner) error {
		var e Event
		var at int64
		err := scan(&at, &e.Kind, &e.Epoch, &e.Message, &e.Detail)
		e.At = moment(at)
		all = append(all, e)
		return err
	})
	return all, err
}

// Coefficients are the factors of the parts of a run's penalty, the same for every convention of λ.
func (s *Store) Coefficients(ctx context.Context, runID int64) (map[string]float64, error) {
	const query = `SELECT part, value FROM coefficient WHERE run_id = ?`
	all := map[string]float64{}
	err := s.each(ctx, "read coefficients", query, []any{runID}, func(scan scanner) error {
		var part string
		var v float64
		err := scan(&part, &v)
		all[part] = v
		return err
	})
	return all, err
}

// Constants are what a constant predictor scores on the rows of runs, by run and metric.
func (s *Store) Constants(ctx context.Context, runs []int64) (map[int64]map[string]float64, error) {
	const query = `SELECT c.run_id, c.metric, c.value FROM json_each(?) j CROSS JOIN constant c ON c.run_id = j.value`
	list, err := json.Marshal(runs)
	if err != nil {
		return nil, err
	}
	all := map[int64]map[string]float64{}
	return all, s.each(ctx, "read constants", query, []any{string(list)}, func(scan scanner) error {
		var run int64
		var metric string
		var v float64
		err := scan(&run, &metric, &v)
		if all[run] == nil {
			all[run] = map[string]float64{}
		}
		all[run][metric] = v
		return err
	})
}

// EnvironmentOf reads the environment of a run.
func (s *Store) EnvironmentOf(ctx context.Context, runID int64) (Environment, error) {
	const query = `SELECT e.host, e.cpu, e.cores, e.os, e.arch, e.go_version, e.blas, e.xrun_version, e.git_commit, e.git_dirty
		FROM run r JOIN environment e ON e.id = r.environment_id WHERE r.id = ?`
	var e Environment
	found := false
	err := s.each(ctx, "read environment", query, []any{runID}, func(scan scanner) error {
		found = true
		return scan(&e.Host, &e.CPU, &e.Cores, &e.OS, &e.Arch, &e.GoVersion, &e.BLAS, &e.XrunVersion, &e.GitCommit, &e.GitDirty)
	})
	if err == nil && !found {
		err = &notFoundError{What: "run", Name: strconv.FormatInt(runID, 10)}
	}
	return e, err
}

// A Told is the last event of a kind that a run has, also of a deleted one.
type Told struct {
	Run    int64
	Token  string
	Detail string
}

// Told calls f with the last event of a kind of each run that has one, oldest run first; of the run of a token alone unless that is empty.
func (s *Store) Told(ctx context.Context, kind, token string, f func(Told) error) error {
	const (
		last = `SELECT r.id, r.token, e.detail FROM event e JOIN run r ON r.id = e.run_id
			WHERE e.id IN (SELECT max(id) FROM event WHERE kind = ?1 GROUP BY run_id) ORDER BY r.id`
		one = `SELECT r.id, r.token, e.detail FROM run r JOIN event e ON e.run_id = r.id WHERE r.token = ?2 AND e.kind = ?1 ORDER BY e.id DESC LIMIT 1`
	)
	query, args := last, []any{kind}
	if token != "" {
		query, args = one, []any{kind, token}
	}
	return s.each(ctx, "read events", query, args, func(scan scanner) error {
		var t Told
		if err := scan(&t.Run, &t.Token, &t.Detail); err != nil {
			return err
		}
		return f(t)
	})
}
