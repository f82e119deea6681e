package export

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/xrun-dev/xrun/store/whole"
)

func parquetFiles(t *testing.T, s *Source) (runs, points string) {
	t.Helper()
	dir := t.TempDir()
	runs, points = filepath.Join(dir, "runs.parquet"), filepath.Join(dir, "points.parquet")
	if err := whole.Write(runs, 0o666, true, func(w io.Writer) error { return s.ParquetRuns(t.Context(), w) }); err != nil {
		t.Fatal(err)
	}
	if err := whole.Write(points, 0o666, true, func(w io.Writer) error { return s.ParquetPoints(t.Context(), w) }); err != nil {
		t.Fatal(err)
	}
	return runs, points
}

func TestParquetHasEveryValueToTheBit(t *testing.T) {
	db, sweep, want := sample(t)
	runs, points := parquetFiles(t, source(t, db, sweep))
	rows, err := parquet.ReadFile[struct {
		Run    int64   `parquet:"run_id"`
		Metric string  `parquet:"metric"`
		Step   int64   `parquet:"step"`
		Value  float64 `parquet:"value"`
	}](points)
	if err != nil {
		t.Fatal(err)
	}
	var got []value
	for _, r := range rows {
		got = append(got, value{r.Run, r.Metric, int(r.Step), r.Value})
	}
	compare(t, got, want, sameBits)

	of, err := parquet.ReadFile[struct {
		Run         int64    `parquet:"run_id"`
		Regularizer *string  `parquet:"regularizer"`
		Lambda      float64  `parquet:"lambda"`
		AMSGrad     *bool    `parquet:"optimizer.amsgrad"`
		Steps       *int64   `parquet:"optimizer.steps"`
		Batch       *string  `parquet:"task.batch"` // full, or a number
		EndedAt     *int64   `parquet:"ended_at"`
		Least       *float64 `parquet:"val_loss.min"`
	}](runs)
	if err != nil {
		t.Fatal(err)
	}
	if len(of) != 8 {
		t.Fatalf("%d runs, want 8", len(of))
	}
	for i, r := range of {
		if r.Run != int64(i+1) || *r.Steps != int64(i) || *r.AMSGrad != (i%2 == 0) || (r.Regularizer == nil) != (i%2 == 1) || (r.EndedAt == nil) != (i == 7) || r.Least == nil {
			t.Errorf("run %d is %+v", i+1, r)
		}
		if want := []string{"full", "8"}[i%2]; *r.Batch != want {
			t.Errorf("the batch of run %d is %s, want %s", r.Run, *r.Batch, want)
		}
	}
}

func TestParquetIsReadByOthers(t *testing.T) {
	for modules, script := range map[string]string{
		"pyarrow": `
import pyarrow.parquet as parquet
runs = parquet.read_table(sys.argv[1])
assert runs.num_rows == 8 and str(runs.schema.field("optimizer.steps").type) == "int64" and str(runs.schema.field("optimizer.amsgrad").type) == "bool", runs.schema
assert str(runs.schema.field("started_at").type) == "timestamp[us, tz=UTC]" and runs.column_names[:2] == ["run_id", "sweep"], runs.schema
for r in parquet.read_table(sys.argv[2]).to_pylist(): emit(r["run_id"], r["metric"], r["step"], r["value"])`,
		"polars": `
import polars
assert polars.read_parquet(sys.argv[1]).height == 8
for r in polars.read_parquet(sys.argv[2]).iter_rows(named=True): emit(r["run_id"], r["metric"], r["step"], r["value"])`,
		"duckdb": `
import duckdb
assert duckdb.sql("SELECT count(*) FROM '" + sys.argv[1] + "' WHERE status = 'finished' AND \"lambda\" = 1").fetchall() == [(2,)]
for r in duckdb.sql("SELECT run_id, metric, step, value FROM '" + sys.argv[2] + "'").fetchall(): emit(*r)`,
	} {
		t.Run(modules, func(t *testing.T) {
			db, sweep, want := sample(t)
			runs, points := parquetFiles(t, source(t, db, sweep))
			compare(t, readBack(t, python(t, modules, emit+script, runs, points)), want, sameBits)
		})
	}
}

// More rows than a group takes are in several.
func TestParquetGroupsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	err := whole.Write(path, 0o666, true, func(w io.Writer) error {
		out := newParquetRows(w, []column{integerColumn("n")})
		for n := range int64(rowsAGroup + 10) {
			out.integer(n)
			if err := out.end(); err != nil {
				return err
			}
		}
		return out.close()
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(file.RowGroups()); n != 2 || file.NumRows() != rowsAGroup+10 {
		t.Errorf("%d rows in %d groups", file.NumRows(), n)
	}
}
