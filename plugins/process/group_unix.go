//go:build unix

package process

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func killGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }

func DescribeExit(s *os.ProcessState) string {
	if s == nil {
		return "ended"
	}
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return fmt.Sprintf("was killed by %s (%s)", unix.SignalName(w.Signal()), w.Signal())
	}
	return fmt.Sprintf("exited with status %d", s.ExitCode())
}

// canPause says that process groups can be stopped and go on.
const canPause = true

func pauseGroup(p *os.Process)  { syscall.Kill(-p.Pid, syscall.SIGSTOP) }
func resumeGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGCONT) }

func askGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGTERM) }

// warnLeader tells the leader of a group that its time runs out.
func warnLeader(p *os.Process) { syscall.Kill(p.Pid, syscall.SIGUSR1) }

// keeperAttributes give the keeper a group of its own, which signals of the terminal do not reach.
func keeperAttributes() (attributes *syscall.SysProcAttr, ok bool) {
	return &syscall.SysProcAttr{Setpgid: true}, true
}

// quitGroup sends the signal by which runtimes print their stacks: Go's by default, Python's where a plugin's worker asks for it.
func quitGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGQUIT) }
