package data

import (
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inputsOf is what a model trained on a set takes from a file.
func inputsOf(s *Set) Inputs {
	return Inputs{Features: s.Features, Width: s.Width, Base: s.base, Target: s.Target, Kind: s.Kind, Classes: s.Classes}
}

// allRows reads the rows of a file, up to the first that cannot be read.
func allRows(t *testing.T, path string, in Inputs) (x, y []float64, places []string, err error) {
	t.Helper()
	rows, err := OpenRows(path, in)
	if err != nil {
		return nil, nil, nil, err
	}
	defer rows.Close()
	for {
		row, err := rows.Next()
		if err == io.EOF {
			return x, y, places, nil
		}
		if err != nil {
			return x, y, places, err
		}
		dense := row.X
		if row.X == nil {
			dense = make([]float64, in.Width)
			for k, j := range row.Column {
				dense[j] = row.Value[k]
			}
		}
		x, y, places = append(x, dense...), append(y, row.Target), append(places, row.Place)
		if !row.Known {
			y[len(y)-1] = math.NaN()
		}
	}
}

// A file that is read for training is read row by row with the same numbers.
func TestRowsAreThoseOfTheSet(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		o       Options
	}{
		"t.csv":    {"\ufeff\"a\",b,y\r\n1,\"2\",no\r\n\r\n-3,4e1,yes\r\n", Options{Target: "y"}},
		"t.tsv.gz": {gzipped(t, "a\tb\ty\n1\t2\t0.5\n-3\t40\t7\n"), Options{Target: "y", Kind: Regression}},
		"zero.svm": {"1 0:5 3:2 # text\n\n-1 1:1\n+1.0 0:0\n", Options{}},
		"one.svm":  {"1 1:5 3:2\n-1.0 2:1\n", Options{}},
		"m.npy":    {npy("(3, 3)", 1, 2, 0, 3, 4, 1, 5, 6, 0), Options{Target: "column:1", Kind: Regression}},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, name, c.content)
			s, err := Open(path, c.o)
			if err != nil {
				t.Fatal(err)
			}
			want := values(s)
			if s.IsSparse() {
				for i := range s.Len() {
					dense := make([]float64, s.Width)
					columns, values := s.Sparse.Row(i)
					for k, j := range columns {
						dense[j] = values[k]
					}
					want = append(want, dense...)
				}
			}
			x, y, _, err := allRows(t, path, inputsOf(s))
			if err != nil || !slices.Equal(x, want) || !slices.Equal(y, s.Y) {
				t.Errorf("the rows are %v with the targets %v (%v), want %v and %v", x, y, err, want, s.Y)
			}
		})
	}
}

func TestRowsFindColumnsByName(t *testing.T) {
	in := Inputs{Features: []string{"b", "a"}, Target: "y", Kind: Classification, Classes: []string{"1", "no"}, Carry: []string{"who, or what", "a"}}
	path := write(t, "new.csv", "x,y,a,\"who, or what\",b\nred,1.0,1,anna,2\n,NA,3, bob ,4\n,no,5,?,6\n")
	rows, err := OpenRows(path, in)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, want := range []string{"new.csv:2 [2 1] 0 true [anna 1]", "new.csv:3 [4 3] 0 false [bob 3]", "new.csv:4 [6 5] 1 true [? 5]"} {
		row, err := rows.Next()
		if err != nil {
			t.Fatal(err)
		}
		target := row.Target
		if !row.Known {
			target = 0
		}
		if got := fmt.Sprint(filepath.Base(row.Place), " ", row.X, " ", target, " ", row.Known, " ", row.Carried); got != want {
			t.Errorf("a row is %s, want %s", got, want)
		}
	}
	if _, err := rows.Next(); err != io.EOF {
		t.Errorf("the end is %v", err)
	}
}

