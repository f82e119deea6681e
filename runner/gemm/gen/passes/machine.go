package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// A machine writes instructions for vectors of 64 or 32 bytes, of float64 or float32.
type machine struct {
	wide bool
	bits int
}

func (m machine) name() string {
	if m.wide {
		return fmt.Sprintf("512x%d", m.bits)
	}
	return fmt.Sprintf("256x%d", m.bits)
}

func (m machine) bytes() int {
	if m.wide {
		return 64
	}
	return 32
}

func (m machine) lanes() int { return m.bytes() * 8 / m.bits }

func (m machine) vector() VecVirtual {
	if m.wide {
		return ZMM()
	}
	return YMM()
}

// A table is where the constants are.
type table struct{ base Register }

func constants() table { return table{Load(Param("table"), GP64())} }

func (t table) at(constant int) Mem { return Mem{Base: t.base, Disp: 64 * constant} }

// pick calls the instruction for the precision.
func (m machine) pick(single, double func(...Op), ops ...Op) {
	if m.bits == 32 {
		single(ops...)
	} else {
		double(ops...)
	}
}

func (m machine) move(from, to Op)      { m.pick(VMOVUPS, VMOVUPD, from, to) }
func (m machine) add(a, b, to Op)       { m.pick(VADDPS, VADDPD, a, b, to) }
func (m machine) sub(a, b, to Op)       { m.pick(VSUBPS, VSUBPD, b, a, to) } // a − b
func (m machine) mul(a, b, to Op)       { m.pick(VMULPS, VMULPD, a, b, to) }
func (m machine) div(a, b, to Op)       { m.pick(VDIVPS, VDIVPD, b, a, to) } // a / b
func (m machine) max(a, b, to Op)       { m.pick(VMAXPS, VMAXPD, b, a, to) } // b where one is no number
func (m machine) addMul(a, b, to Op)    { m.pick(VFMADD231PS, VFMADD231PD, a, b, to) }
func (m machine) subMul(a, b, to Op)    { m.pick(VFNMADD231PS, VFNMADD231PD, a, b, to) }
func (m machine) timesPlus(b, c, to Op) { m.pick(VFMADD213PS, VFMADD213PD, c, b, to) } // to·b + c

func (m machine) broadcast(from Op, to VecVirtual) {
	if m.bits == 32 {
		VBROADCASTSS(from, to)
	} else {
		VBROADCASTSD(from, to)
	}
}

func (m machine) clear(to VecVirtual) {
	if m.wide {
		VPXORD(to, to, to)
	} else {
		VXORPS(to, to, to)
	}
}

func (m machine) and(a, b, to Op) { m.logical(VPANDD, VANDPS, a, b, to) }
func (m machine) or(a, b, to Op)  { m.logical(VPORD, VORPS, a, b, to) }
func (m machine) xor(a, b, to Op) { m.logical(VPXORD, VXORPS, a, b, to) }
func (m machine) logical(wide, narrow func(...Op), ops ...Op) {
	if m.wide {
		wide(ops...)
	} else {
		narrow(ops...)
	}
}

func (m machine) addInteger(a, b, to Op) { m.pick(VPADDD, VPADDQ, a, b, to) }

func (m machine) shiftLeft(by int, a, to Op) { m.pick(VPSLLD, VPSLLQ, U8(by), a, to) }

// The comparisons, which are false where one is no number, but for notLess.
const (
	equal     = 0
	less      = 1
	lessEqual = 2
	notLess   = 5
	greater   = 30
)

// compare gives a mask of where a is in the relation to b.
func (m machine) compare(relation int, a, b Op) Register {
	if m.wide {
		k := K()
		m.pick(VCMPPS, VCMPPD, U8(relation), b, a, k)
		return k
	}
	k := YMM()
	m.pick(VCMPPS, VCMPPD, U8(relation), b, a, k)
	return k
}

// set moves a vector's elements to those that a mask selects.
func (m machine) set(from Op, mask Register, to VecVirtual) {
	switch {
	case m.wide:
		m.pick(VMOVAPS, VMOVAPD, from, mask, to)
	case m.bits == 32:
		VBLENDVPS(mask, from, to, to)
	default:
		VBLENDVPD(mask, from, to, to)
	}
}

// keep clears the elements that a mask does not select, drop those that it does.
func (m machine) keep(mask Register, v VecVirtual) {
	switch {
	case m.wide && m.bits == 32:
		VMOVAPS_Z(v, mask, v)
	case m.wide:
		VMOVAPD_Z(v, mask, v)
	default:
		VANDPS(v, mask, v)
	}
}

func (m machine) drop(mask Register, v VecVirtual) {
	if m.wide {
		k := K()
		KNOTW(mask, k)
		m.keep(k, v)
		return
	}
	VANDNPS(v, mask, v)
}

// labels are whole numbers of 32 bits as elements.
func (m machine) labels(from Mem, to VecVirtual) { m.pick(VCVTDQ2PS, VCVTDQ2PD, from, to) }

// labelBytes are the bytes of the labels of a vector.
func (m machine) labelBytes() int { return 4 * m.lanes() }

// exponential gives the s and q of eˣ = s + s·q, of package elementary, for x ≤ 0.
func (m machine) exponential(c table, x VecVirtual) (s, q VecVirtual) {
	count, shift := 12, 52
	if m.bits == 32 {
		count, shift = 6, 23
	}
	t, n, r, square := m.vector(), m.vector(), m.vector(), m.vector()
	s, q = m.vector(), m.vector()
	m.move(c.at(toInteger), t)
	m.addMul(c.at(log2e), x, t)
	m.sub(t, c.at(toInteger), n)
	m.move(x, r)
	m.subMul(c.at(ln2High), n, r)
	m.subMul(c.at(ln2Low), n, r)
	m.addInteger(c.at(bias), t, s)
	m.shiftLeft(shift, s, s)
	m.move(c.at(taylor), q)
	for i := 1; i < count; i++ {
		m.timesPlus(r, c.at(taylor+i), q)
	}
	m.mul(r, r, square)
	m.timesPlus(square, r, q)
	kept := m.compare(notLess, x, c.at(lowest))
	m.keep(kept, s)
	m.keep(kept, q)
	return s, q
}

// exp replaces x ≤ 0 by eˣ.
func (m machine) exp(c table, x VecVirtual) {
	s, q := m.exponential(c, x)
	m.timesPlus(s, s, q)
	m.move(q, x)
}

// loop writes a loop that ends when the count, less what a turn takes, is 0.
func loop(label string, count Register, by int, turn func()) {
	Label(label)
	turn()
	SUBQ(Imm(uint64(by)), count)
	JNE(LabelRef(label))
}
