package mlflow

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// A model is what a client of MLflow 3 logs beside its runs. xrun keeps what is said of it, so that autologging goes on, and nothing else.
type model struct {
	Info modelInfo `json:"info"`
	Data modelData `json:"data"`
}

type modelInfo struct {
	ID         string `json:"model_id"`
	Experiment string `json:"experiment_id"`
	Name       string `json:"name"`
	Created    int64  `json:"creation_timestamp_ms"`
	Updated    int64  `json:"last_updated_timestamp_ms"`
	Location   string `json:"artifact_uri"`
	Status     string `json:"status"`
	Type       string `json:"model_type,omitempty"`
	Run        string `json:"source_run_id,omitempty"`
	Tags       []Pair `json:"tags"`
}

type modelData struct {
	Params []Pair `json:"params"`
}

// mostModels limits the memory for models.
const mostModels = 100_000

// RestoreModel takes up a model that [Keeper.PutModel] has kept.
func (s *Space) RestoreModel(text json.RawMessage) {
	var m model
	if json.Unmarshal(text, &m) == nil && m.Info.ID != "" {
		s.models[m.Info.ID] = &m
	}
}

func (s *Space) putModel(m model) (any, error) {
	m.Info.Updated = now()
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if err := s.keeper.PutModel(m.Info.ID, text); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.models[m.Info.ID] = &m
	return map[string]any{"model": m}, nil
}

func (s *Space) createModel(ctx context.Context, in message) (any, error) {
	experiment, err := in.text("experiment_id")
	if err != nil {
		return nil, err
	}
	if experiment == "" {
		experiment = DefaultID
	}
	e, err := s.experiment(ctx, experiment)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	full := len(s.models) >= mostModels
	s.mu.Unlock()
	if full {
		return nil, refuse(invalid, "there are %d logged models, and no more are kept", mostModels)
	}
	m := model{Info: modelInfo{ID: "m-" + newID(), Experiment: e.ID, Created: now(), Status: "LOGGED_MODEL_PENDING", Tags: []Pair{}}, Data: modelData{Params: []Pair{}}}
	for name, into := range map[string]*string{"name": &m.Info.Name, "model_type": &m.Info.Type, "source_run_id": &m.Info.Run} {
		if *into, err = in.text(name); err != nil {
			return nil, err
		}
	}
	if m.Info.Name == "" {
		m.Info.Name = newName()
	}
	m.Info.Location = s.location(m.Info.ID)
	params, err := in.pairs("params", mostItems, mostParam)
	if err != nil {
		return nil, err
	}
	tags, err := in.pairs("tags", mostItems, mostTag)
	if err != nil {
		return nil, err
	}
	m.Data.Params, m.Info.Tags = append(m.Data.Params, params...), append(m.Info.Tags, tags...)
	return s.putModel(m)
}

// modelAt answers what concerns one model, by the rest of its path.
func (s *Space) modelAt(method, rest string, in message) (any, error) {
	id, part, _ := strings.Cut(rest, "/")
	s.mu.Lock()
	found := s.models[id]
	var m model
	if found != nil {
		m = *found
		m.Info.Tags, m.Data.Params = slices.Clone(m.Info.Tags), slices.Clone(m.Data.Params)
	}
	s.mu.Unlock()
	if found == nil {
		return nil, refuse(missing, "Logged model with ID '%s' not found.", clip(id))
	}
	switch {
	case part == "" && method == "GET":
		return map[string]any{"model": m}, nil
	case part == "" && method == "PATCH":
		status, err := in.needed("status")
		if err != nil {
			return nil, err
		}
		m.Info.Status = status
	case part == "" && method == "DELETE":
		m.Info.Status = "LOGGED_MODEL_UPLOAD_FAILED"
	case part == "tags" && method == "PATCH":
		tags, err := in.pairs("tags", mostItems, mostTag)
		if err != nil {
			return nil, err
		}
		m.Info.Tags = merged(m.Info.Tags, tags)
	case part == "params" && method == "POST":
		params, err := in.pairs("params", mostItems, mostParam)
		if err != nil {
			return nil, err
		}
		m.Data.Params = merged(m.Data.Params, params)
	case strings.HasPrefix(part, "tags/") && method == "DELETE":
		m.Info.Tags = without(m.Info.Tags, strings.TrimPrefix(part, "tags/"))
	default:
		return nil, refuse(noEndpoint, "xrun has nothing at logged-models/%s", clip(rest))
	}
	return s.putModel(m)
}

func merged(have, more []Pair) []Pair {
	for _, p := range more {
		have = append(without(have, p.Key), p)
	}
	return have
}

func without(have []Pair, key string) []Pair {
	return slices.DeleteFunc(have, func(p Pair) bool { return p.Key == key })
}

var modelAttributes = map[string]bool{"name": false, "model_id": false, "model_name": false, "model_type": false, "source_run_id": false, "status": false,
	"creation_timestamp": true, "last_updated_timestamp": true}

// fieldsOfModel are the values of a model.
func fieldsOfModel(m *model) subject {
	return func(f field) (text string, x float64, isNumber, ok bool) {
		list := m.Info.Tags
		switch {
		case f.kind == ofParam:
			list = m.Data.Params
		case f.kind == ofAttribute && f.key == "creation_timestamp":
			return "", float64(m.Info.Created), true, true
		case f.kind == ofAttribute && f.key == "last_updated_timestamp":
			return "", float64(m.Info.Updated), true, true
		case f.kind == ofAttribute:
			return map[string]string{"name": m.Info.Name, "model_name": m.Info.Name, "model_id": m.Info.ID, "model_type": m.Info.Type, "source_run_id": m.Info.Run,
				"status": m.Info.Status}[f.key], 0, false, true
		}
		for _, p := range list {
			if p.Key == f.key {
				return p.Value, 0, false, true
			}
		}
		return "", 0, false, false
	}
}

// searchModels finds models. Clients look for them when they list the artifacts of a run.
func (s *Space) searchModels(_ context.Context, in message) (any, error) {
	ids, err := in.texts("experiment_ids")
	if err != nil {
		return nil, err
	}
	from, most, err := page(in, fewRuns, mostRuns)
	if err != nil {
		return nil, err
	}
	orders, err := in.objects("order_by")
	if err != nil {
		return nil, err
	}
	numeric := func(f field) bool { return f.kind == ofAttribute && modelAttributes[f.key] }
	by, err := parseCriteria(message{"filter": in["filter"]}, numeric, modelAttributes, ofParam, ofTag, ofAttribute)
	if err != nil {
		return nil, err
	}
	for _, one := range orders {
		name, err := one.needed("field_name")
		if err != nil {
			return nil, err
		}
		if _, known := modelAttributes[name]; !known {
			return nil, refuse(invalid, "xrun has no values of models, and orders them by one of their attributes, not by %q", clip(name))
		}
		by.order = append(by.order, ordering{field{ofAttribute, name}, string(one["ascending"]) == "false"})
	}
	s.mu.Lock()
	var found []model
	for _, m := range s.models {
		if slices.Contains(ids, m.Info.Experiment) && by.match(fieldsOfModel(m)) {
			found = append(found, *m)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b model) int {
		return cmp.Or(by.compare(fieldsOfModel(&a), fieldsOfModel(&b)), cmp.Compare(b.Info.Created, a.Info.Created), strings.Compare(a.Info.ID, b.Info.ID))
	})
	return paged("models", found, from, most, func(m model) model { return m }), nil
}
