package data

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// A Split says which examples train, validate and test: disjoint lists of row indices, each in
// ascending order, that hold every row once.
type Split struct {
	Train, Validation, Test []int
}

// Split draws a split with the given fractions of the examples; 0 leaves a part empty. Parts have
// the nearest whole number of rows. The classes of a classification are spread over the parts in
// proportion, by the method of largest remainders. Each class keeps at least one training
// example, even where a part then falls short of its fraction.
// The test rows depend on the test fraction alone, not on the validation fraction.
func (s *Set) Split(rng *rand.Rand, validation, test float64) (Split, error) {
	if !(validation >= 0 && test >= 0 && validation+test < 1) {
		return Split{}, &Error{File: s.Name, Message: fmt.Sprintf("cannot set aside the fractions %v for validation and %v for test", validation, test),
			hint: "fractions are 0 or more, and less than 1 together"}
	}
	strata := s.strata(all(s))
	free := make([]int, len(strata)) // rows that can still be taken from a stratum
	for i, rows := range strata {
		rng.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
		free[i] = len(rows) - 1
	}
	tests := apportion(strata, free, test, s.Len())
	validations := apportion(strata, free, validation, s.Len())
	var split Split
	for i, rows := range strata {
		split.Test = append(split.Test, rows[:tests[i]]...)
		rows = rows[tests[i]:]
		split.Validation = append(split.Validation, rows[:validations[i]]...)
		split.Train = append(split.Train, rows[validations[i]:]...)
	}
	for _, part := range []struct {
		name     string
		fraction float64
		rows     []int
	}{{"validation", validation, split.Validation}, {"test", test, split.Test}} {
		if part.fraction > 0 && len(part.rows) == 0 {
			return Split{}, &Error{File: s.Name, Message: fmt.Sprintf("the %s fraction %v of %d rows is no row", part.name, part.fraction, s.Len()),
				hint: "ask for more, or for 0"}
		}
	}
	slices.Sort(split.Train)
	slices.Sort(split.Validation)
	slices.Sort(split.Test)
	return split, nil
}

// strata divides rows by their class; rows of a regression stay together.
func (s *Set) strata(rows []int) [][]int {
	strata := make([][]int, max(1, len(s.Classes)))
	for _, i := range rows {
		class := 0
		if s.Kind == Classification {
			class = int(s.Y[i])
		}
		strata[class] = append(strata[class], i)
	}
	return strata
}

// apportion shares round(fraction·n) rows out among the strata in proportion to their sizes and
// subtracts them from free, which it never makes negative.
func apportion(strata [][]int, free []int, fraction float64, n int) []int {
	left := int(math.Round(fraction * float64(n)))
	counts, order, remainders := make([]int, len(strata)), make([]int, len(strata)), make([]float64, len(strata))
	for i, rows := range strata {
		quota := fraction * float64(len(rows))
		counts[i] = min(int(quota), free[i])
		remainders[i] = quota - float64(counts[i])
		free[i] -= counts[i]
		left -= counts[i]
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(remainders[b], remainders[a]) })
	for _, i := range order {
		if left > 0 && free[i] > 0 {
			counts[i]++
			free[i]--
			left--
		}
	}
	return counts
}
