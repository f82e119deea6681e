package data

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// dense spells a sparse set out.
func dense(s *Set) []float64 {
	x := make([]float64, s.Len()*s.Dim())
	for i := range s.Len() {
		columns, values := s.Sparse.Row(i)
		for k, j := range columns {
			x[i*s.Dim()+int(j)] = values[k]
		}
	}
	return x
}

// The files were written by scikit-learn's dump_svmlight_file.
func TestFilesOfScikitLearnAreRead(t *testing.T) {
	want := []float64{0, 1.5, 0, 0, 2, 0, 0, -3.25, 0, 0, 0, 0, 1e-3, 0, 0, 7}
	for _, name := range []string{"sklearn_from0.libsvm", "sklearn_from1.libsvm"} {
		s, err := Open("testdata/"+name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Dim() != 4 || s.Len() != 4 || !slices.Equal(dense(s), want) {
			t.Errorf("%s is %d×%d, %v", name, s.Len(), s.Dim(), dense(s))
		}
		if !slices.Equal(s.Classes, []string{"-1", "1"}) || !slices.Equal(s.Y, []float64{1, 0, 0, 1}) || s.Target != "label" {
			t.Errorf("%s: target %s of classes %q is %v", name, s.Target, s.Classes, s.Y)
		}
		if len(s.Sparse.Value) != 5 || s.X.Len() > 0 || len(s.Warnings) != 1 || !strings.HasPrefix(s.Warnings[0], "1 of 4 features are 0 in every row") {
			t.Errorf("%s has %d values and the warnings %q", name, len(s.Sparse.Value), s.Warnings)
		}
	}
}

func TestLinesOfLIBSVM(t *testing.T) {
	for name, file := range map[string]string{
		"plain.libsvm":  "+1 1:2 3:-4\n-1 2:0.5\n",
		"open.svm":      "+1 1:2 3:-4\n-1 2:0.5",
		"crlf.svmlight": "+1 1:2 3:-4\r\n-1 2:0.5\r\n",
		"other.libsvm":  "\ufeff# a comment\n\n  1.0\t1:2  2:0 3:-4 # another\n-1e0 2:5e-1\n",
		"zip.libsvm.gz": gzipped(t, "1 1:2 3:-4\n-1 2:.5\n"),
		"from0.libsvm":  "1 0:2 2:-4\n-1 1:.5\n",
		"zero.libsvm":   "1 0:2 2:-4\n-1 0:0 1:.5\n",
	} {
		s, err := Open(write(t, name, file), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if want := []float64{2, 0, -4, 0, 0.5, 0}; s.Dim() != 3 || !slices.Equal(dense(s), want) {
			t.Errorf("%s has the rows %v, want %v", name, dense(s), want)
		}
		if !slices.Equal(s.Classes, []string{"-1", "1"}) || !slices.Equal(s.Y, []float64{1, 0}) {
			t.Errorf("%s: classes are %q, targets %v", name, s.Classes, s.Y)
		}
	}
	s, err := Open(write(t, "numbers.libsvm", "2.5 1:1\n-1 1:2\n"), Options{Kind: Regression, Target: "label"})
	if err != nil || !slices.Equal(s.Y, []float64{2.5, -1}) {
		t.Errorf("the numbers are %v, %v", s, err)
	}
}

func TestWhatIsWrongInLIBSVMIsSaidWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ content, want, hint string }{
		"empty":        {"# nothing\n", ": there are no rows", "a label and pairs"},
		"no features":  {"1\n-1\n", ": every feature of every row is 0, there is nothing to learn from", ""},
		"no label":     {"1 1:2\n2:3\n", `:2: the line starts with "2:3", not with a label`, ""},
		"word":         {"spam 1:2\n", `:1: "spam" is not a number`, ""},
		"two labels":   {"1,3 1:2\n", `:1: "1,3" is not a number`, "several labels"},
		"no pair":      {"1 1:2\n1 3\n", `:2: "3" is not a pair of index:value`, ""},
		"no value":     {"1 1:\n", `:1: "" is not a number`, ""},
		"nan":          {"1 1:nan\n", `:1: "nan" is not a finite number`, ""},
		"infinite":     {"1 1:1e999\n", `:1: "1e999" is not a finite number`, ""},
		"order":        {"1 2:1 1:1\n", ":1: the index 1 comes after 2", "ascending"},
		"twice":        {"1 2:1 2:1\n", ":1: the index 2 comes after 2", ""},
		"negative":     {"1 -1:1\n", `:1: "-1" is not an index: a whole number, 0 or more`, ""},
		"no index":     {"1 :1\n", `:1: "" is not an index: a whole number, 0 or more`, ""},
		"huge":         {"1 99999999999999999999:1\n", ":1: the index 99999999999999999999 is greater than the limit of 67108864", ""},
		"large":        {"1 67108865:1\n", ":1: the index 67108865 is greater than the limit of 67108864", ""},
		"query":        {"1 qid:3 1:1\n", ":1: the row belongs to a query (qid), but rankings cannot be learned", "remove qid"},
		"one class":    {"1 1:1\n+1 1:2\n", `: column "label": all 2 rows are of class "1", there is nothing to tell apart`, ""},
		"a long token": {"1 " + strings.Repeat("x", 100) + "\n", `:1: "` + strings.Repeat("x", 40) + `…" is not a pair of index:value`, ""},
	} {
		path := write(t, "d.libsvm", c.content)
		_, err := Open(path, Options{})
		e := (*Error)(nil)
		if !errors.As(err, &e) {
			t.Errorf("%s: the error is %v, want an *Error", name, err)
			continue
		}
		if got := strings.TrimPrefix(e.Error(), path); got != c.want || !strings.Contains(e.Hint(), c.hint) {
			t.Errorf("%s: the error is %q, want %q; the hint %q", name, got, c.want, e.Hint())
		}
	}
	_, err := Open(write(t, "d.libsvm", "1 1:1\n"), Options{Target: "y"})
	if e := (*Error)(nil); !errors.As(err, &e) || e.About() != aboutTarget {
		t.Errorf("the error %v is not about the target", err)
	}
}

