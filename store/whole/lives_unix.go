//go:build unix

package whole

import (
	"errors"
	"syscall"
)

// lives reports whether a process may exist.
func lives(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
