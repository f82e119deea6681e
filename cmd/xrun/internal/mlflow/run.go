package mlflow

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"sync"

	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/store/journal"
)

// A Pair is a param or a tag.
type Pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// A Metric is a value of one.
type Metric struct {
	Key   string         `json:"key"`
	Value journal.Number `json:"value"`
	At    int64          `json:"timestamp"` // ms since 1970
	Step  int64          `json:"step"`
}

// A Begin is what stays the same of a run.
type Begin struct {
	Run        string `json:"run_id"`
	Experiment string `json:"experiment_id"`
	Sweep      string `json:"sweep"` // the name under which xrun has the experiment
	User       string `json:"user,omitempty"`
	At         int64  `json:"start_time"`
}

// A Change is what a client has said of a run, or all that it has said so far.
type Change struct {
	Begin   *Begin            `json:"begin,omitempty"`
	Params  []Pair            `json:"params,omitempty"`
	Metrics []Metric          `json:"metrics,omitempty"`
	Tags    []Pair            `json:"tags,omitempty"`
	Untag   string            `json:"untag,omitempty"`
	Name    string            `json:"name,omitempty"`
	Status  string            `json:"status,omitempty"`
	Ended   int64             `json:"end_time,omitempty"`
	Stage   string            `json:"stage,omitempty"`
	Inputs  []json.RawMessage `json:"inputs,omitempty"`  // data sets
	Outputs []json.RawMessage `json:"outputs,omitempty"` // models
}

// States of a run.
const (
	Running   = "RUNNING"
	Scheduled = "SCHEDULED"
	Finished  = "FINISHED"
	Failed    = "FAILED"
	Killed    = "KILLED"
	active    = "active"
	deleted   = "deleted"

	tagName   = "mlflow.runName"
	tagParent = "mlflow.parentRunId"
)

// A Run is what is known of a run. Its methods want its lock held.
type Run struct {
	mu   sync.Mutex
	gone bool // it is no longer in memory: whoever has it looks it up again

	Begin
	Name   string
	Status string
	Ended  int64 // 0 while it runs
	Stage  string
	params []Pair
	param  map[string]string
	tags   map[string]string
	series map[string][]imported.Logged // as they came
	last   map[string]imported.Logged
	order  []string // of the metrics' first values

	inputs, outputs []json.RawMessage

	changes uint64 // counts them
}

// NewRun makes a run of changes.
func NewRun(changes ...Change) *Run {
	r := &Run{Status: Running, Stage: active, param: map[string]string{}, tags: map[string]string{}, series: map[string][]imported.Logged{}, last: map[string]imported.Logged{}}
	for _, c := range changes {
		r.apply(c)
	}
	return r
}

// apply makes a change that is right.
func (r *Run) apply(c Change) {
	r.changes++
	if c.Begin != nil {
		r.Begin = *c.Begin
	}
	for _, p := range c.Params {
		if _, known := r.param[p.Key]; !known {
			r.params = append(r.params, p)
		}
		r.param[p.Key] = p.Value
	}
	for _, m := range c.Metrics {
		v := imported.Logged{Step: m.Step, At: m.At, Value: float64(m.Value)}
		if _, known := r.series[m.Key]; !known {
			r.order = append(r.order, m.Key)
		}
		r.series[m.Key] = append(r.series[m.Key], v)
		if last, known := r.last[m.Key]; !known || later(v, last) > 0 {
			r.last[m.Key] = v
		}
	}
	for _, t := range c.Tags {
		r.tags[t.Key] = t.Value
		if t.Key == tagName {
			r.Name = t.Value
		}
	}
	if c.Untag != "" {
		delete(r.tags, c.Untag)
	}
	if c.Name != "" {
		r.Name, r.tags[tagName] = c.Name, c.Name
	}
	if c.Status != "" {
		r.Status = c.Status
		r.Ended = c.Ended
	}
	if c.Stage != "" {
		r.Stage = c.Stage
	}
	r.inputs, r.outputs = append(r.inputs, c.Inputs...), append(r.outputs, c.Outputs...)
}

