package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// transpose writes the elements of some rows, which begin anywhere, below each other: eight rows of float32, four of float64.
// It takes whole vectors of 32 bytes.
func (m machine) transpose() {
	m.wide = false
	n := m.lanes()
	to := Load(Param("to"), GP64())
	stride := Load(Param("stride"), GP64())
	base := Load(Param("from"), GP64())
	at := Load(Param("at"), GP64())
	var rows []Register
	for i := range n {
		p := GP64()
		MOVQ(Mem{Base: at, Disp: 8 * i}, p)
		LEAQ(Mem{Base: base, Index: p, Scale: uint8(m.bits / 8)}, p)
		rows = append(rows, p)
	}
	count := Load(Param("columns"), GP64())
	loop("columns", count, n, func() {
		var v []VecVirtual
		for _, p := range rows {
			r := YMM()
			m.move(Mem{Base: p}, r)
			v = append(v, r)
			ADDQ(Imm(32), p)
		}
		for _, r := range m.transposed(v) {
			m.move(r, Mem{Base: to})
			ADDQ(stride, to)
		}
	})
}

// transposed are the columns of a square of vectors.
func (m machine) transposed(v []VecVirtual) []VecVirtual {
	pairs := func(low, high func(...Op), a, b VecVirtual) (VecVirtual, VecVirtual) {
		x, y := YMM(), YMM()
		low(b, a, x)
		high(b, a, y)
		return x, y
	}
	halves := func(a, b VecVirtual) (VecVirtual, VecVirtual) { // the lower ones of both, the upper ones
		x, y := YMM(), YMM()
		VPERM2F128(U8(0x20), b, a, x)
		VPERM2F128(U8(0x31), b, a, y)
		return x, y
	}
	if m.bits == 64 {
		a, b := pairs(VUNPCKLPD, VUNPCKHPD, v[0], v[1])
		c, d := pairs(VUNPCKLPD, VUNPCKHPD, v[2], v[3])
		p, r := halves(a, c)
		q, s := halves(b, d)
		return []VecVirtual{p, q, r, s}
	}
	var half [2][4]VecVirtual // columns 0 to 3 and, in the upper half, 4 to 7, of the rows 0 to 3 and 4 to 7
	for k := range half {
		v := v[4*k:]
		a, b := pairs(VUNPCKLPS, VUNPCKHPS, v[0], v[1])
		c, d := pairs(VUNPCKLPS, VUNPCKHPS, v[2], v[3])
		half[k][0], half[k][1] = pairs(VUNPCKLPD, VUNPCKHPD, a, c)
		half[k][2], half[k][3] = pairs(VUNPCKLPD, VUNPCKHPD, b, d)
	}
	all := make([]VecVirtual, 8)
	for i := range 4 {
		all[i], all[i+4] = halves(half[0][i], half[1][i])
	}
	return all
}
