package mlflow

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/store/imported"
)

// An endpoint answers a request with an object.
type endpoint func(s *Space, ctx context.Context, in message) (any, error)

// nothing is the answer without content: clients want an object.
var nothing = struct{}{}

// routes are the endpoints that a session of a client uses, by method and path below …/mlflow/.
var routes = map[string]endpoint{
	"POST experiments/create":                (*Space).createExperiment,
	"GET experiments/get":                    (*Space).getExperiment,
	"GET experiments/get-by-name":            (*Space).getExperimentByName,
	"POST experiments/search":                (*Space).searchExperiments,
	"GET experiments/search":                 (*Space).searchExperiments,
	"POST experiments/update":                (*Space).updateExperiment,
	"POST experiments/delete":                (*Space).deleteExperiment,
	"POST experiments/restore":               (*Space).restoreExperiment,
	"POST experiments/set-experiment-tag":    (*Space).setExperimentTag,
	"POST experiments/delete-experiment-tag": (*Space).deleteExperimentTag,
	"POST runs/create":                       (*Space).createRun,
	"GET runs/get":                           (*Space).getRun,
	"POST runs/update":                       (*Space).updateRun,
	"POST runs/delete":                       (*Space).deleteRun,
	"POST runs/restore":                      (*Space).restoreRun,
	"POST runs/search":                       (*Space).searchRuns,
	"POST runs/log-metric":                   (*Space).logMetric,
	"POST runs/log-parameter":                (*Space).logParam,
	"POST runs/log-batch":                    (*Space).logBatch,
	"POST runs/set-tag":                      (*Space).setTag,
	"POST runs/delete-tag":                   (*Space).deleteTag,
	"POST runs/log-inputs":                   (*Space).logInputs,
	"POST runs/outputs":                      (*Space).logOutputs,
	"POST runs/log-model":                    (*Space).logModel,
	"GET metrics/get-history":                (*Space).history,
	"POST logged-models":                     (*Space).createModel,
	"POST logged-models/search":              (*Space).searchModels,
}

// Route finds the endpoint of a request; nil if xrun has none.
func route(method, path string) func(s *Space, ctx context.Context, in message) (any, error) {
	if e := routes[method+" "+path]; e != nil {
		return e
	}
	if rest, ok := strings.CutPrefix(path, "logged-models/"); ok && rest != "search" {
		return func(s *Space, _ context.Context, in message) (any, error) { return s.modelAt(method, rest, in) }
	}
	return nil
}

func (s *Space) shownExperiment(e Experiment) map[string]any {
	location := e.Location
	if location == "" {
		location = s.location(e.ID)
	}
	tags := e.Tags
	if tags == nil {
		tags = []Pair{}
	}
	return map[string]any{"experiment_id": e.ID, "name": e.Name, "artifact_location": location, "lifecycle_stage": e.Stage,
		"creation_time": e.Created, "last_update_time": e.Updated, "tags": tags}
}

func (s *Space) createExperiment(ctx context.Context, in message) (any, error) {
	name, err := in.needed("name")
	if err != nil {
		return nil, err
	}
	if err := checkName("the name of the experiment", name); err != nil {
		return nil, err
	}
	e := Experiment{Name: name}
	if e.Location, err = in.text("artifact_location"); err != nil {
		return nil, err
	}
	if e.Tags, err = in.pairs("tags", mostTags, mostTag); err != nil {
		return nil, err
	}
	if e, err = s.enter(ctx, e); err != nil {
		return nil, err
	}
	return map[string]any{"experiment_id": e.ID}, nil
}

func checkName(what, name string) error {
	if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > mostName || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return refuse(invalid, "%s has to have 1 to %d characters that can be shown", what, mostName)
	}
	return nil
}

func (s *Space) getExperiment(ctx context.Context, in message) (any, error) {
	id, err := in.needed("experiment_id")
	if err != nil {
		return nil, err
	}
	e, err := s.experiment(ctx, id)
	if err != nil {
		return nil, err
	}
	return map[string]any{"experiment": s.shownExperiment(e)}, nil
}

func (s *Space) getExperimentByName(ctx context.Context, in message) (any, error) {
	name, err := in.needed("experiment_name")
	if err != nil {
		return nil, err
	}
	e, err := s.named(ctx, name)
	if err != nil {
		return nil, err
	}
	return map[string]any{"experiment": s.shownExperiment(e)}, nil
}

