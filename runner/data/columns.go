package data

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
)

// A column is that of a table whose features have to be encoded.
type column struct {
	name   string
	as     string
	values Numbers // NaN for a gap; of a category 0 for a gap, and else 1 more than the index in levels
	levels []string
	gaps   int // rows without a value
}

// most limits the values of one column of categories: each may become an input.
const mostLevels = maxColumns

// records is a table while it is read.
type records interface {
	names() []string
	next() error      // io.EOF follows the last row; after the error of one row, the next one can be read
	value(i int) cell // of the row that was read last
	at(i int) int     // its line, or its number where there are no lines
	fail(line int, column, hint, format string, args ...any) *Error
}

// A cell is a value of a table as the file has it.
type cell struct {
	is     cellKind
	nanos  int32 // of a date, behind whole
	text   string
	number float64 // of a number, a flag or a date
	whole  int64   // of an integer; of a date, seconds since 1970-01-01
}

type cellKind uint8

const (
	cellText cellKind = iota // CSV has nothing else
	cellGap
	cellNumber
	cellInteger
	cellFlag
	cellDate
)

// spelling is the value as a category or a class.
func (c cell) spelling() string {
	switch c.is {
	case cellInteger:
		return fmt.Sprint(c.whole)
	case cellNumber:
		return spelled(c.number)
	case cellFlag:
		return map[bool]string{true: "true", false: "false"}[c.number != 0]
	case cellDate:
		return c.writeDate()
	}
	return c.text
}

// isGap reports whether there is no value.
func (c cell) isGap() bool {
	return c.is == cellGap || c.is == cellText && gap(c.text) || c.is == cellNumber && math.IsNaN(c.number)
}

// flagOf reads a word that says true or false.
func flagOf(text string) (v float64, ok bool) {
	switch len(text) {
	case 2, 3, 4, 5:
		switch {
		case strings.EqualFold(text, "true"), strings.EqualFold(text, "yes"):
			return 1, true
		case strings.EqualFold(text, "false"), strings.EqualFold(text, "no"):
			return 0, true
		}
	}
	return 0, false
}

// A builder makes a column while its cells are read.
type builder struct {
	column
	input, target, group, order bool
	auto                        bool   // becomes a category where it has text
	rule                        string // what is done about gaps; empty where they are problems
	index                       map[string]int
	numbers, flags, dates       int
	firstFlag                   int // its line
	flagText                    string
	beyond                      bool // has a number other than 0 and 1
	dashes                      int  // gaps that are written "-"
	category                    bool // turned out to be one too late: the file has to be read again
}

// reading is a pass over a table that makes its columns.
type reading struct {
	records
	options  Options
	name     string
	builders []*builder
	target   int // its place, or -1
	targets  *targets
	faults   *faults
	rows     int
	dropped  map[string]int // rows by the column that had a gap
	groups   map[string]int32
	set      *Set
}

// begin says what each column of the file is. as holds what columns turned out to be before.
func (r *reading) begin(as map[string]string) {
	o, s := r.options, r.options.Schema
	auto := len(s.Categories) == 1 && s.Categories[0] == AllCategories
	r.target = slices.Index(r.names(), o.Target)
	r.groups, r.dropped = map[string]int32{}, map[string]int{}
	for _, name := range r.names() {
		b := &builder{column: column{name: name, as: as[name]}, input: true, rule: s.ruleOf(name)}
		known := b.as != ""
		switch {
		case name == o.Target:
			b.input, b.target, b.as = false, true, ""
			if b.rule != MissingDropRows {
				b.rule = ""
			}
		case slices.Contains(s.Drop, name):
			b.input = false
		case !auto && slices.Contains(s.Categories, name):
			b.as = AsCategory
		case s.Ordinal[name] != nil:
			b.as = AsOrdinal
		case slices.Contains(s.Dates, name):
			b.as = AsDate
		}
		b.group, b.order = s.Group == name, s.Order == name
		if b.group || b.order {
			b.input = false
		}
		if o.like != nil && b.input && !known {
			b.input = false // the training data does not have it
		}
		b.auto = auto && b.input && b.as == "" && o.like == nil
		switch b.as {
		case AsCategory:
			b.index = map[string]int{}
		case AsOrdinal:
			b.index = map[string]int{}
			b.levels = s.Ordinal[name]
			for i, level := range b.levels {
				b.index[level] = i
			}
		}
		r.builders = append(r.builders, b)
	}
}

// needs reports whether a column is read at all.
func (r *reading) needs(name string) bool {
	i := slices.IndexFunc(r.builders, func(b *builder) bool { return b.name == name })
	b := r.builders[i]
	return b.input || b.target || b.group || b.order
}

