package shim

import "syscall"

// The kernel ends the worker when this process ends, however it does.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
