package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
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
		X: NumbersOf(make([]float64, 13)...), Y: []float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2}}
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
		X: NumbersOf(1, 0.1, 5, 3, 0.1, 5, 100, 0.7, 6)}
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

// What StandardScaler of scikit-learn 1.9.1 takes for constant is standardized to 0: its scale_ of these columns is 1.
func TestFeaturesThatVaryByRoundingAreConstant(t *testing.T) {
	const eps = 0x1p-52
	for name, c := range map[string]struct {
		column   []float64
		constant bool
	}{
		"a sum":        {[]float64{0.30000000000000004, 0.3, 0.3, 0.3}, true},
		"one ulp of 1": {[]float64{1, 1, 1, 1 + eps}, true},
		"ulps of 1":    {[]float64{1, 1 + 8*eps, 1, 1}, true},
		"more ulps":    {[]float64{1, 1 + 40*eps, 1, 1}, false},
		"large":        {[]float64{1e9, 1e9 + 1e-6, 1e9, 1e9}, true},
		"larger":       {[]float64{1e9, 1e9 + 1e-5, 1e9, 1e9}, false},
		"around 0":     {[]float64{1e-300, -1e-300, 1e-300, -1e-300}, true},
		"subnormal":    {[]float64{5e-324, 0, 0, 0}, true},
		"small":        {[]float64{1e-20, 2e-20, 1e-20, 2e-20}, false},
	} {
		s := &Set{Name: "s", Kind: Regression, Target: "y", Features: []string{"x"}, X: NumbersOf(c.column...), Y: []float64{1, 2, 3, 4}}
		p := Prepare[float64](s, Split{Train: []int{0, 1, 2, 3}}, true)
		for i, x := range p.Train.X {
			if (x == 0) != c.constant || !isFinite(x) {
				t.Errorf("%s: %v became %v", name, c.column, p.Train.X)
				break
			} else if i == 0 {
				s.warn()
				if (s.ScaledRevision > 0) != c.constant || c.constant != strings.Contains(strings.Join(s.Warnings, ""), "vary by no more than rounding") {
					t.Errorf("%s: the revision is %d with the warnings %q", name, s.ScaledRevision, s.Warnings)
				}
			}
		}
	}
}

// The rules have not changed for the data sets that ship with xrun: their trials keep their keys.
func TestBuiltinSetsHaveNoRevision(t *testing.T) {
	for _, name := range Names() {
		if s := open(t, name); s.Revision != 0 || s.ScaledRevision != 0 {
			t.Errorf("%s has the revisions %d and %d", name, s.Revision, s.ScaledRevision)
		}
	}
}

// Where most rows vary by rounding only, those that train may be among them.
func TestOutliersDoNotHideRounding(t *testing.T) {
	s := &Set{Name: "s", Kind: Regression, Features: []string{"x", "y", "z"}}
	for i := range 20 {
		x := 0.3
		if i%5 == 1 {
			x = 0.1 + float64(i)/float64(i*5)
		}
		if i == 7 {
			x = 40
		}
		for _, v := range []float64{x, float64(i), 1} {
			s.X.append(v)
		}
		s.Y = append(s.Y, float64(i))
	}
	if got := s.roundedConstants(); !slices.Equal(got, []string{"x"}) {
		t.Errorf("%q vary by rounding", got)
	}
}

// The sizes of parts are known before anything is drawn, and a share that sets no row aside says why.
func TestSizesOfParts(t *testing.T) {
	for _, c := range []struct {
		strata           []int
		validation, test float64
		wantV, wantT     int
	}{
		{[]int{100}, 0.2, 0.1, 20, 10},
		{[]int{50, 50, 50}, 0.2, 0, 30, 0},
		{append(slices.Repeat([]int{1}, 20), 10), 0.5, 0, 6, 0},
		{slices.Repeat([]int{1}, 30), 0.5, 0, 0, 0},
		{[]int{10, 2, 1}, 0.45, 0.45, 4, 6},
	} {
		s := &Set{Name: "s", Kind: Classification, Features: []string{"x"}}
		for class, n := range c.strata {
			s.Classes = append(s.Classes, string(rune('a'+class)))
			for range n {
				s.X.append(0)
				s.Y = append(s.Y, float64(class))
			}
		}
		v, tests := PartSizes(s.Strata(), c.validation, c.test)
		if v != c.wantV || tests != c.wantT {
			t.Errorf("%v, %v, %v: %d rows validate and %d test, want %d and %d", c.strata, c.validation, c.test, v, tests, c.wantV, c.wantT)
		}
		split, err := s.Split(rng(3), c.validation, c.test)
		switch {
		case v == 0 && c.validation > 0:
			if err == nil || !strings.Contains(err.Error(), "0.5 of 30 rows, but sets none aside: each of the 30 classes keeps a row to train on") {
				t.Errorf("%v: the error is %v", c.strata, err)
			}
		case err != nil || len(split.Validation) != v || len(split.Test) != tests:
			t.Errorf("%v: %d and %d rows were drawn: %v", c.strata, len(split.Validation), len(split.Test), err)
		}
	}
}

// Features are standardized whatever their size: a power of two changes nothing.
func TestLargeFeaturesAreStandardized(t *testing.T) {
	of := func(scale float64) []float64 {
		s := &Set{Name: "s", Kind: Regression, Target: "y", Features: []string{"a", "b"}}
		for i := range 8 {
			s.X.append(scale * float64(i*i-9))
			s.X.append(1e308)
			s.Y = append(s.Y, float64(i))
		}
		return Prepare[float64](s, Split{Train: all(s)}, true).Train.X
	}
	want := of(1)
	for i, got := range of(0x1p1010) {
		if math.Abs(got-want[i]) > 1e-14 || i%2 == 1 && got != 0 || i%2 == 0 && got == 0 && want[i] != 0 {
			t.Errorf("value %d is %v, want %v", i, got, want[i])
		}
	}
}
