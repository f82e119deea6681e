package main

import (
	"fmt"
	"strings"
)

// The widest tiles: rows × vectors accumulators and the vectors of b leave at least two of the 32 registers for elements
// of a. NEON has no masks: the last vector of an edge is moved back over the one before it, and both compute the same
// numbers in what they share. So a tile of two vectors is in every list. What has fewer columns than a vector has
// elements is for the set 1, whose vectors are single elements.
var arm64 = []set{
	{"128", vector, 8, true, func(rows, _ int) []int {
		return [][]int{nil, {8, 4, 2, 1}, {8, 4, 2, 1}, {7, 4, 2, 1}, {6, 3, 2, 1}, {5, 3, 2, 1}, {4, 2, 1}, {3, 2, 1}, {3, 2, 1}}[rows]
	}},
	{"1", 0, 8, true, func(_, bits int) []int { return [][]int{1: {3, 2, 1}, 2: {1}}[bits/32] }},
}

const vector = 16 // bytes of one of NEON

// Registers of a kernel. R18 is for the operating system, and those from R27 are for Go.
const (
	count = iota // of k that are left
	a
	stepA
	b
	stepB
	last // the distance of the last vector from the first
	c
	stepC
	rowsOfA // and those behind: the distances of rows of a from the first
)

// neon is the text of a kernel for arm64.
func (k kernel) neon() string {
	n := &neon{kernel: k, letter: map[int]string{32: "S", 64: "D"}[k.bits]}
	n.text.WriteString("\n// func " + k.name() + k.arguments() + "\nTEXT ·" + k.name() + "(SB), NOSPLIT, $0-73\n")
	n.arguments()
	n.op("MOVBU", "add+72(FP), R%d", c)
	n.op("CBZ", "R%d, zero", c)
	n.rowsOfC(n.load)
	n.op("JMP", "loop")
	n.text.WriteString("\nzero:\n")
	for i := range k.rows {
		for j := range k.width {
			n.clear(n.sum(i, j))
		}
	}
	n.text.WriteString("\nloop:\n")
	n.multiply()
	n.op("ADD", "R%d, R%d", stepA, a)
	n.op("ADD", "R%d, R%d", stepB, b)
	n.op("SUBS", "$1, R%d", count)
	n.op("BNE", "loop")
	n.rowsOfC(n.store)
	n.op("RET", "")
	return n.text.String()
}

type neon struct {
	kernel
	letter string // of registers with one element, and of the instructions for them
	text   strings.Builder
}

func (n *neon) op(name, operands string, args ...any) {
	fmt.Fprintln(&n.text, strings.TrimRight(fmt.Sprintf("\t%-6s ", name)+fmt.Sprintf(operands, args...), " "))
}

func (n *neon) word(w word, first, second, third int) {
	n.op("WORD", "$%#08x // %s", w.encode(first, second, third), w.text(first, second, third))
}

func (n *neon) single() bool { return n.bytes == 0 }

// sum is the register of an accumulator, right that of a vector of b.
func (n *neon) sum(row, column int) int { return row*n.width + column }
func (n *neon) right(column int) int    { return n.rows*n.width + column }

func (n *neon) arguments() {
	n.op("MOVD", "k+0(FP), R%d", count)
	n.op("MOVD", "a+8(FP), R%d", a)
	n.op("MOVD", "ac+24(FP), R%d", stepA)
	n.op("MOVD", "b+32(FP), R%d", b)
	n.op("MOVD", "br+40(FP), R%d", stepB)
	if n.moves() {
		n.op("MOVD", "last+64(FP), R%d", c)
		n.op("MOVD", "$%d, R%d", (n.width-1)*vector, last)
		n.op("SUB", "R%d, R%d", c, last)
	}
	for i := 1; i < n.rows; i++ {
		if i == 1 {
			n.op("MOVD", "ar+16(FP), R%d", rowsOfA)
		} else {
			n.op("ADD", "R%d, R%d, R%d", rowsOfA, rowsOfA+i-2, rowsOfA+i-1)
		}
	}
}

// moves is true if the last vector can be moved back.
func (n *neon) moves() bool { return !n.single() && n.width > 1 }

// rowsOfC calls do for all vectors of the tile.
func (n *neon) rowsOfC(do func(register, base, column int)) {
	n.op("MOVD", "c+48(FP), R%d", c)
	if n.rows > 1 {
		n.op("MOVD", "cr+56(FP), R%d", stepC)
	}
	for i := range n.rows {
		for j := range n.width {
			do(n.sum(i, j), c, j)
		}
		if i < n.rows-1 {
			n.op("ADD", "R%d, R%d", stepC, c)
		}
	}
}

// multiply is one k: the vectors of b times the elements of a, of which as many are read at once as there are registers.
func (n *neon) multiply() {
	for j := range n.width {
		n.load(n.right(j), b, j)
	}
	left := n.right(n.width)
	most := 32 - left
	for from := 0; from < n.rows; from += most {
		to := min(from+most, n.rows)
		for i := from; i < to; i++ {
			if i == 0 {
				n.op("FMOV"+n.letter, "(R%d), F%d", a, left)
			} else {
				n.op("FMOV"+n.letter, "(R%d)(R%d), F%d", a, rowsOfA+i-1, left+i-from)
			}
		}
		for i := from; i < to; i++ {
			for j := range n.width {
				n.fma(n.sum(i, j), n.right(j), left+i-from)
			}
		}
	}
}

// fma adds to a register the product of a vector and one element.
func (n *neon) fma(sum, right, left int) {
	switch {
	case n.single():
		n.op("FMADD"+n.letter, "F%d, F%d, F%d, F%d", left, sum, right, sum)
	case n.bits == 32:
		n.word(fmla32, sum, right, left)
	default:
		n.word(fmla64, sum, right, left)
	}
}

func (n *neon) clear(register int) {
	if n.single() {
		n.op("FMOV"+n.letter, "ZR, F%d", register)
		return
	}
	n.op("VEOR", "V%[1]d.B16, V%[1]d.B16, V%[1]d.B16", register)
}

func (n *neon) load(register, base, column int) {
	switch {
	case n.single():
		n.op("FMOV"+n.letter, "%d(R%d), F%d", column*n.bits/8, base, register)
	case n.moves() && column == n.width-1:
		n.word(load, register, base, last)
	default:
		n.op("FMOVQ", "%d(R%d), F%d", column*vector, base, register)
	}
}

func (n *neon) store(register, base, column int) {
	switch {
	case n.single():
		n.op("FMOV"+n.letter, "F%d, %d(R%d)", register, column*n.bits/8, base)
	case n.moves() && column == n.width-1:
		n.word(store, register, base, last)
	default:
		n.op("FMOVQ", "F%d, %d(R%d)", register, column*vector, base)
	}
}

// A word is an instruction that Go's assembler does not know, with its text as the disassembler has it. The numbers of its registers
// stand at bits 0, 5 and 16.
type word struct {
	bits uint32
	form string
}

var (
	fmla32 = word{0x4f801000, "FMLA V%d.4S, V%d.4S, V%d.S[0]"}
	fmla64 = word{0x4fc01000, "FMLA V%d.2D, V%d.2D, V%d.D[0]"}
	load   = word{0x3ce06800, "LDR Q%d, [X%d,X%d]"}
	store  = word{0x3ca06800, "STR Q%d, [X%d,X%d]"}
)

func (w word) encode(first, second, third int) uint32 {
	return w.bits | uint32(third)<<16 | uint32(second)<<5 | uint32(first)
}

func (w word) text(first, second, third int) string {
	return fmt.Sprintf(w.form, first, second, third)
}
