package gemm

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

var sets = []set{
	{
		name:      "AVX-512",
		available: cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL,
		bytes:     64,
		f64:       kernels512x64,
		f32:       kernels512x32,
		last:      func(_, elements int) uintptr { return 1<<elements - 1 },
	},
	{
		name:      "AVX2",
		available: cpu.X86.HasAVX2 && cpu.X86.HasFMA,
		bytes:     32,
		f64:       kernels256x64,
		f32:       kernels256x32,
		last: func(size, elements int) uintptr {
			return uintptr(unsafe.Pointer(&signs[len(signs)/2-elements*size]))
		},
	},
}

// signs is all ones and then zeros.
var signs = func() (b [64]byte) {
	for i := range 32 {
		b[i] = 0xff
	}
	return b
}()
