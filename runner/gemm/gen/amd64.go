package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The widest tiles: rows × vectors accumulators, the vectors of b and, for AVX2, the broadcast element of a fill the
// registers as far as the ratio of loads to multiplications stays low.
var amd64 = []set{
	{"512", 64, 12, true, func(rows, _ int) []int { return widths([]int{0, 8, 8, 8, 6, 5, 4, 4, 3, 3, 2, 2, 2}[rows]) }},
	{"256", 32, 6, false, func(rows, _ int) []int { return widths([]int{0, 6, 4, 3, 2, 2, 2}[rows]) }},
}

// widths are the widest, half of it, and one vector for what remains.
func widths(widest int) []int {
	all := []int{widest}
	if half := (widest + 1) / 2; half > 1 && half < widest {
		all = append(all, half)
	}
	if widest > 1 {
		all = append(all, 1)
	}
	return all
}

// avo writes a kernel for amd64.
func (k kernel) avo() {
	TEXT(k.name(), NOSPLIT, "func"+k.arguments())
	Pragma("noescape")
	count := Load(Param("k"), GP64())
	ar := Load(Param("ar"), GP64())
	ac := Load(Param("ac"), GP64())
	b := Load(Param("b"), GP64())
	br := Load(Param("br"), GP64())
	bases := k.bases(Load(Param("a"), GP64()), ar)
	mask := k.mask()
	acc := k.begin(mask)
	Label("loop")
	k.multiply(acc, bases, ar, b, mask)
	for _, r := range bases {
		ADDQ(ac, r)
	}
	ADDQ(br, b)
	DECQ(count)
	JNE(LabelRef("loop"))
	k.rowsOfC(func(i int, c Register) {
		for j, r := range acc[i] {
			k.store(r, Mem{Base: c, Disp: j * k.bytes}, mask, j)
		}
	})
	VZEROUPPER()
	RET()
}

// bases are pointers to every third row of a. The rows between are reached by an index.
func (k kernel) bases(a, ar Register) []Register {
	var all []Register
	three := GP64()
	if k.rows > 3 {
		LEAQ(Mem{Base: ar, Index: ar, Scale: 2}, three)
	}
	for i := 0; i < k.rows; i += 3 {
		r := GP64()
		MOVQ(a, r)
		all = append(all, r)
		if i+3 < k.rows {
			ADDQ(three, a)
		}
	}
	return all
}

// mask selects the elements of the last vector. AVX-512 has registers for it, AVX2 takes the signs of a vector in memory.
func (k kernel) mask() Register {
	switch {
	case !k.edge:
		return nil
	case k.avx512():
		last, m := Load(Param("last"), GP64()), K()
		KMOVW(last.(GPVirtual).As32(), m)
		return m
	}
	last, m := Load(Param("last"), GP64()), YMM()
	VMOVDQU(Mem{Base: last}, m)
	return m
}

// begin has the accumulators: what stands in c, or 0.
func (k kernel) begin(mask Register) [][]VecVirtual {
	acc := make([][]VecVirtual, k.rows)
	for i := range acc {
		for range k.width {
			acc[i] = append(acc[i], k.vector())
		}
	}
	add := Load(Param("add"), GP8())
	TESTB(add, add)
	JE(LabelRef("zero"))
	k.rowsOfC(func(i int, c Register) {
		for j, r := range acc[i] {
			k.load(Mem{Base: c, Disp: j * k.bytes}, r, mask, j)
		}
	})
	JMP(LabelRef("loop"))
	Label("zero")
	for i := range acc {
		for _, r := range acc[i] {
			if k.avx512() {
				VPXORD(r, r, r)
			} else {
				VXORPS(r, r, r)
			}
		}
	}
	return acc
}

// rowsOfC calls do with a pointer to each row of the tile.
func (k kernel) rowsOfC(do func(i int, c Register)) {
	c := Load(Param("c"), GP64())
	cr := Load(Param("cr"), GP64())
	for i := range k.rows {
		do(i, c)
		if i < k.rows-1 {
			ADDQ(cr, c)
		}
	}
}

// multiply is one k: the vectors of b times the elements of a.
func (k kernel) multiply(acc [][]VecVirtual, bases []Register, ar, b, mask Register) {
	var bs []VecVirtual
	for j := range k.width {
		r := k.vector()
		k.load(Mem{Base: b, Disp: j * k.bytes}, r, mask, j)
		bs = append(bs, r)
	}
	for i := range acc {
		m := Mem{Base: bases[i/3]}
		if i%3 > 0 {
			m.Index, m.Scale = ar, uint8(i%3)
		}
		switch {
		case k.avx512() && k.bits == 32:
			for j, r := range acc[i] {
				VFMADD231PS_BCST(m, bs[j], r)
			}
		case k.avx512():
			for j, r := range acc[i] {
				VFMADD231PD_BCST(m, bs[j], r)
			}
		case k.bits == 32:
			x := YMM()
			VBROADCASTSS(m, x)
			for j, r := range acc[i] {
				VFMADD231PS(bs[j], x, r)
			}
		default:
			x := YMM()
			VBROADCASTSD(m, x)
			for j, r := range acc[i] {
				VFMADD231PD(bs[j], x, r)
			}
		}
	}
}

func (k kernel) avx512() bool { return k.set.name == "512" }

func (k kernel) vector() VecVirtual {
	if k.avx512() {
		return ZMM()
	}
	return YMM()
}

func (k kernel) load(from Mem, to VecVirtual, mask Register, j int) {
	switch {
	case !k.edge || j < k.width-1:
		VMOVUPS(from, to)
	case k.avx512() && k.bits == 32:
		VMOVUPS_Z(from, mask, to)
	case k.avx512():
		VMOVUPD_Z(from, mask, to)
	case k.bits == 32:
		VMASKMOVPS(from, mask, to)
	default:
		VMASKMOVPD(from, mask, to)
	}
}

func (k kernel) store(from VecVirtual, to Mem, mask Register, j int) {
	switch {
	case !k.edge || j < k.width-1:
		VMOVUPS(from, to)
	case k.avx512() && k.bits == 32:
		VMOVUPS(from, mask, to)
	case k.avx512():
		VMOVUPD(from, mask, to)
	case k.bits == 32:
		VMASKMOVPS(from, mask, to)
	default:
		VMASKMOVPD(from, mask, to)
	}
}
