package where

import (
	"cmp"
	"math"

	"github.com/xrun-dev/xrun/plugins"
)

// Evaluate reports whether the condition holds for the values of names that lookup returns. lookup
// returns false for a name without a value.
func (e *Expression) Evaluate(lookup func(name string) (plugins.Value, bool)) bool {
	return holds(e.Root, lookup)
}

// Value is the value of a part of an expression; ok is false if it is missing.
func Value(n Node, lookup func(name string) (plugins.Value, bool)) (v plugins.Value, ok bool) {
	switch n := n.(type) {
	case *Literal:
		return n.Value, true
	case *Name:
		v, ok := lookup(n.Name)
		return v, ok && !v.IsZero() && !(v.Type == plugins.TypeReal && math.IsNaN(v.Real))
	case *Unary:
		if n.Op == Not {
			return plugins.Flag(!holds(n.Operand, lookup)), true
		}
		x, ok := number(n.Operand, lookup)
		return plugins.Real(-x), ok
	case *Binary:
		switch binary[n.Op] {
		case precedenceOr:
			return plugins.Flag(holds(n.Left, lookup) || holds(n.Right, lookup)), true
		case precedenceAnd:
			return plugins.Flag(holds(n.Left, lookup) && holds(n.Right, lookup)), true
		case precedenceComparison:
			return plugins.Flag(compares(n, lookup)), true
		}
		return compute(n, lookup)
	case *Member:
		return plugins.Flag(belongs(n, lookup)), true
	case *Match:
		v, ok := Value(n.Operand, lookup)
		return plugins.Flag(ok && TypeOf(v) == Text && n.compiled.MatchString(v.Text) != n.Not), true
	case *Null:
		_, ok := Value(n.Operand, lookup)
		return plugins.Flag(ok == n.Not), true
	}
	return plugins.Value{}, false
}

func holds(n Node, lookup func(string) (plugins.Value, bool)) bool {
	v, ok := Value(n, lookup)
	return ok && v.Type == plugins.TypeFlag && v.Flag
}

// number is the value of a part as a number; ok is false if it is missing or of another type.
func number(n Node, lookup func(string) (plugins.Value, bool)) (float64, bool) {
	v, ok := Value(n, lookup)
	if !ok || TypeOf(v) != Number {
		return 0, false
	}
	return float(v), true
}

func float(v plugins.Value) float64 {
	if v.Type == plugins.TypeInteger {
		return float64(v.Integer)
	}
	return v.Real
}

func compares(n *Binary, lookup func(string) (plugins.Value, bool)) bool {
	a, ok := Value(n.Left, lookup)
	if !ok {
		return false
	}
	b, ok := Value(n.Right, lookup)
	if !ok || TypeOf(a) != TypeOf(b) {
		return false
	}
	if n.Op == Equal || n.Op == NotEqual {
		same := equal(a, b) || shownFor(n.Left, n.Right).holds(a) || shownFor(n.Right, n.Left).holds(b)
		return same == (n.Op == Equal)
	}
	var order int
	switch {
	case TypeOf(a) == Number:
		order = compare(a, b)
	case n.Left.Type() == Time && n.Right.Type() == Time:
		order = cmp.Compare(a.Text, b.Text) // of one form, the zone UTC
	default:
		return false // a name of varied type
	}
	switch n.Op {
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	case Greater:
		return order > 0
	}
	return order >= 0
}

// compare orders two numbers, neither of which is NaN.
func compare(a, b plugins.Value) int {
	if a.Type == plugins.TypeInteger && b.Type == plugins.TypeInteger {
		return cmp.Compare(a.Integer, b.Integer)
	}
	return cmp.Compare(float(a), float(b))
}

// equal compares values of one type.
func equal(a, b plugins.Value) bool {
	switch TypeOf(a) {
	case Number:
		return compare(a, b) == 0
	case Flag:
		return a.Flag == b.Flag
	}
	return a.Text == b.Text
}

func belongs(n *Member, lookup func(string) (plugins.Value, bool)) bool {
	v, ok := Value(n.Operand, lookup)
	if !ok {
		return false
	}
	alike := false
	for _, item := range n.List {
		if TypeOf(item.Value) != TypeOf(v) {
			continue
		}
		alike = true
		if equal(v, item.Value) || shownFor(n.Operand, item).holds(v) {
			return !n.Not
		}
	}
	return n.Not && alike
}

func compute(n *Binary, lookup func(string) (plugins.Value, bool)) (plugins.Value, bool) {
	a, ok := number(n.Left, lookup)
	if !ok {
		return plugins.Value{}, false
	}
	b, ok := number(n.Right, lookup)
	if !ok || n.Op == Divide && b == 0 {
		return plugins.Value{}, false
	}
	var x float64
	switch n.Op {
	case Plus:
		x = a + b
	case Minus:
		x = a - b
	case Times:
		x = float64(a * b)
	case Divide:
		x = a / b
	}
	return plugins.Real(x), !math.IsNaN(x)
}
