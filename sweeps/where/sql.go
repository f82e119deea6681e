package where

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// SQL writes the condition in SQLite's dialect, with every value a parameter. It is 1 where
// Evaluate is true and 0 where it is false, never NULL.
//
// column returns the SQL of a name's value with its parameters, or false for a name without one. The
// SQL must be INTEGER or REAL for a number, TEXT for a text and the BLOB x'01' or x'00' for a flag,
// so that a name of no fixed type shows its type. It is NULL for a missing value and for NaN. It may
// be used more than once. Patterns need the function regexp(pattern, text). The error is an [*Error].
func (e *Expression) SQL(column func(name string) (sql string, args []any, ok bool)) (text string, args []any, err error) {
	c := translator{column: column}
	s := c.condition(e.Root)
	if c.wrong != nil {
		return "", nil, c.wrong
	}
	return s.text, s.args, nil
}

// sql is a piece of SQL with its parameters, in their order.
type sql struct {
	text string
	args []any
}

// with puts pieces into a format, each at its %s.
func with(format string, parts ...sql) sql {
	texts := make([]any, len(parts))
	var args []any
	for i, p := range parts {
		texts[i] = p.text
		args = append(args, p.args...)
	}
	return sql{fmt.Sprintf(format, texts...), args}
}

func bound(v any) sql { return sql{"?", []any{v}} }

// A translator writes the parts of a tree: a condition is 0 or 1, a missing value is NULL.
type translator struct {
	column func(name string) (string, []any, bool)
	wrong  *Error
}

func (c *translator) condition(n Node) sql {
	switch n := n.(type) {
	case *Literal:
		return bound(number01(n.Value.Flag))
	case *Name:
		return with("(%s IS x'01')", c.name(n))
	case *Unary:
		return with("(NOT %s)", c.condition(n.Operand))
	case *Binary:
		if binary[n.Op] < precedenceComparison {
			return c.balanced(strings.ToUpper(string(n.Op)), operands(n, n.Op))
		}
		return c.comparison(n)
	case *Member:
		return c.member(n)
	case *Match:
		format := "((%s REGEXP %s) IS TRUE)"
		if n.Not {
			format = "((NOT %s REGEXP %s) IS TRUE)"
		}
		return with(format, c.text(n.Operand), bound(n.Pattern.Value.Text))
	case *Null:
		if n.Not {
			return with("(%s IS NOT NULL)", c.value(n.Operand))
		}
		return with("(%s IS NULL)", c.value(n.Operand))
	}
	panic(fmt.Sprintf("where: %T is no condition", n))
}

func number01(flag bool) int64 {
	if flag {
		return 1
	}
	return 0
}

// operands are the parts of a chain of one operator, however it is nested.
func operands(n Node, op Op) []Node {
	if b, ok := n.(*Binary); ok && b.Op == op {
		return append(operands(b.Left, op), operands(b.Right, op)...)
	}
	return []Node{n}
}

// balanced joins conditions as a tree of the least height, which SQLite limits.
func (c *translator) balanced(op string, of []Node) sql {
	if len(of) == 1 {
		return c.condition(of[0])
	}
	half := len(of) / 2
	return with("(%s "+op+" %s)", c.balanced(op, of[:half]), c.balanced(op, of[half:]))
}

// value writes a part of any type.
func (c *translator) value(n Node) sql {
	switch n.Type() {
	case Number:
		return c.number(n)
	case Text, Time:
		return c.text(n)
	}
	if name, ok := n.(*Name); ok {
		return c.name(name)
	}
	return c.condition(n)
}

func (c *translator) name(n *Name) sql {
	text, args, ok := c.column(n.Name)
	if !ok && c.wrong == nil {
		c.wrong = at(n, Error{Message: fmt.Sprintf("`%s` cannot be looked up here", clip(n.Name))})
	}
	return sql{text, args}
}

