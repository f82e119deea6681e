package gemm

import "golang.org/x/sys/cpu"

var sets = []set{{
	name:      "NEON",
	available: cpu.ARM64.HasASIMD,
	bytes:     16,
	f64:       kernels128x64,
	f32:       kernels128x32,
	narrow64:  kernels1x64,
	narrow32:  kernels1x32,
	last:      func(size, elements int) uintptr { return uintptr(16 - elements*size) }, // by which it is moved back
}}
