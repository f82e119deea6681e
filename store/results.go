package store

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/runner"
)

// Results lists the trials of a sweep in its order, with a metric of each. The run knows its kept epoch. For a program,
// which keeps no parameters here, the sweep decides instead: another sweep may have run it, with another metric.
func (s *Store) Results(ctx context.Context, sweepID int64, metric string) ([]runner.Result, error) {
	// The rows are sorted here, not by SQLite, which would copy all columns to do so. Mostly they come in this order.
	const query = `SELECT m.position, t.id, t.key, t.point_key, m.optimizer_label, coalesce(m.regularizer_label, ''), t.lr, t.lambda, t.seed, t.arithmetic,
		coalesce(r.sweep_id, 0), r.kept_epoch, r.value, coalesce(r.id, 0), coalesce(r.status, ''), coalesce(r.reason, ''), coalesce(r.epochs, 0), coalesce(r.wall_ns, 0), coalesce(r.plugin_ns, 0),
		u.first, u.last, u.min, coalesce(u.min_step, 0), u.max, coalesce(u.max_step, 0), u.mean, coalesce(u.count, 0)
		FROM member m JOIN trial t ON t.id = m.trial_id LEFT JOIN present_run r ON r.trial_id = t.id
		LEFT JOIN summary u ON u.run_id = r.id AND u.metric_id = (SELECT id FROM metric WHERE name = ?)
		WHERE m.sweep_id = ?`
	var rows []resultRow
	var key, point, optimizer, regularizer, status, reason sql.RawBytes
	shared := names{}
	keeps, err := s.keeps(ctx)
	if err != nil {
		return nil, err
	}
	settled, err := s.settled(ctx, query)
	if err != nil {
		return nil, err
	}
	var others, unlike bool // values of another metric are asked for; runs of sweeps that keep another epoch
	err = s.each(ctx, "read results", settled, []any{metric, sweepID}, func(scan scanner) error {
		var row resultRow
		var ran int64
		var keptEpoch sql.NullInt64
		var first, last, low, high, mean, value real
		r := &row.Result
		u := &r.Summary
		if err := scan(&row.position, &row.trial, &key, &point, &optimizer, &regularizer, &r.LR, &r.Lambda, &r.Seed, &r.Arithmetic,
			&ran, &keptEpoch, &value, &r.RunID, &status, &reason, &r.Epochs, &r.Wall, &r.Plugin,
			&first, &last, &low, &u.MinStep, &high, &u.MaxStep, &mean, &u.Count); err != nil {
			return err
		}
		r.Trial, r.Point = runner.Key(key), runner.Key(point)
		r.Optimizer, r.Regularizer = shared.of(optimizer), shared.of(regularizer)
		r.Status, r.Reason = runner.Status(shared.of(status)), shared.of(reason)
		r.Found = u.Count > 0
		u.First, u.Last, u.Min, u.Max, u.Mean = first.float(), last.float(), low.float(), high.float(), mean.float()
		if keptEpoch.Valid {
			r.Keeps, r.Kept = true, runner.Kept{Epoch: int(keptEpoch.Int64), Value: value.float()}
			others = others || keeps[ran].Metric != metric
		}
		unlike = unlike || ran != 0 && keeps[ran] != keeps[sweepID]
		rows = append(rows, row)
		return nil
	})
	all := attemptsThatCount(rows)
	if err == nil && others {
		err = s.valuesOfKept(ctx, metric, all)
	}
	if err == nil && unlike {
		err = s.recount(ctx, sweepID, metric, keeps[sweepID], all)
	}
	return all, err
}

// A resultRow is an attempt at a trial of a sweep, or a trial without one.
type resultRow struct {
	runner.Result
	position, trial int64
}

// attemptsThatCount are the results of trials in the order of their sweep: of each, that of its best attempt.
func attemptsThatCount(rows []resultRow) []runner.Result {
	order := func(a, b resultRow) int {
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.trial, b.trial), cmp.Compare(a.RunID, b.RunID))
	}
	if !slices.IsSortedFunc(rows, order) {
		slices.SortFunc(rows, order)
	}
	all := make([]runner.Result, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		switch {
		case i == 0 || r.trial != rows[i-1].trial:
			all = append(all, r.Result)
		case r.Status.CountsOver(all[len(all)-1].Status):
			all[len(all)-1] = r.Result
		case r.Status == runner.StatusRunning:
			all[len(all)-1].Again = &r.Result
		}
	}
	return all
}

// Summaries reads the summaries of metrics of all runs of a sweep's trials, by run and by name. No names mean all
// metrics. Metrics that a run has not recorded are missing from its map.
func (s *Store) Summaries(ctx context.Context, sweepID int64, metrics []string) (map[int64]map[string]runner.Summary, error) {
	query, args := `SELECT u.run_id, u.metric_id, u.first, u.last, u.min, u.min_step, u.max, u.max_step, u.mean, u.count
		FROM member m JOIN present_run r ON r.trial_id = m.trial_id JOIN summary u ON u.run_id = r.id WHERE m.sweep_id = ?`, []any{sweepID}
	names, ids := map[int64]string{}, []string{}
	err := s.each(ctx, "read metrics", `SELECT id, name FROM metric`, nil, func(scan scanner) error {
		var id int64
		var name string
		err := scan(&id, &name)
		if len(metrics) == 0 || slices.Contains(metrics, name) {
			names[id] = name
			ids = append(ids, strconv.FormatInt(id, 10))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(metrics) > 0 {
		query += ` AND u.metric_id IN (` + strings.Join(ids, ", ") + `)`
	}
	all := map[int64]map[string]runner.Summary{}
	err = s.each(ctx, "read summaries", query, args, func(scan scanner) error {
		var run, metric int64
		var first, last, low, high, mean real
		var u runner.Summary
		err := scan(&run, &metric, &first, &last, &low, &u.MinStep, &high, &u.MaxStep, &mean, &u.Count)
		u.First, u.Last, u.Min, u.Max, u.Mean = first.float(), last.float(), low.float(), high.float(), mean.float()
		of := all[run]
		if of == nil {
			of = make(map[string]runner.Summary, len(ids))
			all[run] = of
		}
		of[names[metric]] = u
		return err
	})
	return all, err
}

// ValueAt reads a metric of a sweep's runs at one epoch, by run. Runs that ended before it are missing from the
// map.
func (s *Store) ValueAt(ctx context.Context, sweepID int64, metric string, epoch int) (map[int64]float64, error) {
	const query = `SELECT p.run_id, s.slot, p.special,
		CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
		            WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END
		FROM member m JOIN present_run r ON r.trial_id = m.trial_id JOIN point p ON p.run_id = r.id AND p.step = ?
		JOIN metric_slot s ON s.set_id = p.set_id
		WHERE m.sweep_id = ? AND s.metric_id = (SELECT id FROM metric WHERE name = ?)`
	values := map[int64]float64{}
	err := s.each(ctx, "read values", query, []any{epoch, sweepID, metric}, func(scan scanner) error {
		var run int64
		v, err := scanPoint(scan, &run)
		values[run] = v
		return err
	})
	return values, err
}

// scanPoint reads a row of id, slot, special bits, and value.
func scanPoint(scan scanner, id *int64) (float64, error) {
	var slot int
	var packed sql.RawBytes
	var v real
	if err := scan(id, &slot, &packed, &v); err != nil {
		return math.NaN(), err
	}
	if packed != nil {
		if exact, ok, err := special(packed, slot); ok || err != nil {
			return exact, err
		}
	}
	return v.float(), nil
}
