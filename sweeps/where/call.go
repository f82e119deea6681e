package where

import (
	"fmt"
	"slices"
	"strings"
)

// functions summarize a metric over the epochs of a run; step applies to min and max only.
var functions = []string{"min", "max", "first", "last", "mean", "count", "step"} // step is the last

// A Call is a name such as min(val_loss) or step(min(val_loss)), taken apart.
type Call struct {
	Func   string // min, max, first, last, mean or count
	Step   bool   // the epoch of the minimum or the maximum instead of its value
	Metric string
}

// String is the canonical name.
func (c Call) String() string {
	name := c.Func + "(" + spelled(c.Metric) + ")"
	if c.Step {
		name = "step(" + name + ")"
	}
	return name
}

// CallOf takes a canonical name apart. ok is false if it is no call.
func CallOf(name string) (c Call, ok bool) {
	name, ok = strings.CutSuffix(name, ")")
	if !ok {
		return c, false
	}
	if inner, found := strings.CutPrefix(name, "step("); found {
		c.Step = true
		name = strings.TrimSuffix(inner, ")")
	}
	c.Func, c.Metric, ok = strings.Cut(name, "(")
	if ok = ok && slices.Contains(functions[:len(functions)-1], c.Func); !ok { // a name such as loss (%)
		return Call{}, false
	}
	if len(c.Metric) > 1 && strings.IndexByte(`'"`, c.Metric[0]) >= 0 {
		c.Metric = c.Metric[1 : len(c.Metric)-1]
	}
	return c, ok
}

// spelled is a metric as a call spells it: in quotation marks if it is not a word.
func spelled(metric string) string {
	if isWord(metric) {
		return metric
	}
	mark := "'"
	if strings.Contains(metric, mark) {
		mark = `"`
	}
	return mark + metric + mark
}

// call reads what follows the name of a function.
func (p *parser) call(function token) (Node, *Error) {
	if function.quoted {
		return nil, &Error{From: function.From, To: function.To, Message: fmt.Sprintf("`%s` is a name, and no function", clip(function.text))}
	}
	if !slices.Contains(functions, function.text) {
		return nil, &Error{From: function.From, To: function.To, Message: fmt.Sprintf("there is no function `%s`", clip(function.text)),
			Help: "functions: " + strings.Join(functions, ", ")}
	}
	open, _ := p.accept("(")
	c := Call{Func: function.text}
	closing := 1
	if function.text == "step" {
		inner := p.peek()
		if c.Func = inner.text; inner.kind != tokenName || c.Func != "min" && c.Func != "max" || !p.tokens[p.at+1].is("(") {
			return nil, &Error{From: inner.From, To: inner.To, Message: "`step` wants the minimum or the maximum of a metric", Help: "for instance step(min(val_loss))"}
		}
		c.Step, closing = true, 2
		p.at += 2
	}
	t := p.peek()
	switch {
	case t.kind == tokenName:
		c.Metric = t.text
	case t.kind == tokenValue && TypeOf(t.value) == Text && t.value.Text != "":
		c.Metric = t.value.Text
	default:
		return nil, p.unexpected("the name of a metric")
	}
	p.at++
	n := &Name{Place: function.Place, metric: c.Metric, at: t.Place, Name: c.String()}
	for range closing {
		end, ok := p.accept(")")
		switch {
		case !ok && p.peek().kind == tokenEnd:
			return nil, unclosed(open)
		case !ok:
			return nil, p.unexpected("`)` after the metric")
		}
		n.To = end.To
	}
	return n, nil
}
