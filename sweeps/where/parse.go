package where

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// A parser makes a tree from tokens by recursive descent, one method for each kind of operator.
type parser struct {
	tokens []token
	at     int
	depth  int
}

func (p *parser) peek() token { return p.tokens[p.at] }

// is reports whether the next token is a symbol or a keyword with that text.
func (p *parser) is(text string) bool {
	return p.peek().is(text)
}

func (t token) is(text string) bool {
	return (t.kind == tokenSymbol || t.kind == tokenKeyword) && t.text == text
}

// accept takes the next token if it is one of the symbols or keywords.
func (p *parser) accept(texts ...string) (token, bool) {
	for _, text := range texts {
		if p.is(text) {
			p.at++
			return p.tokens[p.at-1], true
		}
	}
	return token{}, false
}

// What a parser expects, besides symbols.
const (
	operand  = "a value or a name"
	operator = "an operator such as == or `and`"
	listItem = "a value in the list"
)

// unexpected is the error of a next token that is not what the parser expects.
func (p *parser) unexpected(wanted string) *Error {
	t := p.peek()
	e := &Error{From: t.From, To: t.To, Message: fmt.Sprintf("expected %s, got `%s`", wanted, clip(t.text))}
	switch {
	case t.kind == tokenEnd:
		e.Message = fmt.Sprintf("expected %s, but the expression ends", wanted)
	case t.text == "null" && wanted == operand:
		e.Help = "a missing value equals nothing: write name is null"
	case t.kind == tokenKeyword && t.text != string(Not) && wanted == operand:
		e.Help = fmt.Sprintf("%s: %s", backticks, Quote(t.text))
	case t.text == string(Not) && wanted == operand:
		e.Help = "put the negation into parentheses: a == (not b)"
	case t.text == string(Not):
		e.Help = "`not` stands before a condition, as in not a == b, or before in and ~"
	}
	return e
}

// whole reads all tokens as one expression.
func (p *parser) whole() (Node, *Error) {
	n, wrong := p.or()
	if wrong != nil {
		return nil, wrong
	}
	if t := p.peek(); t.kind != tokenEnd {
		if t.text == ")" || t.text == "]" {
			return nil, &Error{From: t.From, To: t.To, Message: fmt.Sprintf("`%s` closes nothing", t.text)}
		}
		return nil, p.unexpected(operator)
	}
	return n, nil
}

func (p *parser) or() (Node, *Error)      { return p.chain(p.and, "or") }
func (p *parser) and() (Node, *Error)     { return p.chain(p.not, "and") }
func (p *parser) sum() (Node, *Error)     { return p.chain(p.product, "+", "-") }
func (p *parser) product() (Node, *Error) { return p.chain(p.sign, "*", "/") }

// chain reads parts with operators of one precedence between them.
func (p *parser) chain(part func() (Node, *Error), ops ...string) (Node, *Error) {
	left, wrong := part()
	for wrong == nil {
		op, ok := p.accept(ops...)
		if !ok {
			return left, nil
		}
		var right Node
		if right, wrong = part(); wrong == nil {
			left = join(Op(op.text), left, right)
		}
	}
	return nil, wrong
}

func join(op Op, left, right Node) *Binary {
	return &Binary{Place{left.Span().From, right.Span().To}, op, left, right}
}

// enter limits how deep the parser calls itself.
func (p *parser) enter(at token) *Error {
	if p.depth++; p.depth > maxDepth {
		return &Error{From: at.From, To: at.To, Message: fmt.Sprintf("the expression is nested more than %d deep", maxDepth)}
	}
	return nil
}

func (p *parser) not() (Node, *Error) {
	op, ok := p.accept("not")
	if !ok {
		return p.comparison()
	}
	if wrong := p.enter(op); wrong != nil {
		return nil, wrong
	}
	defer func() { p.depth-- }()
	operand, wrong := p.not()
	if wrong != nil {
		return nil, wrong
	}
	return &Unary{Place{op.From, operand.Span().To}, Not, operand}, nil
}

