package where

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A checker looks up the names of a tree and checks that the types fit.
type checker struct{ schema Schema }

func (c checker) check(n Node) *Error {
	switch n := n.(type) {
	case *Name:
		return c.name(n)
	case *Unary:
		if n.Op == Not {
			return c.condition(n.Operand, "`not`")
		}
		return c.number(n.Operand, n.Op)
	case *Member:
		return c.member(n)
	case *Match:
		return c.match(n)
	case *Null:
		return c.check(n.Operand)
	case *Binary:
		if wrong := c.dashes(n); wrong != nil {
			return wrong
		}
		switch binary[n.Op] {
		case precedenceOr, precedenceAnd:
			who := fmt.Sprintf("`%s`", n.Op)
			return cmp.Or(c.condition(n.Left, who), c.condition(n.Right, who))
		case precedenceComparison:
			return c.comparison(n)
		}
		return cmp.Or(c.number(n.Left, n.Op), c.number(n.Right, n.Op))
	}
	return nil
}

// name finds the type of a name.
func (c checker) name(n *Name) *Error {
	if of := c.schema.Ambiguous[n.Name]; len(of) > 0 {
		return at(n, Error{Message: fmt.Sprintf("`%s` means several things", clip(n.Name)), Help: "write one of: " + strings.Join(quoteAll(of), ", ")})
	}
	if is, ok := c.lookup(n.Name); ok {
		n.Is = is
		return nil
	}
	if n.metric != "" {
		return c.call(n)
	}
	switch ends := c.endingIn(n.Name); len(ends) {
	case 0:
	case 1:
		n.Name = ends[0]
		n.Is, _ = c.lookup(n.Name)
		return nil
	default:
		return at(n, Error{Message: fmt.Sprintf("`%s` means several things", clip(n.Name)), Help: "write one of: " + strings.Join(quoteAll(ends), ", ")})
	}
	e := at(n, Error{Message: fmt.Sprintf("unknown name `%s`", clip(n.Name))})
	if meant := c.meant(n.Name); meant != "" {
		e.Label = fmt.Sprintf("did you mean %s?", shownName(meant))
	}
	e.Help = listed("names", c.schema.Hints)
	return e
}

// endingIn are the known names that end in a dot and the given one, in order.
func (c checker) endingIn(given string) (ends []string) {
	for name := range c.schema.Names {
		if strings.HasSuffix(name, "."+given) && !Scoped(name) {
			ends = append(ends, name)
		}
	}
	slices.Sort(ends)
	return ends
}

// dashes is the error of a name with a dash that stands without backticks, and so reads as a difference.
func (c checker) dashes(n *Binary) *Error {
	if n.Op != Minus {
		return nil
	}
	if c.check(n.Left) == nil && c.check(n.Right) == nil {
		return nil // it is a difference of known names
	}
	name := strings.ReplaceAll(text(n), " - ", "-")
	if _, ok := c.lookup(name); !ok {
		dashed := slices.DeleteFunc(slices.Clone(c.schema.Hints), isWord)
		if len(dashed) == 0 || c.schema.Nearest == nil {
			return nil
		}
		if name = c.schema.Nearest(name, dashed); name == "" {
			return nil
		}
	}
	return at(n, Error{Message: fmt.Sprintf("`%s` is a difference of two unknown names", text(n)), Label: fmt.Sprintf("did you mean %s?", Quote(name)), Help: backticks})
}

const backticks = "a name that is not a word, or a word of the language, stands in backticks"

// shownName is a name as a message shows it: in the backticks that it needs, or in those of the message.
func shownName(name string) string {
	if isWord(name) {
		return "`" + name + "`"
	}
	return Quote(name)
}

func quoteAll(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = Quote(name)
	}
	return quoted
}

// listed lists the first of the names; empty if there are none.
func listed(what string, names []string) string {
	const most = 18
	if len(names) == 0 {
		return ""
	}
	help := what + ": " + strings.Join(quoteAll(names[:min(most, len(names))]), ", ")
	if len(names) > most {
		help += ", …"
	}
	return help
}

// call is the error of a call whose metric the schema does not know.
func (c checker) call(n *Name) *Error {
	var metrics []string
	for _, known := range c.schema.Hints {
		if _, ok := c.lookup("min(" + spelled(known) + ")"); ok {
			metrics = append(metrics, known)
		}
	}
	e := &Error{From: n.at.From, To: n.at.To, Message: fmt.Sprintf("unknown metric `%s`", clip(n.metric)), Help: listed("metrics", metrics)}
	if _, ok := c.lookup(n.metric); ok {
		e.Message = fmt.Sprintf("`%s` is not a metric", clip(n.metric))
	} else if c.schema.Nearest != nil {
		if meant := c.schema.Nearest(n.metric, metrics); meant != "" {
			e.Label = fmt.Sprintf("did you mean %s?", shownName(meant))
		}
	}
	return e
}

