//go:build unix

package host

import (
	"os"
	"syscall"
)

// canPause says that process groups can be stopped and go on.
const canPause = true

func pauseGroup(p *os.Process)  { syscall.Kill(-p.Pid, syscall.SIGSTOP) }
func resumeGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGCONT) }

func askGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGTERM) }

// keeperAttributes give the keeper a group of its own, which signals of the terminal do not reach.
func keeperAttributes() (attributes *syscall.SysProcAttr, ok bool) {
	return &syscall.SysProcAttr{Setpgid: true}, true
}
