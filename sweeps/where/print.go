package where

import (
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// String is the expression in its canonical form: one space around operators, only the parentheses
// that are needed, numbers and texts in one form each. It compiles to the same tree.
func (e *Expression) String() string { return text(e.Root) }

func text(n Node) string {
	var b strings.Builder
	write(&b, n, loosest)
	return b.String()
}

// write prints n, in parentheses if it binds less tightly than least.
func write(b *strings.Builder, n Node, least int) {
	if precedence(n) < least {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	switch n := n.(type) {
	case *Literal:
		b.WriteString(literal(n.Value))
	case *Name:
		if n.metric != "" {
			b.WriteString(n.Name)
		} else {
			b.WriteString(Quote(n.Name))
		}
	case *Unary:
		b.WriteString(string(n.Op))
		if n.Op == Not {
			b.WriteByte(' ')
		}
		write(b, n.Operand, precedence(n))
	case *Binary:
		// Operators join their left operands first, but comparisons join none.
		left, right := precedence(n), precedence(n)+1
		if left == precedenceComparison {
			left++
		}
		write(b, n.Left, left)
		b.WriteString(" " + string(n.Op) + " ")
		write(b, n.Right, right)
	case *Member:
		write(b, n.Operand, precedenceComparison+1)
		if n.Not {
			b.WriteString(" not")
		}
		b.WriteString(" in [")
		for i, item := range n.List {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(literal(item.Value))
		}
		b.WriteByte(']')
	case *Match:
		write(b, n.Operand, precedenceComparison+1)
		if n.Not {
			b.WriteString(" not")
		}
		b.WriteString(" ~ " + literal(n.Pattern.Value))
	case *Null:
		write(b, n.Operand, precedenceComparison+1)
		b.WriteString(" is ")
		if n.Not {
			b.WriteString("not ")
		}
		b.WriteString("null")
	}
}

func precedence(n Node) int {
	switch n := n.(type) {
	case *Unary:
		if n.Op == Not {
			return precedenceNot
		}
		return precedenceSign
	case *Binary:
		return binary[n.Op]
	case *Member, *Match, *Null:
		return precedenceComparison
	}
	return tightest
}

// literal is a value as the language writes it. A text holds at most one kind of quotation mark.
func literal(v plugins.Value) string {
	if TypeOf(v) != Text {
		return v.String()
	}
	mark := "'"
	if strings.Contains(v.Text, mark) {
		mark = `"`
	}
	return mark + v.Text + mark
}