// columnNames are the columns that become features.
func (s *Set) columnNames() (names []string) {
	for _, c := range s.columns {
		names = append(names, c.name)
	}
	return append(names, s.Features...)
}

// ruleOf is what is done about gaps of a column.
func (s Schema) ruleOf(name string) string {
	if rule, ok := s.Missing[name]; ok {
		return rule
	}
	return s.Missing[EveryColumn]
}

// run reads all rows.
func (r *reading) run() error {
	values := make([]float64, len(r.builders))
	var inputs int
	for _, b := range r.builders {
		if b.input {
			inputs++
		}
	}
	for {
		err := r.next()
		if err == io.EOF {
			return nil
		}
		if e := (*Error)(nil); errors.As(err, &e) && e.ofRow {
			kind := faultRow
			if e.cause != nil {
				kind = faultQuote
			}
			r.faults.add(e, kind, "", "")
			continue
		}
		if err != nil {
			return err
		}
		if (r.rows+1)*max(inputs, 1) > maxCells {
			return r.fail(r.at(0), "", "", "the table is larger than the limit of %d cells", maxCells)
		}
		drop := ""
		for i, b := range r.builders {
			if !b.input && !b.group && !b.order && !b.target {
				continue
			}
			c := r.value(i)
			isGap := c.isGap()
			if b.target {
				isGap = c.is != cellText && isGap || c.is == cellText && missing(c.text)
			}
			switch {
			case isGap && b.rule == MissingDropRows:
				if drop == "" {
					drop = b.name
				}
			case isGap && (b.rule == "" || !b.input):
				r.faults.add(r.fail(r.at(i), b.name, "", "the value is missing (%q)", c.text), faultGap, b.name, c.text)
			case isGap:
				if values[i] = b.missing(); c.text == "-" {
					b.dashes++
				}
			case b.input:
				values[i] = r.read(i, b, c)
			}
		}
		if drop != "" {
			r.dropped[drop]++
			continue
		}
		r.rows++
		if len(r.faults.all) > 0 {
			r.judge() // counts the problems of targets, and keeps nothing
			continue
		}
		for i, b := range r.builders {
			if b.input {
				b.values.append(values[i])
				if b.isGap(values[i]) {
					b.gaps++
				}
			}
		}
		r.judge()
	}
}

// missing is how a gap is kept.
func (b *builder) missing() float64 {
	if b.as == AsCategory {
		return 0
	}
	return math.NaN()
}

func (c *column) isGap(v float64) bool {
	if c.as == AsCategory {
		return v == 0
	}
	return math.IsNaN(v)
}

// read is the value of a cell that has one.
func (r *reading) read(i int, b *builder, c cell) float64 {
	switch b.as {
	case AsCategory:
		return r.code(i, b, c.spelling())
	case AsOrdinal:
		if at, ok := b.index[c.spelling()]; ok {
			return float64(at)
		}
		r.faults.add(r.fail(r.at(i), b.name, suggest(clip(c.spelling()), b.levels, "its values are"), "%q is not one of the values of ordinal", clip(c.spelling())), faultLevel, b.name, c.spelling())
	case AsDate:
		if v, ok := c.date(); ok {
			return v
		}
		r.faults.add(r.fail(r.at(i), b.name, dateHint, "%q is not a date", clip(c.spelling())), faultDate, b.name, c.spelling())
	default:
		return r.number(i, b, c)
	}
	return math.NaN()
}

// code is the number of a category.
func (r *reading) code(i int, b *builder, text string) float64 {
	at, ok := b.index[text]
	if !ok {
		if problem := unshowable(text); problem != "" {
			r.faults.add(r.fail(r.at(i), b.name, "remove it from the file", "the category %s", problem), faultOther, b.name, text)
			return 0
		}
		if at = len(b.levels); at == mostLevels {
			r.faults.add(r.fail(r.at(i), b.name, "", "it has more than %d values, too many for categories", mostLevels), faultMany, b.name, "")
			return 0
		}
		text = strings.Clone(text)
		b.index[text], b.levels = at, append(b.levels, text)
	}
	return float64(at + 1)
}

// value is the number in a cell; ok is false for others.
func (c cell) value(s Schema) (v float64, ok bool) {
	switch c.is {
	case cellText:
		return s.number(c.text)
	case cellInteger:
		return float64(c.whole), true
	}
	return c.number, c.is == cellNumber || c.is == cellFlag
}

