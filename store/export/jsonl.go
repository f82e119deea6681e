package export

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/store"
)

// A number is a float64 in JSON: NaN is null, and the infinities are the texts "+Inf" and "-Inf". Others have a point
// or an exponent, so that readers can tell reals from integers, and -0.0 keeps its sign.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(n)), nil }

// A runLine is a run as a line of JSON.
type runLine struct {
	RunID       int64              `json:"run_id"`
	TrialKey    string             `json:"trial_key"`
	Sweep       string             `json:"sweep"`
	Optimizer   string             `json:"optimizer"`
	Regularizer *string            `json:"regularizer"`
	LR          number             `json:"lr"`
	Lambda      number             `json:"lambda"`
	Seed        int64              `json:"seed"`
	Attempt     int                `json:"attempt"`
	Status      string             `json:"status"`
	Reason      string             `json:"reason"`
	Error       string             `json:"error"`
	Epochs      int                `json:"epochs"`
	Metric      string             `json:"metric"`
	Value       number             `json:"value"`      // of metric after kept_epoch
	KeptEpoch   *int               `json:"kept_epoch"` // null if no epoch counts
	Steps       int64              `json:"steps"`
	StartedAt   time.Time          `json:"started_at"`
	EndedAt     *time.Time         `json:"ended_at"`
	Wall        number             `json:"wall_seconds"`
	Settings    map[string]any     `json:"settings"`
	Best        map[string]inBrief `json:"best"`
	Curves      map[string]*curve  `json:"curves"`
}

// inBrief is the summary of a metric, as in the view best.
type inBrief struct {
	First   number `json:"first"`
	Last    number `json:"last"`
	Min     number `json:"min"`
	MinStep *int   `json:"min_step"` // null without a minimum
	Max     number `json:"max"`
	MaxStep *int   `json:"max_step"`
	Mean    number `json:"mean"`
	Count   int    `json:"count"`
}

// epochOf is the epoch of a value; nil for NaN.
func epochOf(value float64, epoch int) *int {
	if math.IsNaN(value) {
		return nil
	}
	return &epoch
}

type curve struct {
	Step  []int   `json:"step"`
	Value numbers `json:"value"`
}

// numbers are written like number.
type numbers []float64

// MarshalJSON implements json.Marshaler.
func (n numbers) MarshalJSON() ([]byte, error) {
	text := make([]byte, 1, 2+20*len(n))
	text[0] = '['
	for i, x := range n {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendNumber(text, x)
	}
	return append(text, ']'), nil
}

func appendNumber(dst []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, "null"...)
	case math.IsInf(x, 0):
		return strconv.AppendQuote(dst, strconv.FormatFloat(x, 'g', -1, 64))
	}
	return appendReal(dst, x)
}

// JSONLines writes every run as one line, with its settings, the summaries of its metrics, and its curves. It holds the
// curves of one run at a time.
func (s *Source) JSONLines(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	reader, err := s.Store.Reader(ctx)
	if err != nil {
		return err
	}
	curves := map[string]*curve{} // reused for the next run
	err = s.each(ctx, func(r *store.Run, _ []plugins.Value) error {
		line := runLine{RunID: r.ID, TrialKey: string(r.Trial), Sweep: r.Sweep, Optimizer: r.Optimizer, LR: number(r.LR), Lambda: number(r.Lambda), Seed: r.Seed,
			Attempt: r.Attempt, Status: string(r.Status), Reason: r.Reason, Error: r.Error, Epochs: r.Epochs, Metric: r.Metric, Value: number(math.NaN()), Steps: r.Cost.Steps,
			StartedAt: r.StartedAt, Wall: number(r.Cost.Wall.Seconds()), Settings: map[string]any{}, Best: map[string]inBrief{}, Curves: map[string]*curve{}}
		if r.Keeps {
			line.Value, line.KeptEpoch = number(r.Kept.Value), &r.Kept.Epoch
		}
		if r.Regularizer != "" {
			line.Regularizer = &r.Regularizer
		}
		if !r.EndedAt.IsZero() {
			line.EndedAt = &r.EndedAt
		}
		settings, err := s.Store.TrialSettings(ctx, r.Trial)
		if err != nil {
			return err
		}
		for _, setting := range settings {
			line.Settings[setting.Path] = typed(setting.Value)
		}
		metrics, err := s.Store.Metrics(ctx, r.ID)
		if err != nil {
			return err
		}
		for _, m := range metrics {
			if s.wants(m.Metric) {
				line.Best[m.Metric] = inBrief{number(m.First), number(m.Last), number(m.Min), epochOf(m.Min, m.MinStep), number(m.Max), epochOf(m.Max, m.MaxStep), number(m.Mean), m.Count}
			}
		}
		_, err = reader.Points(ctx, r.ID, func(step int, names []string, values []float64) error {
			for i, name := range names {
				c := line.Curves[name]
				if c == nil {
					if !s.wants(name) {
						continue
					}
					if c = curves[name]; c == nil {
						c = &curve{}
						curves[name] = c
					}
					c.Step, c.Value = c.Step[:0], c.Value[:0]
					line.Curves[name] = c
				}
				c.Step, c.Value = append(c.Step, step), append(c.Value, values[i])
			}
			return nil
		})
		if err != nil {
			return err
		}
		return e.Encode(line)
	})
	if err != nil {
		return err
	}
	return out.Flush()
}

// typed is a setting's value in its JSON type.
func typed(v plugins.Value) any {
	switch v.Type {
	case plugins.TypeReal:
		return number(v.Real)
	case plugins.TypeInteger:
		return v.Integer
	case plugins.TypeFlag:
		return v.Flag
	}
	return v.Text
}