// number writes a part as a number; NULL if a name of no fixed type has another type.
func (c *translator) number(n Node) sql {
	switch n := n.(type) {
	case *Literal:
		if n.Value.Type == plugins.TypeInteger {
			return bound(n.Value.Integer)
		}
		return bound(n.Value.Real)
	case *Name:
		if n.Is == Varied {
			v := c.name(n)
			return with("CASE WHEN typeof(%s) IN ('integer', 'real') THEN %s END", v, v)
		}
		return c.name(n)
	case *Unary:
		return with("(- %s)", c.real(n.Operand))
	case *Binary:
		return with("(%s "+string(n.Op)+" %s)", c.real(n.Left), c.real(n.Right))
	}
	panic(fmt.Sprintf("where: %T is no number", n))
}

// real writes a number as a float64.
func (c *translator) real(n Node) sql {
	switch n := n.(type) {
	case *Literal:
		return bound(float(n.Value))
	case *Name:
		return with("CAST(%s AS REAL)", c.number(n))
	}
	return c.number(n)
}

// text writes a part as a text; NULL if a name of no fixed type has another type.
func (c *translator) text(n Node) sql {
	if l, ok := n.(*Literal); ok {
		return bound(l.Value.Text)
	}
	v := c.name(n.(*Name))
	if n.Type() == Varied {
		return with("CASE typeof(%s) WHEN 'text' THEN %s END", v, v)
	}
	return v
}

// flag writes a part as 0 or 1; NULL if a name has no flag.
func (c *translator) flag(n Node) sql {
	if name, ok := n.(*Name); ok {
		return with("CASE %s WHEN x'01' THEN 1 WHEN x'00' THEN 0 END", c.name(name))
	}
	return c.condition(n)
}

func (c *translator) comparison(n *Binary) sql {
	op := map[Op]string{Equal: "=", NotEqual: "<>"}[n.Op]
	if n.Left.Type() == Time && n.Right.Type() == Time {
		return with("((%s "+cmp.Or(op, string(n.Op))+" %s) IS TRUE)", c.text(n.Left), c.text(n.Right))
	}
	if op == "" {
		return c.numbers(string(n.Op), n.Left, n.Right)
	}
	for _, side := range [][2]Node{{n.Left, n.Right}, {n.Right, n.Left}} {
		if s := shownFor(side[0], side[1]); s != nil {
			return c.shown([]*span{s}, c.number(side[0]), c.numbers(op, n.Left, n.Right), n.Op == Equal)
		}
	}
	is := n.Left.Type()
	if is == Varied {
		is = n.Right.Type()
	}
	texts := func() sql { return with("((%s "+op+" %s) IS TRUE)", c.text(n.Left), c.text(n.Right)) }
	flags := func() sql { return with("((%s "+op+" %s) IS TRUE)", c.flag(n.Left), c.flag(n.Right)) }
	switch is {
	case Number:
		return c.numbers(op, n.Left, n.Right)
	case Text:
		return texts()
	case Flag:
		return flags()
	}
	return with("(%s OR %s OR %s)", c.numbers(op, n.Left, n.Right), texts(), flags())
}

// shown is equal for a real number in one of the spans, and exactly for all else. Its branches lie beside each other:
// SQLite limits how deep expressions are.
func (c *translator) shown(spans []*span, v, exactly sql, equal bool) sql {
	parts := []sql{v, exactly}
	for _, s := range spans {
		parts = append(parts, v, bound(s.low), bound(s.high), bound(number01(equal)))
	}
	return with("(CASE WHEN typeof(%s) <> 'real' THEN %s"+strings.Repeat(" WHEN %s BETWEEN %s AND %s THEN %s", len(spans))+" ELSE %s END)", append(parts, exactly)...)
}

// exact is the largest integer up to which float64 has all integers. Up to it SQLite, which compares
// an integer with a real by their exact values, agrees with a comparison of float64.
const exact = 1 << 53