// number reads a cell of a column of numbers or flags, and finds out which.
func (r *reading) number(i int, b *builder, c cell) float64 {
	v, ok := c.value(r.options.Schema)
	if c.is == cellInteger && (c.whole > 1<<53 || c.whole < -1<<53) {
		r.faults.add(r.fail(r.at(i), b.name, "integers are at most 2⁵³", "%d is too large an integer to be computed with exactly", c.whole), faultOther, b.name, "")
		return math.NaN()
	}
	flag := c.is == cellFlag
	if !ok {
		v, flag = flagOf(c.text)
	}
	switch {
	case flag && b.as != AsNumber:
		if b.flags++; b.flags == 1 {
			b.firstFlag, b.flagText = r.at(i), c.spelling()
		}
		return v
	case !ok || flag:
		if b.auto {
			return r.turn(i, b, c)
		}
		hint := ""
		if b.target {
			hint = targetHint
		}
		r.faults.add(r.fail(r.at(i), b.name, hint, "%q is not a number", clip(c.spelling())), faultText, b.name, c.spelling())
		return math.NaN()
	case c.is == cellText && vanishes(v, c.text):
		r.faults.add(r.fail(r.at(i), b.name, "write 0 if it is meant", "%q is too small to be told from 0", clip(c.text)), faultOther, b.name, c.text)
		return math.NaN()
	case !isFinite(v):
		r.faults.add(r.fail(r.at(i), b.name, "", "%q is not a finite number", clip(c.spelling())), faultOther, b.name, c.spelling())
		return math.NaN()
	case b.as == AsFlag && v != 0 && v != 1:
		r.faults.add(r.fail(r.at(i), b.name, "true, false, yes, no, 1 and 0 are its values", "%q says neither true nor false", clip(c.spelling())), faultOther, b.name, c.spelling())
		return math.NaN()
	}
	b.numbers++
	b.beyond = b.beyond || v != 0 && v != 1
	return v
}

// turn makes a column that was taken for numbers one of categories.
func (r *reading) turn(i int, b *builder, c cell) float64 {
	if b.numbers+b.flags > 0 {
		b.category = true
		return math.NaN()
	}
	b.as, b.index = AsCategory, map[string]int{}
	n := b.values.Len()
	b.values = Numbers{}
	for range n {
		b.values.append(0)
	}
	return r.code(i, b, c.spelling())
}

// judge reads the target and what divides the rows.
func (r *reading) judge() {
	for i, b := range r.builders {
		if !b.target && !b.group && !b.order {
			continue
		}
		c := r.value(i)
		if c.isGap() && !(b.target && c.is == cellText && !missing(c.text)) {
			continue // has been said
		}
		if b.group {
			text := c.spelling()
			at, ok := r.groups[text]
			if !ok {
				at = int32(len(r.groups))
				r.groups[strings.Clone(text)] = at
			}
			r.set.Groups = append(r.set.Groups, at)
		}
		if b.order {
			r.set.Order = append(r.set.Order, r.position(i, b, c))
		}
		if b.target {
			r.label(i, b, c)
		}
	}
}

// position is the place of a row in time: a number or a date, the same in all rows.
func (r *reading) position(i int, b *builder, c cell) float64 {
	v, ok := c.value(r.options.Schema)
	isDate := false
	if !ok {
		v, isDate = c.date()
	}
	switch {
	case isDate && b.numbers == 0:
		b.dates++
	case ok && isFinite(v) && b.dates == 0:
		b.numbers++
	default:
		r.faults.add(r.fail(r.at(i), b.name, "the column of order has numbers in all rows, or dates: "+dateHint, "%q is not in an order with the rows before", clip(c.spelling())), faultOther, b.name, c.spelling())
	}
	return v
}

// label reads a target.
func (r *reading) label(i int, b *builder, c cell) {
	var e *Error
	if r.options.Kind == Classification {
		if c.is == cellNumber || c.is == cellInteger && c.whole <= 1<<53 && c.whole >= -1<<53 {
			v := c.number
			if c.is == cellInteger {
				v = float64(c.whole)
			}
			e = r.targets.number(v)
		} else {
			e = r.targets.label(c.spelling())
		}
	} else {
		faults := len(r.faults.all)
		b.as = AsNumber // true and false are no numbers to predict
		if v := r.number(i, b, c); len(r.faults.all) == faults && !math.IsNaN(v) {
			e = r.targets.number(v)
		}
	}
	if e != nil {
		e.File, e.Line, e.Column = r.name, r.at(i), b.name
		r.faults.add(e, faultLabel, b.name, c.spelling())
	}
}

