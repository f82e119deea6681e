//go:build unix

package host

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func killGroup(p *os.Process) { syscall.Kill(-p.Pid, syscall.SIGKILL) }

func describeExit(s *os.ProcessState) string {
	if s == nil {
		return "ended"
	}
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return fmt.Sprintf("was killed by %s (%s)", unix.SignalName(w.Signal()), w.Signal())
	}
	return fmt.Sprintf("exited with status %d", s.ExitCode())
}
