package until

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// A Condition says when a question is closed: when all clauses of any of its lists hold.
type Condition [][]Clause

// A Kind is what a clause asks.
type Kind string

// The kinds of clauses.
const (
	// Decided: the best arm is better than every other, or equal to it within EqualWithin. With one arm: no other point
	// cannot be told from the best, or all that cannot are equal within EqualWithin.
	Decided Kind = "decided"
	// Width: half of the best point's 95 % interval is below the limit.
	Width Kind = "ci"
	// Significant: the adjusted p of every tested arm is below the limit.
	Significant Kind = "p"
	// Tied: every arm that is not told from the baseline is equal to it within the limit. With one arm: every point that
	// is not told from the best.
	Tied Kind = "tied"
)

// EqualWithin is the share of the best value within which two values are equal to Decided, where the outcome of a comparison
// has no margin.
const EqualWithin = 0.01

// A Clause is one test of a Condition.
type Clause struct {
	Kind  Kind
	Limit float64 // a share, not a percentage, if Share is set
	Share bool    // of the best point's value
}

// String is the clause as it is written.
func (c Clause) String() string {
	limit := strconv.FormatFloat(c.Limit, 'g', -1, 64)
	if c.Share {
		limit = percent(c.Limit) + " %"
	}
	switch c.Kind {
	case Decided:
		return string(c.Kind)
	case Tied:
		return "tied within " + limit
	}
	return string(c.Kind) + " < " + limit
}

// percent writes a share in percent. Rounding hides that 0.07·100 is not 7.
func percent(share float64) string { return strconv.FormatFloat(share*100, 'g', 12, 64) }

// String is the condition as it is written.
func (c Condition) String() string {
	var any []string
	for _, list := range c {
		var all []string
		for _, clause := range list {
			all = append(all, clause.String())
		}
		any = append(any, strings.Join(all, " and "))
	}
	return strings.Join(any, " or ")
}

// Needs reports whether the condition has a clause of a kind in every list, so that nothing else can close the question.
func (c Condition) Needs(kinds ...Kind) bool {
	for _, list := range c {
		found := false
		for _, clause := range list {
			for _, kind := range kinds {
				found = found || clause.Kind == kind
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// An Error is a Condition that cannot be read, with the place of what is wrong in bytes.
type Error struct {
	From, To int
	Message  string
}

func (e *Error) Error() string { return e.Message }

// Grammar says what a Condition may be.
const Grammar = "`decided`, `ci < 0.002`, `ci < 2 %`, `p < 0.05`, `tied within 1 %`, joined by `or` and `and`"

// Hint says what a Condition may be.
func (e *Error) Hint() string { return "there are " + Grammar }

// A token is a word, a number or a sign of a condition.
type token struct {
	text     string
	from, to int
}

// Parse reads a condition. Its error is an *Error.
func Parse(text string) (Condition, error) {
	p := parser{tokens: tokens(text), end: len(text)}
	if len(p.tokens) == 0 {
		return nil, &Error{0, len(text), "the condition is empty"}
	}
	c := Condition{nil}
	for {
		clause, err := p.clause()
		if err != nil {
			return nil, err
		}
		c[len(c)-1] = append(c[len(c)-1], clause)
		switch t := p.next(); t.text {
		case "":
			return c, nil
		case "and":
		case "or":
			c = append(c, nil)
		default:
			return nil, wrong(t, fmt.Sprintf("%q follows a whole condition", t.text))
		}
	}
}

type parser struct {
	tokens []token
	end    int
}

// next takes a token; one without text at the end.
func (p *parser) next() token {
	if len(p.tokens) == 0 {
		return token{"", p.end, p.end}
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func wrong(t token, message string) *Error {
	if t.text == "" {
		return &Error{t.from, t.to, "the condition ends too soon"}
	}
	return &Error{t.from, t.to, message}
}

func (p *parser) clause() (Clause, error) {
	word := p.next()
	c := Clause{Kind: Kind(word.text)}
	var sign string
	switch c.Kind {
	case Decided:
		return c, nil
	case Width, Significant:
		sign = "<"
	case Tied:
		sign = "within"
	default:
		return c, wrong(word, fmt.Sprintf("no condition is called %q", word.text))
	}
	if t := p.next(); t.text != sign {
		return c, wrong(t, fmt.Sprintf("`%s` is followed by `%s`, not by %q", c.Kind, sign, t.text))
	}
	number := p.next()
	limit, err := strconv.ParseFloat(number.text, 64)
	if err != nil {
		return c, wrong(number, fmt.Sprintf("%q is not a number", number.text))
	}
	c.Limit = limit
	if len(p.tokens) > 0 && p.tokens[0].text == "%" {
		number.to = p.next().to
		c.Limit, c.Share = limit/100, true
	}
	switch {
	case !(c.Limit > 0) || math.IsInf(c.Limit, 0):
		return c, wrong(number, fmt.Sprintf("the limit of `%s` is a number above 0", c.Kind))
	case c.Kind == Tied && !c.Share:
		return c, wrong(number, "`tied within` wants a percentage of the value, such as 1 %")
	case c.Kind == Significant && c.Share:
		return c, wrong(number, "`p <` wants a number, such as 0.05")
	case c.Kind == Significant && c.Limit >= 1, c.Share && c.Limit >= 1:
		return c, wrong(number, fmt.Sprintf("the limit of `%s` is so large that it always holds", c.Kind))
	}
	return c, nil
}

// tokens divides a condition. Capital letters are as good as small ones.
func tokens(text string) (all []token) {
	from := -1
	end := func(at int) {
		if from >= 0 {
			all = append(all, token{strings.ToLower(text[from:at]), from, at})
		}
		from = -1
	}
	for at, r := range text {
		switch {
		case unicode.IsSpace(r):
			end(at)
		case r == '<' || r == '%':
			end(at)
			all = append(all, token{string(r), at, at + 1})
		case from < 0:
			from = at
		}
	}
	end(len(text))
	return all
}
