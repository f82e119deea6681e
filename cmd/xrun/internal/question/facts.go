package question

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// EventMLflow is the kind of the event of a run that a client of MLflow has logged: what it knows of the run beyond its values, as JSON.
const EventMLflow = "mlflow"

// facts are the values of names in expressions, for the trials of sweeps.
type facts struct {
	results   map[runner.Key]*runner.Result
	points    map[runner.Key][]*runner.Result // by point
	axes      map[runner.Key][]runner.Setting
	given     map[runner.Key][]runner.Setting // settings, by trial
	summaries map[int64]map[string]runner.Summary
	kept      map[string]map[int64]float64 // metrics after the kept epoch, by run
	runs      map[int64]store.Run
	folded    map[string]plugins.Value // of a metric over the seeds of a point, by point and name
	stat      compare.Stat
}

// facts reads the values of the names in expressions.
func (c *comparison) facts(ctx context.Context, results []runner.Result, roots []where.Node) (*facts, error) {
	f := &facts{results: map[runner.Key]*runner.Result{}, points: map[runner.Key][]*runner.Result{}, axes: c.ask.Axes, stat: c.ask.Stat,
		given: map[runner.Key][]runner.Setting{}, summaries: map[int64]map[string]runner.Summary{}, kept: map[string]map[int64]float64{}, folded: map[string]plugins.Value{}}
	for i := range results {
		r := &results[i]
		f.results[r.Trial] = r
		f.points[r.Point] = append(f.points[r.Point], r)
	}
	var paths, metrics []string
	whole := false
	for _, root := range roots {
		where.Walk(root, func(n where.Node) bool {
			name, ok := n.(*where.Name)
			if !ok {
				return true
			}
			if path, ok := where.Grid.Of(name.Name); ok && c.known.Settings[path] != nil {
				paths = append(paths, path)
			}
			if metric := metricOf(name.Name, c.known.Metrics); metric != "" {
				metrics = append(metrics, metric)
			}
			if fact, ok := where.Run.Of(name.Name); ok && slices.Contains([]string{"steps", "error", "attempt", "started_at", "ended_at", "sweep"}, fact) {
				whole = true
			}
			return true
		})
	}
	for _, s := range c.sweeps {
		if len(paths) > 0 {
			settings, err := c.db.Settings(ctx, s.ID, paths)
			if err != nil {
				return nil, err
			}
			maps.Copy(f.given, settings)
		}
		if len(metrics) > 0 {
			summaries, err := c.db.Summaries(ctx, s.ID, metrics)
			if err != nil {
				return nil, err
			}
			maps.Copy(f.summaries, summaries)
		}
	}
	for _, metric := range metrics {
		if f.kept[metric] != nil {
			continue
		}
		values, err := c.keptValues(ctx, metric)
		if err != nil {
			return nil, err
		}
		f.kept[metric] = values
	}
	if whole {
		f.runs = map[int64]store.Run{}
		for _, sweep := range c.sweeps {
			runs, err := c.db.Runs(ctx, store.RunQuery{Trials: sweep.ID})
			if err != nil {
				return nil, err
			}
			for _, r := range runs {
				f.runs[r.ID] = r
			}
		}
	}
	return f, nil
}

// keptValues are the values of a metric after the kept epoch of each run. The epoch of a program is
// chosen by the metric itself.
func (c *comparison) keptValues(ctx context.Context, metric string) (map[int64]float64, error) {
	all := map[int64]float64{}
	if c.ask.Command {
		results, err := c.results(ctx, metric)
		for _, r := range results {
			if r.Keeps {
				all[r.RunID] = r.Kept.Value
			}
		}
		return all, err
	}
	for _, s := range c.sweeps {
		values, err := c.db.KeptValues(ctx, s.ID, metric)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, values)
	}
	return all, nil
}

// metricOf is the metric in a name; empty for other names.
func metricOf(name string, metrics []string) string {
	if call, ok := where.CallOf(name); ok {
		name = call.Metric
	}
	if metric, ok := where.Metric.Of(name); ok && slices.Contains(metrics, metric) {
		return metric
	}
	return ""
}

// pointsWhere are the results for which a condition holds. Unless it names seed, it holds for all trials of a point or
// for none: a point must not lose the seeds that failed.
func (f *facts) pointsWhere(results []runner.Result, filter *where.Expression) []runner.Result {
	seeds := false
	where.Walk(filter.Root, func(n where.Node) bool {
		name, ok := n.(*where.Name)
		seeds = seeds || ok && name.Name == "seed"
		return true
	})
	holds := make([]bool, len(results))
	all := map[runner.Key]bool{}
	for i := range results {
		holds[i] = filter.Evaluate(f.ofPoint(&results[i]))
		before, seen := all[results[i].Point]
		all[results[i].Point] = holds[i] && (before || !seen)
	}
	var kept []runner.Result
	for i, r := range results {
		if seeds && holds[i] || !seeds && all[r.Point] {
			kept = append(kept, r)
		}
	}
	return kept
}

// ofTrial looks names up for one trial.
func (f *facts) ofTrial(r *runner.Result) func(string) (plugins.Value, bool) {
	return func(name string) (plugins.Value, bool) {
		if v, known := f.fact(r, name); known {
			return v, !v.IsZero()
		}
		return f.metric(r, name)
	}
}

