package data

import (
	"math"
	"slices"
	"testing"
)

// values are the features of all rows.
func values(s *Set) []float64 { return slices.Collect(s.X.All()) }

// Whatever type they are kept in, numbers come back to the bit.
func TestNumbersAreKeptExactly(t *testing.T) {
	for name, c := range map[string]struct {
		values []float64
		size   int // of each, in bytes
	}{
		"pixels":           {[]float64{0, 255, 7}, 1},
		"single precision": {[]float64{3, 255, 256, 0.5, -1, float64(float32(0.1)), 1 << 100}, 4},
		"double precision": {[]float64{3, 0.5, 0.1, 1e300, 5e-324}, 8},
		"first of all":     {[]float64{0.1, 1, 2}, 8},
		"a minus":          {[]float64{0, math.Copysign(0, -1)}, 4},
		"an integer":       {[]float64{1, 1<<24 + 1}, 8},
	} {
		n := NumbersOf(c.values...)
		size := 1
		switch {
		case n.doubles != nil:
			size = 8
		case n.singles != nil:
			size = 4
		}
		if size != c.size || n.Len() != len(c.values) {
			t.Errorf("%s: %d numbers take %d bytes each, want %d", name, n.Len(), size, c.size)
		}
		row := n.Row(1, n.Len()-1, make([]float64, n.Len()))
		for i, want := range c.values {
			if got := n.At(i); math.Float64bits(got) != math.Float64bits(want) || i > 0 && math.Float64bits(row[i-1]) != math.Float64bits(want) {
				t.Errorf("%s: %v came back as %v", name, want, got)
			}
		}
	}
	var n Numbers
	for i := range 1000 {
		n.reserve(8, 1000)
		n.append(float64(i))
	}
	if cap(n.bytes) > 0 || cap(n.singles) > 1024 || n.At(999) != 999 {
		t.Errorf("room for %d numbers was made", cap(n.singles))
	}
}
