package data

import (
	"archive/zip"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Inputs are what a trained model takes from a file.
type Inputs struct {
	Features []string // in the order of the model's inputs; nil for a model of sparse data
	Width    int      // the number of inputs of a model of sparse data
	Base     int      // what the features of its files are counted from, 0 or 1
	Target   string   // is read where the file has it
	Kind     Kind
	Classes  []string
	Carry    []string // further columns, whose texts are read
	// Schema says how the text of a table is read, and Encoding makes the inputs of its columns; nil for columns of numbers.
	Schema   Schema
	Encoding *Encoding
}

// set describes the training data, as far as rows that are read later have to fit it.
func (in Inputs) set() *Set {
	s := &Set{Name: "the model", Target: in.Target, Kind: in.Kind, Features: in.Features, Classes: in.Classes, Width: in.Width, base: in.Base}
	if in.sparse() {
		s.Sparse.RowStart, s.format = []int{}, formatLIBSVM
	}
	return s
}

func (in Inputs) sparse() bool { return in.Features == nil }

// A Row is one example. Its slices are valid until the next one is read.
type Row struct {
	Place string // such as "new.csv:3"
	X     []float64
	// Column and Value are the features of a sparse row that are not 0, by column.
	Column  []int32
	Value   []float64
	Target  float64 // a number, or the index of the class
	Known   bool    // whether it has a target
	Carried []string
}

// Rows reads the rows of a file one after the other, with the rules of [Open]. Files of text may be of any length. Arrays
// are kept in memory.
type Rows struct {
	file *os.File
	next func(*Row) error
	none *Error // for a file without rows
	row  Row
	some bool // a row has been read, good or bad
	done bool

	tally  Tally
	absent []string
}

// OpenRows opens a file of any format that [Open] reads, for a model that is trained. Columns with names are found by
// name, in any order, and others are left alone. The target may be absent or, in tables, empty.
func OpenRows(path string, in Inputs) (*Rows, error) {
	from, file, err := openSource(path)
	if err != nil {
		return nil, err
	}
	from.streamed, from.schema = true, in.Schema
	r := &Rows{file: file}
	sum := sha256.New() // nobody asks for it
	switch sparse := from.format == formatLIBSVM; {
	case sparse != in.sparse():
		err = mixed(from, in.set())
	case sparse:
		err = r.lines(file, from, in, sum)
	case in.Encoding != nil && from.hasColumns():
		err = r.encoded(file, from, in, sum)
	case from.format == formatParquet:
		in.Encoding = &Encoding{Schema: in.Schema}
		for _, name := range in.Features {
			in.Encoding.Columns = append(in.Encoding.Columns, EncodedColumn{Name: name, As: AsNumber})
		}
		err = r.encoded(file, from, in, sum)
	case from.isText():
		err = r.table(file, from, in, sum)
	default:
		err = r.arrays(file, from, in, sum)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}

// Close closes the file.
func (r *Rows) Close() error { return r.file.Close() }

// Next reads the next row; io.EOF follows the last one. After the error of one row, the rows behind it can be read.
func (r *Rows) Next() (*Row, error) {
	if r.done {
		return nil, io.EOF
	}
	err := r.next(&r.row)
	if err == io.EOF && !r.some {
		err = r.none
	}
	r.some = true
	if e := (*Error)(nil); err != nil && !(errors.As(err, &e) && e.ofRow) {
		r.done = true
	}
	if err != nil {
		return nil, err
	}
	return &r.row, nil
}

func (r *Rows) table(file io.Reader, from source, in Inputs, sum hash.Hash) error {
	t, err := openTable(file, from, sum)
	if err != nil {
		return err
	}
	features, lacking := t.find(in.Features)
	if len(lacking) > 0 {
		return lacks(t, t.columns, lacking, "that the model was trained on")
	}
	carried, lacking := t.find(in.Carry)
	if len(lacking) > 0 {
		return lacks(t, t.columns, lacking, "to carry along")
	}
	target := slices.Index(t.columns, in.Target)
	judge := newTargets(Options{Kind: in.Kind, like: in.set()})
	r.row.X, r.none = make([]float64, len(features)), t.noRows()
	r.next = func(row *Row) error {
		if err := t.next(); err != nil {
			return err
		}
		row.Place = fmt.Sprintf("%s:%d", t.name, t.at(0))
		for j, i := range features {
			v, e := t.number(i, featureHint)
			if e != nil {
				return e
			}
			row.X[j] = v
		}
		row.Carried = row.Carried[:0]
		for _, i := range carried {
			row.Carried = append(row.Carried, t.cell(i))
		}
		if row.Known = target >= 0 && !missing(t.cell(target)); row.Known {
			judge.values = judge.values[:0]
			if e := t.addTarget(target, judge); e != nil {
				return e
			}
			row.Target = judge.values[0]
		}
		return nil
	}
	return nil
}

// find looks names up among the columns.
func (t *table) find(names []string) (at []int, lacking []string) {
	index := make(map[string]int, len(t.columns))
	for i, name := range t.columns {
		index[name] = i
	}
	for _, name := range names {
		i, ok := index[name]
		if !ok {
			lacking = append(lacking, name)
		}
		at = append(at, i)
	}
	return at, lacking
}

// nameless refuses to carry columns of formats whose columns have no names.
func (from source) nameless(in Inputs) error {
	if len(in.Carry) == 0 {
		return nil
	}
	return from.fail("CSV and TSV have names of columns", "has no column %s: its columns have no names", shorten(in.Carry, 10))
}

func (r *Rows) lines(file io.Reader, from source, in Inputs, sum hash.Hash) error {
	if err := from.nameless(in); err != nil {
		return err
	}
	l, err := openLines(file, from, Options{Kind: in.Kind, like: in.set()}, sum)
	if err != nil {
		return err
	}
	r.none = from.noLines()
	r.next = func(row *Row) error {
		m := &l.set.Sparse
		*m = CSR[float64]{RowStart: m.RowStart[:0], RowEnd: m.RowEnd[:0], Column: m.Column[:0], Value: m.Value[:0]}
		l.targets.values = l.targets.values[:0]
		if err := l.next(); err != nil {
			return err
		}
		for i := range m.Column {
			m.Column[i] -= int32(in.Base)
		}
		row.Place = fmt.Sprintf("%s:%d", l.name, l.line)
		row.Column, row.Value, row.Target, row.Known = m.Column, m.Value, l.targets.values[0], true
		return nil
	}
	return nil
}

// arrays reads NPY, NPZ and IDX.
func (r *Rows) arrays(file *os.File, from source, in Inputs, sum hash.Hash) error {
	if err := from.nameless(in); err != nil {
		return err
	}
	if !slices.Equal(in.Features, numbered(len(in.Features))) {
		return from.fail("CSV and TSV have names of columns", "has columns without names, but the model was trained on columns with names: %s", shorten(in.Features, 10))
	}
	x, y, err := from.readArrays(file, in, sum)
	if err != nil {
		return err
	}
	if len(x.shape) < 2 {
		return from.fail("the features have two dimensions or more, the first of which counts the rows", "the features have the shape %s", shapeText(x.shape))
	}
	rows, columns := x.table()
	if columns != len(in.Features) {
		return from.fail("", "has %d features, but the training data has %d", columns, len(in.Features))
	}
	if y != nil {
		if y.shape, err = from.targetShape(y.shape, rows); err != nil {
			return err
		}
	}
	r.none = from.fail("", "there are no rows")
	judge, i, scratch := newTargets(Options{Kind: in.Kind, like: in.set()}), -1, make([]float64, columns)
	r.next = func(row *Row) error {
		if i++; i == rows {
			return io.EOF
		}
		*row = Row{Place: fmt.Sprintf("%s: row %d", from.name, i), X: slices.Clone(x.values.Row(i*columns, columns, scratch))}
		if y == nil {
			return nil
		}
		judge.values = judge.values[:0]
		if e := judge.number(y.values.At(i)); e != nil {
			e.File, e.Column, e.Message, e.ofRow = from.name, in.Target, fmt.Sprintf("row %d: %s", i, e.Message), true
			return e
		}
		row.Target, row.Known = judge.values[0], true
		return nil
	}
	return nil
}

// readArrays reads the features of a file and, if it has one, the target.
func (from source) readArrays(file *os.File, in Inputs, sum hash.Hash) (x array, y *array, err error) {
	switch from.format {
	case formatNPY:
		return from.readMatrix(file, in, sum)
	case formatIDX:
		if x, err = decodeIDX(file, from, sum); err != nil {
			return x, nil, err
		}
		labels, err := openLabels(from)
		if errors.Is(err, fs.ErrNotExist) {
			return x, nil, nil
		}
		if err != nil {
			return x, nil, err
		}
		defer labels.Close()
		named, _ := sourceOf(labels.Name())
		found, err := decodeIDX(labels, named, sum)
		return x, &found, err
	}
	archive, err := openArchive(file, from)
	if err != nil {
		return x, nil, err
	}
	return from.readUnlabelled(archive, sum)
}

// readMatrix reads an array with or without the column of the target, which its width tells.
func (from source) readMatrix(file io.Reader, in Inputs, sum hash.Hash) (x array, y *array, err error) {
	content, err := from.content(file, sum)
	if err != nil {
		return x, nil, err
	}
	a, e := decodeNPY(content)
	if e == nil && len(a.shape) == 2 && a.shape[1] == len(in.Features)+1 && strings.HasPrefix(in.Target, columnPrefix) {
		var at int
		if at, e = columnOf(in.Target, a.shape[1]); e == nil {
			features, target := a.without(at)
			return features, &target, nil
		}
	}
	if e != nil {
		e.File = from.name
		return x, nil, e
	}
	return a, nil, nil
}

// readUnlabelled reads the features of an archive, with or without a target beside them.
func (from source) readUnlabelled(archive *zip.Reader, sum hash.Hash) (x array, y *array, err error) {
	entries, names, err := entriesOf(archive, from)
	if err != nil {
		return x, nil, err
	}
	pairs := slices.Concat(namesOf(""), namesOf(aboutTest), namesOf(aboutValidation))
	slices.SortStableFunc(pairs, func(a, b [2]string) int { // pairs that are whole first
		whole := func(p [2]string) int {
			if entries[p[0]] != nil && entries[p[1]] != nil {
				return 0
			}
			return 1
		}
		return whole(a) - whole(b)
	})
	for _, pair := range pairs {
		if entries[pair[0]] == nil {
			continue
		}
		if x, err = from.readEntry(pair[0], entries[pair[0]], sum); err != nil || entries[pair[1]] == nil {
			return x, nil, err
		}
		target, err := from.readEntry(pair[1], entries[pair[1]], sum)
		return x, &target, err
	}
	return x, nil, from.fail("features are called X, x, data, X_train or x_train", "there is no array of features; %s", arraysFound(names))
}
