// Package data reads data sets: the small ones that ship with xrun and files from disk. It splits
// them into training, validation and test rows, and makes the arrays, dense or sparse, that
// training works with.
//
// Everything is kept in memory. Cells that are missing, not numbers or not finite are errors
// that name their line and column, unless a [Schema] says what they are: the package guesses nothing. What a column of a
// table becomes is an [Encoding], fitted on training rows.
package data

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
)

// Kind says what a target is.
type Kind string

// The kinds of target.
const (
	Regression     Kind = "regression"     // a number
	Classification Kind = "classification" // one of two or more classes
)

// Options say how a data set is understood.
type Options struct {
	// Target is the column to predict. Default: the target of a built-in set, or the
	// only one in formats that name no columns. CSV, TSV and NPY files need one.
	Target string
	Kind   Kind // Default: a built-in set's own; classification for files
	// Validation and Test are the paths of files with rows for these purposes alone. They have
	// the features and the classes of the data set. Default: there are none.
	Validation, Test string
	// Schema says how tables are read, and what their columns are.
	Schema Schema

	like *Set   // the training data, when the file is one of these two
	part string // and which: aboutValidation or aboutTest
}

// A Set is a table of N examples with D numeric features and a target.
type Set struct {
	Name     string // as asked for
	Digest   string // SHA-256 of the uncompressed content, hex; of two files or arrays, in the order X, y
	Target   string
	Kind     Kind
	Features []string     // D names; nil when the set is sparse
	Classes  []string     // labels in order: by value if all are numbers, else by spelling; nil for regression
	X        Numbers      // N×D, row-major; none when the set is sparse
	Sparse   CSR[float64] // the features of a sparse set
	Width    int          // D of a sparse set
	Y        []float64    // N values, or indices into Classes
	Warnings []string     // oddities that do not prevent training

	// Revision is [currentRevision] if the content is understood otherwise than by the first version of xrun, so that
	// results differ; else 0. ScaledRevision is the same for standardized features.
	Revision, ScaledRevision int

	// Schema is how the table was read. Where it says more than where cells and numbers end, the features have to be encoded:
	// X and Features are none, and Encode gives the inputs.
	Schema Schema
	// Groups are the indices of the values in the column that Schema.Group names, Order the values of the one that
	// Schema.Order names, as numbers; nil without one.
	Groups []int32
	Order  []float64
	// groupNames are the values of the groups with their indices.
	groupNames map[string]int32

	// Validation and Test are the rows of files of their own, or nil.
	Validation, Test *Set

	columns []column // of a set that has to be encoded, in the order of the table
	inputs  int      // the most that they become

	format format
	base   int // what the features of a sparse set are counted from in the file
}

// Base is what the features of a sparse set are counted from in its file, 0 or 1.
func (s *Set) Base() int { return s.base }

// currentRevision counts the changes of the rules by which content is understood. With revision 1, labels that are equal
// numbers are one class, and features that are constant but for rounding are standardized to 0.
const currentRevision = 1

// Len is the number of examples.
func (s *Set) Len() int { return len(s.Y) }

// Dim is the number of features; of a set that has to be encoded, the most inputs that they may become.
func (s *Set) Dim() int {
	if s.Encoded() {
		return s.inputs
	}
	if s.IsSparse() {
		return s.Width
	}
	return len(s.Features)
}

// Columns is the number of columns that are encoded; 0 for a set that is not.
func (s *Set) Columns() int { return len(s.columns) }

// Bytes is the memory that the features and the targets take.
func (s *Set) Bytes() int {
	n := s.X.size() + 8*len(s.Y) + 12*len(s.Sparse.Value) + 16*len(s.Sparse.RowStart) + 4*len(s.Groups) + 8*len(s.Order)
	for j := range s.columns {
		n += s.columns[j].values.size()
		for _, level := range s.columns[j].levels {
			n += 16 + len(level)
		}
	}
	return n
}

// IsSparse reports whether the features are in Sparse rather than in X.
func (s *Set) IsSparse() bool { return s.Sparse.RowStart != nil }

