package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/tests"
)

// divided is a set of random rows with groups or an order. Without classes it is a regression.
func divided(rng *rand.Rand, rows, classes int) *Set {
	s := &Set{Name: "s", Kind: Regression, Features: []string{"x"}}
	if classes > 0 {
		s.Kind = Classification
	}
	for class := range classes {
		s.Classes = append(s.Classes, string(rune('a'+class)))
	}
	for range rows {
		s.X.append(rng.Float64())
		y := rng.Float64()
		if classes > 0 {
			y = float64(rng.IntN(classes))
		}
		s.Y = append(s.Y, y)
	}
	return s
}

func (s *Set) inGroups(rng *rand.Rand, n int) *Set {
	s.Schema.Group, s.Groups = "patient", nil
	for row := range s.Len() {
		g := int32(float64(n) * rng.Float64() * rng.Float64()) // of unlike sizes
		if row < n {
			g = int32(row) // each has a row
		}
		s.Groups = append(s.Groups, g)
	}
	return s
}

func (s *Set) inTime(rng *rand.Rand, values int) *Set {
	s.Schema.Order, s.Order = "date", nil
	for range s.Len() {
		s.Order = append(s.Order, math.Floor(float64(values)*rng.Float64())-3.5)
	}
	return s
}

// once checks that no row is in two parts, and that all are in one unless some may be left out.
func once(t *testing.T, s *Set, split Split, partly bool) {
	t.Helper()
	rows := slices.Concat(split.Train, split.Validation, split.Test)
	slices.Sort(rows)
	if n := len(slices.Compact(slices.Clone(rows))); n != len(rows) || !partly && n != s.Len() {
		t.Fatalf("parts have %d rows, %d of them different, of %d", len(rows), n, s.Len())
	}
	if !slices.IsSorted(split.Train) || !slices.IsSorted(split.Validation) || !slices.IsSorted(split.Test) {
		t.Fatal("rows are not in order")
	}
}

func (s *Set) sizesOf(split Split) Sizes {
	sizes, trained := Sizes{Train: len(split.Train), Validation: len(split.Validation), Test: len(split.Test)}, map[int]bool{}
	for _, row := range split.Train {
		trained[s.stratum(row)] = true
	}
	for class, rows := range s.Strata() {
		if rows > 0 && !trained[class] {
			sizes.Without++
		}
	}
	return sizes
}

func TestGroupsStayOnOneSide(t *testing.T) {
	random := tests.Random(t)
	for range 300 {
		classes := random.IntN(5)
		s := divided(random, 30+random.IntN(300), classes).inGroups(random, 4+random.IntN(26))
		shares := [][2]float64{{0.2, 0}, {0.2, 0.2}, {0.1, 0.3}, {0, 0.25}, {0.5, 0.1}}[random.IntN(5)]
		seed := random.Uint64N(1000)
		split, err := s.Split(rng(seed), shares[0], shares[1])
		if err != nil {
			if e := (*Error)(nil); !errors.As(err, &e) || e.Hint() == "" || !strings.HasPrefix(err.Error(), "s: ") {
				t.Fatal(err)
			}
			continue
		}
		once(t, s, split, false)
		apart(t, s, split)
		again, _ := s.Split(rng(seed), shares[0], shares[1])
		other, _ := s.Split(rng(seed), shares[0]/2, shares[1])
		if !slices.Equal(split.Train, again.Train) || !slices.Equal(split.Test, other.Test) {
			t.Fatal("the split depends on more than the stream, or the test rows on more than their share")
		}
		sizes, err := s.Layout().Sizes(rng(seed), shares[0], shares[1])
		if want := s.sizesOf(split); err != nil || sizes != want {
			t.Fatalf("sizes are told as %+v, want %+v: %v", sizes, want, err)
		}
		if sizes.Without > 0 {
			t.Fatalf("%d classes have no row to train on", sizes.Without)
		}
		// Without classes, a part misses its share by at most half of the largest group, unless that is larger than it should be.
		_, largest := s.Layout().Largest()
		for i, part := range [][]int{split.Validation, split.Test} {
			wish := shares[i] * float64(s.Len())
			if got := float64(len(part)); classes == 0 && largest < int(wish) && math.Abs(got-wish) > float64(largest)/2 {
				t.Fatalf("a part has %v rows instead of %v, with groups of at most %d", got, wish, largest)
			}
		}
	}
}

// apart checks that no group is in two parts.
func apart(t *testing.T, s *Set, split Split) {
	t.Helper()
	part := map[int32]int{}
	for i, rows := range [][]int{split.Train, split.Validation, split.Test} {
		for _, row := range rows {
			if was, known := part[s.Groups[row]]; known && was != i {
				t.Fatalf("group %d is in two parts", s.Groups[row])
			}
			part[s.Groups[row]] = i
		}
	}
}

