package data

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// table is a file while it is read.
type table struct {
	source
	Options
	csv     *csv.Reader
	columns []string
	target  int // index of the target column
	set     *Set
	targets *targets
}

// read reads a whole table. o is complete, except that the target may be missing.
func read(r io.Reader, from source, o Options) (*Set, error) {
	t := &table{source: from, Options: o, targets: newTargets(o)}
	hash := sha256.New()
	content, err := from.content(r, hash)
	if err != nil {
		return nil, err
	}
	t.csv = csv.NewReader(content)
	t.csv.FieldsPerRecord, t.csv.ReuseRecord = -1, true
	if from.format == formatTSV {
		t.csv.Comma = '\t'
	}
	if err := t.header(); err != nil {
		return nil, err
	}
	for {
		record, err := t.csv.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, t.readError(err)
		}
		if err := t.row(record); err != nil {
			return nil, err
		}
	}
	if t.targets.len() == 0 {
		return nil, t.fail(0, "", "", "there is a header, but no rows")
	}
	t.set.Digest = hex.EncodeToString(hash.Sum(nil))
	return t.set, t.targets.finish(t.set)
}

// fail makes an error; line 0 and column "" are about no line and no column.
func (t *table) fail(line int, column, hint, format string, args ...any) *Error {
	return &Error{File: t.name, Line: line, Column: column, Message: fmt.Sprintf(format, args...), hint: hint}
}

func (t *table) readError(err error) error {
	e := &Error{File: t.name, Message: err.Error(), cause: err}
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		e.Line, e.Message = parse.StartLine, parse.Err.Error()
		e.hint = `a quoted cell starts and ends with ", and a " inside it is written ""`
	}
	return e
}

func (t *table) header() error {
	record, err := t.csv.Read()
	if err == io.EOF {
		return t.fail(0, "", "the first line names the columns", "the file is empty")
	}
	if err != nil {
		return t.readError(err)
	}
	if len(record) > maxColumns {
		return t.fail(1, "", "", "%d columns are more than the limit of %d", len(record), maxColumns)
	}
	line, _ := t.csv.FieldPos(0)
	seen := make(map[string]bool, len(record))
	for i, cell := range record {
		name := strings.Clone(strings.TrimSpace(cell))
		if name == "" {
			return t.fail(line, "", "the first line names the columns", "column %d of %d has no name", i+1, len(record))
		}
		if seen[name] {
			return t.fail(line, name, "give each column a name of its own", "the name is used twice")
		}
		seen[name] = true
		t.columns = append(t.columns, name)
	}
	if t.target = slices.Index(t.columns, t.Target); t.target < 0 {
		return t.noTarget()
	}
	if len(t.columns) == 1 {
		return t.fail(line, t.Target, t.separatorHint(), "the target is the only column, there is nothing to learn from")
	}
	t.set = &Set{Name: t.name, Target: t.Target, Kind: t.Kind, format: t.format}
	t.set.Features = slices.Delete(slices.Clone(t.columns), t.target, t.target+1)
	return nil
}

func (t *table) noTarget() error {
	e := t.fail(0, "", "the columns are "+shorten(t.columns, 40), "the target column is not given")
	if t.Target != "" {
		e = t.fail(0, "", suggest(t.Target, t.columns, "the columns are"), "there is no target column %q", t.Target)
	}
	e.about = aboutTarget
	return e
}

func (t *table) separatorHint() string {
	if t.format == formatTSV {
		return "cells are separated by tabs, as the file ends in .tsv"
	}
	return "cells are separated by commas; a file with tabs ends in .tsv"
}

func (t *table) row(record []string) error {
	line, _ := t.csv.FieldPos(0)
	if len(record) != len(t.columns) {
		return t.fail(line, "", t.separatorHint(), "the row has %d cells, but the header names %d columns", len(record), len(t.columns))
	}
	if len(t.set.X)+len(record) > maxCells {
		return t.fail(line, "", "", "the table is larger than the limit of %d cells", maxCells)
	}
	for i, cell := range record {
		cell = strings.TrimSpace(cell)
		at, _ := t.csv.FieldPos(i)
		if missing(cell) {
			return t.fail(at, t.columns[i], "remove the row, or fill the cell in", "the value is missing (%q)", cell)
		}
		if i == t.target && t.Kind == Classification {
			if e := t.targets.label(cell); e != nil {
				e.File, e.Line, e.Column = t.name, at, t.columns[i]
				return e
			}
			continue
		}
		v, ok := decimal(cell)
		if !ok {
			return t.fail(at, t.columns[i], t.numberHint(i), "%q is not a number", clip(cell))
		}
		if vanishes(v, cell) {
			return t.fail(at, t.columns[i], "write 0 if it is meant", "%q is too small to be told from 0", clip(cell))
		}
		if !isFinite(v) {
			return t.fail(at, t.columns[i], "", "%q is not a finite number", clip(cell))
		}
		if i == t.target {
			t.targets.number(v)
		} else {
			t.set.X = append(t.set.X, v)
		}
	}
	return nil
}

func (t *table) numberHint(column int) string {
	if column == t.target {
		return fmt.Sprintf("a target of classes has the kind %q", Classification)
	}
	return "features are numbers: encode categories, or drop the column"
}

// missing reports whether a cell stands for no value.
func missing(cell string) bool {
	switch strings.ToLower(cell) {
	case "", "?", "na", "n/a", "nan", "null":
		return true
	}
	return false
}

// clip keeps a cell short enough for a message.
func clip(cell string) string {
	if len(cell) > 40 {
		return cell[:40] + "…"
	}
	return cell
}
