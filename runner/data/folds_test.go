package data

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestFoldsAreDisjointAndHoldEveryRowThatDoesNotTest(t *testing.T) {
	for _, name := range Names() {
		s := open(t, name)
		for _, c := range []struct {
			k    int
			test float64
		}{{2, 0}, {5, 0}, {5, 0.2}, {7, 0.33}} {
			var held, tested []int
			smallest, largest := s.Len(), 0
			for index := range c.k {
				split, err := s.SplitFold(rng(3), Fold{index, c.k}, c.test)
				if err != nil {
					t.Fatal(err)
				}
				if index == 0 {
					tested = split.Test
				}
				if !slices.Equal(split.Test, tested) {
					t.Errorf("%s: the test rows of fold %d are others", name, index)
				}
				rows := slices.Concat(split.Train, split.Validation, split.Test)
				slices.Sort(rows)
				if !slices.Equal(rows, all(s)) {
					t.Errorf("%s: fold %d of %d does not hold every row once", name, index, c.k)
				}
				held = append(held, split.Validation...)
				smallest, largest = min(smallest, len(split.Validation)), max(largest, len(split.Validation))
				for class, whole := range s.strata(slices.Concat(split.Train, split.Validation)) {
					part := s.strata(split.Validation)[class]
					if got := len(part); got < len(whole)/c.k || got > len(whole)/c.k+1 {
						t.Errorf("%s: fold %d of %d has %d of the %d rows of class %d", name, index, c.k, got, len(whole), class)
					}
				}
			}
			if largest-smallest > 1 {
				t.Errorf("%s: folds have %d to %d rows", name, smallest, largest)
			}
			held = append(held, tested...)
			slices.Sort(held)
			if !slices.Equal(held, all(s)) {
				t.Errorf("%s: %d folds hold %d rows of %d", name, c.k, len(held), s.Len())
			}
		}
	}
}

func TestSplitFoldRefusesWhatCannotBe(t *testing.T) {
	s := open(t, "iris")
	for _, fold := range []Fold{{0, 0}, {0, 1}, {5, 5}, {-1, 5}, {0, 151}} {
		_, err := s.SplitFold(rng(1), fold, 0)
		if e := (*Error)(nil); !errors.As(err, &e) || e.About() != aboutValidation {
			t.Errorf("%v: the error is %v", fold, err)
		}
	}
	if _, err := s.SplitFold(rng(1), Fold{0, 150}, 0.1); err == nil {
		t.Error("135 rows make 150 folds")
	}
}

func TestFilesForValidationAndTest(t *testing.T) {
	train := write(t, "train.csv", "a,y,b\n1,no,2\n3,yes,5\n5,maybe,8\n")
	s, err := Open(train, Options{Target: "y",
		Validation: write(t, "v.csv.gz", gzipped(t, "a,y,b\n7,yes,9\n9,yes,7\n")), Test: write(t, "t.tsv", "a\ty\tb\n0\tmaybe\t1\n")})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"maybe", "no", "yes"}; !slices.Equal(s.Validation.Classes, want) || !slices.Equal(s.Validation.Y, []float64{2, 2}) || !slices.Equal(s.Test.Y, []float64{0}) {
		t.Errorf("validation is %+v, test is %+v", s.Validation, s.Test)
	}
	split, err := s.Split(rng(1), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := Prepare[float64](s, split, true)
	if p.Train.N != 3 || p.Validation.N != 2 || p.Test.N != 1 {
		t.Fatalf("parts have %d, %d and %d rows", p.Train.N, p.Validation.N, p.Test.N)
	}
	if got, want := p.Validation.X[0], 2*p.Train.X[4]; got != want { // 7 is as far from the mean 3 as 5, twice
		t.Errorf("the training rows do not scale those for validation: %v, want %v", got, want)
	}
	again, err := Open(train, Options{Target: "y", Validation: train, Test: train})
	if err != nil || len(again.Warnings) != 1 || !strings.Contains(again.Warnings[0], "also validate") {
		t.Errorf("warnings are %q, %v", again.Warnings, err)
	}
}

func TestFilesThatDoNotFitTheTrainingData(t *testing.T) {
	csv, svm := "a,b,y\n1,2,no\n3,4,yes\n", "1 1:1 3:2\n2 2:1\n"
	for name, c := range map[string]struct{ train, file, content, want string }{
		"class":           {csv, "v.csv", "a,b,y\n1,2,no\n3,4,perhaps\n", `:3: column "y": "perhaps" is not one of the classes of the training data`},
		"order":           {csv, "v.csv", "b,a,y\n1,2,no\n", `: column "b": the training data has the column "a" in its place`},
		"columns":         {csv, "v.csv", "a,y\n1,no\n", ": has 1 features, but the training data has 2"},
		"target":          {csv, "v.csv", "a,b,c\n1,2,no\n", `: there is no target column "y"`},
		"absent":          {csv, "", "", ": cannot be opened"},
		"sparse":          {csv, "v.libsvm", "1 1:1\n", ": is in the format libsvm, but the training data is in the format csv"},
		"dense":           {svm, "v.npy", npy("(1, 2)", 1, 2), ": is in the format npy, but the training data is in the format libsvm"},
		"wide":            {svm, "v.libsvm", "1 1:1\n2 4:1\n", ":2: the index 4 is not one of the 3 features"},
		"index 0":         {svm, "v.libsvm", "1 0:1\n", ":1: the index is 0, but those of the training data count from 1"},
		"class of a line": {svm, "v.libsvm", "1 1:1\n-1 2:2\n", `:2: "-1" is not one of the classes`},
	} {
		train := write(t, "train.csv", c.train)
		target := "y"
		if c.train == svm {
			train, target = write(t, "train.libsvm", c.train), ""
		}
		path := write(t, "none.csv", "") + ".csv"
		if c.file != "" {
			path = write(t, c.file, c.content)
		}
		for about, o := range map[string]Options{aboutValidation: {Target: target, Validation: path}, aboutTest: {Target: target, Test: path}} {
			_, err := Open(train, o)
			e := (*Error)(nil)
			if !errors.As(err, &e) || e.About() != about || !strings.HasPrefix(e.Error(), path+c.want) {
				t.Errorf("%s: the error is %v, want %q about %s", name, err, c.want, about)
			}
		}
	}
}

func TestNarrowSparseFilesAreWidened(t *testing.T) {
	s, err := Open(write(t, "train.libsvm", "1 0:1 3:2\n2 2:1\n"), Options{Validation: write(t, "v.libsvm", "2 1:5\n2\n")})
	if err != nil {
		t.Fatal(err)
	}
	if s.Validation.Dim() != 4 || !slices.Equal(dense(s.Validation), []float64{0, 5, 0, 0, 0, 0, 0, 0}) || !slices.Equal(s.Validation.Y, []float64{1, 1}) {
		t.Errorf("%d features, %v, %v", s.Validation.Dim(), dense(s.Validation), s.Validation.Y)
	}
}
