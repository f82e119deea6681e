package data

import (
	"bytes"
	"testing"

	"github.com/parquet-go/parquet-go"
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
