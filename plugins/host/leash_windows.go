package host

import (
	"fmt"
	"os"
	"syscall"
)

func processAttributes() *syscall.SysProcAttr { return nil }

func killGroup(p *os.Process) { p.Kill() }

func describeExit(s *os.ProcessState) string {
	if s == nil {
		return "ended"
	}
	return fmt.Sprintf("exited with status %d", s.ExitCode())
}

// awaitExit cannot wait here without reaping the process.
func awaitExit(*os.Process) bool { return false }

// processStart is not asked for here: the number of a process has to do.
func processStart(int) uint64 { return 0 }
