//go:build unix && !linux

package process

import "syscall"

// byDefault says that a signal cannot be taken away from the Go runtime here.
func byDefault(syscall.Signal) bool { return false }
