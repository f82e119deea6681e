package host

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// The kernel ends a plugin when the thread that started it ends, which for a Go program that
// leaves no locked threads behind is when the program ends: a second line of defence behind the
// lifeline, for plugins that do not watch theirs.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitExit waits for the process to end without reaping it, and reports whether it could.
func awaitExit(p *os.Process) bool {
	for {
		err := unix.Waitid(unix.P_PID, p.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err == nil
		}
	}
}
