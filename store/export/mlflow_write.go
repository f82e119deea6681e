package export

import (
	"context"
	"fmt"
	"maps"
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
		names[i] = p.Key
	}
	for i, name := range mlflowNames(names) {
		e.renamed.add("xrun.param_name.", name, all[i].Key)
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
			err := e.log(ctx, mlflowBatch{RunID: id, Params: cutting}, e.width+1 == len(mlflowValues))
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
		names[i] = m.Metric
	}
	names = mlflowNames(names)
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
		err := e.log(ctx, batch, true)
		batch.Metrics = batch.Metrics[:0]
		return err
	}
	for _, metric := range slices.Sorted(maps.Keys(names)) {
		e.renamed.add("xrun.metric_name.", names[metric], metric)
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
	if err := e.server.Post(ctx, "runs/update", update, &struct{}{}); err != nil {
		return err
	}
	tags := []mlflowTagJSON{{"xrun.status", string(r.Status)}, {"xrun.reason", cut(r.Reason, mlflowTag)}, {"xrun.error", cut(r.Error, mlflowTag)},
		{"xrun.metric", cut(r.Metric, mlflowTag)}}
	if r.Keeps {
		tags = append(tags, mlflowTagJSON{"xrun.value", real(r.Kept.Value)}, mlflowTagJSON{"xrun.kept_epoch", strconv.Itoa(r.Kept.Epoch)})
	}
	tags = slices.DeleteFunc(append(tags, e.renamed...), func(t mlflowTagJSON) bool { return t.Value == "" })
	if ended && len(e.refused) == 0 {
		tags = append(tags, mlflowTagJSON{tagComplete, whole})
	}
	for batch := range slices.Chunk(tags, mlflowParams) {
		if err := e.log(ctx, mlflowBatch{RunID: id, Tags: batch}, true); err != nil {
			return err
		}
	}
	return nil
}

// log writes a batch. If the server refuses it for good and split is set, the parts are written one by one: those that are
// refused by themselves are noted, and no more is sent of a metric among them. An error ends the run.
func (e *mlflowExport) log(ctx context.Context, batch mlflowBatch, split bool) error {
	batch.Metrics = slices.DeleteFunc(slices.Clone(batch.Metrics), func(m mlflowMetricJSON) bool { return e.refused[m.Key] })
	if len(batch.Metrics)+len(batch.Params)+len(batch.Tags) == 0 {
		return nil
	}
	err := e.server.Post(ctx, "runs/log-batch", batch, &struct{}{})
	if err == nil {
		e.Points += int64(len(batch.Metrics))
		return nil
	}
	if !split || !refusesForGood(err) {
		return err
	}
	parts := batch.parts()
	if len(parts) > 1 {
		for _, part := range parts {
			if err := e.log(ctx, part, true); err != nil {
				return err
			}
		}
		return nil
	}
	name := parts[0].name()
	e.refused[name] = true
	e.note(fmt.Errorf("%q: %w", name, err))
	return nil
}

// parts divides a batch into one for each metric, param and tag.
func (b mlflowBatch) parts() (parts []mlflowBatch) {
	at := map[string]int{}
	for _, m := range b.Metrics {
		i, ok := at[m.Key]
		if !ok {
			i = len(parts)
			at[m.Key] = i
			parts = append(parts, mlflowBatch{RunID: b.RunID})
		}
		parts[i].Metrics = append(parts[i].Metrics, m)
	}
	for _, p := range b.Params {
		parts = append(parts, mlflowBatch{RunID: b.RunID, Params: []mlflowTagJSON{p}})
	}
	for _, t := range b.Tags {
		parts = append(parts, mlflowBatch{RunID: b.RunID, Tags: []mlflowTagJSON{t}})
	}
	return parts
}

// name is that of a part.
func (b mlflowBatch) name() string {
	switch {
	case len(b.Metrics) > 0:
		return b.Metrics[0].Key
	case len(b.Params) > 0:
		return b.Params[0].Key
	}
	return b.Tags[0].Key
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

// mlflowTags are tags with the names that MLflow does not accept, under the names that stand for them.
type mlflowTags []mlflowTagJSON

func (t *mlflowTags) add(prefix, name, original string) {
	if name != original {
		*t = append(*t, mlflowTagJSON{mlflowName(prefix + name), cut(original, mlflowTag)})
	}
}

// mlflowNames makes names that MLflow accepts of different names: different ones, in the same order.
func mlflowNames(names []string) []string {
	made, seen := make([]string, len(names)), map[string]bool{}
	for i, name := range names {
		base := mlflowName(name)
		made[i] = base
		for n := 2; seen[made[i]]; n++ {
			suffix := "_" + strconv.Itoa(n)
			made[i] = base[:min(len(base), mlflowKey-len(suffix))] + suffix
		}
		seen[made[i]] = true
	}
	return made
}

// mlflowName makes a name that MLflow accepts (validate_param_and_metric_name and path_not_unique in
// mlflow/utils/validation.py). Characters other than letters, digits, _ - . / and space become _; newer servers on Unix
// also take a colon and letters beyond ASCII. As the name must be the same when it is taken for a path, parts between
// slashes that are empty or one dot become _ too, and two dots at its beginning or as a part become __.
func mlflowName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("_-./ ", r) {
			return r
		}
		return '_'
	}, name)
	if name = mlflowPath(name); len(name) > mlflowKey {
		name = mlflowPath(name[:mlflowKey-1]) // which may add one
	}
	return name
}

func mlflowPath(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		switch part {
		case "", ".":
			parts[i] = "_"
		case "..":
			parts[i] = "__"
		}
	}
	name = strings.Join(parts, "/")
	if strings.HasPrefix(name, "..") {
		name = "__" + name[2:]
	}
	return name
}