// What training refuses of a file is refused in the same words when rows are read for a model, but for what only training needs.
func TestRowsAreRefusedInTheSameWords(t *testing.T) {
	train, err := Open(write(t, "train.csv", "a,b,y\n1,2,no\n3,4,yes\n"), Options{Target: "y"})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"empty.csv": "", "head.csv": "a,b,y\n", "twice.csv": "a,b,a,y\n1,2,3,no\n", "nameless.csv": "a,b,,y\n", "under.csv": "a,b,y\n1_0,2,no\n", "hex.csv": "a,b,y\n0x1p-2,2,no\n",
		"tiny.csv": "a,b,y\n1e-400,2,no\n", "huge.csv": "a,b,y\n1e400,2,no\n", "inf.csv": "a,b,y\ninf,2,no\n", "na.csv": "a,b,y\nNA,2,no\n", "word.csv": "a,b,y\nred,2,no\n",
		"short.csv": "a,b,y\n1,2,no\n1,2\n", "quote.csv": "a,b,y\n1,\"2\n", "bare.csv": "a,b,y\n1,2\"3,no\n", "latin1.csv": "a,b,y\n1,2,no\n1,2,caf\xe8\n", "cut.csv": "a,b,y\n1,2,caf\xc3",
		"latin1-name.csv": "\xe9,b,y\n1,2,no\n", "utf32.csv": "\xff\xfe\x00\x00a\x00\x00\x00", "utf32be.csv": "\x00\x00\xfe\xff\x00\x00\x00a", "nomark16.csv": "a\x00,\x00b\x00", "mac.csv": "a,b,y\r1,2,no\r3,4,yes\r",
		"escape.csv": "a\x1b[31m,b,y\n1,2,no\n", "bidi.csv": "a\u202e,b,y\n", "alike.csv": "a,b,y,caf\u00e9,cafe\u0301\n", "gzip.csv": gzipped(t, "a,b,y\n"), "cut.csv.gz": gzipped(t, "a,b,y\n1,2,no\n")[:20],
		"plain.csv.gz": "a,b,y\n1,2,no\n", "table.xlsx": "", "class.csv": "a,b,y\n1,2,maybe\n",
	} {
		path := write(t, name, content)
		_, err := Open(path, Options{Target: "y", like: train})
		var want, got *Error
		if !errors.As(err, &want) {
			t.Fatalf("%s: training says %v", name, err)
		}
		_, _, _, err = allRows(t, path, inputsOf(train))
		if !errors.As(err, &got) {
			t.Errorf("%s: taken, but training says %v", name, want)
			continue
		}
		wants, gots := want.Error()+"\n"+want.Hint(), got.Error()+"\n"+got.Hint()
		if gots = strings.ReplaceAll(gots, "the classes of the model", "the classes of "+train.Name); gots != wants {
			t.Errorf("%s: %s\nbut training says %s", name, gots, wants)
		}
	}
}

// Rows behind a bad one can be read; behind a file that breaks off there is nothing.
func TestRowsGoOnBehindABadOne(t *testing.T) {
	in := Inputs{Features: []string{"a"}, Target: "y", Kind: Regression}
	rows, err := OpenRows(write(t, "t.csv", "a\n1\nx\n2,2\n3\n4\xff\n5\n"), in)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for {
		row, err := rows.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			_, place, _ := strings.Cut(err.Error(), "t.csv:")
			got = append(got, place)
			continue
		}
		got = append(got, fmt.Sprint(row.X[0]))
	}
	want := []string{"1", `3: column "a": "x" is not a number`, "4: the row has 2 cells, but the header names 1 columns", "3", "6: byte 2 of the line is 0xff, which is not UTF-8"}
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestRowsNeedTheModelsColumns(t *testing.T) {
	in := Inputs{Features: []string{"a", "b"}, Target: "y", Kind: Regression}
	numbers := Inputs{Features: []string{"0", "1"}, Target: "column:0", Kind: Regression}
	sparse := Inputs{Width: 3, Base: 1, Target: "label", Kind: Classification, Classes: []string{"-1", "1"}}
	matrix := npy("(2, 3)", 1, 3, 5, 2, 4, 6)
	for name, c := range map[string]struct {
		content string
		in      Inputs
		want    string
	}{
		"b.csv":      {"b,c\n1,2\n", in, "lacks 1 column that the model was trained on: a"},
		"id.csv":     {"a,b\n1,2\n", Inputs{Features: in.Features, Target: "y", Kind: Regression, Carry: []string{"id"}}, "lacks 1 column to carry along: id"},
		"m.npy":      {matrix, in, "has columns without names, but the model was trained on columns with names: a, b"},
		"wide.npy":   {matrix, Inputs{Features: []string{"0"}, Target: "y", Kind: Regression}, "has 3 features, but the training data has 1"},
		"t.svm":      {"1 1:1\n", in, "is in the format libsvm, but the training data is not sparse"},
		"dense.csv":  {"0,1,2\n1,2,3\n", sparse, "is in the format csv, but the training data is in the format libsvm"},
		"far.svm":    {"1 4:1\n", sparse, "the index 4 is not one of the 3 features of the training data"},
		"zero.svm":   {"1 0:1\n", sparse, "the index is 0, but those of the training data count from 1"},
		"class.svm":  {"2 1:1\n", sparse, `"2" is not one of the classes of the training data`},
		"none.svm":   {"# nothing\n", sparse, "there are no rows"},
		"carry.npy":  {matrix, Inputs{Features: numbers.Features, Target: "column:0", Kind: Regression, Carry: []string{"id"}}, "has no column id: its columns have no names"},
		"header.csv": {"a,b\n", in, "there is a header, but no rows"},
	} {
		if _, _, _, err := allRows(t, write(t, name, c.content), c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want %q in it", name, err, c.want)
		}
	}
	x, y, _, err := allRows(t, write(t, "m.npy", matrix), numbers)
	if err != nil || !slices.Equal(x, []float64{3, 5, 4, 6}) || !slices.Equal(y, []float64{1, 2}) {
		t.Errorf("with a target: %v, %v, %v", x, y, err)
	}
	x, y, _, err = allRows(t, write(t, "m.npy", npy("(1, 2)", 7, 8)), numbers)
	if err != nil || !slices.Equal(x, []float64{7, 8}) || !math.IsNaN(y[0]) {
		t.Errorf("without a target: %v, %v, %v", x, y, err)
	}
}
