package data

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A Layout is what decides how many rows of a set validate and test: the classes, and the groups or the order. It is small
// beside the set, and tells the sizes of parts without it.
type Layout struct {
	// Strata count the rows of each class; those of a regression are one stratum.
	Strata []int
	// Groups are the rows of each group by class; nil without groups.
	Groups []GroupRows `json:",omitempty"`
	// Runs count the rows with equal values of an order, from the smallest value to the largest: pairs of a number of rows
	// and how many values follow each other with as many. First counts the rows before the first value that a class has, by
	// class. Both are nil without an order.
	Runs  [][2]int `json:",omitempty"`
	First []int    `json:",omitempty"`
	// Column is the column of the groups or of the order.
	Column string `json:",omitempty"`
}

// Sizes are the numbers of rows in the parts of a split. Without counts the classes that have no row to train on.
type Sizes struct{ Train, Validation, Test, Without int }

// Layout describes how the set is divided.
func (s *Set) Layout() Layout {
	if s.Groups == nil && s.Order != nil {
		return s.layout(s.inOrder())
	}
	return s.layout(nil)
}

// layout is Layout with the rows as an order sorts them.
func (s *Set) layout(sorted []int) Layout {
	l := Layout{Strata: s.Strata()}
	switch {
	case s.Groups != nil:
		l.Groups, l.Column = s.groupRows(), s.Schema.Group
	case s.Order != nil:
		l.Column = s.Schema.Order
		l.Runs, l.First = s.runs(sorted)
	}
	return l
}

// Rows is the number of rows.
func (l Layout) Rows() int { return total(l.Strata) }

// Sizes are the sizes of the parts that [Set.Split] draws from an equal stream.
func (l Layout) Sizes(rng *rand.Rand, validation, test float64) (Sizes, error) {
	switch {
	case l.Groups != nil:
		roles, err := l.drawGroups(rng, validation, test)
		if err != nil {
			return Sizes{}, err
		}
		return l.sizesOf(roles), nil
	case l.Runs != nil:
		from, to, err := l.cut(validation, test)
		return Sizes{Train: from, Validation: to - from, Test: l.Rows() - to, Without: l.without(from)}, err
	}
	for _, part := range []struct {
		name     string
		fraction float64
	}{{aboutValidation, validation}, {aboutTest, test}} {
		if err := l.noRow(part.name, part.fraction); err != nil {
			return Sizes{}, err
		}
	}
	v, t := PartSizes(l.Strata, validation, test)
	if part, share := aboutValidation, validation; validation > 0 && v == 0 || test > 0 && t == 0 {
		if validation == 0 || v > 0 {
			part, share = aboutTest, test
		}
		problem, hint := NoRow(part, share, l.Strata)
		return Sizes{}, &Error{about: part, Message: problem, hint: hint}
	}
	return Sizes{Train: l.Rows() - v - t, Validation: v, Test: t}, nil
}

// FoldSizes are the sizes of the parts that [Set.SplitFold] draws from an equal stream.
func (l Layout) FoldSizes(rng *rand.Rand, fold Fold, test float64) (Sizes, error) {
	switch {
	case l.Groups != nil:
		roles, err := l.drawFold(rng, fold, test)
		if err != nil {
			return Sizes{}, err
		}
		return l.sizesOf(roles), nil
	case l.Runs != nil:
		from, to, tests, err := l.cutFold(fold, test)
		return Sizes{Train: from, Validation: to - from, Test: l.Rows() - tests, Without: l.without(from)}, err
	}
	sizes, err := l.Sizes(rng, 0, test)
	if err == nil && sizes.Train < fold.Of {
		err = tooFewRows(sizes.Train, fold.Of)
	}
	if err != nil {
		return Sizes{}, err
	}
	sizes.Validation = (sizes.Train - fold.Index + fold.Of - 1) / fold.Of
	sizes.Train -= sizes.Validation
	return sizes, nil
}

func tooFewRows(rows, folds int) error {
	return &Error{about: aboutValidation, Message: fmt.Sprintf("%d rows cannot be divided into %d folds", rows, folds)}
}

// noRow refuses a fraction of less than half a row.
func (l Layout) noRow(part string, fraction float64) error {
	if fraction > 0 && math.Round(float64(fraction*float64(l.Rows()))) == 0 {
		problem, hint := NoRow(part, fraction, l.Strata)
		return &Error{about: part, Message: problem, hint: hint}
	}
	return nil
}

// named gives an error about parts the name of the set.
func named(err error, name string) error {
	if e, ok := err.(*Error); ok && e.File == "" {
		e.File = name
	}
	return err
}
