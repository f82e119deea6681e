package report

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
)

// A Form prints the rows of a statement.
type Form interface {
	Head(columns []string) error
	Row(values []any) error
	End() error
}

// A TableForm lays rows out for a person.
type TableForm struct {
	W     io.Writer
	table *Table
}

func (t *TableForm) Head(columns []string) error {
	heads := make([]any, len(columns))
	for i, c := range columns {
		heads[i] = advice.OneLine(c)
	}
	t.table = NewTable(heads...)
	return nil
}

func (t *TableForm) Row(values []any) error {
	cells := make([]any, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil:
			cells[i] = "–"
		case []byte:
			const most = 8
			cells[i] = fmt.Sprintf("x'%x' %d bytes", v, len(v))
			if len(v) > most {
				cells[i] = fmt.Sprintf("x'%x…' %d bytes", v[:most], len(v))
			}
		default:
			cells[i] = advice.OneLine(plain(v))
		}
	}
	t.table.Row(cells...)
	return nil
}

func (t *TableForm) End() error {
	t.table.Write(t.W)
	return nil
}

// plain writes a value so that it reads back as it is.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		return "x'" + hex.EncodeToString(v) + "'"
	}
	return fmt.Sprint(v)
}

// A CSVForm prints rows as they come.
type CSVForm struct{ W *csv.Writer }

func (t *CSVForm) Head(columns []string) error { return t.W.Write(columns) }

func (t *CSVForm) Row(values []any) error {
	record := make([]string, len(values))
	for i, v := range values {
		record[i] = plain(v)
	}
	return t.W.Write(record)
}

func (t *CSVForm) End() error {
	t.W.Flush()
	return t.W.Error()
}

// A JSONForm prints rows as they come, each an object in a line of its own.
type JSONForm struct {
	W       io.Writer
	names   [][]byte // as JSON
	started bool
}

func (t *JSONForm) Head(columns []string) error {
	seen := map[string]bool{}
	for _, name := range columns {
		unique := name
		for n := 2; seen[unique]; n++ { // keys of an object differ
			unique = fmt.Sprintf("%s_%d", name, n)
		}
		seen[unique] = true
		quoted, err := json.Marshal(unique)
		if err != nil {
			return err
		}
		t.names = append(t.names, quoted)
	}
	_, err := io.WriteString(t.W, "{\"xrun_sql\": 1, \"rows\": [")
	return err
}

func (t *JSONForm) Row(values []any) error {
	line := []byte(",\n{")
	if !t.started {
		line = line[1:]
	}
	t.started = true
	for i, v := range values {
		if i > 0 {
			line = append(line, ", "...)
		}
		line = append(append(line, t.names[i]...), ": "...)
		var value any = v
		switch v := v.(type) {
		case float64:
			value = JSONNumber(v)
		case []byte:
			value = plain(v)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		line = append(line, text...)
	}
	_, err := t.W.Write(append(line, '}'))
	return err
}

func (t *JSONForm) End() error {
	_, err := io.WriteString(t.W, "\n]}\n")
	return err
}
