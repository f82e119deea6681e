package export

import (
	"context"
	"io"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// rowsAGroup limits the memory of a Parquet file that is being written.
const rowsAGroup = 1 << 18

// A column is a column of a flat Parquet table.
type column struct {
	name string
	node parquet.Node
}

func realColumn(name string) column { return column{name, parquet.Leaf(parquet.DoubleType)} }
func integerColumn(name string) column {
	return column{name, parquet.Encoded(parquet.Int(64), &parquet.DeltaBinaryPacked)}
}
func nameColumn(name string) column { // for texts that repeat
	return column{name, parquet.Encoded(parquet.String(), &parquet.RLEDictionary)}
}
func (c column) optional() column { return column{c.name, parquet.Optional(c.node)} }

// A table is a Parquet schema with columns in their own order; parquet.Group sorts them by name.
type table struct {
	parquet.Group
	columns []column
}

func newTable(columns []column) table {
	t := table{Group: parquet.Group{}, columns: columns}
	for _, c := range columns {
		t.Group[c.name] = c.node
	}
	return t
}

// Fields implements parquet.Node.
func (t table) Fields() []parquet.Field {
	place := map[string]int{}
	for i, c := range t.columns {
		place[c.name] = i
	}
	fields := slices.Clone(t.Group.Fields())
	slices.SortFunc(fields, func(a, b parquet.Field) int { return place[a.Name()] - place[b.Name()] })
	return fields
}

// parquetRows writes rows of one table.
type parquetRows struct {
	w       *parquet.GenericWriter[any]
	columns []column
	cells   []parquet.Value // cells of rows that are not written yet
	rows    []parquet.Row
}

// rowsAtOnce is the number of rows that are written together.
const rowsAtOnce = 256

func newParquetRows(w io.Writer, columns []column) *parquetRows {
	schema := parquet.NewSchema("xrun", newTable(columns))
	return &parquetRows{columns: columns, cells: make([]parquet.Value, 0, rowsAtOnce*len(columns)), rows: make([]parquet.Row, 0, rowsAtOnce),
		w: parquet.NewGenericWriter[any](w, schema, parquet.Compression(&zstd.Codec{}), parquet.MaxRowsPerRowGroup(rowsAGroup), parquet.CreatedBy("xrun", "1", ""))}
}

// add adds the next cell of a row; null is parquet.Value{}.
func (r *parquetRows) add(v parquet.Value) {
	at, definition := len(r.cells)%len(r.columns), 0
	if r.columns[at].node.Optional() && !v.IsNull() {
		definition = 1
	}
	r.cells = append(r.cells, v.Level(0, definition, at))
}

func (r *parquetRows) end() error {
	r.rows = append(r.rows, r.cells[len(r.cells)-len(r.columns):])
	if len(r.rows) < rowsAtOnce {
		return nil
	}
	return r.flush()
}

func (r *parquetRows) flush() error {
	_, err := r.w.WriteRows(r.rows)
	r.rows, r.cells = r.rows[:0], r.cells[:0]
	return err
}

func (r *parquetRows) close() error {
	if err := r.flush(); err != nil {
		return err
	}
	return r.w.Close()
}

func (r *parquetRows) text(s string)   { r.add(parquet.ByteArrayValue([]byte(s))) }
func (r *parquetRows) real(x float64)  { r.add(parquet.DoubleValue(x)) }
func (r *parquetRows) integer(n int64) { r.add(parquet.Int64Value(n)) }
func (r *parquetRows) null()           { r.add(parquet.Value{}) }

// ParquetRuns writes one row for each run, with typed columns for its settings, and the summaries of its metrics. NaN
// is NaN; a missing cell is null.
func (s *Source) ParquetRuns(ctx context.Context, w io.Writer) error {
	columns := []column{integerColumn("run_id"), nameColumn("sweep"), {"trial_key", parquet.String()}, nameColumn("optimizer"), nameColumn("regularizer").optional(),
		realColumn("lr"), realColumn("lambda"), integerColumn("seed"), nameColumn("status"), nameColumn("metric"), realColumn("value").optional(), integerColumn("kept_epoch").optional(),
		integerColumn("attempt"), integerColumn("epochs"), integerColumn("steps"), realColumn("wall_seconds"), {"started_at", parquet.Timestamp(parquet.Microsecond)},
		column{"ended_at", parquet.Timestamp(parquet.Microsecond)}.optional(), nameColumn("reason"), {"error", parquet.String()}}
	var taken []string
	for _, c := range columns {
		taken = append(taken, c.name)
	}
	metrics := s.columns()
	var brief []string
	for _, metric := range metrics {
		for _, of := range inShort {
			brief = append(brief, metric+"."+of)
		}
	}
	names := distinctFrom(taken, s.Settings, brief...)
	for i, path := range s.Settings {
		switch s.typeOf(path) {
		case plugins.TypeReal:
			columns = append(columns, realColumn(names[i]).optional())
		case plugins.TypeInteger:
			columns = append(columns, integerColumn(names[i]).optional())
		case plugins.TypeFlag:
			columns = append(columns, column{names[i], parquet.Leaf(parquet.BooleanType)}.optional())
		default:
			columns = append(columns, nameColumn(names[i]).optional())
		}
	}
	for i, name := range names[len(s.Settings):] {
		if of := inShort[i%len(inShort)]; of == "min_step" || of == "max_step" {
			columns = append(columns, integerColumn(name).optional())
		} else {
			columns = append(columns, realColumn(name).optional())
		}
	}
	out := newParquetRows(w, columns)
	err := s.each(ctx, func(r *store.Run, settings []plugins.Value) error {
		out.integer(r.ID)
		out.text(r.Sweep)
		out.text(string(r.Trial))
		out.text(r.Optimizer)
		if r.Regularizer == "" {
			out.null()
		} else {
			out.text(r.Regularizer)
		}
		out.real(r.LR)
		out.real(r.Lambda)
		out.integer(r.Seed)
		out.text(string(r.Status))
		out.text(r.Metric)
		if r.Keeps {
			out.real(r.Kept.Value)
			out.integer(int64(r.Kept.Epoch))
		} else {
			out.null()
			out.null()
		}
		for _, n := range []int64{int64(r.Attempt), int64(r.Epochs), r.Cost.Steps} {
			out.integer(n)
		}
		out.real(r.Cost.Wall.Seconds())
		out.integer(r.StartedAt.UnixMicro())
		if r.EndedAt.IsZero() {
			out.null()
		} else {
			out.integer(r.EndedAt.UnixMicro())
		}
		out.text(r.Reason)
		out.text(r.Error)
		for i, v := range settings {
			out.setting(s.typeOf(s.Settings[i]), v)
		}
		if err := s.brief(ctx, out, r.ID, metrics); err != nil {
			return err
		}
		return out.end()
	})
	if err != nil {
		return err
	}
	return out.close()
}

// setting is a cell of a column of a type.
func (r *parquetRows) setting(column plugins.Type, v plugins.Value) {
	switch {
	case v.IsZero():
		r.null()
	case column == plugins.TypeReal && v.Type == plugins.TypeInteger:
		r.real(float64(v.Integer))
	case column == plugins.TypeReal:
		r.real(v.Real)
	case column == plugins.TypeInteger:
		r.integer(v.Integer)
	case column == plugins.TypeFlag:
		r.add(parquet.BooleanValue(v.Flag))
	default:
		r.text(v.String())
	}
}

// brief are the cells of the summary of a metric.
func (s *Source) brief(ctx context.Context, out *parquetRows, run int64, metrics []string) error {
	found, err := s.Store.Metrics(ctx, run)
	if err != nil {
		return err
	}
	summaries := map[string]runner.Summary{}
	for _, m := range found {
		summaries[m.Metric] = m.Summary
	}
	step := func(x float64, n int) {
		if math.IsNaN(x) {
			out.null()
		} else {
			out.integer(int64(n))
		}
	}
	for _, metric := range metrics {
		u, ok := summaries[metric]
		if !ok {
			for range inShort {
				out.null()
			}
			continue
		}
		out.real(u.First)
		out.real(u.Last)
		out.real(u.Min)
		step(u.Min, u.MinStep)
		out.real(u.Max)
		step(u.Max, u.MaxStep)
		out.real(u.Mean)
	}
	return nil
}

// ParquetPoints writes one row for each value: run_id, metric, step and value, one run after the other.
func (s *Source) ParquetPoints(ctx context.Context, w io.Writer) error {
	out := newParquetRows(w, []column{integerColumn("run_id"), nameColumn("metric"), integerColumn("step"), realColumn("value")})
	reader, err := s.Store.Reader(ctx)
	if err != nil {
		return err
	}
	names := map[string]parquet.Value{} // one copy of each
	err = s.each(ctx, func(r *store.Run, _ []plugins.Value) error {
		_, err := reader.Points(ctx, r.ID, func(step int, metrics []string, values []float64) error {
			for i, metric := range metrics {
				name, ok := names[metric]
				if !ok {
					name = parquet.ByteArrayValue([]byte(metric))
					names[metric] = name
				}
				if !s.wants(metric) {
					continue
				}
				out.integer(r.ID)
				out.add(name)
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
	return out.close()
}

// A Sheet writes rows of texts and numbers that do not come from the database as Parquet. An empty text is null.
type Sheet struct{ rows *parquetRows }

// NewSheet begins a sheet with columns of texts, and columns of numbers behind them.
func NewSheet(w io.Writer, texts, numbers []string) Sheet {
	var columns []column
	for _, name := range texts {
		columns = append(columns, nameColumn(name).optional())
	}
	for _, name := range numbers {
		columns = append(columns, realColumn(name))
	}
	return Sheet{newParquetRows(w, columns)}
}

// Row writes a row.
func (s Sheet) Row(texts []string, numbers []float64) error {
	for _, text := range texts {
		if text == "" {
			s.rows.null()
		} else {
			s.rows.text(text)
		}
	}
	for _, x := range numbers {
		s.rows.real(x)
	}
	return s.rows.end()
}

// Close ends the file.
func (s Sheet) Close() error { return s.rows.close() }
