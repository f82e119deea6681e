package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// targets gathers the values to predict, in the order of the rows.
type targets struct {
	kind  Kind
	like  *Set               // the training data, when the rows are to validate or to test
	known map[string]float64 // its classes
	// numbers are the classes that are numbers, in the form of numeral.
	numbers map[string]float64
	shared  map[string]string // one copy of every label
	labels  []string
	values  []float64
}

func newTargets(o Options) *targets {
	t := &targets{kind: o.Kind, like: o.like, shared: map[string]string{}, numbers: map[string]float64{}}
	if t.like != nil {
		t.known = make(map[string]float64, len(t.like.Classes))
		for i, class := range t.like.Classes {
			t.known[class] = float64(i)
		}
		for i, class := range t.like.Classes {
			if number, ok := numeral(class); ok {
				if _, taken := t.numbers[number]; !taken {
					t.numbers[number] = float64(i)
				}
			}
		}
	}
	return t
}

// label adds a row of a classification. The error has no place yet.
func (t *targets) label(text string) *Error {
	if t.like != nil {
		class, ok := t.known[text]
		if number, numeric := numeral(text); !ok && numeric {
			class, ok = t.numbers[number]
		}
		if !ok {
			return &Error{Message: fmt.Sprintf("%q is not one of the classes of the training data", clip(text)),
				hint: suggest(clip(text), t.like.Classes, "the classes of "+t.like.Name+" are")}
		}
		t.values = append(t.values, class)
		return nil
	}
	label, ok := t.shared[text]
	if !ok {
		if e := unshowable(text); e != "" {
			return &Error{Message: "the label " + e, hint: "remove it from the file"}
		}
		label = strings.Clone(text)
		t.shared[label] = label
	}
	t.labels = append(t.labels, label)
	return nil
}

// number adds a row whose target is written as a finite number. As a class, equal numbers are one.
func (t *targets) number(v float64) *Error {
	if t.kind == Regression {
		t.values = append(t.values, v)
		return nil
	}
	return t.label(strconv.FormatFloat(v+0, 'g', -1, 64)) // −0 is 0
}

func (t *targets) len() int { return max(len(t.labels), len(t.values)) }

// finish gives the set its targets. Training data has to have something to tell apart.
func (t *targets) finish(s *Set) error {
	s.Y = t.values
	switch {
	case t.like != nil:
		s.Classes = t.like.Classes
	case t.kind == Classification:
		var merged [][]string
		s.Classes, s.Y, merged = classify(t.labels)
		if len(merged) > 0 {
			s.Revision = currentRevision
			s.Warnings = append(s.Warnings, mergedWarning(s.Target, merged))
		}
		if a, b, alike := lookAlike(s.Classes); alike {
			return &Error{File: s.Name, Column: s.Target, Message: fmt.Sprintf("two classes look the same: %+q and %+q", clip(a), clip(b)), hint: "write them alike if they are one class, or else give them different names"}
		}
		if len(s.Classes) < 2 {
			return &Error{File: s.Name, Column: s.Target, about: aboutTarget,
				Message: fmt.Sprintf("all %d rows are of class %q, there is nothing to tell apart", s.Len(), clip(s.Classes[0]))}
		}
	case slices.Min(s.Y) == slices.Max(s.Y):
		return &Error{File: s.Name, Column: s.Target, about: aboutTarget,
			Message: fmt.Sprintf("all %d rows have the value %v, there is nothing to predict", s.Len(), s.Y[0])}
	}
	if t.like == nil {
		s.warn()
	}
	return nil
}

// isFinite reports whether v is a number to compute with.
func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
