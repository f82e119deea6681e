package data

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// A Fold is one of the Of equal parts that cross-validation sets aside in turn.
type Fold struct{ Index, Of int }

func (f Fold) check() error {
	if f.Of < 2 || f.Index < 0 || f.Index >= f.Of {
		return &Error{about: aboutValidation, Message: fmt.Sprintf("there is no fold %d of %d", f.Index, f.Of), hint: "two folds are the least"}
	}
	return nil
}

// SplitFold sets aside the given fraction of the examples for testing, divides the others into
// folds, and makes the one named the validation rows. Equal streams give the same test rows and
// the same folds, which have no row in common and together hold every row that does not test.
// The sizes of folds differ by 1 at most, and so do the counts of a class in them. A class with a
// single example has none in training while that example validates.
//
// Where the set has groups, whole groups are dealt into folds that are as even as the groups allow. Where it has an order, a fold trains
// on the rows before those that validate, and leaves later ones out.
func (s *Set) SplitFold(rng *rand.Rand, fold Fold, test float64) (Split, error) {
	if err := fold.check(); err != nil {
		return Split{}, named(err, s.Name)
	}
	switch {
	case s.Groups != nil && s.Order != nil:
		return Split{}, s.twoRules()
	case s.Groups != nil:
		roles, err := s.Layout().drawFold(rng, fold, test)
		if err != nil {
			return Split{}, named(err, s.Name)
		}
		return s.byGroup(roles), nil
	case s.Order != nil:
		return s.byOrder(func(l Layout) (from, to, tests int, err error) { return l.cutFold(fold, test) })
	}
	tested, err := s.Split(rng, 0, test)
	if err != nil {
		return Split{}, err
	}
	if rest := len(tested.Train); rest < fold.Of {
		return Split{}, named(tooFewRows(rest, fold.Of), s.Name)
	}
	split, dealt := Split{Test: tested.Test}, 0
	for _, rows := range s.strata(tested.Train) {
		rng.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
		for _, row := range rows { // dealt on where the class before ended, so that sizes stay even
			if dealt%fold.Of == fold.Index {
				split.Validation = append(split.Validation, row)
			} else {
				split.Train = append(split.Train, row)
			}
			dealt++
		}
	}
	slices.Sort(split.Train)
	slices.Sort(split.Validation)
	return split, nil
}