// amended changes the experiment of a request.
func (s *Space) amended(ctx context.Context, in message, how func(*Experiment) error) (any, error) {
	id, err := in.needed("experiment_id")
	if err != nil {
		return nil, err
	}
	return nothing, s.amend(ctx, id, how)
}

func (s *Space) updateExperiment(ctx context.Context, in message) (any, error) {
	name, err := in.needed("new_name")
	if err != nil {
		return nil, err
	}
	if err := checkName("the name of the experiment", name); err != nil {
		return nil, err
	}
	return s.amended(ctx, in, func(e *Experiment) error {
		if have, err := s.named(ctx, name); err == nil && have.ID != e.ID {
			return refuse(exists, "Experiment(name=%s) already exists.", name)
		}
		e.Name = name
		return nil
	})
}

func (s *Space) deleteExperiment(ctx context.Context, in message) (any, error) {
	return s.amended(ctx, in, func(e *Experiment) error {
		if e.ID == DefaultID {
			return refuse(invalid, "Cannot delete the default experiment")
		}
		e.Stage = deleted
		return nil
	})
}

func (s *Space) restoreExperiment(ctx context.Context, in message) (any, error) {
	return s.amended(ctx, in, func(e *Experiment) error { e.Stage = active; return nil })
}

func (s *Space) setExperimentTag(ctx context.Context, in message) (any, error) {
	p, err := in.pair(mostTag)
	if err != nil {
		return nil, err
	}
	return s.amended(ctx, in, func(e *Experiment) error {
		if len(e.Tags) >= mostItems {
			return refuse(invalid, "the experiment has %d tags, and takes no more", mostItems)
		}
		e.Tags = merged(e.Tags, []Pair{p})
		return nil
	})
}

func (s *Space) deleteExperimentTag(ctx context.Context, in message) (any, error) {
	key, err := in.needed("key")
	if err != nil {
		return nil, err
	}
	return s.amended(ctx, in, func(e *Experiment) error { e.Tags = without(e.Tags, key); return nil })
}

// shownInfo is a run without its data.
func (s *Space) shownInfo(r Snapshot) map[string]any {
	info := map[string]any{"run_id": r.Run, "run_uuid": r.Run, "run_name": r.Name, "experiment_id": r.Experiment, "user_id": r.User, "status": r.Status,
		"start_time": r.At, "artifact_uri": s.location(r.Run), "lifecycle_stage": r.Stage}
	if r.Ended != 0 {
		info["end_time"] = r.Ended
	}
	return info
}

type shownMetric struct {
	Key   string `json:"key"`
	Value number `json:"value"`
	At    int64  `json:"timestamp"`
	Step  int64  `json:"step"`
}

func shown(key string, v imported.Logged) shownMetric {
	return shownMetric{key, number(v.Value), v.At, v.Step}
}

func (s *Space) shownRun(r Snapshot) map[string]any {
	metrics := make([]shownMetric, 0, len(r.Metrics))
	for _, key := range r.Metrics {
		metrics = append(metrics, shown(key, r.Last[key]))
	}
	list := func(pairs []Pair) []Pair { return append([]Pair{}, pairs...) }
	raw := func(all []json.RawMessage) []json.RawMessage { return append([]json.RawMessage{}, all...) }
	return map[string]any{"info": s.shownInfo(r), "data": map[string]any{"metrics": metrics, "params": list(r.Params), "tags": list(r.Tags)},
		"inputs": map[string]any{"dataset_inputs": raw(r.Inputs)}, "outputs": map[string]any{"model_outputs": raw(r.Outputs)}}
}

func (s *Space) createRun(ctx context.Context, in message) (any, error) {
	experiment, err := in.text("experiment_id")
	if err != nil {
		return nil, err
	}
	if experiment == "" {
		experiment = DefaultID
	}
	c := Change{Begin: &Begin{}}
	if c.Begin.User, err = in.text("user_id"); err != nil {
		return nil, err
	}
	if c.Name, err = in.text("run_name"); err != nil {
		return nil, err
	}
	if c.Name != "" {
		if err := checkName("run_name", c.Name); err != nil {
			return nil, err
		}
	}
	if c.Begin.At, err = in.integer("start_time", now()); err != nil {
		return nil, err
	}
	if c.Begin.At < 0 || c.Begin.At > lastTime {
		return nil, refuse(invalid, "'start_time' is no time in milliseconds since 1970: %d", c.Begin.At)
	}
	if c.Tags, err = in.pairs("tags", mostItems, mostTag); err != nil {
		return nil, err
	}
	r, err := s.create(ctx, experiment, c)
	if err != nil {
		return nil, err
	}
	return map[string]any{"run": s.shownRun(r)}, nil
}

