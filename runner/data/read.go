package data

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
)

// A table is a file of CSV or TSV while it is read: its columns, then its records.
type table struct {
	source
	csv     *csv.Reader
	columns []string
	record  []string // the one that was read last
}

// openTable reads the header of a table.
func openTable(r io.Reader, from source, sum hash.Hash) (*table, error) {
	t := &table{source: from}
	content, err := from.content(r, sum)
	if err != nil {
		return nil, err
	}
	t.csv = csv.NewReader(content)
	t.csv.FieldsPerRecord, t.csv.ReuseRecord = -1, true
	t.csv.Comma = rune(from.separator()[0])
	return t, t.header()
}

// fail makes an error; line 0 and column "" are about no line and no column.
func (t *table) fail(line int, column, hint, format string, args ...any) *Error {
	return &Error{File: t.name, Line: line, Column: column, Message: fmt.Sprintf(format, args...), hint: hint}
}

func (t *table) readError(err error) *Error {
	if e := (*Error)(nil); errors.As(err, &e) {
		e.File = t.name
		return e
	}
	e := &Error{File: t.name, Message: err.Error(), cause: err}
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		e.Line, e.Message, e.ofRow = parse.StartLine, parse.Err.Error(), true
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
	line := t.at(0)
	seen := make(map[string]bool, len(record))
	for i, cell := range record {
		name := strings.Clone(strings.TrimSpace(cell))
		if name == "" {
			return t.fail(line, "", "the first line names the columns", "column %d of %d has no name", i+1, len(record))
		}
		if problem := unshowable(name); problem != "" {
			return t.fail(line, "", "remove it from the file", "the name of column %d %s", i+1, problem)
		}
		if seen[name] {
			return t.fail(line, name, "give each column a name of its own", "the name is used twice")
		}
		seen[name] = true
		t.columns = append(t.columns, name)
	}
	if a, b, alike := lookAlike(t.columns); alike {
		return t.fail(line, "", "give each column a name of its own", "two names look the same: %+q and %+q", clip(a), clip(b))
	}
	return nil
}

// next reads a record. Of a record that cannot be used the error says so, and the next one can be read all the same
// where the error is of one row.
func (t *table) next() error {
	record, err := t.csv.Read()
	if err == io.EOF {
		return err
	}
	if err != nil {
		return t.readError(err)
	}
	t.record = record
	if len(record) != len(t.columns) {
		return t.ofRow(t.fail(t.at(0), "", t.separatorHint(), "the row has %d cells, but the header names %d columns", len(record), len(t.columns)))
	}
	return nil
}

// ofRow marks an error as that of one row.
func (t *table) ofRow(e *Error) *Error {
	e.File, e.ofRow = t.name, true
	return e
}

// at is the line of a cell of the record.
func (t *table) at(i int) int {
	line, _ := t.csv.FieldPos(i)
	return line
}

func (t *table) cell(i int) string { return strings.TrimSpace(t.record[i]) }

// present is a cell that has a value.
func (t *table) present(i int) (string, *Error) {
	cell := t.cell(i)
	if missing(cell) {
		return "", t.ofRow(t.fail(t.at(i), t.columns[i], "remove the row, or fill the cell in", "the value is missing (%q)", cell))
	}
	return cell, nil
}

// number is a cell that has a finite number. The hint is for other texts.
func (t *table) number(i int, hint string) (float64, *Error) {
	cell, e := t.present(i)
	if e != nil {
		return 0, e
	}
	v, ok := t.schema.number(cell)
	switch {
	case !ok:
		e = t.fail(t.at(i), t.columns[i], hint, "%q is not a number", clip(cell))
	case vanishes(v, cell):
		e = t.fail(t.at(i), t.columns[i], "write 0 if it is meant", "%q is too small to be told from 0", clip(cell))
	case !isFinite(v):
		e = t.fail(t.at(i), t.columns[i], "", "%q is not a finite number", clip(cell))
	default:
		return v, nil
	}
	return 0, t.ofRow(e)
}

