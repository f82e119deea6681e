//go:build unix

package host

import (
	"os"
	"syscall"
)

func askGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGTERM) }

// keeperAttributes give the keeper a group of its own, which signals of the terminal do not reach.
func keeperAttributes() (attributes *syscall.SysProcAttr, ok bool) {
	return &syscall.SysProcAttr{Setpgid: true}, true
}
