package data

import (
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
)

// mostCompared limits the cells of tables whose rows are compared: it takes about a second and 16 bytes a row.
const mostCompared = 100_000_000

// Rows are said to be equal where at least one in rarely is, unless inputs have so few values that rows are equal as a rule: with
// usually times as many rows as different ones.
const (
	rarely  = 100
	usually = 4
)

// warnOfCopies says that rows may be on both sides of a split: those that are equal in all inputs. Rows of files for validation and test are
// compared with those that train. Sparse sets are not looked at.
func (s *Set) warnOfCopies() {
	if s.IsSparse() || s.Len()*s.inputColumns() > mostCompared {
		return
	}
	seed := maphash.MakeSeed()
	own := s.rowHashes(seed)
	slices.SortFunc(own, func(a, b hashedRow) int {
		switch {
		case a.hash < b.hash:
			return -1
		case a.hash > b.hash:
			return 1
		}
		return int(a.row) - int(b.row)
	})
	files := false
	for _, part := range []struct {
		what string
		set  *Set
	}{{"for validation", s.Validation}, {"to test", s.Test}} {
		if part.set == nil || part.set.Digest == s.Digest { // which has been said
			continue
		}
		files = true
		equal := 0
		for _, row := range part.set.rowHashes(seed) {
			if i, _ := slices.BinarySearchFunc(own, row.hash, func(r hashedRow, hash uint64) int {
				switch {
				case r.hash < hash:
					return -1
				case r.hash > hash:
					return 1
				}
				return 0
			}); i < len(own) && own[i].hash == row.hash {
				equal++
			}
		}
		if equal > 0 && equal*rarely >= part.set.Len() && s.different(own)*usually >= s.Len() {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d rows %s equal a row that trains, in all inputs: what has been learned by heart then looks like what holds for new rows; leave them out of one of the files",
				equal, part.set.Len(), part.what))
		}
	}
	if files || s.Validation != nil || s.different(own)*usually < s.Len() {
		return
	}
	equal, twice := 0, "another row"
	for i := 0; i < len(own); {
		j := i + 1
		for j < len(own) && own[j].hash == own[i].hash {
			j++
		}
		if s.acrossParts(own[i:j]) {
			equal += j - i
		}
		i = j
	}
	what := "`group` keeps rows together that belong together, by a column that says so"
	switch {
	case s.Groups != nil:
		twice, what = fmt.Sprintf("a row of another group of %q", s.Schema.Group), "are they of one group?"
	case s.Order != nil:
		twice, what = fmt.Sprintf("a row with another value of %q", s.Schema.Order), "`group` keeps rows together that belong together"
	}
	if equal > 0 && equal*rarely >= s.Len() {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d rows equal %s, in all inputs: where one trains and the other judges, what has been learned by heart looks like what holds for new rows; %s",
			equal, s.Len(), twice, what))
	}
}

// warnOfSides says that a file for validation or test has groups that train, or rows that are no later than rows that train.
func (s *Set) warnOfSides() {
	for _, part := range []struct {
		what string
		set  *Set
	}{{"for validation", s.Validation}, {"to test", s.Test}} {
		if part.set == nil {
			continue
		}
		both := 0
		for name := range part.set.groupNames {
			if _, ok := s.groupNames[name]; ok {
				both++
			}
		}
		if both > 0 {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %s of %q in the rows %s are in those that train as well: the files do not keep groups apart",
				both, plural(len(part.set.groupNames), "value"), s.Schema.Group, part.what))
		}
		if len(part.set.Order) == 0 || len(s.Order) == 0 {
			continue
		}
		last, early := slices.Max(s.Order), 0
		for _, v := range part.set.Order {
			if v <= last {
				early++
			}
		}
		if early > 0 {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%d of %d rows %s are no later by %q than the last row that trains", early, part.set.Len(), part.what, s.Schema.Order))
		}
	}
}

// inputColumns is the number of cells of a row.
func (s *Set) inputColumns() int {
	if s.Encoded() {
		return len(s.columns)
	}
	return s.Dim()
}

// A hashedRow stands for the inputs of a row. Two rows of a million have equal hashes by chance once in 10⁷ tables.
type hashedRow struct {
	hash uint64
	row  int32
}

// different counts the rows without those equal to an earlier one.
func (s *Set) different(sorted []hashedRow) (n int) {
	for i, r := range sorted {
		if i == 0 || r.hash != sorted[i-1].hash {
			n++
		}
	}
	return n
}

// acrossParts reports whether a split can part equal rows.
func (s *Set) acrossParts(equal []hashedRow) bool {
	for _, r := range equal[1:] {
		switch first := equal[0].row; {
		case s.Groups != nil:
			if s.Groups[r.row] != s.Groups[first] {
				return true
			}
		case s.Order != nil:
			if s.Order[r.row] != s.Order[first] {
				return true
			}
		default:
			return true
		}
	}
	return false
}

// rowHashes hashes the inputs of each row. Categories count by their texts, because files number them by themselves.
func (s *Set) rowHashes(seed maphash.Seed) []hashedRow {
	rows := make([]hashedRow, s.Len())
	for i := range rows {
		rows[i].row = int32(i)
	}
	mix := func(i int, cell uint64) {
		high, low := bits.Mul64(rows[i].hash^cell^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
		rows[i].hash = high ^ low ^ bits.RotateLeft64(rows[i].hash, 23)
	}
	of := func(x float64) uint64 {
		if x != x {
			return 1 // a gap
		}
		return math.Float64bits(x + 0) // −0 is 0
	}
	if !s.Encoded() {
		d := s.Dim()
		scratch := make([]float64, d)
		for i := range rows {
			for _, x := range s.X.Row(i*d, d, scratch) {
				mix(i, of(x))
			}
		}
		return rows
	}
	for j := range s.columns {
		c := &s.columns[j]
		if c.as != AsCategory {
			for i := range rows {
				mix(i, of(c.values.At(i)))
			}
			continue
		}
		levels := []uint64{0}
		for _, level := range c.levels {
			levels = append(levels, maphash.String(seed, level))
		}
		for i := range rows {
			mix(i, levels[int(c.values.At(i))])
		}
	}
	return rows
}
