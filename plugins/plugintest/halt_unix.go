//go:build unix

package plugintest

import "syscall"

// halt stops a process where it stands, and what else is in its group: the worker of a plugin in Python.
func halt(pid int) error { return syscall.Kill(-pid, syscall.SIGSTOP) }