// small reports whether n is an integer that is exact as a float64.
func small(n Node) bool {
	l, ok := n.(*Literal)
	return ok && l.Value.Type == plugins.TypeInteger && -exact <= l.Value.Integer && l.Value.Integer <= exact
}

// isReal reports whether a part is always a float64.
func isReal(n Node) bool {
	if l, ok := n.(*Literal); ok {
		return l.Value.Type == plugins.TypeReal
	}
	_, isName := n.(*Name)
	return !isName
}

// numbers compares two numbers: integers exactly with each other, all else as float64.
func (c *translator) numbers(op string, left, right Node) sql {
	switch {
	case small(left) || small(right):
		return with("((%s "+op+" %s) IS TRUE)", c.number(left), c.number(right))
	case isReal(left) || isReal(right):
		return with("((%s "+op+" %s) IS TRUE)", c.real(left), c.real(right))
	}
	a, b := c.number(left), c.number(right)
	return with("(CASE WHEN typeof(%s) = 'integer' AND typeof(%s) = 'integer' THEN %s "+op+" %s ELSE %s "+op+" %s END IS TRUE)",
		a, b, a, b, c.real(left), c.real(right))
}

// member looks for the value among the items of each type.
func (c *translator) member(n *Member) sql {
	items := map[Type][]*Literal{}
	for _, item := range n.List {
		items[item.Type()] = append(items[item.Type()], item)
	}
	format := "(%s IS TRUE)"
	if n.Not {
		format = "((NOT %s) IS TRUE)"
	}
	var parts []sql
	if list := items[Number]; list != nil {
		numbers := with(format, c.oneOfNumbers(n.Operand, list))
		var spans []*span
		for _, item := range list {
			if s := shownFor(n.Operand, item); s != nil {
				spans = append(spans, s)
			}
		}
		if spans != nil {
			numbers = c.shown(spans, c.number(n.Operand), numbers, !n.Not)
		}
		parts = append(parts, numbers)
	}
	if list := items[Text]; list != nil {
		parts = append(parts, with(format, among(c.text(n.Operand), list, func(v plugins.Value) any { return v.Text })))
	}
	if list := items[Flag]; list != nil {
		parts = append(parts, with(format, among(c.flag(n.Operand), list, func(v plugins.Value) any { return number01(v.Flag) })))
	}
	return with("("+strings.TrimSuffix(strings.Repeat("%s OR ", len(parts)), " OR ")+")", parts...)
}

// among asks whether a value is in a list; NULL if the value is.
func among(value sql, list []*Literal, as func(plugins.Value) any) sql {
	args := make([]any, len(list))
	for i, item := range list {
		args[i] = as(item.Value)
	}
	return with("(%s IN (%s))", value, sql{strings.TrimSuffix(strings.Repeat("?, ", len(list)), ", "), args})
}

// oneOfNumbers looks for a number in a list and compares as numbers does.
func (c *translator) oneOfNumbers(operand Node, list []*Literal) sql {
	var smalls, larges, reals []*Literal
	for _, item := range list {
		switch {
		case small(item):
			smalls = append(smalls, item)
		case item.Value.Type == plugins.TypeInteger:
			larges = append(larges, item)
		default:
			reals = append(reals, item)
		}
	}
	integer := func(v plugins.Value) any { return v.Integer }
	asReal := func(v plugins.Value) any { return float(v) }
	var parts []sql
	if smalls != nil {
		parts = append(parts, among(c.number(operand), smalls, integer))
	}
	if reals != nil {
		parts = append(parts, among(c.real(operand), reals, asReal))
	}
	if larges != nil {
		v := c.number(operand)
		parts = append(parts, with("CASE typeof(%s) WHEN 'integer' THEN %s ELSE %s END", v, among(v, larges, integer), among(c.real(operand), larges, asReal)))
	}
	return with("("+strings.TrimSuffix(strings.Repeat("%s OR ", len(parts)), " OR ")+")", parts...)
}
