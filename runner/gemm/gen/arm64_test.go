package main

import (
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"
)

func disassemble(t *testing.T, bits uint32) string {
	t.Helper()
	instruction, err := arm64asm.Decode(binary.LittleEndian.AppendUint32(nil, bits))
	if err != nil {
		t.Fatalf("%#08x: %v", bits, err)
	}
	return instruction.String()
}

// For all registers, the disassembler reads from the bits of a word what its text says.
func TestWordsAreTheInstructionsOfTheirTexts(t *testing.T) {
	for _, w := range []word{fmla32, fmla64, load, store} {
		for register := range 31 { // 31 may be ZR or SP
			for _, r := range [][3]int{{register, 1, 2}, {3, register, 4}, {5, 6, register}} {
				if got, want := disassemble(t, w.encode(r[0], r[1], r[2])), w.text(r[0], r[1], r[2]); got != want {
					t.Errorf("%#08x is %s, want %s", w.encode(r[0], r[1], r[2]), got, want)
				}
			}
		}
	}
}

// Every word in a kernel is the instruction that stands beside it, on registers that a kernel may use.
func TestKernelsHaveNoOtherWords(t *testing.T) {
	line := regexp.MustCompile(`(?m)^\tWORD +\$(0x[0-9a-f]{8})(.*)$`)
	general := regexp.MustCompile(`\b[RX](\d+)\b`)
	words := 0
	table(arm64, func(k kernel) {
		text := k.neon()
		for _, match := range line.FindAllStringSubmatch(text, -1) {
			bits, err := strconv.ParseUint(match[1], 0, 32)
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprint(" // ", disassemble(t, uint32(bits))); match[2] != want {
				t.Errorf("%s: %s%s, want%s", k.name(), match[1], match[2], want)
			}
			words++
		}
		for _, match := range general.FindAllStringSubmatch(text, -1) {
			if number, _ := strconv.Atoi(match[1]); number >= 16 {
				t.Errorf("%s uses R%d, want only those below 16", k.name(), number)
			}
		}
	})
	if words == 0 {
		t.Error("no kernel has a word")
	}
}

// A tile has its accumulators, its vectors of b and at least one element of a in the 32 registers.
func TestTilesFitIntoTheRegisters(t *testing.T) {
	table(arm64, func(k kernel) {
		n := &neon{kernel: k}
		if left := n.right(k.width); left > 31 {
			t.Errorf("%s needs %d registers before those for a, want at most 31", k.name(), left)
		}
	})
}
