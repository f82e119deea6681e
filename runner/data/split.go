package data

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// A Split says which examples train, validate and test: disjoint lists of row indices, each in
// ascending order, that hold every row once. Folds of an order leave later rows out.
type Split struct {
	Train, Validation, Test []int
}

// Split draws a split with the given fractions of the examples; 0 leaves a part empty. Parts have
// the nearest whole number of rows. The classes of a classification are spread over the parts in
// proportion, by the method of largest remainders. Each class keeps at least one training
// example, even where a part then falls short of its fraction: see [PartSizes].
// The test rows depend on the test fraction alone, not on the validation fraction.
//
// Where the set has groups, whole groups are drawn, so that parts only come near to the fractions. Where it has an order,
// nothing is drawn: the last rows test, those before them validate, and rows with equal values are in one part.
func (s *Set) Split(rng *rand.Rand, validation, test float64) (Split, error) {
	if !(validation >= 0 && test >= 0 && validation+test < 1) {
		return Split{}, &Error{File: s.Name, Message: fmt.Sprintf("cannot set aside the fractions %v for validation and %v for test", validation, test),
			hint: "fractions are 0 or more, and less than 1 together"}
	}
	switch {
	case s.Groups != nil && s.Order != nil:
		return Split{}, s.twoRules()
	case s.Groups != nil:
		roles, err := s.Layout().drawGroups(rng, validation, test)
		if err != nil {
			return Split{}, named(err, s.Name)
		}
		return s.byGroup(roles), nil
	case s.Order != nil:
		return s.byOrder(func(l Layout) (from, to, tests int, err error) {
			from, to, err = l.cut(validation, test)
			return from, to, to, err
		})
	}
	strata := s.strata(all(s))
	for _, rows := range strata {
		rng.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
	}
	validations, tests := shares(s.Strata(), validation, test)
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
			problem, hint := NoRow(part.name, part.fraction, s.Strata())
			return Split{}, &Error{File: s.Name, Message: problem, hint: hint}
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
		class := s.stratum(i)
		strata[class] = append(strata[class], i)
	}
	return strata
}

// stratum is the class of a row; 0 for a regression.
func (s *Set) stratum(row int) int {
	if s.Kind == Classification {
		return int(s.Y[row])
	}
	return 0
}

// twoRules refuses a set that is divided by two columns.
func (s *Set) twoRules() error {
	return &Error{File: s.Name, about: aboutOrder, Message: fmt.Sprintf("rows are divided by the groups of %q or by the order of %q, not by both", s.Schema.Group, s.Schema.Order),
		hint: "name one of the columns, and the other in drop"}
}

// Strata counts the rows of each class; those of a regression are one stratum.
func (s *Set) Strata() []int {
	sizes := make([]int, max(1, len(s.Classes)))
	for row := range s.Y {
		sizes[s.stratum(row)]++
	}
	return sizes
}

// PartSizes are the numbers of rows that [Set.Split] sets aside from strata of the given sizes. They are less than the
// fractions where classes have few rows, because each keeps one to train on.
func PartSizes(strata []int, validation, test float64) (validations, tests int) {
	v, t := shares(strata, validation, test)
	for i := range strata {
		validations, tests = validations+v[i], tests+t[i]
	}
	return validations, tests
}

// NoRow says why a fraction sets no row aside, and what to do. part is the fraction's name.
func NoRow(part string, fraction float64, strata []int) (problem, hint string) {
	rows := total(strata)
	if math.Round(float64(fraction*float64(rows))) == 0 {
		return fmt.Sprintf("%s is %v of %d rows, which is no row", part, fraction, rows), "ask for more, or for 0"
	}
	return fmt.Sprintf("%s is %v of %d rows, but sets none aside: each of the %d classes keeps a row to train on, and no class has one to spare", part, fraction, rows, len(strata)),
		"classes need more rows; a target that is a number to predict has the kind \"regression\"; rows of a file of their own can judge as well"
}

func total(strata []int) (rows int) {
	for _, n := range strata {
		rows += n
	}
	return rows
}

// shares are the rows of each stratum that validate and that test.
func shares(strata []int, validation, test float64) (validations, tests []int) {
	free := make([]int, len(strata)) // rows that can still be taken from a stratum
	for i, n := range strata {
		free[i] = max(0, n-1)
	}
	rows := total(strata)
	tests = apportion(strata, free, test, rows)
	return apportion(strata, free, validation, rows), tests
}

// apportion shares round(fraction·n) rows out among the strata in proportion to their sizes and
// subtracts them from free, which it never makes negative.
func apportion(strata, free []int, fraction float64, n int) []int {
	left := int(math.Round(float64(fraction * float64(n))))
	counts, order, remainders := make([]int, len(strata)), make([]int, len(strata)), make([]float64, len(strata))
	for i, rows := range strata {
		quota := float64(fraction * float64(rows))
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
