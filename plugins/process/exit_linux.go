package process

import (
	"syscall"
	"unsafe"
)

// byDefault takes a signal away from the Go runtime, which would print stacks instead of dying from
// it, and reports whether it could.
func byDefault(s syscall.Signal) bool {
	const maskBytes = 8
	var action [8]uint64 // a struct sigaction that is all zero: the default, no flags
	_, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&action)), 0, maskBytes, 0, 0)
	return errno == 0
}
