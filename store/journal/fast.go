package journal

import (
	"bytes"
	"math"
	"strconv"
)

// parseLog reads a line of values as [Tally.Line] writes it, about ten times as fast as encoding/json, which reads every other form. names has the
// names of metrics that have been read, so that they are kept once.
func parseLog(text []byte, names map[string]string) (r Record, ok bool) {
	p := scan{text: text}
	if !p.skip(`{"a":`) || !p.word(&r.Attempt, nil) || !p.skip(`,"log":{`) {
		return r, false
	}
	r.Log = make(Values, 0, 8)
	for {
		var v Value
		if !p.word(&v.Metric, names) || !p.skip(":") || !p.number(&v.Value) {
			return r, false
		}
		r.Log = append(r.Log, v)
		if p.skip("}") {
			break
		}
		if !p.skip(",") {
			return r, false
		}
	}
	if p.skip(`,"step":`) {
		digits := p.until(",}")
		step, err := strconv.Atoi(string(digits))
		if err != nil || !isNumber(digits) {
			return r, false
		}
		r.Step = step
	}
	r.Whole = p.skip(`,"whole":true`)
	r.text = text
	return r, p.skip("}") && len(p.text) == 0
}

// scan is what is left of a line.
type scan struct{ text []byte }

func (p *scan) skip(word string) bool {
	if len(p.text) < len(word) || string(p.text[:len(word)]) != word {
		return false
	}
	p.text = p.text[len(word):]
	return true
}

// until takes what is before the first of some bytes.
func (p *scan) until(end string) []byte {
	n := bytes.IndexAny(p.text, end)
	if n < 0 {
		return nil
	}
	before := p.text[:n]
	p.text = p.text[n:]
	return before
}

// word takes a text in quotes without escapes.
func (p *scan) word(into *string, names map[string]string) bool {
	if !p.skip(`"`) {
		return false
	}
	n := bytes.IndexByte(p.text, '"')
	if n <= 0 || bytes.IndexByte(p.text[:n], '\\') >= 0 {
		return false
	}
	found := p.text[:n]
	p.text = p.text[n+1:]
	for _, c := range found {
		if c < ' ' || c >= 0x7f { // encoding/json looks whether it is UTF-8
			return false
		}
	}
	if known, ok := names[string(found)]; ok {
		*into = known
		return true
	}
	*into = string(found)
	if names != nil && len(names) < 1000 {
		names[*into] = *into
	}
	return true
}

// number takes a number of JSON, or the text of one that JSON does not have.
func (p *scan) number(into *float64) bool {
	if p.skip(`"NaN"`) {
		*into = math.NaN()
		return true
	}
	word := p.until(",}")
	if len(word) == 0 || word[0] == '"' {
		return false
	}
	if !isNumber(word) {
		return false
	}
	v, err := strconv.ParseFloat(string(word), 64)
	*into = v
	return err == nil
}

// isNumber reports whether a text is a number of JSON: RFC 8259, section 6.
func isNumber(text []byte) bool {
	digits := func() int {
		n := 0
		for n < len(text) && '0' <= text[n] && text[n] <= '9' {
			n++
		}
		text = text[n:]
		return n
	}
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	zero := len(text) > 0 && text[0] == '0'
	if n := digits(); n == 0 || zero && n > 1 {
		return false
	}
	if len(text) > 0 && text[0] == '.' {
		if text = text[1:]; digits() == 0 {
			return false
		}
	}
	if len(text) > 0 && (text[0] == 'e' || text[0] == 'E') {
		text = text[1:]
		if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
			text = text[1:]
		}
		if digits() == 0 {
			return false
		}
	}
	return len(text) == 0
}