// Open reads a built-in data set by its name, or a file, whose name tells the format:
//
//   - .csv and .tsv: the first line names the columns. The schema says what is between cells, and what the columns are.
//   - .parquet: a table whose columns are flat.
//   - .libsvm, .svm and .svmlight: the set is sparse, and its target is called "label".
//   - .npy: a 2-D array. The target "column:3" is its column 3, counted from 0, and
//     "column:-1" its last.
//   - .npz: arrays named X and y, x and y, data and target, X_train and y_train or x_train and
//     y_train. Files for validation and test may say val and test in place of train.
//   - MNIST's IDX: a file whose name contains images-idx3 beside one with labels-idx1 in its
//     place. The target is called "label", and pixels are the numbers in the file.
//
// Any of them may be compressed with gzip, with .gz behind its name. Arrays of more than two
// dimensions have a row for each index of the first.
// A fault of the data is an [Error].
func Open(name string, o Options) (*Set, error) {
	s, err := openSet(name, o)
	if err != nil {
		return nil, err
	}
	if s.Validation, err = openPart(o.Validation, aboutValidation, s); err != nil {
		return nil, err
	}
	if s.Test, err = openPart(o.Test, aboutTest, s); err != nil {
		return nil, err
	}
	if err := s.hasColumns(o.Schema); err != nil {
		return nil, err
	}
	for _, part := range []*Set{s.Validation, s.Test} {
		if part != nil {
			for _, warning := range part.Warnings {
				s.Warnings = append(s.Warnings, part.Name+": "+warning)
			}
		}
	}
	if v, t := s.Validation, s.Test; v != nil && v.Digest == s.Digest || t != nil && t.Digest == s.Digest {
		s.Warnings = append(s.Warnings, "the training rows also validate or test: the files have the same content")
	} else if v != nil && t != nil && v.Digest == t.Digest {
		s.Warnings = append(s.Warnings, "the files for validation and test have the same content")
	}
	if _, builtin := findBuiltin(name); !builtin {
		s.warnOfSides()
		s.warnOfCopies()
	}
	return s, nil
}

// hasColumns refuses a column to divide by that a format cannot have.
func (s *Set) hasColumns(schema Schema) error {
	for _, by := range []struct {
		about, column string
		read          bool
	}{{aboutGroup, schema.Group, s.Groups != nil}, {aboutOrder, schema.Order, s.Order != nil}} {
		if by.column != "" && !by.read {
			return &Error{File: s.Name, about: by.about, Column: by.column, Message: "cannot divide the rows: only tables have columns beside features and the target",
				hint: "write the data as CSV or TSV"}
		}
	}
	return nil
}

func openSet(name string, o Options) (*Set, error) {
	if o.Kind != "" && o.Kind != Regression && o.Kind != Classification {
		return nil, &Error{File: name, about: aboutKind, Message: fmt.Sprintf("the kind %q is neither %q nor %q", o.Kind, Regression, Classification)}
	}
	if b, ok := findBuiltin(name); ok {
		return b.open(o)
	}
	if _, known := sourceOf(name); !known && !strings.ContainsAny(name, `/\.`) {
		if _, err := os.Stat(name); err != nil {
			return nil, &Error{File: name, Message: "is neither a built-in data set nor a file",
				hint: suggest(name, Names(), "the built-in data sets are")}
		}
	}
	return openFile(name, o)
}

// openPart reads a file with the features and classes of the training data.
func openPart(path, part string, train *Set) (*Set, error) {
	if path == "" {
		return nil, nil
	}
	from, known := sourceOf(path)
	if known && (from.format == formatLIBSVM) != train.IsSparse() {
		e := mixed(from, train)
		e.about = part
		return nil, e
	}
	s, err := openFile(path, Options{Target: train.Target, Kind: train.Kind, Schema: train.Schema, like: train, part: part})
	if err == nil {
		err = s.fits(train)
	}
	if wrong := (*Error)(nil); errors.As(err, &wrong) {
		wrong.about = part
	}
	return s, err
}

