package main

import (
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
)

// A form is what the rows of a statement are printed as.
type form interface {
	head(columns []string) error
	row(values []any) error
	end() error
}

// A tableForm is for a person.
type tableForm struct {
	w     io.Writer
	table *report.Table
}

func (t *tableForm) head(columns []string) error {
	heads := make([]any, len(columns))
	for i, c := range columns {
		heads[i] = question.OneLine(c)
	}
	t.table = report.NewTable(heads...)
	return nil
}

func (t *tableForm) row(values []any) error {
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
			cells[i] = question.OneLine(plain(v))
		}
	}
	t.table.Row(cells...)
	return nil
}

func (t *tableForm) end() error {
	t.table.Write(t.w)
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

// A csvForm prints rows as they come.
type csvForm struct{ w *csv.Writer }

func (t *csvForm) head(columns []string) error { return t.w.Write(columns) }

func (t *csvForm) row(values []any) error {
	record := make([]string, len(values))
	for i, v := range values {
		record[i] = plain(v)
	}
	return t.w.Write(record)
}

func (t *csvForm) end() error {
	t.w.Flush()
	return t.w.Error()
}

// A jsonForm prints rows as they come, each an object in a line of its own.
type jsonForm struct {
	w       io.Writer
	names   [][]byte // as JSON
	started bool
}

func (t *jsonForm) head(columns []string) error {
	seen := map[string]bool{}
	for _, name := range columns {
		unique := name
		for n := 2; seen[unique]; n++ { // a key of an object names one thing
			unique = fmt.Sprintf("%s_%d", name, n)
		}
		seen[unique] = true
		quoted, err := json.Marshal(unique)
		if err != nil {
			return err
		}
		t.names = append(t.names, quoted)
	}
	_, err := io.WriteString(t.w, "{\"xrun_sql\": 1, \"rows\": [")
	return err
}

func (t *jsonForm) row(values []any) error {
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
			value = report.JSONNumber(v)
		case []byte:
			value = plain(v)
		}
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		line = append(line, text...)
	}
	_, err := t.w.Write(append(line, '}'))
	return err
}

func (t *jsonForm) end() error {
	_, err := io.WriteString(t.w, "\n]}\n")
	return err
}
