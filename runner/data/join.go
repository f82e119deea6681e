package data

import "slices"

// Join makes all rows but those for test training rows, in the order of the set: those that trained, those that validated,
// and those of folds by order that did neither. Rows that have a file of their own stand behind those of the set.
func (s *Set) Join(split Split) (*Set, Split) {
	tests := make([]bool, s.Len())
	for _, i := range split.Test {
		tests[i] = true
	}
	joined := Split{Test: split.Test}
	for i, test := range tests {
		if !test {
			joined.Train = append(joined.Train, i)
		}
	}
	v := s.Validation
	if v == nil {
		return s, joined
	}
	both := *s
	both.Validation = nil
	both.Y = slices.Concat(s.Y, v.Y)
	for i := range v.Len() {
		joined.Train = append(joined.Train, s.Len()+i)
	}
	if s.IsSparse() {
		both.Sparse = s.Sparse.and(v.Sparse)
		return &both, joined
	}
	if s.Encoded() {
		both.columns = make([]column, len(s.columns))
		for j := range s.columns {
			both.columns[j] = s.columns[j].and(v.columns[j])
		}
		return &both, joined
	}
	both.X = s.X.and(v.X)
	return &both, joined
}

// and has the rows of both. Values of a category that only the other has are behind those of the first.
func (c column) and(more column) column {
	all := c
	all.values, all.gaps = Numbers{}, c.gaps+more.gaps
	if c.as != AsCategory {
		all.values = c.values.and(more.values)
		return all
	}
	all.levels = slices.Clone(c.levels)
	code := make([]float64, len(more.levels)+1)
	for k, level := range more.levels {
		at := slices.Index(all.levels, level)
		if at < 0 {
			at = len(all.levels)
			all.levels = append(all.levels, level)
		}
		code[k+1] = float64(at + 1)
	}
	for v := range c.values.All() {
		all.values.append(v)
	}
	for v := range more.values.All() {
		all.values.append(code[int(v)])
	}
	return all
}

// and has the numbers of both.
func (n Numbers) and(more Numbers) (all Numbers) {
	for _, some := range []Numbers{n, more} {
		for v := range some.All() {
			all.append(v)
		}
	}
	return all
}

// and has the rows of both.
func (m CSR[F]) and(more CSR[F]) CSR[F] {
	shift := func(places []int) (moved []int) {
		for _, at := range places {
			moved = append(moved, at+len(m.Value))
		}
		return moved
	}
	return CSR[F]{RowStart: slices.Concat(m.RowStart, shift(more.RowStart)), RowEnd: slices.Concat(m.RowEnd, shift(more.RowEnd)),
		Column: slices.Concat(m.Column, more.Column), Value: slices.Concat(m.Value, more.Value)}
}
