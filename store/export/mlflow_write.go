package export

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// The limits of one request of runs/log-batch, and of its names and values.
const (
	mlflowMetrics = 1000
	mlflowParams  = 100
	mlflowKey     = 250
	mlflowTag     = 5000
)

// mlflowValues are the greatest lengths of values of params, in newer and older versions of MLflow.
var mlflowValues = []int{6000, 500, 250}

type mlflowTagJSON struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type mlflowMetricJSON struct {
	Key       string `json:"key"`
	Value     any    `json:"value"` // a number, or "NaN", "Infinity", "-Infinity"
	Timestamp int64  `json:"timestamp"`
	Step      int64  `json:"step"`
}

type mlflowBatch struct {
	RunID   string             `json:"run_id"`
	Metrics []mlflowMetricJSON `json:"metrics,omitempty"`
	Params  []mlflowTagJSON    `json:"params,omitempty"`
	Tags    []mlflowTagJSON    `json:"tags,omitempty"`
}

// params writes the settings. It can be repeated.
func (e *mlflowExport) params(ctx context.Context, r *store.Run, id string) error {
	settings, err := e.Store.TrialSettings(ctx, r.Trial)
	if err != nil {
		return err
	}
	all := []mlflowTagJSON{{"optimizer", r.Optimizer}, {"regularizer", r.Regularizer}, {"lr", plugins.Real(r.LR).String()}, {"lambda", plugins.Real(r.Lambda).String()}}
	for _, s := range settings {
		if s.Path != "lr" && s.Path != "lambda" {
			all = append(all, mlflowTagJSON{s.Path, s.Value.String()})
		}
	}
	all = slices.DeleteFunc(all, func(p mlflowTagJSON) bool { return p.Value == "" })
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = mlflowName(p.Key)
	}
	for i, name := range distinct(names) {
		all[i].Key = name
	}
	for batch := range slices.Chunk(all, mlflowParams) {
		for {
			cutting := slices.Clone(batch)
			shortened := 0
			for i := range cutting {
				if whole := cutting[i].Value; len(whole) > mlflowValues[e.width] {
					cutting[i].Value = cut(whole, mlflowValues[e.width])
					shortened++
				}
			}
			err := e.server.post(ctx, "runs/log-batch", mlflowBatch{RunID: id, Params: cutting}, &struct{}{})
			// Older servers take less.
			if hasCode(err, "INVALID_PARAMETER_VALUE") && e.width+1 < len(mlflowValues) && strings.Contains(strings.ToLower(err.Error()), "length") {
				e.width++
				continue
			}
			if err != nil {
				return err
			}
			e.Cut += shortened
			break
		}
	}
	return nil
}

// cut shortens a text, and marks it as cut.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	const mark = "…"
	return strings.ToValidUTF8(text[:most-len(mark)], "") + mark
}

// names are the names of a run's metrics on the server, in order.
func (e *mlflowExport) names(ctx context.Context, run int64) (map[string]string, error) {
	metrics, err := e.Store.Metrics(ctx, run)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = mlflowName(m.Metric)
	}
	distinct(names)
	all := map[string]string{}
	for i, m := range metrics {
		if e.wants(m.Metric) {
			all[m.Metric] = names[i]
		}
	}
	return all, nil
}

// points writes the values that the server lacks.
func (e *mlflowExport) points(ctx context.Context, r *store.Run, id string, was map[string]map[int64]bool) error {
	names, err := e.names(ctx, r.ID)
	if err != nil {
		return err
	}
	batch := mlflowBatch{RunID: id}
	flush := func() error {
		if len(batch.Metrics) == 0 {
			return nil
		}
		err := e.server.post(ctx, "runs/log-batch", batch, &struct{}{})
		if err == nil {
			e.Points += int64(len(batch.Metrics))
		}
		batch.Metrics = batch.Metrics[:0]
		return err
	}
	// When an epoch ended is not recorded. Every export writes the same times: servers compare them to find equal
	// values.
	start, each := r.StartedAt.UnixMilli(), int64(1)
	if r.Epochs > 0 && r.Status != runner.StatusRunning {
		each = max(1, r.Cost.Wall.Milliseconds()/int64(r.Epochs))
	}
	_, err = e.reader.Points(ctx, r.ID, func(step int, metrics []string, values []float64) error {
		for i, metric := range metrics {
			name, ok := names[metric]
			if !ok || was[name][int64(step)] {
				continue
			}
			batch.Metrics = append(batch.Metrics, mlflowMetricJSON{name, mlflowValue(values[i]), start + each*int64(step), int64(step)})
			if len(batch.Metrics) == mlflowMetrics {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

func mlflowValue(v float64) any {
	switch {
	case math.IsNaN(v):
		return "NaN"
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return v
}

// finish writes how a run ended, and last that it is complete.
func (e *mlflowExport) finish(ctx context.Context, r *store.Run, id, whole string, ended bool) error {
	update := map[string]any{"run_id": id, "run_uuid": id, "status": "RUNNING"}
	if ended {
		update["status"], update["end_time"] = mlflowStatus(r.Status), r.EndedAt.UnixMilli()
		if r.EndedAt.IsZero() { // its process died
			update["end_time"] = r.StartedAt.UnixMilli()
		}
	}
	if err := e.server.post(ctx, "runs/update", update, &struct{}{}); err != nil {
		return err
	}
	tags := []mlflowTagJSON{{"xrun.status", string(r.Status)}, {"xrun.reason", cut(r.Reason, mlflowTag)}, {"xrun.error", cut(r.Error, mlflowTag)},
		{"xrun.metric", cut(r.Metric, mlflowTag)}}
	if r.Keeps {
		tags = append(tags, mlflowTagJSON{"xrun.value", real(r.Kept.Value)}, mlflowTagJSON{"xrun.kept_epoch", strconv.Itoa(r.Kept.Epoch)})
	}
	if ended {
		tags = append(tags, mlflowTagJSON{tagComplete, whole})
	}
	tags = slices.DeleteFunc(tags, func(t mlflowTagJSON) bool { return t.Value == "" })
	return e.server.post(ctx, "runs/log-batch", mlflowBatch{RunID: id, Tags: tags}, &struct{}{})
}

// mlflowStatus is the nearest status of MLflow; the tag xrun.status has the exact one.
func mlflowStatus(s runner.Status) string {
	switch s {
	case runner.StatusFinished, runner.StatusStopped, runner.StatusPruned:
		return "FINISHED"
	case runner.StatusInterrupted:
		return "KILLED"
	case runner.StatusRunning:
		return "RUNNING"
	}
	return "FAILED" // diverged or failed
}

// mlflowName makes a name that MLflow accepts: letters, digits, _ - . / and space.
func mlflowName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("_-./ ", r) {
			return r
		}
		return '_'
	}, name)
	return name[:min(len(name), mlflowKey)]
}