// numericOutcomes are the numbers of a run besides its metrics.
var numericOutcomes = []string{"epochs", "kept_epoch", "best_epoch", "steps", "wall_seconds"}

// ofPoint looks names up for a trial, but metrics and other outcomes for its point, as the statistic over its seeds. A
// condition on a metric thus holds for all seeds of a point or for none, and picks no lucky ones.
func (f *facts) ofPoint(r *runner.Result) func(string) (plugins.Value, bool) {
	return func(name string) (plugins.Value, bool) {
		v, known := f.fact(r, name)
		if fact, ok := where.Run.Of(name); known && !(ok && slices.Contains(numericOutcomes, fact)) {
			return v, !v.IsZero()
		}
		key := string(r.Point) + name
		v, ok := f.folded[key]
		if !ok {
			var values []float64
			v = plugins.Value{}
			for _, seed := range f.points[r.Point] {
				v, ok := f.fact(seed, name)
				if !ok {
					v, ok = f.metric(seed, name)
				}
				if ok && !v.IsZero() && seed.Status.Done() {
					values = append(values, numeric(v))
				}
			}
			if len(values) > 0 {
				v = plugins.Real(f.stat.Of(values))
			}
			f.folded[key] = v
		}
		return v, !v.IsZero()
	}
}

func numeric(v plugins.Value) float64 {
	if v.Type == plugins.TypeInteger {
		return float64(v.Integer)
	}
	return v.Real
}

// fact is the value of a name for a trial, without its metrics. The zero Value is a known name without a value.
func (f *facts) fact(r *runner.Result, name string) (v plugins.Value, known bool) {
	text := func(s string) (plugins.Value, bool) {
		if s == "" {
			return plugins.Value{}, true
		}
		return plugins.Text(s), true
	}
	if fact, ok := where.Run.Of(name); ok {
		switch fact {
		case "optimizer":
			return text(r.Optimizer)
		case "regularizer":
			return text(r.Regularizer)
		case "trial":
			return text(string(r.Trial))
		case "lr":
			return plugins.Real(r.LR), true
		case "lambda":
			return plugins.Real(r.Lambda), true
		case "seed":
			return plugins.Integer(r.Seed), true
		case "run", "status", "reason", "epochs", "kept_epoch", "best_epoch", "wall_seconds", "steps", "error", "attempt", "started_at", "ended_at", "sweep":
			if r.RunID == 0 {
				return plugins.Value{}, true
			}
			return f.ofRun(r, fact)
		}
	}
	if path, ok := where.Grid.Of(name); ok {
		for _, list := range [][]runner.Setting{f.axes[r.Point], f.given[r.Trial]} {
			for _, s := range list {
				if s.Path == path {
					return s.Value, true
				}
			}
		}
	}
	return plugins.Value{}, false
}

// ofRun is a fact of the run that a result is from.
func (f *facts) ofRun(r *runner.Result, name string) (plugins.Value, bool) {
	run := f.runs[r.RunID]
	text := ""
	switch name {
	case "run":
		return plugins.Integer(r.RunID), true
	case "epochs":
		return plugins.Integer(int64(r.Epochs)), true
	case "kept_epoch", "best_epoch": // as it was called before
		if !r.Keeps {
			return plugins.Value{}, true
		}
		return plugins.Integer(int64(r.Kept.Epoch)), true
	case "wall_seconds":
		return plugins.Real(r.Wall.Seconds()), true
	case "steps":
		return plugins.Integer(run.Cost.Steps), true
	case "attempt":
		return plugins.Integer(int64(run.Attempt)), true
	case "status":
		text = string(r.Status)
	case "reason":
		text = r.Reason
	case "error":
		text = run.Error
	case "sweep":
		text = run.Sweep
	case "started_at":
		text = run.StartedAt.UTC().Format(where.TimeFormat)
	case "ended_at":
		if !run.EndedAt.IsZero() {
			text = run.EndedAt.UTC().Format(where.TimeFormat)
		}
	}
	if text == "" {
		return plugins.Value{}, true
	}
	return plugins.Text(text), true
}

// metric is the value of a metric's name for a run: after the kept epoch, or as a call asks.
func (f *facts) metric(r *runner.Result, name string) (plugins.Value, bool) {
	call, isCall := where.CallOf(name)
	if !isCall {
		metric, _ := where.Metric.Of(name)
		v, ok := f.kept[metric][r.RunID]
		return plugins.Real(v), ok && !math.IsNaN(v)
	}
	s, ok := f.summaries[r.RunID][call.Metric]
	if !ok {
		return plugins.Value{}, false
	}
	if call.Step {
		return plugins.Integer(int64(map[string]int{"min": s.MinStep, "max": s.MaxStep}[call.Func])), true
	}
	if call.Func == "count" {
		return plugins.Integer(int64(s.Count)), true
	}
	v := map[string]float64{"min": s.Min, "max": s.Max, "first": s.First, "last": s.Last, "mean": s.Mean}[call.Func]
	return plugins.Real(v), !math.IsNaN(v)
}
