// Package where is the language of conditions on trials: a sweep skips trials by one, a comparison
// shows points by one. An expression such as
//
//	optimizer == 'sgd' and lr < 3e-3 or task.batch in [32, 64]
//
// is compiled against a [Schema], which lists the names and their types: a wrong word is an error
// with its place, never a condition that quietly holds nowhere. An expression is evaluated, written
// as SQL, or walked as a tree.
//
//	a or b, a and b, not a           from the loosest on; below them, all bind as tightly and
//	                                 cannot be chained:
//	== != < <= > >=                  only numbers have an order
//	x in [1, 2], x not in ['a', 'b'] equals one of the list, or none
//	x ~ 'pattern', x not ~ 'pattern' a regular expression (RE2) occurs anywhere in a text; ^ and $
//	                                 are its ends
//	x is null, x is not null         the trial has no such value, or it is NaN
//	+ -, then * /, then the sign -   arithmetic of float64
//	2  0.5  1e-3  'sgd'  "sgd"       numbers and texts; texts have no escapes
//	'2026-01-31'  '2026-01-31 12:00' times in UTC, to compare times with
//	true  false                      flags
//	lr  lambda  seed  optimizer  regularizer  optimizer.momentum  task.batch
//	momentum                         short for the only name that ends in .momentum
//	`weight-decay`  `in`             a name that is not a word stands in backticks
//	grid.epochs  run.epochs  metric.epochs   an axis, a fact of the run, a metric, where several have one name
//	val_loss                         a metric: its value after the epoch that counts, where metrics are known
//	min(m) max(m) first(m) last(m) mean(m) count(m)
//	                                 of a metric over the epochs of a run
//	step(min(m)), step(max(m))       the first epoch that has it
//	min('top-5 error')               a metric that is not a word stands in quotation marks, or in backticks
//
// A name may be missing from a trial, as optimizer.momentum is under adam. Every comparison with a
// missing name is false, also !=, not in and not ~, and so is a flag; `not` turns that false into
// true like any other. NaN, a division by zero and whatever is computed with a missing value count
// as missing too. Integers compare exactly with integers, all else as float64. A real number equals what
// tables show for it: lr == 3.162e-2 holds for 0.03162277660168379, and so does lr in [3.162e-2].
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
	// Time is the type of a name whose value is a text such as 2026-01-31T12:00:00Z, in UTC. It is compared with
	// such a text or with the beginning of one: the start of a day, say.
	Time Type = "a time"
	// Varied is the type of a name whose type differs from trial to trial. A comparison with a value
	// of another type than the trial's is false.
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

// A Schema lists the names that an expression may use. A name may be written by its last part, as momentum for
// optimizer.momentum, where no other name ends in it.
type Schema struct {
	Names map[string]Type
	// Ambiguous has, for a name of several things, how each of them is written.
	Ambiguous map[string][]string
	// Family finds names that Names does not list, such as those of metrics. It may be nil.
	Family func(name string) (Type, bool)
	// Hints are the names to list, in order, when one is unknown.
	Hints []string
	// Nearest picks the known name that was probably meant; empty if none is near. It may be nil.
	Nearest func(given string, known []string) string
}

// The limits of an expression.
const (
	maxLength = 4096 // bytes
	maxDepth  = 64   // of parentheses, signs and nots in each other
	maxHeight = 256  // of arithmetic
)

// An Error is the first thing that is wrong with an expression.
type Error struct {
	From, To int // its place, in bytes of the expression
	Message  string
	Label    string // a few words next to the place, or empty
	Help     string // what can be done about it, or empty
}

func (e *Error) Error() string { return e.Message }

// Hint is what a person can do about the error.
func (e *Error) Hint() string { return e.Help }

// An Expression is a condition on a trial. It does not change after [Compile]: any number of
// goroutines may evaluate it.
type Expression struct {
	Root Node
}

// Compile parses an expression and checks its names and types. Its error is an [*Error].
func Compile(text string, schema Schema) (*Expression, error) {
	p, wrong := newParser(text)
	if wrong != nil {
		return nil, wrong
	}
	root, wrong := compile(p, schema)
	if wrong != nil {
		return nil, wrong
	}
	return &Expression{root}, nil
}

// newParser splits a text into tokens. It refuses what is too long or not UTF-8.
func newParser(text string) (*parser, *Error) {
	if len(text) > maxLength {
		return nil, &Error{From: maxLength, To: len(text), Message: fmt.Sprintf("the expression has %d bytes, more than %d", len(text), maxLength)}
	}
	if !utf8.ValidString(text) {
		return nil, &Error{From: 0, To: len(text), Message: "the expression is not valid UTF-8"}
	}
	tokens, wrong := lex(text)
	return &parser{tokens: tokens}, wrong
}

func compile(p *parser, schema Schema) (Node, *Error) {
	root, wrong := p.whole()
	if wrong == nil {
		wrong = limit(root)
	}
	if wrong == nil {
		wrong = checker{schema}.condition(root, "the expression")
	}
	return root, wrong
}

// limit refuses arithmetic that is too deep for SQLite to compute.
func limit(root Node) (wrong *Error) {
	Walk(root, func(n Node) bool {
		h := height(n)
		if h > maxHeight && wrong == nil {
			wrong = at(n, Error{Message: fmt.Sprintf("more than %d operators depend on each other", maxHeight)})
		}
		return h == 0 // parts of arithmetic are less high
	})
	return wrong
}

// height is how many operators of arithmetic depend on each other.
func height(n Node) int {
	switch n := n.(type) {
	case *Unary:
		if n.Op == Minus {
			return 1 + height(n.Operand)
		}
	case *Binary:
		if n.Type() == Number {
			return 1 + max(height(n.Left), height(n.Right))
		}
	}
	return 0
}