func (c checker) lookup(name string) (Type, bool) {
	is, ok := c.schema.Names[name]
	if !ok && c.schema.Family != nil {
		is, ok = c.schema.Family(name)
	}
	return is, ok
}

// meant is a known name that looks like the given one, or that ends in what looks like it; empty if there is none.
func (c checker) meant(given string) string {
	if c.schema.Nearest == nil {
		return ""
	}
	if meant := c.schema.Nearest(given, c.schema.Hints); meant != "" {
		return meant
	}
	last := make([]string, len(c.schema.Hints))
	for i, known := range c.schema.Hints {
		last[i] = known[strings.LastIndexByte(known, '.')+1:]
	}
	if i := slices.Index(last, c.schema.Nearest(given, last)); i >= 0 {
		return c.schema.Hints[i]
	}
	return ""
}

// condition checks a part that must be true or false.
func (c checker) condition(n Node, who string) *Error {
	if wrong := c.check(n); wrong != nil {
		return wrong
	}
	if is := n.Type(); is != Flag && is != Varied {
		return at(n, Error{Message: fmt.Sprintf("%s wants a condition, but `%s` is %s", who, snippet(n), is),
			Help: "a condition is a comparison, or a name that is true or false"})
	}
	return nil
}

// number checks an operand of an operator for numbers only.
func (c checker) number(n Node, op Op) *Error {
	if wrong := c.check(n); wrong != nil {
		return wrong
	}
	if is := n.Type(); is != Number && is != Varied {
		return at(n, Error{Message: fmt.Sprintf("`%s` wants numbers, but `%s` is %s", op, snippet(n), is)})
	}
	return nil
}

func (c checker) comparison(n *Binary) *Error {
	left, right := c.check(n.Left), c.check(n.Right)
	switch {
	case left == nil && right != nil:
		return unquoted(right, n.Right, n.Left)
	case left != nil && right == nil:
		return unquoted(left, n.Left, n.Right)
	case left != nil:
		return left
	}
	if wrong := cmp.Or(instant(n.Left, n.Right), instant(n.Right, n.Left)); wrong != nil {
		return wrong
	}
	if n.Left.Type() == Time || n.Right.Type() == Time {
		return alike(n.Left, n.Right, n)
	}
	if n.Op != Equal && n.Op != NotEqual {
		return cmp.Or(c.number(n.Left, n.Op), c.number(n.Right, n.Op))
	}
	return alike(n.Left, n.Right, n)
}

// unquoted suggests quotation marks for an unknown name that is compared with a name of type text.
func unquoted(wrong *Error, unknown, with Node) *Error {
	name, ok := unknown.(*Name)
	if _, isName := with.(*Name); ok && isName && with.Type() == Text && !strings.Contains(name.Name, ".") {
		wrong.Label = fmt.Sprintf("did you mean '%s'?", clip(name.Name))
		wrong.Help = "texts stand in quotation marks"
	}
	return wrong
}

func (c checker) member(n *Member) *Error {
	if wrong := c.check(n.Operand); wrong != nil {
		return wrong
	}
	for _, item := range n.List {
		if wrong := instant(n.Operand, item); wrong != nil {
			return wrong
		}
		if wrong := alike(n.Operand, item, item); wrong != nil {
			return wrong
		}
	}
	return nil
}

func (c checker) match(n *Match) *Error {
	if wrong := c.check(n.Operand); wrong != nil {
		return wrong
	}
	if is := n.Operand.Type(); is != Text && is != Time && is != Varied {
		return at(n.Operand, Error{Message: fmt.Sprintf("`~` wants text, but `%s` is %s", snippet(n.Operand), is)})
	}
	return nil
}

// alike checks that two parts can be equal; an error marks place.
func alike(a, b, place Node) *Error {
	if a.Type() == b.Type() || a.Type() == Varied || b.Type() == Varied {
		return nil
	}
	e := Error{Message: fmt.Sprintf("`%s` is %s, but `%s` is %s", snippet(a), a.Type(), snippet(b), b.Type()), Label: "never equal"}
	for _, n := range []Node{a, b} {
		if n.Type() == Time {
			e.Help = timesLook
		}
		if l, ok := n.(*Literal); ok && l.Type() == Text && (a.Type() == Number || b.Type() == Number) {
			if _, ok := numeral(strings.TrimPrefix(l.Value.Text, "-")); ok {
				e.Help = "numbers stand without quotation marks"
			}
		}
	}
	return at(place, e)
}

func at(n Node, e Error) *Error {
	e.From, e.To = n.Span().From, n.Span().To
	return &e
}

func snippet(n Node) string { return clip(text(n)) }
