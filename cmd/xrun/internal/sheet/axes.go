package sheet

import (
	"math"
	"slices"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// A Side is an axis of a map.
type Side struct {
	Name  string `json:"name"`
	Arrow bool   `json:"arrow"` // numbers grow along it
	Ticks []Tick `json:"ticks"`
	begin []float64
	size  float64 // in cells
	apart int     // of Ticks: the one that lies apart, since it is 0; -1 if none does
}

// A Tick is a value of an axis, or several that are merged.
type Tick struct {
	Text  string `json:"text"`
	Bold  bool   `json:"bold,omitempty"` // of the facet's best
	Long  bool   `json:"long,omitempty"` // a decade
	From  string `json:"from,omitempty"` // of merged values the first and the last one
	To    string `json:"to,omitempty"`
	named bool   // there is room for its text
}

// merged are the groups of an axis's values: each by itself, or neighbours together if there are too many. of is the group of
// each value. 0 stays by itself where it lies apart.
func merged(a compare.Axis) (groups [][]compare.Tick, of []int) {
	n := len(a.Ticks)
	each, first := 1, 0
	if n > mostTicks {
		if a.ZeroApart() {
			first = 1
		}
		each = (n - first + mostTicks - first - 1) / (mostTicks - first)
	}
	for i := range a.Ticks {
		g := i
		if each > 1 && i >= first {
			g = first + (i-first)/each
		}
		if g == len(groups) {
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], a.Ticks[i])
		of = append(of, g)
	}
	return groups, of
}

// side is an axis with its groups of values, from the first.
func side(a compare.Axis, groups [][]compare.Tick) Side {
	s := Side{Name: nice(a.Name), Arrow: a.Numeric(), apart: -1}
	if a.ZeroApart() {
		s.apart = 0
	}
	for _, g := range groups {
		first, last := g[0], g[len(g)-1]
		t := Tick{Text: nice(first.Text)}
		if len(g) > 1 {
			t.From, t.To = nice(first.Text), nice(last.Text)
		}
		for _, x := range g {
			if x.Number > 0 && math.Abs(math.Log10(x.Number)-math.Round(math.Log10(x.Number))) < .01 {
				t.Long = true
				t.Text = nice(x.Text)
			}
		}
		s.Ticks = append(s.Ticks, t)
	}
	return s
}

// zeroGap is the gap between 0 and the logarithmic rest of an axis, as a part of a cell.
const zeroGap = 0.28

// place gives each value its place, in cells.
func (s *Side) place() {
	s.begin = nil
	at := 0.0
	for i := range s.Ticks {
		if i > 0 && (s.apart == 0 && i == 1 || s.apart > 0 && i == s.apart) {
			at += zeroGap
		}
		s.begin = append(s.begin, at)
		at++
	}
	s.size = at
}

// name chooses the values of an axis whose texts are written: the best's, then decades, then the others, as long as they do
// not collide. cell is a cell's width.
func (s *Side) name(cell float64) {
	type span struct{ from, to float64 }
	var taken []span
	try := func(i int) {
		t := &s.Ticks[i]
		half := float64(utf8.RuneCountInString(t.Text)) * 3.4
		at := (s.begin[i] + .5) * cell
		for _, o := range taken {
			if at-half < o.to+3 && at+half > o.from-3 {
				return
			}
		}
		t.named = true
		taken = append(taken, span{at - half, at + half})
	}
	var others []int
	for pass := range 3 {
		for i, t := range s.Ticks {
			switch {
			case pass == 0 && t.Bold, pass == 1 && !t.Bold && (t.Long || i == s.apart):
				try(i)
			case pass == 2 && !t.Bold && !t.Long && i != s.apart:
				others = append(others, i)
			}
		}
	}
	decades := slices.ContainsFunc(s.Ticks, func(t Tick) bool { return t.Long })
	if s.Arrow && decades { // decades are enough
		named := 0
		for _, t := range s.Ticks {
			if t.named {
				named++
			}
		}
		if named > 1 {
			return
		}
	}
	for _, i := range others {
		try(i)
	}
}
