package data

import (
	"fmt"
	"hash"
	"io"
	"slices"
)

// encoded reads the rows of a table of any format for a model whose inputs an encoding makes. A column that the table lacks
// is an error, unless the encoding fills its gaps: then every row has a gap there, and [Rows.Absent] names it.
func (r *Rows) encoded(file io.ReadSeeker, from source, in Inputs, sum hash.Hash) error {
	t, err := openRecords(file, from, sum)
	if err != nil {
		return err
	}
	names := t.names()
	index := make(map[string]int, len(names))
	for i, name := range names {
		index[name] = i
	}
	var lacking []string
	for _, c := range in.Encoding.Columns {
		if _, ok := index[c.Name]; ok {
			continue
		}
		if c.Fill == nil && c.FillLevel == nil {
			lacking = append(lacking, c.Name)
		} else {
			r.absent = append(r.absent, c.Name)
		}
	}
	if len(lacking) > 0 {
		return lacks(t, names, lacking, "that the model was trained on")
	}
	var carried []int
	for _, name := range in.Carry {
		i, ok := index[name]
		if !ok {
			lacking = append(lacking, name)
		}
		carried = append(carried, i)
	}
	if len(lacking) > 0 {
		return lacks(t, names, lacking, "to carry along")
	}
	encoding := *in.Encoding
	if !from.isText() {
		encoding.Schema.Decimal = "" // its numbers are no texts
	}
	target := slices.Index(names, in.Target)
	judge := newTargets(Options{Kind: in.Kind, like: in.set()})
	cellOf := func(column string) (text string, ok bool) {
		i, ok := index[column]
		if !ok {
			return "", false
		}
		c := t.value(i)
		return c.spelling(), !c.isGap()
	}
	r.none = t.fail(0, "", "", "there is a header, but no rows")
	r.next = func(row *Row) error {
		if err := t.next(); err != nil {
			return err
		}
		row.Place = fmt.Sprintf("%s:%d", from.name, t.at(0))
		var err error
		if row.X, err = encoding.Row(row.X[:0], cellOf, &r.tally); err != nil {
			return placed(t, from, err.(*Error), index)
		}
		row.Carried = row.Carried[:0]
		for _, i := range carried {
			text := ""
			if c := t.value(i); c.is != cellGap {
				text = c.spelling()
			}
			row.Carried = append(row.Carried, text)
		}
		row.Known = false
		if target < 0 {
			return nil
		}
		c := t.value(target)
		if c.is == cellGap || c.is == cellText && missing(c.text) {
			return nil
		}
		judge.values = judge.values[:0]
		if e := judge.cell(c, encoding.Schema); e != nil {
			e.Column = in.Target
			return placed(t, from, e, index)
		}
		row.Target, row.Known = judge.values[0], true
		return nil
	}
	return nil
}

// hasColumns reports whether the columns of a file have names.
func (from source) hasColumns() bool { return from.isText() || from.format == formatParquet }

// cell adds a row whose target is a cell. The error has no place yet.
func (t *targets) cell(c cell, s Schema) *Error {
	v, number := c.number, c.is == cellNumber
	if c.is == cellInteger {
		v, number = float64(c.whole), c.whole <= 1<<53 && c.whole >= -1<<53
	}
	if t.kind == Classification && !number {
		return t.label(c.spelling())
	}
	if c.is == cellText {
		if v, number = s.number(c.text); !number {
			return &Error{Message: fmt.Sprintf("%q is not a number", clip(c.text))}
		}
	}
	if !number || !isFinite(v) {
		return &Error{Message: fmt.Sprintf("%q is not a finite number", clip(c.spelling()))}
	}
	return t.number(v)
}

// placed gives an error of a row its place.
func placed(t records, from source, e *Error, index map[string]int) *Error {
	e.File, e.ofRow = from.name, true
	e.Line = t.at(index[e.Column])
	return e
}

func lacks(t records, has, names []string, why string) error {
	columns := "columns"
	if len(names) == 1 {
		columns = "column"
	}
	hint := "it has " + shorten(has, 10)
	if table, ok := t.(*table); ok && len(has) == 1 {
		hint += "; " + table.separatorHint()
	}
	return t.fail(0, "", hint, "lacks %d %s %s: %s", len(names), columns, why, shorten(names, 10))
}

// Tally counts, by column, what the rows that were read had and training did not: categories without an input of their own,
// and gaps that were filled.
func (r *Rows) Tally() Tally { return r.tally }

// Absent names the columns that the file lacks and whose gaps are filled.
func (r *Rows) Absent() []string { return r.absent }
