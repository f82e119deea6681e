package serving

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/mlflow"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/store/journal"
)

// facts are what the event [question.EventMLflow] says: the run as its client sees it, with the latest value of each metric. Of a metric whose values are recorded as
// they came, Times has the times by step: the first, and what follows each later. Of others Values has all values. First is the epoch of step 0.
type facts struct {
	Run    mlflow.Change        `json:"run"`
	First  int                  `json:"first_epoch,omitempty"`
	Times  map[string][]int64   `json:"times,omitempty"`
	Values map[string][]logged3 `json:"values,omitempty"`
}

// A logged3 is a step, a time and a value.
type logged3 imported.Logged

// MarshalJSON implements json.Marshaler.
func (l logged3) MarshalJSON() ([]byte, error) {
	value, err := json.Marshal(journal.Number(l.Value))
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "[%d,%d,%s]", l.Step, l.At, value), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *logged3) UnmarshalJSON(text []byte) error {
	var value journal.Number
	var step, at json.Number
	if err := json.Unmarshal(text, &[]any{&step, &at, &value}); err != nil {
		return err
	}
	var err error
	if l.Step, err = step.Int64(); err != nil {
		return err
	}
	l.At, err = at.Int64()
	l.Value = float64(value)
	return err
}

// factsOf are those of a run with its curves, in which step 0 is the epoch first.
func factsOf(s mlflow.Snapshot, curves map[string]imported.Curve, first int) (string, error) {
	f := facts{Run: s.Whole(false), First: first}
	for _, metric := range s.Metrics {
		c := curves[metric]
		all := s.History(metric)
		if c.Counted || c.Replaced > 0 || len(all) != len(c.Points) {
			if f.Values == nil {
				f.Values = map[string][]logged3{}
			}
			for _, v := range all {
				f.Values[metric] = append(f.Values[metric], logged3(v))
			}
			continue
		}
		slices.SortFunc(all, func(a, b imported.Logged) int { return int(max(-1, min(1, a.Step-b.Step))) })
		times := make([]int64, len(all))
		for i, v := range all {
			times[i] = v.At
			if i > 0 {
				times[i] -= all[i-1].At
			}
		}
		if f.Times == nil {
			f.Times = map[string][]int64{}
		}
		f.Times[metric] = times
	}
	text, err := json.Marshal(f)
	return string(text), err
}

// restored is the run of an event, with the values that the database has. It may be one that another has replaced.
func restored(ctx context.Context, db *store.Store, told store.Told) (*mlflow.Run, error) {
	var f facts
	if err := json.Unmarshal([]byte(told.Detail), &f); err != nil {
		return nil, fmt.Errorf("read what MLflow knows of run %d: %w", told.Run, err)
	}
	whole := f.Run
	latest := whole.Metrics
	whole.Metrics = nil
	reader, err := db.ReaderOfAll(ctx)
	if err != nil {
		return nil, err
	}
	values := map[string][]imported.Logged{}
	_, err = reader.Points(ctx, told.Run, func(step int, metrics []string, numbers []float64) error {
		for i, metric := range metrics {
			if times := f.Times[metric]; len(values[metric]) < len(times) {
				at := times[len(values[metric])]
				if n := len(values[metric]); n > 0 {
					at += values[metric][n-1].At
				}
				values[metric] = append(values[metric], imported.Logged{Step: int64(step - f.First), At: at, Value: numbers[i]})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, m := range latest { // in the order of the first values
		all := values[m.Key]
		for _, v := range f.Values[m.Key] {
			all = append(all, imported.Logged(v))
		}
		if len(all) == 0 { // its values are gone: another run counts instead
			all = []imported.Logged{{Step: m.Step, At: m.At, Value: float64(m.Value)}}
		}
		for _, v := range all {
			whole.Metrics = append(whole.Metrics, mlflow.Metric{Key: m.Key, Value: journal.Number(v.Value), At: v.At, Step: v.Step})
		}
	}
	return mlflow.NewRun(whole), nil
}

// sumOf is a sum over points of a curve.
func sumOf(sum uint64, c imported.Curve, from, to int) uint64 {
	for _, p := range c.Points[from:to] {
		sum = (sum ^ uint64(p.Epoch)) * 0x9E3779B97F4A7C15
		sum = (sum<<31 | sum>>33) ^ math.Float64bits(p.Value)
		sum *= 0xBF58476D1CE4E5B9
	}
	return sum
}
