package data

import "github.com/xrun-dev/xrun/plugins"

// CSR holds rows of which most values are 0 (compressed sparse rows). Row i has the values
// Value[RowStart[i]:RowEnd[i]], which belong to the columns Column[RowStart[i]:RowEnd[i]], in
// ascending order; all others are 0.
//
// Rows have ends of their own so that a split or a mini-batch is a choice of rows: it copies
// nothing, and its columns and values are those of the whole set, not to be changed.
type CSR[F plugins.Float] struct {
	RowStart, RowEnd []int
	Column           []int32 // counted from 0
	Value            []F
}

// Row is the columns and values of row i.
func (m CSR[F]) Row(i int) (columns []int32, values []F) {
	from, to := m.RowStart[i], m.RowEnd[i]
	return m.Column[from:to], m.Value[from:to]
}

// Rows is a part of the rows.
func (m CSR[F]) Rows(from, to int) CSR[F] {
	m.RowStart, m.RowEnd = m.RowStart[from:to], m.RowEnd[from:to]
	return m
}

// Pick writes the given rows to dst, whose slices of starts and ends are long enough.
func (m CSR[F]) Pick(dst *CSR[F], rows []int) {
	dst.RowStart, dst.RowEnd = dst.RowStart[:len(rows)], dst.RowEnd[:len(rows)]
	for n, row := range rows {
		dst.RowStart[n], dst.RowEnd[n] = m.RowStart[row], m.RowEnd[row]
	}
	dst.Column, dst.Value = m.Column, m.Value
}

// rounded is m in the precision of F. It shares what need not be converted.
func rounded[F plugins.Float](m CSR[float64]) CSR[F] {
	out := CSR[F]{RowStart: m.RowStart, RowEnd: m.RowEnd, Column: m.Column}
	if values, ok := any(m.Value).([]F); ok {
		out.Value = values
		return out
	}
	out.Value = make([]F, len(m.Value))
	for i, v := range m.Value {
		out.Value[i] = F(v)
	}
	return out
}
