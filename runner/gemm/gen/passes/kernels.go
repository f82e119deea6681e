package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// rows calls turn with a pointer to each row below z, at the columns at work.
func rows(label string, z, row Register, turn func(z Mem)) {
	p, count := GP64(), Load(Param("rows"), GP64())
	MOVQ(z, p)
	loop(label, count, 1, func() {
		turn(Mem{Base: p})
		ADDQ(row, p)
	})
}

// greatest finds the first of the greatest outputs, and its class.
func (m machine) greatest(c table, z, row Register, also func(x, class VecVirtual)) (top, first VecVirtual) {
	top, first, class, x := m.vector(), m.vector(), m.vector(), m.vector()
	m.move(Mem{Base: z}, top)
	m.clear(first)
	m.clear(class)
	rows("greatest", z, row, func(at Mem) {
		m.move(at, x)
		more := m.compare(greater, x, top)
		m.set(x, more, top)
		m.set(class, more, first)
		if also != nil {
			also(x, class)
		}
		m.add(c.at(one), class, class)
	})
	return top, first
}

// rest adds up the exponentials relative to the greatest, but for that of the first greatest.
func (m machine) rest(c table, z, row Register, top, first VecVirtual, each func(e VecVirtual, at Mem)) VecVirtual {
	sum, class, x := m.vector(), m.vector(), m.vector()
	m.sub(top, top, sum)
	m.clear(class)
	rows("rest", z, row, func(at Mem) {
		m.move(at, x)
		m.sub(x, top, x)
		m.exp(c, x)
		if each != nil {
			each(x, at)
		}
		own := m.compare(equal, class, first)
		m.drop(own, x)
		m.add(x, sum, sum)
		m.add(c.at(one), class, class)
	})
	return sum
}

func (m machine) softmaxDerivative() {
	c := constants()
	z := Load(Param("z"), GP64())
	row := Load(Param("row"), GP64())
	labels := Load(Param("labels"), GP64())
	columns := Load(Param("columns"), GP64())
	loop("columns", columns, m.lanes(), func() {
		top, first := m.greatest(c, z, row, nil)
		scale := m.rest(c, z, row, top, first, func(e VecVirtual, at Mem) { m.move(e, at) })
		share, label, class, x := m.vector(), m.vector(), m.vector(), m.vector()
		m.broadcast(m.share(), share)
		m.add(c.at(one), scale, scale)
		m.div(share, scale, scale)
		m.labels(Mem{Base: labels}, label)
		m.clear(class)
		rows("scale", z, row, func(at Mem) {
			m.move(at, x)
			m.mul(scale, x, x)
			own := m.compare(equal, class, label)
			less := m.vector()
			m.move(share, less)
			m.keep(own, less)
			m.sub(x, less, x)
			m.move(x, at)
			m.add(c.at(one), class, class)
		})
		ADDQ(Imm(uint64(m.bytes())), z)
		ADDQ(Imm(uint64(m.labelBytes())), labels)
	})
}

// share is the argument share in memory.
func (m machine) share() Mem {
	share, err := Param("share").Resolve()
	if err != nil {
		panic(err)
	}
	return share.Addr
}

func (m machine) softmaxScore() {
	c := constants()
	z := Load(Param("z"), GP64())
	row := Load(Param("row"), GP64())
	labels := Load(Param("labels"), GP64())
	columns := Load(Param("columns"), GP64())
	rest := Load(Param("rest"), GP64())
	gap := Load(Param("gap"), GP64())
	class := Load(Param("first"), GP64())
	loop("columns", columns, m.lanes(), func() {
		label, own := m.vector(), m.vector()
		m.labels(Mem{Base: labels}, label)
		m.clear(own)
		top, first := m.greatest(c, z, row, func(x, class VecVirtual) {
			m.set(x, m.compare(equal, class, label), own)
		})
		m.move(first, Mem{Base: class})
		m.sub(top, own, own)
		m.move(own, Mem{Base: gap})
		m.move(m.rest(c, z, row, top, first, nil), Mem{Base: rest})
		for _, p := range []Register{z, rest, gap, class} {
			ADDQ(Imm(uint64(m.bytes())), p)
		}
		ADDQ(Imm(uint64(m.labelBytes())), labels)
	})
}

// tail is exp(−|x|).
func (m machine) tail(c table, x VecVirtual) VecVirtual {
	e := m.vector()
	m.move(x, e)
	m.or(c.at(sign), e, e)
	m.exp(c, e)
	return e
}