var comparisons = []string{"==", "!=", "<", "<=", ">", ">="}

// comparison reads at most one comparison.
func (p *parser) comparison() (Node, *Error) {
	left, wrong := p.sum()
	if wrong != nil {
		return nil, wrong
	}
	negated := p.is("not") && (p.tokens[p.at+1].is("in") || p.tokens[p.at+1].is("~"))
	if negated {
		p.at++
	}
	if _, ok := p.accept("in"); ok {
		return p.member(left, negated)
	}
	if _, ok := p.accept("~"); ok {
		return p.match(left, negated)
	}
	if _, ok := p.accept("is"); ok {
		return p.null(left)
	}
	op, ok := p.accept(comparisons...)
	if !ok {
		return left, nil
	}
	right, wrong := p.sum()
	if wrong != nil {
		return nil, wrong
	}
	first := join(Op(op.text), left, right)
	second, ok := p.accept(comparisons...)
	if !ok {
		return anyOf(first), nil
	}
	e := &Error{From: first.From, To: second.To, Message: "comparisons cannot be chained", Help: "join two of them with `and`"}
	if third, wrong := p.sum(); wrong == nil {
		e.To = third.Span().To
		e.Help = fmt.Sprintf("write %s and %s", text(first), text(join(Op(second.text), right, third)))
	}
	return nil, e
}

// anyOf compares with all names of a choice that has several: databases keep the name of the time when they
// were written.
func anyOf(n *Binary) Node {
	name, value := n.Left, n.Right
	if _, ok := name.(*Literal); ok {
		name, value = value, name
	}
	literal, ok := value.(*Literal)
	if !ok || n.Op != Equal && n.Op != NotEqual {
		return n
	}
	if list := withSynonyms(name, []*Literal{literal}); len(list) > 1 {
		return &Member{n.Place, name, n.Op == NotEqual, list}
	}
	return n
}

// withSynonyms adds the other names of choices to the values that a setting is compared with.
func withSynonyms(operand Node, list []*Literal) []*Literal {
	name, ok := operand.(*Name)
	if !ok {
		return list
	}
	setting := name.Name[strings.LastIndexByte(name.Name, '.')+1:]
	for _, item := range slices.Clone(list) {
		for _, synonym := range plugins.Synonyms(setting, item.Value.Text) {
			if v := plugins.Text(synonym); !slices.ContainsFunc(list, func(other *Literal) bool { return other.Value == v }) {
				list = append(list, &Literal{Place: item.Place, Value: v})
			}
		}
	}
	return list
}

// member reads the list after in.
func (p *parser) member(operand Node, negated bool) (Node, *Error) {
	m := &Member{Place{From: operand.Span().From}, operand, negated, nil}
	open, ok := p.accept("[")
	if !ok {
		return nil, p.unexpected("a list such as ['sgd', 'adam']")
	}
	for {
		// A comma may stand after the last item too.
		if end, ok := p.accept("]"); ok {
			m.To = end.To
			if len(m.List) == 0 {
				return nil, &Error{From: open.From, To: end.To, Message: "the list is empty"}
			}
			m.List = withSynonyms(m.Operand, m.List)
			return m, nil
		}
		if p.peek().kind == tokenEnd {
			return nil, unclosed(open)
		}
		item, wrong := p.item()
		if wrong != nil {
			return nil, wrong
		}
		m.List = append(m.List, item)
		if _, ok := p.accept(","); !ok && !p.is("]") && p.peek().kind != tokenEnd {
			return nil, p.unexpected("`,` or `]`")
		}
	}
}

func unclosed(open token) *Error {
	return &Error{From: open.From, To: open.To, Message: fmt.Sprintf("`%s` is not closed", open.text)}
}