func TestSparseSplitsAreThoseOfTheSameDataDense(t *testing.T) {
	sparse, err := Open(write(t, "d.libsvm", "0 1:1\n1 2:2\n0 1:3\n1 1:4 2:5\n0 2:6\n1\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	full := &Set{Name: "d", Kind: Classification, Classes: sparse.Classes, Features: []string{"1", "2"}, X: NumbersOf(dense(sparse)...), Y: sparse.Y}
	a, _ := sparse.Split(rand.New(rand.NewPCG(1, 2)), 0.3, 0.2)
	b, _ := full.Split(rand.New(rand.NewPCG(1, 2)), 0.3, 0.2)
	if !slices.Equal(a.Train, b.Train) || !slices.Equal(a.Validation, b.Validation) || !slices.Equal(a.Test, b.Test) {
		t.Fatalf("splits are %v and %v", a, b)
	}
	p, q := Prepare[float32](sparse, a, false), Prepare[float32](full, b, false)
	for _, pair := range [][2]Part[float32]{{p.Train, q.Train}, {p.Validation, q.Validation}, {p.Test, q.Test}} {
		got, want := pair[0], pair[1]
		x := make([]float32, got.N*got.D)
		for i := range got.N {
			columns, values := got.Sparse.Row(i)
			for k, j := range columns {
				x[i*got.D+int(j)] = values[k]
			}
		}
		if got.N == 0 || !slices.Equal(x, want.X) || !slices.Equal(got.Labels, want.Labels) || got.D != want.D || got.Classes != 2 {
			t.Errorf("a part is %v, want %v", x, want.X)
		}
	}
}

func FuzzReadLIBSVM(f *testing.F) {
	for _, seed := range []string{"+1 1:2 3:-4\n-1 2:0.5\n", "1 0:1\n2 5:1e5 # c\n", "\ufeff1\r\n", "1 qid:1 1:1", "1 67108865:1", "1 2:1 2:1", "1 1:nan", "nan 1:1", "# only", "-0 1:1\n0 1:2\n1 1:1"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, content string, regression bool) {
		o := Options{Kind: Classification}
		if regression {
			o.Kind = Regression
		}
		s, err := readLIBSVM(strings.NewReader(content), source{name: "fuzz", format: formatLIBSVM}, o)
		if err != nil {
			if e := (*Error)(nil); !errors.As(err, &e) {
				t.Fatalf("the error %v is not an *Error", err)
			}
			return
		}
		if s.Len() == 0 || s.Dim() == 0 || len(s.Sparse.RowStart) != s.Len() || len(s.Sparse.RowEnd) != s.Len() || len(s.Sparse.Column) != len(s.Sparse.Value) {
			t.Fatalf("%d rows of %d features: %+v", s.Len(), s.Dim(), s.Sparse)
		}
		for i := range s.Len() {
			columns, values := s.Sparse.Row(i)
			for k, j := range columns {
				if j < 0 || int(j) >= s.Dim() || k > 0 && j <= columns[k-1] || values[k] == 0 || !isFinite(values[k]) {
					t.Fatalf("row %d has the columns %v with %v", i, columns, values)
				}
			}
		}
	})
}
