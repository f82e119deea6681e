package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func open(t *testing.T, name string) *Set {
	t.Helper()
	s, err := Open(name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rng(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func TestSplitHoldsEveryRowOnceAndKeepsProportions(t *testing.T) {
	for _, name := range Names() {
		s := open(t, name)
		for _, f := range [][2]float64{{0, 0}, {0.2, 0}, {0, 0.25}, {0.15, 0.2}, {0.45, 0.5}} {
			split, err := s.Split(rng(1), f[0], f[1])
			if err != nil {
				t.Fatal(err)
			}
			for i, part := range [][]int{split.Validation, split.Test} {
				if got, want := len(part), int(math.Round(f[i]*float64(s.Len()))); got != want {
					t.Errorf("%s %v: a part of %d rows, want %d", name, f, got, want)
				}
				for class := range s.Classes {
					all, here := 0, 0
					for row := range s.Len() {
						if int(s.Y[row]) == class {
							all++
							if slices.Contains(part, row) {
								here++
							}
						}
					}
					if math.Abs(float64(here)-f[i]*float64(all)) >= 1 {
						t.Errorf("%s %v: %d of the %d rows of class %d", name, f, here, all, class)
					}
				}
			}
			if !slices.IsSorted(split.Train) || !slices.IsSorted(split.Validation) || !slices.IsSorted(split.Test) {
				t.Errorf("%s %v: rows are not in order", name, f)
			}
			rows := slices.Concat(split.Train, split.Validation, split.Test)
			slices.Sort(rows)
			for i, row := range rows {
				if i != row {
					t.Fatalf("%s %v: row %d is missing or there twice", name, f, i)
				}
			}
			if len(rows) != s.Len() {
				t.Errorf("%s %v: %d rows, want %d", name, f, len(rows), s.Len())
			}
		}
	}
}

func TestSplitDependsOnTheStreamOnly(t *testing.T) {
	s := open(t, "iris")
	a, _ := s.Split(rng(1), 0.2, 0.2)
	b, _ := s.Split(rng(1), 0.2, 0.2)
	c, _ := s.Split(rng(2), 0.2, 0.2)
	d, _ := s.Split(rng(1), 0.1, 0.2)
	if !slices.Equal(a.Train, b.Train) || !slices.Equal(a.Test, b.Test) {
		t.Error("equal streams gave unequal splits")
	}
	if slices.Equal(a.Test, c.Test) {
		t.Error("unequal streams gave the same split")
	}
	if !slices.Equal(a.Test, d.Test) {
		t.Error("the validation fraction changed the test rows")
	}
}

func TestEveryClassKeepsATrainingExample(t *testing.T) {
	s := &Set{Name: "s", Kind: Classification, Classes: []string{"a", "b", "c"}, Features: []string{"x"},
		X: make([]float64, 13), Y: []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2}}
	for seed := range uint64(50) {
		split, err := s.Split(rng(seed), 0.45, 0.45)
		if err != nil {
			t.Fatal(err)
		}
		var classes []float64
		for _, row := range split.Train {
			classes = append(classes, s.Y[row])
		}
		slices.Sort(classes)
		if got := len(slices.Compact(classes)); got != 3 {
			t.Fatalf("%d classes are trained on, want 3", got)
		}
	}
}

func TestSplitRefusesFractions(t *testing.T) {
	s := open(t, "iris")
	for _, f := range [][2]float64{{-0.1, 0}, {0, 1}, {0.5, 0.5}, {math.NaN(), 0}, {0.001, 0}, {0, 0.001}} {
		if _, err := s.Split(rng(1), f[0], f[1]); err == nil {
			t.Errorf("fractions %v were taken", f)
		}
	}
}

func TestPrepareStandardizesByTheTrainingRows(t *testing.T) {
	s := &Set{Kind: Regression, Features: []string{"a", "b", "c"}, Y: []float64{10, 20, 30},
		X: []float64{1, 0.1, 5, 3, 0.1, 5, 100, 0.7, 6}}
	p := Prepare[float64](s, Split{Train: []int{0, 1}, Test: []int{2}}, true)
	if got, want := p.Train.X, []float64{-1, 0, 0, 1, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("training rows are %v, want %v", got, want)
	}
	if got, want := p.Test.X, []float64{98, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("test rows are %v, want %v", got, want)
	}
	if p.Validation.N != 0 || p.Train.N != 2 || p.Train.D != 3 || p.Train.Classes != 0 || !slices.Equal(p.Train.Y, []float64{10, 20}) || p.Train.Labels != nil {
		t.Errorf("parts are %+v", p)
	}
	raw := Prepare[float32](s, Split{Train: []int{1}}, false)
	if got, want := raw.Train.X, []float32{3, 0.1, 5}; !slices.Equal(got, want) {
		t.Errorf("raw rows are %v, want %v", got, want)
	}
}

func TestPrepareGivesUnitColumns(t *testing.T) {
	s := open(t, "breast_cancer")
	split, _ := s.Split(rng(1), 0.2, 0.2)
	p := Prepare[float64](s, split, true).Train
	if len(p.Labels) != p.N || p.Classes != 2 || p.Y != nil {
		t.Errorf("%d labels of %d classes for %d rows", len(p.Labels), p.Classes, p.N)
	}
	for j := range p.D {
		sum, squares := 0.0, 0.0
		for i := range p.N {
			x := p.X[i*p.D+j]
			sum += x
			squares += x * x
		}
		if m := float64(p.N); math.Abs(sum/m) > 1e-12 || math.Abs(squares/m-1) > 1e-12 {
			t.Errorf("feature %d has mean %v and variance %v", j, sum/m, squares/m)
		}
	}
}
