package process

import (
	"fmt"
	"os"
	"syscall"
)

func groupAttributes() *syscall.SysProcAttr { return nil }

func killGroup(p *os.Process) { p.Kill() }

func DescribeExit(s *os.ProcessState) string {
	if s == nil {
		return "ended"
	}
	return fmt.Sprintf("exited with status %d", s.ExitCode())
}

// awaitExit cannot wait here without reaping the process.
func awaitExit(*os.Process) bool { return false }

// StartTime is not asked for here: the number of a process has to do.
func StartTime(int) uint64 { return 0 }

// canPause says that process groups can be stopped and go on.
const canPause = false

func pauseGroup(*os.Process)  {}
func resumeGroup(*os.Process) {}

// askGroup ends the process at once: there is no signal that asks for it.
func askGroup(p *os.Process) { p.Kill() }

// warnLeader does nothing: there is no such signal.
func warnLeader(*os.Process) {}

// keeperAttributes are none: there are no process groups to keep.
func keeperAttributes() (attributes *syscall.SysProcAttr, ok bool) { return nil, false }

// quitGroup does nothing: there is no signal that asks for stacks.
func quitGroup(*os.Process) {}