// settle finds out what columns of numbers and flags are. again is set where a column turned out to be of categories too
// late.
func (r *reading) settle(as map[string]string) (again bool) {
	for _, b := range r.builders {
		if !b.input {
			continue
		}
		if b.as == "" && b.flags > 0 && b.numbers > 0 && b.beyond {
			if b.auto {
				b.category = true
			} else {
				r.faults.add(r.fail(b.firstFlag, b.name, "", "%q is not a number", b.flagText), faultText, b.name, b.flagText)
			}
		}
		switch {
		case b.category:
			as[b.name], again = AsCategory, true
		case b.as == "" && b.flags > 0:
			b.as = AsFlag
		case b.as == "":
			b.as = AsNumber
		}
	}
	return again
}

// finish makes the set.
func (r *reading) finish() (*Set, error) {
	s := r.set
	s.columns, s.groupNames = []column{}, r.groups
	for _, b := range r.builders {
		if b.input {
			s.columns = append(s.columns, b.column)
		}
	}
	if like := r.options.like; like != nil {
		byName := map[string]column{}
		for _, c := range s.columns {
			byName[c.name] = c
		}
		s.columns = nil
		for _, name := range like.columnNames() {
			s.columns = append(s.columns, byName[name])
		}
		if !like.Encoded() {
			s.byRows(like.Features)
		}
	}
	for _, b := range r.builders {
		if _, plus := b.index["+"]; plus && b.dashes > 0 {
			s.Warnings = append(s.Warnings, fmt.Sprintf("column %q: \"-\" is a gap in %d rows, though \"+\" is a category: write another word if it is one as well", b.name, b.dashes))
		}
	}
	for j := range s.columns {
		s.inputs += s.columns[j].most(s.Schema)
	}
	if n := s.inputs; n > maxColumns {
		return nil, &Error{File: r.name, about: aboutCategories, Message: fmt.Sprintf("the columns become up to %d inputs, more than the limit of %d", n, maxColumns),
			hint: "drop columns, or let rare categories share an input with rare = 20"}
	}
	if dropped := slices.Sorted(maps.Keys(r.dropped)); len(dropped) > 0 {
		rows, texts := 0, []string(nil)
		for _, name := range dropped {
			rows += r.dropped[name]
			texts = append(texts, fmt.Sprintf("%s in %d", name, r.dropped[name]))
		}
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d rows are left out, as values are missing: %s", rows, rows+r.rows, shorten(texts, 8)))
	}
	return s, r.targets.finish(s)
}

// byRows keeps columns of numbers by rows, as those of the training data are.
func (s *Set) byRows(features []string) {
	for i := range s.columns[0].values.Len() {
		for j := range s.columns {
			s.X.append(s.columns[j].values.At(i))
		}
	}
	s.Features, s.columns = features, nil
}

// readColumns reads a table whose features have to be encoded, or says all that is wrong with it.
func readColumns(file io.ReadSeeker, from source, o Options) (*Set, error) {
	as := map[string]string{}
	if o.like != nil {
		for _, c := range o.like.columns {
			as[c.name] = c.as
		}
		for _, name := range o.like.Features {
			as[name] = AsNumber
		}
	}
	found := newFaults(from, o)
	for range 8 { // each time, more is known about the file
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return nil, &Error{File: from.name, Message: err.Error(), cause: err}
		}
		found.restart()
		from.schema = found.options.Schema
		sum := sha256.New()
		table, err := openRecords(file, from, sum)
		if err == nil {
			err = found.columns(table)
		}
		if err != nil {
			if found.assume(err) {
				continue
			}
			return nil, err
		}
		r := &reading{records: table, options: found.options, name: from.name, targets: newTargets(o), faults: found,
			set: &Set{Name: from.name, Target: o.Target, Kind: o.Kind, Schema: o.Schema, format: from.format}}
		r.begin(as)
		if p, ok := table.(*parquetTable); ok {
			p.choose(r.needs)
		}
		if err := r.run(); err != nil {
			if found.assume(err) {
				continue
			}
			return nil, err
		}
		if r.settle(as) && o.like == nil {
			continue
		}
		if found.some() {
			return nil, found.err(r)
		}
		switch {
		case r.rows == 0 && len(r.dropped) > 0:
			return nil, r.fail(0, "", "fill the gaps with another rule of `missing`", "no row is left: each lacks a value")
		case r.rows == 0:
			return nil, r.fail(0, "", "", "there is a header, but no rows")
		}
		r.set.Digest = hex.EncodeToString(sum.Sum(nil))
		return r.finish()
	}
	return nil, from.fail("", "cannot be understood")
}
