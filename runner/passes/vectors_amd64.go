package passes

import "golang.org/x/sys/cpu"

var sets = []set{
	{"AVX-512", cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL, &kernels512x64, &kernels512x32},
	{"AVX2", cpu.X86.HasAVX2 && cpu.X86.HasFMA, &kernels256x64, &kernels256x32},
}
