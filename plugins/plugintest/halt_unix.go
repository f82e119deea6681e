//go:build unix

package plugintest

import "syscall"

// halt stops a process where it stands.
func halt(pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) }
