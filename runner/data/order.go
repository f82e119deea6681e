package data

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// inOrder lists the rows from the smallest value of the order to the largest, equal ones as they stand.
func (s *Set) inOrder() []int {
	rows := all(s)
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(s.Order[a], s.Order[b]) })
	return rows
}

// runs describes the order of the sorted rows, see [Layout].
func (s *Set) runs(rows []int) (runs [][2]int, first []int) {
	first = make([]int, max(1, len(s.Classes)))
	for class := range first {
		first[class] = len(rows)
	}
	for begin := 0; begin < len(rows); {
		end := begin
		for end < len(rows) && s.Order[rows[end]] == s.Order[rows[begin]] {
			class := s.stratum(rows[end])
			first[class] = min(first[class], begin)
			end++
		}
		if n := len(runs); n > 0 && runs[n-1][0] == end-begin {
			runs[n-1][1]++
		} else {
			runs = append(runs, [2]int{end - begin, 1})
		}
		begin = end
	}
	return runs, first
}

// bounds are the places between rows of unlike values, with both ends.
func (l Layout) bounds() []int {
	at, bounds := 0, []int{0}
	for _, run := range l.Runs {
		for range run[1] {
			at += run[0]
			bounds = append(bounds, at)
		}
	}
	return bounds
}

// nearestBound is the index of the bound nearest to a place, from low to high; of two that are as near, the later one.
func nearestBound(bounds []int, place, low, high int) int {
	i, _ := slices.BinarySearch(bounds, place)
	if i > 0 && (i == len(bounds) || place-bounds[i-1] < bounds[i]-place) {
		i--
	}
	return min(max(i, low), high)
}

// cut divides the rows in their order: those before from train, those before to validate, and the others test. A
// bound is moved to the nearest place between unlike values.
func (l Layout) cut(validation, test float64) (from, to int, err error) {
	bounds, n, asked := l.bounds(), l.Rows(), 1
	for _, part := range []struct {
		name     string
		fraction float64
	}{{aboutValidation, validation}, {aboutTest, test}} {
		if part.fraction > 0 {
			asked++
		}
		if err := l.noRow(part.name, part.fraction); err != nil {
			return 0, 0, err
		}
	}
	last := len(bounds) - 1
	if last < asked {
		return 0, 0, &Error{about: aboutOrder, Column: l.Column, Message: fmt.Sprintf("has %s, but each of the %d parts needs one of its own", plural(last, "value"), asked),
			hint: "a part can be left out, or have a file of its own"}
	}
	if test > 0 { // two values stay before the test rows where there are as many, so that these depend on their fraction alone
		last = nearestBound(bounds, n-int(math.Round(float64(test*float64(n)))), min(2, last-1), last-1)
	}
	from, to = bounds[last], bounds[last]
	if validation > 0 {
		from = bounds[nearestBound(bounds, to-int(math.Round(float64(validation*float64(n)))), 1, last-1)]
	}
	return from, to, nil
}

// cutFold divides the rows that do not test as scikit-learn's TimeSeriesSplit does: of k + 1 pieces in their order, of which the first is
// the largest, fold i validates on piece i + 1 and trains on those before it. Later rows are in no part. A bound is moved to the
// nearest place between unlike values.
func (l Layout) cutFold(fold Fold, test float64) (from, to, tests int, err error) {
	if err := fold.check(); err != nil {
		return 0, 0, 0, err
	}
	_, tests, err = l.cut(0, test)
	if err != nil {
		return 0, 0, 0, err
	}
	bounds := l.bounds()
	last, _ := slices.BinarySearch(bounds, tests)
	if last <= fold.Of {
		return 0, 0, 0, &Error{about: aboutValidation, Message: fmt.Sprintf("%s of %q cannot be divided into %d folds, which take %d pieces in their order", plural(last, "value"), l.Column, fold.Of, fold.Of+1),
			hint: fmt.Sprintf("folds = %d is the most; a share validates on the last rows", last-1)}
	}
	size, at := tests/(fold.Of+1), 0
	for i := range fold.Index + 2 {
		from = to
		if i == fold.Of {
			at = last
		} else {
			at = nearestBound(bounds, tests-(fold.Of-i)*size, at+1, last-(fold.Of-i))
		}
		to = bounds[at]
	}
	return from, to, tests, nil
}

// without counts the classes that the rows before a place lack.
func (l Layout) without(place int) (classes int) {
	for class, first := range l.First {
		if l.Strata[class] > 0 && first >= place {
			classes++
		}
	}
	return classes
}

// byOrder divides the rows at the places of their order that cut finds.
func (s *Set) byOrder(cut func(Layout) (from, to, tests int, err error)) (Split, error) {
	rows := s.inOrder()
	from, to, tests, err := cut(s.layout(rows))
	if err != nil {
		return Split{}, named(err, s.Name)
	}
	split := Split{Train: rows[:from:from], Validation: rows[from:to:to], Test: rows[tests:]}
	slices.Sort(split.Train)
	slices.Sort(split.Validation)
	slices.Sort(split.Test)
	return split, nil
}