func (m machine) logisticDerivative() {
	c := constants()
	z := Load(Param("z"), GP64())
	labels := Load(Param("labels"), GP64())
	columns := Load(Param("columns"), GP64())
	share, zero := m.vector(), m.vector()
	m.broadcast(m.share(), share)
	m.clear(zero)
	loop("columns", columns, m.lanes(), func() {
		x, p, label := m.vector(), m.vector(), m.vector()
		m.move(Mem{Base: z}, x)
		e := m.tail(c, x)
		m.move(c.at(one), p)
		m.set(e, m.compare(less, x, zero), p)
		m.add(c.at(one), e, e)
		m.div(p, e, p)
		m.labels(Mem{Base: labels}, label)
		m.sub(p, label, p)
		m.mul(share, p, p)
		m.move(p, Mem{Base: z})
		ADDQ(Imm(uint64(m.bytes())), z)
		ADDQ(Imm(uint64(m.labelBytes())), labels)
	})
}

func (m machine) logisticScore() {
	c := constants()
	z := Load(Param("z"), GP64())
	labels := Load(Param("labels"), GP64())
	columns := Load(Param("columns"), GP64())
	rest := Load(Param("rest"), GP64())
	gap := Load(Param("gap"), GP64())
	class := Load(Param("first"), GP64())
	zero := m.vector()
	m.clear(zero)
	loop("columns", columns, m.lanes(), func() {
		x, first, label, flip := m.vector(), m.vector(), m.vector(), m.vector()
		m.move(Mem{Base: z}, x)
		m.move(m.tail(c, x), Mem{Base: rest})
		m.move(c.at(one), first)
		m.keep(m.compare(greater, x, zero), first)
		m.move(first, Mem{Base: class})
		m.labels(Mem{Base: labels}, label)
		m.move(c.at(sign), flip)
		m.keep(m.compare(equal, label, c.at(one)), flip)
		m.xor(flip, x, x)
		m.keep(m.compare(greater, x, zero), x)
		m.move(x, Mem{Base: gap})
		for _, p := range []Register{z, rest, gap, class} {
			ADDQ(Imm(uint64(m.bytes())), p)
		}
		ADDQ(Imm(uint64(m.labelBytes())), labels)
	})
}

// double is the machine for float64 with the same vectors.
func (m machine) double() machine { return machine{m.wide, 64} }

// widen reads the elements of a vector of float64.
func (m machine) widen(from Mem, to VecVirtual) {
	if m.bits == 32 {
		VCVTPS2PD(from, to)
	} else {
		m.move(from, to)
	}
}

func (m machine) loss() {
	c := constants()
	rest := Load(Param("rest"), GP64())
	gap := Load(Param("gap"), GP64())
	columns := Load(Param("columns"), GP64())
	d := m.double()
	vectors := 8 / d.lanes()
	var sums []VecVirtual
	for range vectors {
		v := d.vector()
		d.clear(v)
		sums = append(sums, v)
	}
	step := d.lanes() * m.bits / 8
	loop("columns", columns, 8, func() {
		for i, sum := range sums {
			x, u, term := d.vector(), d.vector(), d.vector()
			m.widen(Mem{Base: rest, Disp: i * step}, x)
			d.add(c.at(one), x, u)
			log := d.log(c, u)
			d.sub(u, c.at(one), term)
			d.sub(x, term, term)
			d.div(term, u, term)
			d.add(term, log, log)
			m.widen(Mem{Base: gap, Disp: i * step}, x)
			d.add(x, log, log)
			d.add(log, sum, sum)
		}
		ADDQ(Imm(uint64(8*m.bits/8)), rest)
		ADDQ(Imm(uint64(8*m.bits/8)), gap)
	})
	Store(d.total(sums), ReturnIndex(0))
}

// log is the logarithm of package elementary, for u ≥ 1.
func (m machine) log(c table, u VecVirtual) VecVirtual {
	k, x, s, p, t := m.vector(), m.vector(), m.vector(), m.vector(), m.vector()
	m.pick(VPSUBD, VPSUBQ, c.at(halfRoot), u, k)
	m.and(c.at(mantissa), k, x)
	m.addInteger(c.at(halfRoot), x, x)
	VPSRLQ(U8(52), k, k)
	m.or(c.at(exponents), k, k)
	m.sub(k, c.at(exponents), k)
	m.sub(x, c.at(one), x)
	m.add(c.at(two), x, t)
	m.div(x, t, s)
	m.mul(s, s, t)
	m.move(c.at(artanh), p)
	for i := 1; i < 10; i++ {
		m.timesPlus(t, c.at(artanh+i), p)
	}
	m.mul(t, p, p)
	m.sub(x, p, t)
	m.subMul(s, t, x)
	m.addMul(c.at(ln2Rest), k, x)
	m.addMul(c.at(ln2Coarse), k, x)
	return x
}