// lastTime is the end of the year 9999, in ms.
const lastTime = 253_402_300_799_999

func (s *Space) getRun(ctx context.Context, in message) (any, error) {
	id, err := in.run()
	if err != nil {
		return nil, err
	}
	r, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	return map[string]any{"run": s.shownRun(r.snapshot())}, nil
}

// said makes a change of the run of a request.
func (s *Space) said(ctx context.Context, in message, c Change) (any, error) {
	id, err := in.run()
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, id, c)
	return nothing, err
}

func (s *Space) updateRun(ctx context.Context, in message) (any, error) {
	id, err := in.run()
	if err != nil {
		return nil, err
	}
	var c Change
	if c.Status, err = in.text("status"); err != nil {
		return nil, err
	}
	states := []string{Running, Scheduled, Finished, Failed, Killed}
	if n, err := strconv.Atoi(c.Status); err == nil && n >= 1 && n <= len(states) { // protobuf has numbers for them
		c.Status = states[n-1]
	}
	if c.Status != "" && !slices.Contains(states, c.Status) {
		return nil, refuse(invalid, "'status' is %q, and not one of %s", clip(c.Status), strings.Join(states, ", "))
	}
	if c.Ended, err = in.integer("end_time", 0); err != nil {
		return nil, err
	}
	if c.Ended < 0 || c.Ended > lastTime {
		return nil, refuse(invalid, "'end_time' is no time in milliseconds since 1970: %d", c.Ended)
	}
	if c.Status == Running || c.Status == Scheduled || c.Status == "" {
		c.Ended = 0
	} else if c.Ended == 0 {
		c.Ended = now()
	}
	if c.Name, err = in.text("run_name"); err != nil {
		return nil, err
	}
	if c.Name != "" {
		if err := checkName("run_name", c.Name); err != nil {
			return nil, err
		}
	}
	r, err := s.change(ctx, id, c)
	if err != nil {
		return nil, err
	}
	return map[string]any{"run_info": s.shownInfo(r)}, nil
}

func (s *Space) deleteRun(ctx context.Context, in message) (any, error) {
	return s.said(ctx, in, Change{Stage: deleted})
}

func (s *Space) restoreRun(ctx context.Context, in message) (any, error) {
	return s.said(ctx, in, Change{Stage: active})
}

func (s *Space) logMetric(ctx context.Context, in message) (any, error) {
	v, err := in.metric()
	if err != nil {
		return nil, err
	}
	return s.said(ctx, in, Change{Metrics: []Metric{v}})
}

func (s *Space) logParam(ctx context.Context, in message) (any, error) {
	p, err := in.pair(mostParam)
	if err != nil {
		return nil, err
	}
	return s.said(ctx, in, Change{Params: []Pair{p}})
}

func (s *Space) logBatch(ctx context.Context, in message) (any, error) {
	var c Change
	var err error
	if c.Metrics, err = in.metrics(); err != nil {
		return nil, err
	}
	if c.Params, err = in.pairs("params", mostParams, mostParam); err != nil {
		return nil, err
	}
	if c.Tags, err = in.pairs("tags", mostTags, mostTag); err != nil {
		return nil, err
	}
	if n := len(c.Metrics) + len(c.Params) + len(c.Tags); n > mostItems {
		return nil, refuse(invalid, "A batch logging request can contain at most %d metrics, params, and tags in total. Got %d", mostItems, n)
	}
	return s.said(ctx, in, c)
}

func (s *Space) setTag(ctx context.Context, in message) (any, error) {
	p, err := in.pair(mostTag)
	if err != nil {
		return nil, err
	}
	return s.said(ctx, in, Change{Tags: []Pair{p}})
}

