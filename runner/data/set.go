// Package data reads what models are trained on: the small data sets that ship with xrun and
// CSV files from disk, their split into training, validation and test rows, and the dense arrays
// that training works with.
//
// Everything is kept in memory. Cells that are missing, not numbers or not finite are errors
// that name their line and column: the package repairs nothing, and encodes no category
// but the target's.
package data

import (
	"errors"
	"fmt"
	"io/fs"
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

// Options say how a table is understood.
type Options struct {
	Target string // the column to predict. Default: a built-in set's own; files need one
	Kind   Kind   // Default: a built-in set's own; classification for files
}

// A Set is a table of N examples with D numeric features and a target.
type Set struct {
	Name     string // as asked for
	Digest   string // SHA-256 of the uncompressed file, hex
	Target   string
	Kind     Kind
	Features []string  // D names
	Classes  []string  // labels in order: by value if all are numbers, else by spelling; nil for regression
	X        []float64 // N×D, row-major
	Y        []float64 // N values, or indices into Classes
	Warnings []string  // what is odd but can be trained on
}

// Len is the number of examples.
func (s *Set) Len() int { return len(s.Y) }

// Dim is the number of features.
func (s *Set) Dim() int { return len(s.Features) }

// Open reads a built-in data set by its name, or a CSV or TSV file, which may be compressed with gzip.
// What is wrong with the data is an [Error].
func Open(name string, o Options) (*Set, error) {
	if o.Kind != "" && o.Kind != Regression && o.Kind != Classification {
		return nil, &Error{File: name, Message: fmt.Sprintf("the kind %q is neither %q nor %q", o.Kind, Regression, Classification)}
	}
	if b, ok := findBuiltin(name); ok {
		return b.open(o)
	}
	if !strings.ContainsAny(name, `/\.`) {
		if _, err := os.Stat(name); err != nil {
			return nil, &Error{File: name, Message: "is neither a built-in data set nor a file",
				hint: suggest(name, Names(), "the built-in data sets are")}
		}
	}
	return openFile(name, o)
}

func openFile(path string, o Options) (*Set, error) {
	comma, compressed, ok := format(path)
	if !ok {
		return nil, &Error{File: path, Message: "has an unknown format", hint: "data files end in .csv or .tsv, or in .csv.gz or .tsv.gz"}
	}
	file, err := os.Open(path)
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, &Error{File: path, Message: "cannot be opened: " + err.Error(), cause: err}
	}
	defer file.Close()
	if o.Kind == "" {
		o.Kind = Classification
	}
	return read(file, source{name: path, comma: comma, compressed: compressed}, o)
}

// format tells a file's format by the end of its name.
func format(path string) (comma rune, compressed, ok bool) {
	name, compressed := strings.CutSuffix(strings.ToLower(path), ".gz")
	switch {
	case strings.HasSuffix(name, ".csv"):
		return ',', compressed, true
	case strings.HasSuffix(name, ".tsv"):
		return '\t', compressed, true
	}
	return 0, compressed, false
}

// constants lists the features that have one value only.
func (s *Set) constants() []string {
	var names []string
	for j, name := range s.Features {
		same := true
		for i := s.Dim() + j; same && i < len(s.X); i += s.Dim() {
			same = s.X[i] == s.X[j]
		}
		if same {
			names = append(names, name)
		}
	}
	return names
}

func (s *Set) warn() {
	if names := s.constants(); len(names) > 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d features are constant and teach a model nothing: %s",
			len(names), s.Dim(), shorten(names, 8)))
	}
	if n := len(s.Classes); n > 20 && 2*n > s.Len() {
		s.Warnings = append(s.Warnings, fmt.Sprintf("column %q has %d classes in %d rows; is it a number to predict (kind %q)?",
			s.Target, n, s.Len(), Regression))
	}
}

// shorten joins at most n names.
func shorten(names []string, n int) string {
	if len(names) > n {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
	}
	return strings.Join(names, ", ")
}
