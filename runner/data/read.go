package data

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A table is a file of CSV or TSV while it is read: its columns, then its records.
type table struct {
	source
	csv     *csv.Reader
	content *bufio.Reader // csv reads it, too
	columns []string
	record  []string // the one that was read last
	line    int      // of a record that was read without csv; else 0
	seen    int      // lines that csv has read
	ahead   int      // and those that it has not
	indexed bool     // the first column has no name in the file
}

// openTable reads the header of a table.
func openTable(r io.Reader, from source, sum hash.Hash) (*table, error) {
	t := &table{source: from}
	content, err := from.content(r, sum)
	if err != nil {
		return nil, err
	}
	t.content, t.csv = content, csv.NewReader(content) // which has no buffer of its own, as content is one
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
		e.Line, e.Message, e.ofRow = parse.StartLine+t.ahead, parse.Err.Error(), true
		e.hint = `a quoted cell starts and ends with ", and a " inside it is written ""`
	}
	return e
}

func (t *table) header() error {
	err := t.read()
	if err == io.EOF {
		return t.fail(0, "", "the first line names the columns", "the file is empty")
	}
	if err != nil {
		return err
	}
	record := t.record
	if len(record) > maxColumns {
		return t.fail(1, "", "", "%d columns are more than the limit of %d", len(record), maxColumns)
	}
	for _, cell := range record {
		t.columns = append(t.columns, strings.Clone(strings.TrimSpace(cell)))
	}
	line := t.at(0)
	if first := t.columns[0]; len(first) <= len("sep=;") && strings.HasPrefix(first, "sep=") {
		return t.fail(line, "", "remove the line: separator in [task] says what is between cells", "the line is one for spreadsheets, and names no columns")
	}
	t.indexed = nameIndex(t.columns)
	return checkNames(t.columns, func(column, hint, format string, args ...any) *Error {
		return t.fail(line, column, hint, format, args...)
	})
}

// checkNames refuses names of columns that cannot be told apart or shown.
func checkNames(names []string, fail func(column, hint, format string, args ...any) *Error) error {
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		if name == "" {
			return fail("", unnamedHint(i, len(names)), "column %d of %d has no name", i+1, len(names))
		}
		if problem := unshowable(name); problem != "" {
			return fail("", "remove it from the file", "the name of column %d %s", i+1, problem)
		}
		if seen[name] {
			return fail(name, "give each column a name of its own", "the name is used twice")
		}
		seen[name] = true
	}
	if a, b, alike := lookAlike(names); alike {
		return fail("", "give each column a name of its own", "two names look the same: %+q and %+q", clip(a), clip(b))
	}
	return nil
}

// unnamedHint says how a column may have come to have no name.
func unnamedHint(i, of int) string {
	switch {
	case of > 1 && i == of-1:
		return "each line may end with a separator too many: remove it, or name the column in the first line"
	}
	return "the first line names the columns"
}

// next reads a record. Of a record that cannot be used the error says so, and the next one can be read all the same
// where the error is of one row.
func (t *table) next() error {
	if !t.plainLine() {
		if err := t.read(); err != nil {
			return err
		}
	}
	if record := t.record; len(record) != len(t.columns) {
		return t.ofRow(t.fail(t.at(0), "", t.separatorHint(), "the row has %d cells, but the header names %d columns", len(record), len(t.columns)))
	}
	return nil
}

// read reads a record of any kind.
func (t *table) read() error {
	record, err := t.csv.Read()
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		t.seen = parse.Line
	}
	if err == io.EOF {
		return err
	}
	if err != nil {
		return t.readError(err)
	}
	last := len(record) - 1
	line, _ := t.csv.FieldPos(last)
	t.record, t.line, t.seen = record, 0, line+strings.Count(record[last], "\n")
	return nil
}

// plainLine reads a record without quotes, which ends where its line does, many times as fast as csv, with the same outcome.
func (t *table) plainLine() bool {
	t.line = 0
	for {
		if t.content.Buffered() == 0 {
			t.content.Peek(1) // fills the buffer; csv meets the error if there is one
		}
		buffer, _ := t.content.Peek(t.content.Buffered())
		end := bytes.IndexByte(buffer, '\n')
		if end < 0 || bytes.IndexByte(buffer[:end], '"') >= 0 {
			return false
		}
		text := string(bytes.TrimSuffix(buffer[:end], []byte("\r")))
		t.content.Discard(end + 1)
		t.ahead++
		if text == "" {
			continue // csv leaves empty lines out, too
		}
		t.line = t.seen + t.ahead
		t.record = t.record[:0]
		for {
			at := strings.IndexByte(text, byte(t.csv.Comma))
			if at < 0 {
				break
			}
			t.record = append(t.record, text[:at])
			text = text[at+1:]
		}
		t.record = append(t.record, text)
		return true
	}
}

// ofRow marks an error as that of one row.
func (t *table) ofRow(e *Error) *Error {
	e.File, e.ofRow = t.name, true
	return e
}

// at is the line of a cell of the record.
func (t *table) at(i int) int {
	if t.line > 0 {
		return t.line
	}
	line, _ := t.csv.FieldPos(i)
	return line + t.ahead
}

func (t *table) cell(i int) string { return trimmed(t.record[i]) }

// trimmed is a cell without white space around it.
func trimmed(cell string) string {
	if n := len(cell); n > 0 && ' ' < cell[0] && cell[0] < utf8.RuneSelf && ' ' < cell[n-1] && cell[n-1] < utf8.RuneSelf {
		return cell // as nearly all are
	}
	return strings.TrimSpace(cell)
}

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
	if from.format == formatParquet || like != nil && like.Encoded() || like == nil && !o.Schema.plain() {
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
	if t.indexed {
		return nil, t.ofRow(t.index())
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
	switch len(cell) {
	case 0:
		return true
	case 1:
		return cell == "?"
	case 2:
		return strings.EqualFold(cell, "na")
	case 3:
		return strings.EqualFold(cell, "n/a") || strings.EqualFold(cell, "nan")
	case 4:
		return strings.EqualFold(cell, "null")
	}
	return false
}

// gap reports whether a cell stands for no value, in a column that is not the target: there, "-" may be a class.
func gap(cell string) bool {
	if cell != "" && '0' <= cell[0] && cell[0] <= '9' {
		return false
	}
	return cell == "-" || cell == "#N/A" || cell == "<NA>" || missing(cell)
}

// clip keeps a cell short enough for a message.
func clip(cell string) string {
	if len(cell) > 40 {
		return strings.ToValidUTF8(cell[:40], "") + "…"
	}
	return cell
}
