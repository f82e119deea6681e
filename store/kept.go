package store

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
)

// keeps reads which epoch of their runs sweeps keep, by sweep.
func (s *Store) keeps(ctx context.Context) (map[int64]runner.Keep, error) {
	all := map[int64]runner.Keep{}
	err := s.each(ctx, "read sweeps", `SELECT id, metric, goal, at FROM sweep`, nil, func(scan scanner) error {
		var id int64
		var metric, goal, at string
		err := scan(&id, &metric, &goal, &at)
		all[id] = runner.Keep{Metric: metric, Goal: stop.Goal(goal), At: runner.At(at)}
		return err
	})
	return all, err
}

// KeptValues reads a metric of a sweep's runs at the kept epoch of each, by run. Runs without a kept epoch, or without
// the metric there, are missing from the map. Of what a run has one value of, that counts.
func (s *Store) KeptValues(ctx context.Context, sweepID int64, metric string) (map[int64]float64, error) {
	const query = `SELECT r.id, r.kept_epoch, u.min, coalesce(u.min_step, 0), u.max, coalesce(u.max_step, 0), u.first, coalesce(u.count, 0)
		FROM member m JOIN present_run r ON r.trial_id = m.trial_id
		LEFT JOIN summary u ON u.run_id = r.id AND u.metric_id = (SELECT id FROM metric WHERE name = ?)
		WHERE m.sweep_id = ? AND r.kept_epoch IS NOT NULL`
	values := map[int64]float64{}
	var rest []int64
	err := s.each(ctx, "read values", query, []any{metric, sweepID}, func(scan scanner) error {
		var run int64
		var epoch int
		var low, high, first real
		var u runner.Summary
		err := scan(&run, &epoch, &low, &u.MinStep, &high, &u.MaxStep, &first, &u.Count)
		u.Min, u.Max, u.First = low.float(), high.float(), first.float()
		if v, ok := valueAt(u, epoch); ok {
			values[run] = v
		} else {
			rest = append(rest, run)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return values, s.keptPoints(ctx, metric, rest, values)
}

// keptPoints adds the value that each run has of a metric after its epoch that counts. It reads a page of the
// database for each run, so it is for those whose summary does not tell.
func (s *Store) keptPoints(ctx context.Context, metric string, runs []int64, values map[int64]float64) error {
	const query = `SELECT p.run_id, s.slot, p.special,
		CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
		            WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END
		FROM json_each(?) j CROSS JOIN run r ON r.id = j.value JOIN point p ON p.run_id = r.id AND p.step = r.kept_epoch
		JOIN metric_slot s ON s.set_id = p.set_id
		WHERE s.metric_id = (SELECT id FROM metric WHERE name = ?)`
	if len(runs) == 0 {
		return nil
	}
	slices.Sort(runs) // their points are in this order
	list, err := json.Marshal(runs)
	if err != nil {
		return err
	}
	return s.each(ctx, "read values", query, []any{string(list), metric}, func(scan scanner) error {
		var run int64
		v, err := scanPoint(scan, &run)
		values[run] = v
		return err
	})
}

// valuesOfKept gives results the value of a metric that is not that of the sweeps which ran them.
func (s *Store) valuesOfKept(ctx context.Context, metric string, results []runner.Result) error {
	var rest []int64
	for i := range results {
		if r := &results[i]; r.Keeps {
			var ok bool
			if r.Kept.Value, ok = valueAt(r.Summary, r.Kept.Epoch); !ok {
				rest = append(rest, r.RunID)
			}
		}
	}
	values := make(map[int64]float64, len(rest))
	err := s.keptPoints(ctx, metric, rest, values)
	for i := range results {
		if v, ok := values[results[i].RunID]; ok {
			results[i].Kept.Value = v
		}
	}
	return err
}

// recount finds the epoch that counts for a sweep of runs that have no parameters of ours, and the value of a metric
// there.
func (s *Store) recount(ctx context.Context, sweepID int64, metric string, keep runner.Keep, results []runner.Result) error {
	const query = `SELECT r.id FROM member m JOIN present_run r ON r.trial_id = m.trial_id
		WHERE m.sweep_id = ? AND NOT EXISTS (SELECT 1 FROM artifact a WHERE a.run_id = r.id AND a.name = 'best')`
	free := map[int64]bool{}
	err := s.each(ctx, "read runs", query, []any{sweepID}, func(scan scanner) error {
		var run int64
		err := scan(&run)
		free[run] = true
		return err
	})
	if err != nil || len(free) == 0 {
		return err
	}
	own, err := s.Curves(ctx, sweepID, keep.Metric)
	if err != nil {
		return err
	}
	asked := own
	if metric != keep.Metric {
		if asked, err = s.Curves(ctx, sweepID, metric); err != nil {
			return err
		}
	}
	for i := range results {
		r := &results[i]
		if !free[r.RunID] {
			continue
		}
		if r.Kept, r.Keeps = keep.Value(r.Status, own[r.RunID]); r.Keeps {
			r.Kept.Value, _ = runner.ValueAt(asked[r.RunID], r.Kept.Epoch)
		}
	}
	return nil
}

// valuesIn gives runs that a sweep with another metric has run the values that they have in this one, as Results does.
func (s *Store) valuesIn(ctx context.Context, sweepID int64, runs []Run) error {
	keeps, err := s.keeps(ctx)
	if err != nil || !slices.ContainsFunc(runs, func(r Run) bool { return keeps[r.SweepID] != keeps[sweepID] }) {
		return err
	}
	metric := keeps[sweepID].Metric
	results, err := s.Results(ctx, sweepID, metric)
	if err != nil {
		return err
	}
	of := make(map[int64]runner.Result, len(results))
	for _, r := range results {
		of[r.RunID] = r
	}
	for i := range runs {
		if r, ok := of[runs[i].ID]; ok {
			runs[i].Metric, runs[i].Keeps, runs[i].Kept = metric, r.Keeps, r.Kept
		}
	}
	return nil
}
