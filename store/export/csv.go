package export

import (
	"bufio"
	"context"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// identity are the columns that identify the run in every table of values.
var identity = []string{"run_id", "sweep", "trial_key", "optimizer", "regularizer", "lr", "lambda", "seed", "status"}

// LongCSV writes one row for every value: the run, its settings, metric, step and value. Step is the epoch; 0 is
// before training. A missing cell is empty; NaN is NaN.
func (s *Source) LongCSV(ctx context.Context, w io.Writer) error {
	out := newRows(w, append(append([]string{}, identity...), distinctFrom(identity, s.Settings, "metric", "step", "value")...))
	reader, err := s.Store.Reader(ctx)
	if err != nil {
		return err
	}
	err = s.each(ctx, func(r *store.Run, settings []plugins.Value) error {
		out.begin(r, settings)
		_, err := reader.Points(ctx, r.ID, func(step int, metrics []string, values []float64) error {
			for i, metric := range metrics {
				if !s.wants(metric) {
					continue
				}
				out.resume()
				out.text(metric)
				out.integer(int64(step))
				out.real(values[i])
				if err := out.end(); err != nil {
					return err
				}
			}
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	return out.w.Flush()
}

// StepsCSV writes one row for every epoch of a run, with a column for every metric.
func (s *Source) StepsCSV(ctx context.Context, w io.Writer) error {
	metrics := s.columns()
	out := newRows(w, append(append([]string{}, identity...), distinctFrom(identity, s.Settings, append([]string{"step"}, metrics...)...)...))
	at := map[string]int{}
	for i, metric := range metrics {
		at[metric] = i
	}
	reader, err := s.Store.Reader(ctx)
	if err != nil {
		return err
	}
	row, has := make([]float64, len(metrics)), make([]bool, len(metrics))
	err = s.each(ctx, func(r *store.Run, settings []plugins.Value) error {
		out.begin(r, settings)
		now := -1
		flush := func() error {
			if now < 0 {
				return nil
			}
			out.resume()
			out.integer(int64(now))
			for i, v := range row {
				if has[i] {
					out.real(v)
				} else {
					out.text("")
				}
			}
			clear(has)
			return out.end()
		}
		_, err := reader.Points(ctx, r.ID, func(step int, names []string, values []float64) error {
			if step != now {
				if err := flush(); err != nil {
					return err
				}
				now = step
			}
			for i, name := range names {
				if column, ok := at[name]; ok {
					row[column], has[column] = values[i], true
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return out.w.Flush()
}

// inShort are the columns of a metric in WideCSV.
var inShort = []string{"first", "last", "min", "min_step", "max", "max_step", "mean"}

// WideCSV writes one row for every run, with the summaries of its metrics: val_loss.min, val_loss.min_step and so on.
// It does not read the values of a run, and so does not compare them with its hash.
func (s *Source) WideCSV(ctx context.Context, w io.Writer) error {
	facts := []string{"metric", "value", "kept_epoch", "attempt", "epochs", "steps", "wall_seconds"}
	metrics := s.columns()
	var columns []string
	for _, metric := range metrics {
		for _, of := range inShort {
			columns = append(columns, metric+"."+of)
		}
	}
	out := newRows(w, append(append([]string{}, identity...), distinctFrom(identity, s.Settings, append(facts, columns...)...)...))
	err := s.each(ctx, func(r *store.Run, settings []plugins.Value) error {
		found, err := s.Store.Metrics(ctx, r.ID)
		if err != nil {
			return err
		}
		summaries := map[string]runner.Summary{}
		for _, m := range found {
			summaries[m.Metric] = m.Summary
		}
		out.begin(r, settings)
		out.resume()
		out.text(r.Metric)
		if r.Keeps {
			out.real(r.Kept.Value)
			out.integer(int64(r.Kept.Epoch))
		} else {
			out.text("")
			out.text("")
		}
		out.integer(int64(r.Attempt))
		out.integer(int64(r.Epochs))
		out.integer(r.Cost.Steps)
		out.real(r.Cost.Wall.Seconds())
		for _, metric := range metrics {
			u, ok := summaries[metric]
			if !ok {
				for range inShort {
					out.text("")
				}
				continue
			}
			out.real(u.First)
			out.real(u.Last)
			out.extreme(u.Min, u.MinStep)
			out.extreme(u.Max, u.MaxStep)
			out.real(u.Mean)
		}
		return out.end()
	})
	if err != nil {
		return err
	}
	return out.w.Flush()
}

// distinctFrom is distinct for the names of settings and those after them; the names before them stay.
func distinctFrom(taken, settings []string, more ...string) []string {
	all := append(append(append([]string{}, taken...), more...), settings...)
	distinct(all)
	more, settings = all[len(taken):len(taken)+len(more)], all[len(taken)+len(more):]
	return append(append([]string{}, settings...), more...)
}

// rows writes the CSV of RFC 4180, with \n at the ends of lines. The cells that all rows of a run share are made once.
type rows struct {
	w    *bufio.Writer
	line []byte
	same int // bytes of line that all rows of the run share
	err  error
}

func newRows(w io.Writer, head []string) *rows {
	r := &rows{w: bufio.NewWriterSize(w, 1<<16)}
	for _, name := range head {
		r.text(name)
	}
	r.err = r.end()
	return r
}

// begin makes the columns of identity and settings.
func (r *rows) begin(run *store.Run, settings []plugins.Value) {
	r.line = r.line[:0]
	r.integer(run.ID)
	r.text(run.Sweep)
	r.text(string(run.Trial))
	r.text(run.Optimizer)
	r.text(run.Regularizer)
	r.real(run.LR)
	r.real(run.Lambda)
	r.integer(run.Seed)
	r.text(string(run.Status))
	for _, v := range settings {
		if v.Type == plugins.TypeChoice || v.Type == plugins.TypeText {
			r.text(text(v))
		} else {
			r.raw(text(v))
		}
	}
	r.same = len(r.line)
}

func (r *rows) resume() { r.line = r.line[:r.same] }

func (r *rows) end() error {
	if r.err == nil && len(r.line) > 0 {
		r.line[len(r.line)-1] = '\n' // instead of the last comma
		_, r.err = r.w.Write(r.line)
	}
	return r.err
}

func (r *rows) raw(s string)    { r.line = append(append(r.line, s...), ',') }
func (r *rows) integer(n int64) { r.line = append(strconv.AppendInt(r.line, n, 10), ',') }
func (r *rows) real(x float64)  { r.line = append(appendReal(r.line, x), ',') }
func (r *rows) text(s string)   { r.line = append(appendCell(r.line, s), ',') }
func (r *rows) extreme(x float64, step int) {
	r.real(x)
	if math.IsNaN(x) {
		r.text("") // no epoch has it
	} else {
		r.integer(int64(step))
	}
}

// appendCell writes a text. An apostrophe precedes a text that a spreadsheet would take for a formula: spreadsheets
// hide it, and [Unprotected] removes it. A number below 0 is no formula.
func appendCell(dst []byte, s string) []byte {
	if _, err := strconv.ParseFloat(s, 64); err != nil && s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 || strings.HasPrefix(s, "'") {
		s = "'" + s
	}
	if !strings.ContainsAny(s, ",\"\r\n") && strings.TrimSpace(s) == s {
		return append(dst, s...)
	}
	return append(append(append(dst, '"'), strings.ReplaceAll(s, `"`, `""`)...), '"')
}

// Unprotected is the text of a cell without the apostrophe that protects it.
func Unprotected(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.IndexByte("=+-@\t\r'", cell[1]) >= 0 {
		return cell[1:]
	}
	return cell
}
