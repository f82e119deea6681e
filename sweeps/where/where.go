// Package where is the language of conditions on trials: which a sweep skips, which a comparison
// shows. An expression such as
//
//	optimizer == 'sgd' and lr < 3e-3 or task.batch in [32, 64]
//
// is compiled against a [Schema], which says what names there are and of which types, so that a
// wrong word is an error with its place and never a condition that quietly holds nowhere. The
// tree of a compiled expression is exported, for other forms than evaluation.
//
// From the loosest to the tightest there are: or; and; not; the comparisons == != < <= > >=, in
// [a, b] and not in [a, b]; + and -; * and /; the sign -. Comparisons cannot be chained. Texts
// stand in '…' or "…" and have no escapes. Numbers are as in 2, 0.5 and 1e-3. Only numbers have an
// order.
//
// A name may exist for some trials only, as optimizer.momentum does not under adam. Where it does
// not exist, every comparison with it is false, also != and not in, and so is a flag; `not` turns
// that false into true like any other. NaN, a division by zero and whatever is computed with a
// missing value count as missing too. Integers compare exactly with integers, all else as float64;
// arithmetic, division included, is that of float64.
package where

import (
	"fmt"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/plugins"
)

// A Type is what a part of an expression stands for, in the words of messages.
type Type string

// The types.
const (
	Number Type = "a number"
	Text   Type = "text"
	Flag   Type = "true or false"
	// Varied is the type of a name that differs from trial to trial. A comparison with a value of
	// another type than the trial has is false.
	Varied Type = "of no fixed type"
)

// TypeOf is the type of a value.
func TypeOf(v plugins.Value) Type {
	switch v.Type {
	case plugins.TypeReal, plugins.TypeInteger:
		return Number
	case plugins.TypeFlag:
		return Flag
	}
	return Text
}

// A Schema says which names an expression may use.
type Schema struct {
	Names map[string]Type
	// Family finds names that Names does not list, such as those of metrics. It may be nil.
	Family func(name string) (Type, bool)
	// Hints are the names to list, in order, when one is unknown.
	Hints []string
	// Nearest picks the known name that was probably meant, or none. Without it nothing is suggested.
	Nearest func(given string, known []string) string
}

// The limits of an expression.
const (
	maxLength = 4096 // bytes
	maxDepth  = 64   // of parentheses, signs and nots in each other
)

// An Error is the first thing that is wrong with an expression.
type Error struct {
	From, To int // its place, in bytes of the expression
	Message  string
	Label    string // a few words next to the place, or empty
	Help     string // what can be done about it, or empty
}

func (e *Error) Error() string { return e.Message }

// Hint says what can be done about the error.
func (e *Error) Hint() string { return e.Help }

// An Expression is a condition on a trial. It is not changed after [Compile], so that any number
// of goroutines may evaluate it.
type Expression struct {
	Root Node
}

// Compile parses an expression and checks its names and types. Its error is an [*Error].
func Compile(text string, schema Schema) (*Expression, error) {
	if len(text) > maxLength {
		return nil, &Error{From: maxLength, To: len(text), Message: fmt.Sprintf("the expression has %d bytes, more than %d", len(text), maxLength)}
	}
	if !utf8.ValidString(text) {
		return nil, &Error{From: 0, To: len(text), Message: "the expression is not valid UTF-8"}
	}
	root, err := compile(text, schema)
	if err != nil {
		return nil, err
	}
	return &Expression{root}, nil
}

func compile(text string, schema Schema) (Node, error) {
	tokens, wrong := lex(text)
	if wrong != nil {
		return nil, wrong
	}
	p := parser{tokens: tokens}
	root, wrong := p.whole()
	if wrong != nil {
		return nil, wrong
	}
	c := checker{schema}
	if wrong := c.condition(root, "the expression"); wrong != nil {
		return nil, wrong
	}
	return root, nil
}
