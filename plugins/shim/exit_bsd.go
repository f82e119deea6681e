//go:build unix && !linux

package shim

import "syscall"

func processAttributes() *syscall.SysProcAttr { return nil }

// byDefault says that a signal cannot be taken away from the Go runtime here.
func byDefault(syscall.Signal) bool { return false }