func (s *Space) deleteTag(ctx context.Context, in message) (any, error) {
	key, err := in.needed("key")
	if err != nil {
		return nil, err
	}
	id, err := in.run()
	if err != nil {
		return nil, err
	}
	r, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	_, known := r.tags[key]
	r.mu.Unlock()
	if !known {
		return nil, refuse(missing, "No tag with name: %s in run with id %s", clip(key), id)
	}
	_, err = s.change(ctx, id, Change{Untag: key})
	return nothing, err
}

// kept are objects of a request that are answered as they came.
func kept(in message, name string) (all []json.RawMessage, err error) {
	list, err := in.objects(name)
	if err != nil {
		return nil, err
	}
	if len(list) > mostItems {
		return nil, refuse(invalid, "%q has more than %d items", name, mostItems)
	}
	for _, one := range list {
		all = append(all, quoted(one))
	}
	return all, nil
}

func (s *Space) logInputs(ctx context.Context, in message) (any, error) {
	sets, err := kept(in, "datasets")
	if err != nil {
		return nil, err
	}
	return s.said(ctx, in, Change{Inputs: sets})
}

func (s *Space) logOutputs(ctx context.Context, in message) (any, error) {
	list, err := in.objects("models")
	if err != nil {
		return nil, err
	}
	var c Change
	for _, one := range list { // protobuf of a client reads them again: nothing but what it knows
		id, err := one.needed("model_id")
		if err != nil {
			return nil, err
		}
		step, err := one.integer("step", 0)
		if err != nil {
			return nil, err
		}
		c.Outputs = append(c.Outputs, quoted(map[string]any{"model_id": id, "step": step}))
	}
	return s.said(ctx, in, c)
}

// logModel takes what clients of MLflow 2 say of a model: a tag, as MLflow has it.
func (s *Space) logModel(ctx context.Context, in message) (any, error) {
	text, err := in.needed("model_json")
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(text)) || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return nil, refuse(invalid, "'model_json' is no JSON object")
	}
	id, err := in.run()
	if err != nil {
		return nil, err
	}
	const tag = "mlflow.log-model.history"
	r, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	var before []json.RawMessage
	json.Unmarshal([]byte(r.tags[tag]), &before) // none if there is none
	r.mu.Unlock()
	all := string(quoted(append(before, json.RawMessage(text))))
	if len(all) > maxBody {
		return nothing, nil // MLflow 3 has no use for it
	}
	_, err = s.change(ctx, id, Change{Tags: []Pair{{tag, all}}})
	return nothing, err
}

func (s *Space) history(ctx context.Context, in message) (any, error) {
	id, err := in.run()
	if err != nil {
		return nil, err
	}
	key, err := in.needed("metric_key")
	if err != nil {
		return nil, err
	}
	from, most, err := page(in, mostHistory, mostHistory)
	if err != nil {
		return nil, err
	}
	r, err := s.find(ctx, id)
	if err != nil {
		return nil, err
	}
	all := r.snapshot()
	r.mu.Unlock()
	return paged("metrics", all.History(key), from, most, func(v imported.Logged) shownMetric { return shown(key, v) }), nil
}

// page reads which part of a list is asked for.
func page(in message, otherwise, most int) (from, count int, err error) {
	n, err := in.integer("max_results", int64(otherwise))
	if err != nil {
		return 0, 0, err
	}
	if n < 1 || n > int64(most) {
		return 0, 0, refuse(invalid, "Invalid value %d for parameter 'max_results' supplied: it has to be from 1 to %d", n, most)
	}
	text, err := in.text("page_token")
	if err != nil || text == "" {
		return 0, int(n), err
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		from, err = strconv.Atoi(string(plain))
	}
	const farthest = 1 << 48 // beyond any list, and far from where numbers end
	if err != nil || from < 0 || from > farthest {
		return 0, 0, refuse(invalid, "Invalid page token %q", clip(text))
	}
	return from, int(n), nil
}

// paged is the answer with a page of a list, as clients see its members, and the token of the next page if there is one.
func paged[T, U any](name string, all []T, from, most int, shown func(T) U) map[string]any {
	last := min(len(all), from+most)
	part := []U{}
	for _, v := range all[min(from, last):last] {
		part = append(part, shown(v))
	}
	answer := map[string]any{name: part}
	if last < len(all) {
		answer["next_page_token"] = token(last)
	}
	return answer
}

// token is the page token of the part that begins at a place.
func token(from int) string { return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(from))) }