// addTarget adds the target in a cell.
func (t *table) addTarget(i int, to *targets) *Error {
	if to.kind == Classification {
		cell, e := t.present(i)
		if e == nil {
			e = to.label(cell)
		}
		if e != nil {
			e.Line, e.Column = t.at(i), t.columns[i]
			return t.ofRow(e)
		}
		return nil
	}
	v, e := t.number(i, targetHint)
	if e == nil {
		e = to.number(v)
	}
	return e
}

const targetHint = `a target of classes has the kind "` + string(Classification) + `"`

const featureHint = "features are numbers: encode categories, or drop the column"

func (t *table) separatorHint() string {
	hint := "cells are separated by " + separatorNames[t.separator()]
	switch {
	case t.schema.Separator != "":
		return hint + ", as `separator` says"
	case t.format == formatTSV:
		return hint + ", as the file ends in .tsv"
	}
	return hint + "; a file with tabs ends in .tsv, and separator = \";\" in [task] says what else is between them"
}

func (t *table) names() []string { return t.columns }

func (t *table) value(i int) cell { return cell{text: t.cell(i)} }

// readTable reads a table of text. One whose cells are all numbers is kept by rows, and any other one by columns. o is
// complete, except that the target may be missing.
func readTable(file io.ReadSeeker, from source, o Options) (*Set, error) {
	from.schema = o.Schema
	like := o.like
	if like != nil && like.Encoded() || like == nil && !o.Schema.plain() {
		return readColumns(file, from, o)
	}
	s, err := readRows(file, from, o)
	e := (*Error)(nil)
	if err == nil || like != nil || !errors.As(err, &e) || !(e.ofRow || e.needs.Name != "" || e.about == aboutTarget) {
		return s, err
	}
	return readColumns(file, from, o) // which names all problems
}

// readRows reads a table of numbers.
func readRows(r io.Reader, from source, o Options) (*Set, error) {
	hash := sha256.New()
	t, err := openTable(r, from, hash)
	if err != nil {
		return nil, err
	}
	target := slices.Index(t.columns, o.Target)
	if target < 0 {
		return nil, t.noTarget(o.Target)
	}
	if len(t.columns) == 1 {
		return nil, t.fail(t.at(0), o.Target, t.separatorHint(), "the target is the only column, there is nothing to learn from")
	}
	s := &Set{Name: t.name, Target: o.Target, Kind: o.Kind, Schema: o.Schema, format: t.format, Features: slices.Delete(slices.Clone(t.columns), target, target+1)}
	targets := newTargets(o)
	for {
		err := t.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if s.X.Len()+len(t.record) > maxCells {
			return nil, t.fail(t.at(0), "", "", "the table is larger than the limit of %d cells", maxCells)
		}
		for i := range t.columns {
			if i == target {
				if e := t.addTarget(i, targets); e != nil {
					return nil, e
				}
				continue
			}
			v, e := t.number(i, featureHint)
			if e != nil {
				return nil, e
			}
			s.X.append(v)
		}
	}
	if targets.len() == 0 {
		return nil, t.noRows()
	}
	s.Digest = hex.EncodeToString(hash.Sum(nil))
	return s, targets.finish(s)
}

func (t *table) noRows() *Error { return t.fail(0, "", "", "there is a header, but no rows") }

func (t *table) noTarget(target string) error {
	e := t.fail(0, "", "the columns are "+shorten(t.columns, 40), "the target column is not given")
	if target != "" {
		e = t.fail(0, "", suggest(target, t.columns, "the columns are"), "there is no target column %q", target)
	}
	e.about = aboutTarget
	return e
}

// missing reports whether a cell stands for no value.
func missing(cell string) bool {
	switch strings.ToLower(cell) {
	case "", "?", "na", "n/a", "nan", "null":
		return true
	}
	return false
}

// gap reports whether a cell stands for no value, in a column that is not the target: there, "-" may be a class.
func gap(cell string) bool {
	switch cell {
	case "-", "#N/A", "<NA>":
		return true
	}
	return missing(cell)
}

// clip keeps a cell short enough for a message.
func clip(cell string) string {
	if len(cell) > 40 {
		return strings.ToValidUTF8(cell[:40], "") + "…"
	}
	return cell
}
