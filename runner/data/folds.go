package data

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// A Fold is one of the Of equal parts that cross-validation sets aside in turn.
type Fold struct{ Index, Of int }

// SplitFold sets aside the given fraction of the examples for testing, divides the others into
// folds, and makes the one named the validation rows. Equal streams give the same test rows and
// the same folds, which have no row in common and together hold every row that does not test.
// The sizes of folds differ by 1 at most, and so do the counts of a class in them. A class with a
// single example has none in training while that example validates.
func (s *Set) SplitFold(rng *rand.Rand, fold Fold, test float64) (Split, error) {
	if fold.Of < 2 || fold.Index < 0 || fold.Index >= fold.Of {
		return Split{}, &Error{File: s.Name, about: aboutValidation, Message: fmt.Sprintf("there is no fold %d of %d", fold.Index, fold.Of), hint: "two folds are the least"}
	}
	tested, err := s.Split(rng, 0, test)
	if err != nil {
		return Split{}, err
	}
	if rest := len(tested.Train); rest < fold.Of {
		return Split{}, &Error{File: s.Name, about: aboutValidation, Message: fmt.Sprintf("%d rows cannot be divided into %d folds", rest, fold.Of)}
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
