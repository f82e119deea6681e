package host

import "syscall"

// The kernel ends a plugin when the thread that started it ends, which for a Go program that
// leaves no locked threads behind is when the program ends: a second line of defence behind the
// lifeline, for plugins that do not watch theirs.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