// mixed refuses sparse rows beside dense ones.
func mixed(from source, train *Set) *Error {
	than := "is sparse (libsvm)"
	switch {
	case train.format != "":
		than = "is in the format " + string(train.format)
	case !train.IsSparse():
		than = "is not sparse"
	}
	return from.fail("both are sparse (libsvm) or neither is", "is in the format %s, but the training data %s", from.format, than)
}

// fits returns an error if rows of s cannot be used by a model trained on other rows.
func (s *Set) fits(train *Set) error {
	if train.Encoded() {
		if !s.Encoded() {
			return &Error{File: s.Name, Message: "has features without names, but the training data has a table", hint: "give both files the same columns"}
		}
		return nil
	}
	if s.Dim() != train.Dim() {
		return &Error{File: s.Name, Message: fmt.Sprintf("has %d features, but the training data has %d", s.Dim(), train.Dim())}
	}
	for j, name := range s.Features {
		if want := train.Features[j]; name != want {
			return &Error{File: s.Name, Column: name, Message: fmt.Sprintf("the training data has the column %q in its place", want),
				hint: "give both files the same columns in the same order"}
		}
	}
	return nil
}

// constants lists the features that have one value only.
func (s *Set) constants() []string {
	var names []string
	for j, name := range s.Features {
		same := true
		for i := s.Dim() + j; same && i < s.X.Len(); i += s.Dim() {
			same = s.X.At(i) == s.X.At(j)
		}
		if same {
			names = append(names, name)
		}
	}
	return names
}

// used counts the features of a sparse set that are not 0 everywhere.
func (s *Set) used() int {
	seen, count := make([]uint64, s.Width/64+1), 0
	for _, j := range s.Sparse.Column {
		if bit := uint64(1) << (j % 64); seen[j/64]&bit == 0 {
			seen[j/64] |= bit
			count++
		}
	}
	return count
}

// warnOfColumns looks for columns that have one value only.
func (s *Set) warnOfColumns() {
	var constant, rounded []string
	for j := range s.columns {
		c := &s.columns[j]
		same := true
		for i := 1; same && i < c.values.Len(); i++ {
			a, b := c.values.At(0), c.values.At(i)
			same = a == b || a != a && b != b
		}
		if same {
			constant = append(constant, c.name)
		} else if c.as != AsCategory {
			var x Numbers
			for v := range c.values.All() {
				if !math.IsNaN(v) {
					x.append(v)
				}
			}
			one := &Set{Features: []string{c.name}, X: x, Y: make([]float64, x.Len())}
			rounded = append(rounded, one.roundedConstants()...)
		}
	}
	if len(rounded) > 0 {
		s.Warnings = append(s.Warnings, roundedWarning(rounded, len(s.columns)))
	}
	if len(constant) > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d columns are constant and teach a model nothing: %s", len(constant), len(s.columns), shorten(constant, 8)))
	}
}

// warn looks for oddities of training data.
func (s *Set) warn() {
	if s.IsSparse() {
		if empty := s.Width - s.used(); empty > 0 {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d features are 0 in every row and teach a model nothing", empty, s.Width))
		}
	} else if s.Encoded() {
		s.warnOfColumns()
	} else {
		s.warnOfConstants()
	}
	if n := len(s.Classes); n > 20 && 2*n > s.Len() {
		s.Warnings = append(s.Warnings, fmt.Sprintf("column %q has %d classes in %d rows; is it a number to predict (kind %q)?",
			s.Target, n, s.Len(), Regression))
	}
}

func (s *Set) warnOfConstants() {
	if names := s.constants(); len(names) > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d features are constant and teach a model nothing: %s",
			len(names), s.Dim(), shorten(names, 8)))
	}
	if names := s.roundedConstants(); len(names) > 0 {
		s.ScaledRevision = currentRevision
		s.Warnings = append(s.Warnings, roundedWarning(names, s.Dim()))
	}
}

func roundedWarning(names []string, of int) string {
	return fmt.Sprintf("%d of %d features vary by no more than rounding, in all rows or in most, and are standardized as constant where the training rows vary no more: %s",
		len(names), of, shorten(names, 8))
}

// shorten joins at most n names.
func shorten(names []string, n int) string {
	if len(names) > n {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
	}
	return strings.Join(names, ", ")
}
