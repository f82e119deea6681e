package where

import (
	"math"
	"sort"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A span holds the real numbers that tables show as one number, which is among them.
type span struct{ low, high float64 }

// newLiteral makes a literal that knows which numbers are shown as it is.
func newLiteral(place Place, v plugins.Value) *Literal {
	n := &Literal{Place: place, Value: v}
	if TypeOf(v) == Number {
		n.shown = shownAs(float(v))
	}
	return n
}

// shownAs is the span of a number that tables can show, and nil of one with more digits than they do.
func shownAs(x float64) *span {
	if x == 0 || stats.Shown(x) != x {
		return nil
	}
	if x < 0 {
		s := shownAs(-x)
		return &span{-s.high, -s.low}
	}
	// Positive floats are ordered as their bits are, and rounding keeps their order.
	bits, top := int(math.Float64bits(x)), int(math.Float64bits(math.MaxFloat64))
	return &span{
		low: math.Float64frombits(uint64(sort.Search(bits, func(b int) bool { return stats.Shown(math.Float64frombits(uint64(b))) >= x }))),
		high: math.Float64frombits(uint64(bits + sort.Search(top-bits, func(more int) bool {
			return stats.Shown(math.Float64frombits(uint64(bits+more+1))) > x
		}))),
	}
}

// shownFor is the span by which a name is compared with a literal for equality; nil if they are compared exactly.
func shownFor(name, literal Node) *span {
	if _, ok := name.(*Name); !ok {
		return nil
	}
	if l, ok := literal.(*Literal); ok {
		return l.shown
	}
	return nil
}

// holds reports whether v is a real number in the span. Integers are shown whole.
func (s *span) holds(v plugins.Value) bool {
	return s != nil && v.Type == plugins.TypeReal && s.low <= v.Real && v.Real <= s.high
}
