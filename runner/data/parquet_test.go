package data

import (
	"bytes"
	"errors"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/xrun-dev/xrun/runner/tests"
)

// parquetOf is a file of Parquet with a row for each list of values, as the first row has them. nil is null.
func parquetOf(t testing.TB, names []string, rows ...[]any) string {
	t.Helper()
	nodes := make([]parquet.Node, len(names))
	for j := range names {
		for _, row := range rows {
			switch row[j].(type) {
			case int:
				nodes[j] = parquet.Int(64)
			case float64:
				nodes[j] = parquet.Leaf(parquet.DoubleType)
			case bool:
				nodes[j] = parquet.Leaf(parquet.BooleanType)
			case string:
				nodes[j] = parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
			case day:
				nodes[j] = parquet.Date()
			case moment:
				nodes[j] = parquet.Timestamp(parquet.Microsecond)
			case cents:
				nodes[j] = parquet.Decimal(2, 18, parquet.Int64Type)
			}
		}
	}
	return parquetWith(t, names, nodes, rows...)
}

type (
	day    int32
	moment int64 // microseconds
	cents  int64
)

func parquetWith(t testing.TB, names []string, nodes []parquet.Node, rows ...[]any) string {
	t.Helper()
	group := parquet.Group{}
	for j, name := range names {
		group[name] = parquet.Optional(nodes[j])
	}
	schema := parquet.NewSchema("table", group)
	place := map[string]int{}
	for i, column := range schema.Columns() {
		place[column[0]] = i
	}
	var content bytes.Buffer
	w := parquet.NewGenericWriter[any](&content, schema, parquet.MaxRowsPerRowGroup(2))
	for _, row := range rows {
		values := make(parquet.Row, len(names))
		for j, v := range row {
			var value parquet.Value
			switch v := v.(type) {
			case int:
				value = parquet.Int64Value(int64(v))
			case day:
				value = parquet.Int32Value(int32(v))
			case moment:
				value = parquet.Int64Value(int64(v))
			case cents:
				value = parquet.Int64Value(int64(v))
			case nil:
			default:
				value = parquet.ValueOf(v)
			}
			definition := 0
			if v != nil {
				definition = 1
			}
			values[place[names[j]]] = value.Level(0, definition, place[names[j]])
		}
		if _, err := w.WriteRows([]parquet.Row{values}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return content.String()
}

func TestParquetTypesBecomeCells(t *testing.T) {
	content := parquetOf(t, []string{"i", "f", "b", "s", "d", "at", "c", "y"},
		[]any{7, .5, true, "x", day(19813), moment(36e8), cents(1999), "p"},
		[]any{nil, -2.25, false, "y ", day(-1), nil, cents(-5), "q"},
		[]any{9, nil, nil, nil, nil, moment(-1), nil, "q"})
	s, err := Open(write(t, "t.parquet", content), Options{Target: "y", Schema: Schema{Dates: []string{"d", "at"}, Categories: []string{"s"}, Missing: map[string]string{EveryColumn: MissingMostFrequent}}})
	if err != nil {
		t.Fatal(err)
	}
	names, x := inputsOfAll(s)
	if want := []string{"at", "b", "c", "d", "f", "i", "s=x", "s=y"}; !slices.Equal(names, want) { // parquet.Group sorts them
		t.Fatalf("inputs are %q, want %q", names, want)
	}
	early := -1 / 86400e6
	if want := []float64{1. / 24, 1, 19.99, 19813, .5, 7, 1, 0, early, 0, -.05, -1, -2.25, 7, 0, 1, early, 0, -.05, -1, -2.25, 9, 1, 0}; !near(x, want) {
		t.Errorf("values are %v, want %v", x, want)
	}
	for target, want := range map[string]string{"y": "3 problems", "nothing": `there is no target column "nothing"`} {
		_, err := Open(write(t, "t.parquet", content), Options{Target: target, Schema: Schema{Missing: map[string]string{EveryColumn: MissingMean}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q", target, err, want)
		}
	}
	_, err = Open(write(t, "t.parquet", content), Options{Target: "y", Schema: Schema{Drop: []string{"s", "d", "at", "c", "f", "b"}}})
	if e := (*Error)(nil); !errors.As(err, &e) || !strings.HasSuffix(e.Error(), `: row 2: column "i": the value is missing ("")`) || e.Hint() != `write in [task]: missing = { i = "median" }` {
		t.Errorf("the error is %v", err)
	}
	if _, err := Open(write(t, "t.parquet", content[:len(content)-30]), Options{Target: "y"}); err == nil || !strings.Contains(err.Error(), "is no whole file of Parquet") {
		t.Errorf("of a file that breaks off, the error is %v", err)
	}
}

func near(got, want []float64) bool {
	return slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(1, math.Abs(b)) })
}

// Files of other programs, in several ways of writing pages, hold what the same table in CSV does.
func TestParquetOfOthersIsRead(t *testing.T) {
	tests.NeedExamples(t, "writes Parquet with pyarrow and polars")
	python := pythonWith(t, "pandas, pyarrow, polars")
	folder := t.TempDir()
	script := `
import datetime, decimal, sys
import numpy as np, pandas as pd, pyarrow as pa, pyarrow.parquet as pq, polars as pl
rng = np.random.default_rng(1)
n = 5000
f = pd.DataFrame({
    "i": pd.array(rng.integers(-50, 50, n), dtype="Int64").astype("Int64"),
    "u": rng.integers(0, 255, n).astype("uint8"),
    "f": rng.normal(size=n), "g": rng.normal(size=n).astype("float32"),
    "b": rng.random(n) < 0.5,
    "s": rng.choice(["Cork", "Brest", "Åbo"], n), "k": pd.Categorical(rng.choice(["a", "b"], n)),
    "d": [datetime.date(2000, 1, 1) + datetime.timedelta(days=int(v)) for v in rng.integers(0, 9999, n)],
    "at": pd.to_datetime("2001-02-03") + pd.to_timedelta(rng.integers(0, 10**9, n), unit="s"),
    "m": [decimal.Decimal(int(v)) / 100 for v in rng.integers(-10**6, 10**6, n)],
    "y": rng.choice(["p", "q"], n)})
f.loc[rng.random(n) < 0.1, "i"] = pd.NA
f.loc[rng.random(n) < 0.1, "f"] = np.nan
f.loc[rng.random(n) < 0.1, "s"] = None
f.to_csv(sys.argv[1] + "/t.csv", index=False)
table = pa.Table.from_pandas(f, preserve_index=False)
table = table.append_column("lists", pa.array([[1, 2]] * n))
for i, how in enumerate([dict(), dict(compression="none", use_dictionary=False), dict(compression="zstd", data_page_version="2.0", data_page_size=1000, row_group_size=999),
                         dict(compression="gzip", version="1.0", coerce_timestamps="ms"), dict(compression="brotli", use_deprecated_int96_timestamps=True)]):
    pq.write_table(table, f"{sys.argv[1]}/{i}.parquet", **how)
pl.from_arrow(table).write_parquet(sys.argv[1] + "/5.parquet")
`
	if out, err := exec.Command(python, "-c", script, folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	schema := Schema{Categories: []string{"s", "k"}, Dates: []string{"d", "at"}, Missing: map[string]string{EveryColumn: MissingIndicator}}
	table, err := Open(filepath.Join(folder, "t.csv"), Options{Target: "y", Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	names, x := inputsOfAll(table)
	schema.Drop = []string{"lists"}
	for i := range 6 {
		s, err := Open(filepath.Join(folder, strconv.Itoa(i)+".parquet"), Options{Target: "y", Schema: schema})
		if i == 2 { // pages of version 2 have runs of flags
			if e := (*Error)(nil); !errors.As(err, &e) || e.Column != "b" || !strings.Contains(e.Message, "as runs") {
				t.Errorf("runs of flags: the error is %v", err)
			}
			schema := schema
			schema.Drop = []string{"lists", "b"}
			s, err = Open(filepath.Join(folder, "2.parquet"), Options{Target: "y", Schema: schema})
			if err != nil || s.Len() != table.Len() {
				t.Errorf("pages of version 2: %v", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("file %d: %v", i, err)
			continue
		}
		gotNames, got := inputsOfAll(s)
		if !slices.Equal(gotNames, names) || !slices.Equal(s.Y, table.Y) {
			t.Errorf("file %d: inputs are %q, want %q", i, gotNames, names)
			continue
		}
		for k := range got {
			if math.Abs(got[k]-x[k]) > 1e-7*max(1, math.Abs(x[k])) { // CSV has the single precision of g in fewer digits
				t.Errorf("file %d: row %d, %s is %v, want %v", i, k/len(names), names[k%len(names)], got[k], x[k])
				break
			}
		}
	}
}