func (m machine) each(names []string, turn func(at []Mem)) {
	var pointers []Register
	var at []Mem
	for _, name := range names {
		p := Load(Param(name), GP64())
		pointers, at = append(pointers, p), append(at, Mem{Base: p})
	}
	columns := Load(Param("columns"), GP64())
	loop("columns", columns, m.lanes(), func() {
		turn(at)
		for _, p := range pointers {
			ADDQ(Imm(uint64(m.bytes())), p)
		}
	})
}

func (m machine) tanh() {
	c := constants()
	m.each([]string{"h"}, func(at []Mem) {
		x, y, e, d := m.vector(), m.vector(), m.vector(), m.vector()
		m.move(at[0], x)
		m.or(c.at(sign), x, y)
		m.mul(c.at(two), y, y)
		s, q := m.exponential(c, y)
		m.sub(s, c.at(one), e)
		m.addMul(s, q, e)
		m.add(c.at(two), e, d)
		m.clear(y)
		m.sub(y, e, e)
		m.div(e, d, e)
		m.and(c.at(sign), x, x)
		m.or(x, e, e)
		m.move(e, at[0])
	})
}

func (m machine) tanhDerivative() {
	c := constants()
	m.each([]string{"d", "h"}, func(at []Mem) {
		h, f := m.vector(), m.vector()
		m.move(at[1], h)
		m.move(c.at(one), f)
		m.subMul(h, h, f)
		m.mul(at[0], f, f)
		m.move(f, at[0])
	})
}

func (m machine) relu() {
	_ = constants()
	zero := m.vector()
	m.clear(zero)
	m.each([]string{"h"}, func(at []Mem) {
		x := m.vector()
		m.move(at[0], x)
		m.max(zero, x, x)
		m.move(x, at[0])
	})
}

func (m machine) reluDerivative() {
	_ = constants()
	zero := m.vector()
	m.clear(zero)
	m.each([]string{"d", "h"}, func(at []Mem) {
		d, h := m.vector(), m.vector()
		m.move(at[1], h)
		m.move(at[0], d)
		m.drop(m.compare(lessEqual, h, zero), d)
		m.move(d, at[0])
	})
}

func (m machine) sums() {
	z := Load(Param("z"), GP64())
	row := Load(Param("row"), GP64())
	to := Load(Param("sums"), GP64())
	rows("row", z, row, func(at Mem) {
		p, columns := GP64(), Load(Param("columns"), GP64())
		MOVQ(at.Base, p)
		var sums []VecVirtual
		for range 16 / m.lanes() {
			v := m.vector()
			m.clear(v)
			sums = append(sums, v)
		}
		loop("columns", columns, 16, func() {
			for i, v := range sums {
				m.add(Mem{Base: p, Disp: i * m.bytes()}, v, v)
			}
			ADDQ(Imm(uint64(16*m.bits/8)), p)
		})
		sum := m.total(sums)
		if m.bits == 32 {
			VADDSS(Mem{Base: to}, sum, sum)
			VMOVSS(sum, Mem{Base: to})
		} else {
			VADDSD(Mem{Base: to}, sum, sum)
			VMOVSD(sum, Mem{Base: to})
		}
		ADDQ(Imm(uint64(m.bits/8)), to)
	})
}

// total adds the upper half of elements to the lower half until one is left.
func (m machine) total(v []VecVirtual) VecVirtual {
	for len(v) > 1 {
		half := len(v) / 2
		for i := range half {
			m.add(v[i], v[i+half], v[i])
		}
		v = v[:half]
	}
	low := v[0]
	if m.wide {
		high := YMM()
		VEXTRACTF64X4(U8(1), low, high)
		low = v[0].AsY().(VecVirtual)
		m.add(high, low, low)
	}
	high := XMM()
	VEXTRACTF128(U8(1), low, high)
	low = v[0].AsX().(VecVirtual)
	m.add(high, low, low)
	if m.bits == 32 {
		VMOVHLPS(low, low, high)
		m.add(high, low, low)
		VMOVSHDUP(low, high)
	} else {
		VUNPCKHPD(low, low, high)
	}
	m.add(high, low, low)
	return low
}