// Many small groups come as near to a share, and to the classes in it, as rows do but for one or two.
func TestManyGroupsKeepProportions(t *testing.T) {
	random := rng(7)
	s := divided(random, 3000, 3).inGroups(random, 1000)
	different := map[string]bool{}
	for seed := range uint64(20) {
		split, err := s.Split(rng(seed), 0.2, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		different[fmt.Sprint(split.Validation)] = true
		for i, part := range [][]int{split.Validation, split.Test} {
			share := []float64{0.2, 0.1}[i]
			for class, rows := range s.strata(part) {
				if want := share * float64(s.Strata()[class]); math.Abs(float64(len(rows))-want) > 4 {
					t.Errorf("seed %d: %d rows of class %d, want %v", seed, len(rows), class, want)
				}
			}
		}
	}
	if len(different) != 20 {
		t.Errorf("20 seeds give %d splits", len(different))
	}
}

func TestGroupFolds(t *testing.T) {
	random := tests.Random(t)
	for range 100 {
		s := divided(random, 60+random.IntN(200), random.IntN(4)).inGroups(random, 16+random.IntN(20))
		k, test, seed := 2+random.IntN(4), []float64{0, 0.2}[random.IntN(2)], random.Uint64N(1000)
		var held, tested []int
		for i := range k {
			split, err := s.SplitFold(rng(seed), Fold{i, k}, test)
			if err != nil {
				t.Fatal(err)
			}
			once(t, s, split, false)
			apart(t, s, split)
			if len(split.Validation) == 0 || len(split.Train) == 0 {
				t.Fatalf("fold %d of %d has %d rows", i, k, len(split.Validation))
			}
			if sizes, err := s.Layout().FoldSizes(rng(seed), Fold{i, k}, test); err != nil || sizes != s.sizesOf(split) {
				t.Fatalf("sizes are told as %+v, want %+v: %v", sizes, s.sizesOf(split), err)
			}
			if held, tested = append(held, split.Validation...), split.Test; i > 0 && !slices.Equal(tested, split.Test) {
				t.Fatal("folds test on different rows")
			}
		}
		held = append(held, tested...)
		slices.Sort(held)
		if !slices.Equal(held, all(s)) {
			t.Fatal("folds do not hold every row once")
		}
	}
}

func TestAnOrderTrainsOnThePast(t *testing.T) {
	random := tests.Random(t)
	for range 300 {
		s := divided(random, 20+random.IntN(200), random.IntN(4)).inTime(random, []int{3, 12, 1000}[random.IntN(3)])
		shares := [][2]float64{{0.2, 0}, {0.2, 0.2}, {0.1, 0.3}, {0, 0.25}, {0, 0}}[random.IntN(5)]
		split, err := s.Split(nil, shares[0], shares[1]) // nothing is drawn
		if err != nil {
			t.Fatal(err)
		}
		once(t, s, split, false)
		follows(t, s, split.Train, split.Validation)
		follows(t, s, slices.Concat(split.Train, split.Validation), split.Test)
		if sizes, err := s.Layout().Sizes(nil, shares[0], shares[1]); err != nil || sizes != s.sizesOf(split) {
			t.Fatalf("sizes are told as %+v, want %+v: %v", sizes, s.sizesOf(split), err)
		}
		most := 0 // rows with one value
		for _, run := range s.Layout().Runs {
			most = max(most, run[0])
		}
		if got, want := len(split.Test), shares[1]*float64(s.Len()); most == 1 && math.Abs(float64(got)-want) > 0.5 || math.Abs(float64(got)-want) > float64(most)+0.5 {
			t.Fatalf("%d rows test instead of %v", got, want)
		}
		if other, _ := s.Split(nil, shares[0]/2, shares[1]); !slices.Equal(split.Test, other.Test) {
			t.Fatal("the validation share changed the test rows")
		}
		k := 2
		if most < 4 {
			k = 5
		}
		folds(t, s, k, shares[1])
	}
}

// folds checks the folds of an order.
func folds(t *testing.T, s *Set, k int, test float64) {
	t.Helper()
	var before Split
	for i := range k {
		split, err := s.SplitFold(nil, Fold{i, k}, test)
		if err != nil {
			if e := (*Error)(nil); errors.As(err, &e) && e.About() == aboutValidation && e.Hint() != "" {
				return // too many rows have equal values
			}
			t.Fatal(err)
		}
		once(t, s, split, true)
		follows(t, s, split.Train, split.Validation)
		follows(t, s, slices.Concat(split.Train, split.Validation), split.Test)
		if got, want := len(split.Train), len(before.Train)+len(before.Validation); i > 0 && got != want {
			t.Fatalf("fold %d trains on %d rows, want %d", i, got, want)
		}
		if len(split.Train) == 0 || len(split.Validation) == 0 {
			t.Fatalf("fold %d has %d rows to train on and %d for validation", i, len(split.Train), len(split.Validation))
		}
		if got := len(split.Train) + len(split.Validation) + len(split.Test); i == k-1 && got != s.Len() {
			t.Fatalf("the last fold has %d rows of %d", got, s.Len())
		}
		if sizes, err := s.Layout().FoldSizes(nil, Fold{i, k}, test); err != nil || sizes != s.sizesOf(split) {
			t.Fatalf("sizes are told as %+v, want %+v: %v", sizes, s.sizesOf(split), err)
		}
		before = split
	}
}

func follows(t *testing.T, s *Set, before, after []int) {
	t.Helper()
	for _, a := range before {
		for _, b := range after {
			if s.Order[a] >= s.Order[b] {
				t.Fatalf("the value %v is before %v", s.Order[a], s.Order[b])
			}
		}
	}
}

func TestWhatCannotBeDivided(t *testing.T) {
	random := rng(1)
	two := divided(random, 20, 0)
	two.Schema.Group, two.Groups = "patient", make([]int32, 20)
	two.Groups[3] = 1
	nested := divided(random, 20, 2)
	nested.Schema.Group = "patient"
	for _, y := range nested.Y {
		nested.Groups = append(nested.Groups, int32(y))
	}
	dates := divided(random, 20, 0)
	dates.Schema.Order, dates.Order = "date", make([]float64, 20)
	dates.Order[3] = 1
	both := divided(random, 20, 0).inGroups(random, 5).inTime(random, 9)
	for _, c := range []struct {
		set              *Set
		validation, test float64
		folds            int
		about, want      string
	}{
		{two, 0.2, 0.2, 0, aboutGroup, `s: column "patient": has 2 groups, but each of the 3 parts needs a group of its own`},
		{two, 0, 0, 3, aboutValidation, `s: 2 groups of "patient" cannot be divided into 3 folds`},
		{two, 0.01, 0, 0, aboutValidation, `s: validation is 0.01 of 20 rows, which is no row`},
		{nested, 0.2, 0, 0, aboutValidation, `s: validation is 0.2 of 20 rows, but sets none aside: each class keeps a group to train on`},
		{dates, 0.2, 0.2, 0, aboutOrder, `s: column "date": has 2 values, but each of the 3 parts needs one of its own`},
		{dates, 0, 0, 2, aboutValidation, `s: 2 values of "date" cannot be divided into 2 folds, which take 3 pieces in their order`},
		{dates, 0, 0.01, 0, aboutTest, `s: test is 0.01 of 20 rows, which is no row`},
		{both, 0.2, 0, 0, aboutOrder, `s: rows are divided by the groups of "patient" or by the order of "date", not by both`},
		{both, 0, 0, 2, aboutOrder, `s: rows are divided by the groups of "patient" or by the order of "date", not by both`},
	} {
		var err error
		if c.folds > 0 {
			_, err = c.set.SplitFold(rng(1), Fold{0, c.folds}, c.test)
		} else {
			_, err = c.set.Split(rng(1), c.validation, c.test)
		}
		if e := (*Error)(nil); !errors.As(err, &e) || e.About() != c.about || !strings.HasPrefix(e.Error(), c.want) || e.Hint() == "" {
			t.Errorf("the error is %v, want %q about %s", err, c.want, c.about)
		}
	}
}

// A share smaller than every group takes the group that comes nearest.
func TestLargeGroups(t *testing.T) {
	s := divided(rng(1), 100, 0)
	s.Schema.Group = "patient"
	for row := range 100 {
		s.Groups = append(s.Groups, []int32{0, 0, 0, 0, 0, 1, 1, 1, 2, 2}[row%10])
	}
	for seed := range uint64(10) {
		split, err := s.Split(rng(seed), 0.05, 0)
		if err != nil || len(split.Validation) != 20 {
			t.Errorf("%d rows validate: %v", len(split.Validation), err)
		}
	}
	if groups, rows := s.Layout().Largest(); groups != 3 || rows != 50 || !s.Layout().OnePartition() {
		t.Errorf("%d groups with at most %d rows, which partitions vary", groups, rows)
	}
}

// The bits of a split are the same on every machine, and in every version.
func TestGroupSplitsKeepTheirBits(t *testing.T) {
	random := rng(3)
	s := divided(random, 40, 2).inGroups(random, 12)
	split, err := s.Split(rng(5), 0.25, 0.2)
	fold, folded := s.SplitFold(rng(5), Fold{1, 3}, 0)
	got := fmt.Sprint(split.Validation, split.Test, fold.Validation, err, folded)
	if want := "[1 5 11 12 14 16 21 22 26 37] [2 4 8 10 15 24 28 31] [3 7 8 9 10 17 25 28 29 30 31 33 35 38] <nil> <nil>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Where no two groups are alike, folds are those of scikit-learn's StratifiedGroupKFold and GroupKFold, up to the number that a fold
// has; where no two values are equal, those of TimeSeriesSplit.
func TestFoldsAreThoseOfScikitLearn(t *testing.T) {
	tests.NeedExamples(t, "scikit-learn divides the same rows")
	python := pythonWith(t, "sklearn")
	type problem struct {
		Kind   string
		K      int
		Groups []int32
		Y      []float64
		Held   [][]int // by fold
	}
	random := tests.Random(t)
	var problems []problem
	for len(problems) < 60 {
		n := 80 + random.IntN(300)
		classes := []int{0, 2, 3, 7}[random.IntN(4)]
		s := divided(random, n, classes)
		p := problem{Kind: "time", K: 2 + random.IntN(7), Y: s.Y}
		if random.IntN(3) == 0 {
			s.Schema.Order = "date"
			for row := range n {
				s.Order = append(s.Order, float64(row)/7)
			}
		} else {
			s.inGroups(random, 10+random.IntN(5))
			if s.Layout().alike() {
				continue
			}
			p.Kind, p.Groups = "stratified", s.Groups
			if classes == 0 {
				p.Kind = "group"
			}
		}
		for i := range p.K {
			split, err := s.SplitFold(rng(random.Uint64()), Fold{i, p.K}, 0)
			if err != nil {
				t.Fatal(err)
			}
			p.Held = append(p.Held, split.Validation)
			if p.Kind == "time" && len(split.Train) != split.Validation[0] {
				t.Fatal("the rows before a fold do not all train")
			}
		}
		problems = append(problems, p)
	}
	text, err := json.Marshal(problems)
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/problems.json"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, "-c", `
import json, sys, warnings
import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, TimeSeriesSplit
warnings.simplefilter("ignore")
class Stratified(StratifiedGroupKFold):
    tied = False
    def _find_best_fold(self, y_counts_per_fold, y_cnt, group_y_counts):
        # rounding decides between folds that are as good
        best = super()._find_best_fold(y_counts_per_fold=y_counts_per_fold, y_cnt=y_cnt, group_y_counts=group_y_counts)
        values = []
        for i in range(self.n_splits):
            counts = y_counts_per_fold.copy()
            counts[i] += group_y_counts
            values.append(np.mean(np.std(counts / y_cnt.reshape(1, -1), axis=0)))
        for i in range(self.n_splits):
            if np.isclose(values[i], values[best], rtol=1e-4) and (y_counts_per_fold[i] != y_counts_per_fold[best]).any():
                self.tied = True
        return best
    def split(self, X, y, groups):
        # and between groups that are as uneven, of which the first in a sort is dealt first
        _, y = np.unique(y, return_inverse=True)
        _, groups = np.unique(groups, return_inverse=True)
        counts = np.zeros((groups.max() + 1, y.max() + 1))
        np.add.at(counts, (groups, y), 1)
        spreads = np.std(counts, axis=1)
        for i in range(len(counts)):
            for j in range(i):
                if np.isclose(spreads[i], spreads[j], rtol=1e-9) and (counts[i] != counts[j]).any():
                    self.tied = True
        return super().split(X, y, groups)
equal = tied = 0
for n, p in enumerate(json.load(open(sys.argv[1]))):
    by = {"time": TimeSeriesSplit, "group": GroupKFold, "stratified": Stratified}[p["Kind"]](n_splits=p["K"])
    rows = np.zeros((len(p["Y"]), 1))
    want = [held.tolist() for _, held in by.split(rows, p["Y"], p["Groups"])]
    if p["Kind"] != "time":
        want, p["Held"] = sorted(want), sorted(p["Held"])
    if getattr(by, "tied", False):
        tied += 1
        continue
    assert want == p["Held"], (n, p["Kind"], p["K"], want, p["Held"])
    equal += 1
assert equal >= 10, (equal, tied) # of 60
print("compared:", equal + tied)
`, file).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != fmt.Sprint("compared: ", len(problems)) {
		t.Fatalf("%v\n%s", err, out)
	}
}