// later compares two values as MLflow does for the latest one.
func later(a, b imported.Logged) int {
	return cmp.Or(cmp.Compare(a.Step, b.Step), cmp.Compare(a.At, b.At), cmp.Compare(a.Value, b.Value))
}

// check refuses a change that contradicts what is known.
func (r *Run) check(c Change) error {
	given := map[string]string{}
	for _, p := range c.Params {
		old, known := r.param[p.Key]
		if !known {
			old, known = given[p.Key]
		}
		if known && old != p.Value {
			return refuse(invalid, "Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for run ID='%s'. Attempted logging new value '%s'.",
				p.Key, clip(old), r.Run, clip(p.Value))
		}
		given[p.Key] = p.Value
	}
	if r.Stage == deleted && c.Stage == "" {
		return refuse(invalid, "The run %s must be in the 'active' state. Current state is deleted.", r.Run)
	}
	return nil
}

// A Snapshot is all of a run at one moment. It may be read without a lock.
type Snapshot struct {
	Begin
	Name, Status, Stage string
	Ended               int64
	Params              []Pair
	Tags                []Pair
	Metrics             []string // in the order of their first values
	Series              map[string][]imported.Logged
	Last                map[string]imported.Logged
	Inputs, Outputs     []json.RawMessage
	Changes             uint64
}

func (r *Run) snapshot() Snapshot {
	s := Snapshot{Begin: r.Begin, Name: r.Name, Status: r.Status, Stage: r.Stage, Ended: r.Ended, Params: slices.Clip(r.params), Metrics: slices.Clip(r.order),
		Series: maps.Clone(r.series), Last: maps.Clone(r.last), Inputs: slices.Clip(r.inputs), Outputs: slices.Clip(r.outputs), Changes: r.changes}
	for key, values := range s.Series {
		s.Series[key] = slices.Clip(values) // appended to, never changed
	}
	for _, key := range slices.Sorted(maps.Keys(r.tags)) {
		s.Tags = append(s.Tags, Pair{key, r.tags[key]})
	}
	return s
}

// Snapshot is all of a run now.
func (r *Run) Snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.snapshot()
}

// Over reports whether the client has ended the run.
func (s Snapshot) Over() bool { return s.Status != Running && s.Status != Scheduled }

// Nested reports whether the run has a parent.
func (s Snapshot) Nested() bool {
	return slices.ContainsFunc(s.Tags, func(t Pair) bool { return t.Key == tagParent })
}

// Whole is the change that makes the run of nothing; without its values, those of each metric's latest.
func (s Snapshot) Whole(values bool) Change {
	b := s.Begin
	c := Change{Begin: &b, Params: s.Params, Tags: s.Tags, Name: s.Name, Status: s.Status, Ended: s.Ended, Stage: s.Stage, Inputs: s.Inputs, Outputs: s.Outputs}
	for _, key := range s.Metrics {
		all := s.Series[key]
		if !values {
			all = []imported.Logged{s.Last[key]}
		}
		for _, v := range all {
			c.Metrics = append(c.Metrics, Metric{key, journal.Number(v.Value), v.At, v.Step})
		}
	}
	return c
}

// History is all values of a metric in the order of MLflow, each once.
func (s Snapshot) History(key string) []imported.Logged {
	all := slices.Clone(s.Series[key])
	slices.SortStableFunc(all, func(a, b imported.Logged) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Value, b.Value))
	})
	return slices.CompactFunc(all, func(a, b imported.Logged) bool {
		return a.Step == b.Step && a.At == b.At && math.Float64bits(a.Value) == math.Float64bits(b.Value)
	})
}

// Held is all of a run for a [Keeper] that is called while the run is locked.
func (r *Run) Held() Snapshot { return r.snapshot() }

// Restore makes a change that has been made before.
func (r *Run) Restore(c Change) { r.apply(c) }
