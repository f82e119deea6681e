package export

import (
	"os"
	"path/filepath"
	"testing"
)

// longFile writes the sample's values to a file.
func longFile(t *testing.T, s *Source) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "long.csv")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := s.LongCSV(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	return path
}

// What people read CSV with reads these values, and guesses the types of the columns.
func TestLongCSVIsReadByOthers(t *testing.T) {
	for modules, script := range map[string]string{
		"pandas": `
import pandas
d = pandas.read_csv(sys.argv[1], float_precision="round_trip")
assert d["value"].dtype == "float64" and d["lr"].dtype == "float64" and d["seed"].dtype == "int64", d.dtypes
for r in d.itertuples(): emit(r.run_id, r.metric.removeprefix("'"), r.step, r.value)`,
		"polars": `
import polars
d = polars.read_csv(sys.argv[1])
assert d.schema["value"] == polars.Float64 and d.schema["lambda"] == polars.Float64 and d.schema["seed"] == polars.Int64, d.schema
for r in d.iter_rows(named=True): emit(r["run_id"], r["metric"].removeprefix("'"), r["step"], r["value"])`,
		"duckdb": `
import duckdb
d = duckdb.sql("SELECT run_id, metric, step, value, typeof(value), typeof(lr) FROM read_csv('" + sys.argv[1] + "')").fetchall()
for r in d:
    assert r[4:] == ("DOUBLE", "DOUBLE"), r
    emit(r[0], r[1].removeprefix("'"), r[2], r[3])`,
	} {
		t.Run(modules, func(t *testing.T) {
			db, sweep, want := sample(t)
			compare(t, readBack(t, python(t, modules, emit+script, longFile(t, source(t, db, sweep)))), want, sameBits)
		})
	}
}