// item reads a value of a list.
func (p *parser) item() (*Literal, *Error) {
	if t := p.peek(); t.kind == tokenName {
		e := p.unexpected(listItem)
		e.Help = fmt.Sprintf("texts stand in quotation marks: '%s'", clip(t.text))
		return nil, e
	}
	if t := p.peek(); t.kind != tokenValue && t.text != "-" {
		return nil, p.unexpected(listItem)
	}
	n, wrong := p.sign()
	if wrong != nil {
		return nil, wrong
	}
	item, ok := n.(*Literal)
	if !ok {
		return nil, &Error{From: n.Span().From, To: n.Span().To, Message: "a list holds values only"}
	}
	return item, nil
}

// match reads the pattern after ~.
func (p *parser) match(operand Node, negated bool) (Node, *Error) {
	t := p.peek()
	if t.kind != tokenValue || TypeOf(t.value) != Text {
		return nil, p.unexpected("a pattern in quotation marks")
	}
	p.at++
	pattern, wrong := pattern(t)
	if wrong != nil {
		return nil, wrong
	}
	return &Match{Place{operand.Span().From, t.To}, operand, negated, newLiteral(t.Place, t.value), pattern}, nil
}

// pattern compiles a regular expression.
func pattern(t token) (*regexp.Regexp, *Error) {
	compiled, err := regexp.Compile(t.value.Text)
	if err == nil {
		return compiled, nil
	}
	e := &Error{From: t.From, To: t.To, Message: "the pattern cannot be read: " + err.Error(), Help: "patterns are those of RE2, as in '^lion|sgd$' or '\\d+'"}
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		e.Message = fmt.Sprintf("the pattern cannot be read: %s", wrong.Code)
		if at := strings.Index(t.value.Text, wrong.Expr); at >= 0 && wrong.Expr != "" {
			e.From += len("'") + at
			e.To = e.From + len(wrong.Expr)
		}
	}
	return nil, e
}

// null reads what follows is.
func (p *parser) null(operand Node) (Node, *Error) {
	_, negated := p.accept("not")
	end, ok := p.accept("null")
	if !ok {
		return nil, p.unexpected("`null` after `is`")
	}
	return &Null{Place{operand.Span().From, end.To}, operand, negated}, nil
}

// sign reads an operand with the signs before it. A number with its sign is one value.
func (p *parser) sign() (Node, *Error) {
	op, ok := p.accept("-")
	if !ok {
		return p.primary()
	}
	if wrong := p.enter(op); wrong != nil {
		return nil, wrong
	}
	defer func() { p.depth-- }()
	operand, wrong := p.sign()
	if wrong != nil {
		return nil, wrong
	}
	place := Place{op.From, operand.Span().To}
	if n, ok := operand.(*Literal); ok {
		switch n.Value.Type {
		case plugins.TypeInteger:
			return newLiteral(place, plugins.Integer(-n.Value.Integer)), nil
		case plugins.TypeReal:
			return newLiteral(place, plugins.Real(-n.Value.Real)), nil
		}
	}
	return &Unary{place, Minus, operand}, nil
}

func (p *parser) primary() (Node, *Error) {
	switch t := p.peek(); {
	case t.kind == tokenValue:
		p.at++
		return newLiteral(t.Place, t.value), nil
	case t.kind == tokenName:
		p.at++
		if p.is("(") {
			return p.call(t)
		}
		return &Name{Place: t.Place, Name: t.text}, nil
	}
	open, ok := p.accept("(")
	if !ok {
		return nil, p.unexpected(operand)
	}
	if wrong := p.enter(open); wrong != nil {
		return nil, wrong
	}
	defer func() { p.depth-- }()
	n, wrong := p.or()
	if wrong != nil {
		return nil, wrong
	}
	if _, ok := p.accept(")"); !ok {
		if p.peek().kind == tokenEnd {
			return nil, unclosed(open)
		}
		return nil, p.unexpected("an operator or `)`")
	}
	return n, nil
}
