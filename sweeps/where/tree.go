package where

import (
	"cmp"
	"regexp"

	"github.com/xrun-dev/xrun/plugins"
)

// A Node is a part of an expression: a *Literal, *Name, *Unary, *Binary, *Member, *Match or *Null.
type Node interface {
	// Span is where the part stands in the text it was compiled from.
	Span() Place
	// Type is the type of its value.
	Type() Type
}

// A Place is a range of bytes of the text, without parentheses around it.
type Place struct{ From, To int }

// Span is the place itself.
func (p Place) Span() Place { return p }

// A Literal is a value that the expression writes out: an integer, a real number that is not one,
// text or a flag.
type Literal struct {
	Place
	Value plugins.Value
	Is    Type // Time for a text that is compared with one; otherwise empty

	shown *span // of a number that tables show in full; otherwise nil
}

// A Name stands for a value of the trial, which may be missing. A call such as step(min(val_loss))
// is a name too, which [CallOf] takes apart.
type Name struct {
	Place
	Name string // a call in its canonical form
	Is   Type

	metric string // of a call
	at     Place  // of the metric
}

// A Unary is an operator before its operand: Not or Minus.
type Unary struct {
	Place
	Op      Op
	Operand Node
}

// A Binary is an operator between two operands. Chains are nested to the left.
type Binary struct {
	Place
	Op          Op
	Left, Right Node
}

// A Member asks whether the operand equals one of a list, or none of it.
type Member struct {
	Place
	Operand Node
	Not     bool
	List    []*Literal // at least one
}

// A Match asks whether a pattern occurs anywhere in a text.
type Match struct {
	Place
	Operand Node
	Not     bool
	Pattern *Literal

	compiled *regexp.Regexp
}

// A Null asks whether the operand is missing.
type Null struct {
	Place
	Operand Node
	Not     bool
}

// An Op is an operator, as it is written.
type Op string

// The operators.
const (
	Or             Op = "or"
	And            Op = "and"
	Not            Op = "not"
	Equal          Op = "=="
	NotEqual       Op = "!="
	Less           Op = "<"
	LessOrEqual    Op = "<="
	Greater        Op = ">"
	GreaterOrEqual Op = ">="
	Plus           Op = "+"
	Minus          Op = "-"
	Times          Op = "*"
	Divide         Op = "/"
)

// The precedences, the loosest first.
const (
	loosest = iota
	precedenceOr
	precedenceAnd
	precedenceNot
	precedenceComparison
	precedenceSum
	precedenceProduct
	precedenceSign
	tightest
)

// binary gives the precedence of the operators that stand between two operands.
var binary = map[Op]int{
	Or: precedenceOr, And: precedenceAnd,
	Equal: precedenceComparison, NotEqual: precedenceComparison, Less: precedenceComparison,
	LessOrEqual: precedenceComparison, Greater: precedenceComparison, GreaterOrEqual: precedenceComparison,
	Plus: precedenceSum, Minus: precedenceSum, Times: precedenceProduct, Divide: precedenceProduct,
}

// Type is the type of the value.
func (n *Literal) Type() Type { return cmp.Or(n.Is, TypeOf(n.Value)) }

// Type is the type that the schema has for the name.
func (n *Name) Type() Type { return n.Is }

// Type is a flag under not and a number under a sign.
func (n *Unary) Type() Type {
	if n.Op == Not {
		return Flag
	}
	return Number
}

// Type is a number for arithmetic and a flag for the rest.
func (n *Binary) Type() Type {
	if binary[n.Op] > precedenceComparison {
		return Number
	}
	return Flag
}

// Type is a flag.
func (n *Member) Type() Type { return Flag }

// Type is a flag.
func (n *Match) Type() Type { return Flag }

// Type is a flag.
func (n *Null) Type() Type { return Flag }

// Walk calls visit for n and then for the parts below it, from left to right. It goes no deeper
// where visit returns false.
func Walk(n Node, visit func(Node) bool) {
	if !visit(n) {
		return
	}
	switch n := n.(type) {
	case *Unary:
		Walk(n.Operand, visit)
	case *Binary:
		Walk(n.Left, visit)
		Walk(n.Right, visit)
	case *Member:
		Walk(n.Operand, visit)
		for _, item := range n.List {
			Walk(item, visit)
		}
	case *Match:
		Walk(n.Operand, visit)
		Walk(n.Pattern, visit)
	case *Null:
		Walk(n.Operand, visit)
	}
}
