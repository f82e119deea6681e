package host

import (
	"os"
	"syscall"
)

// canPause says that process groups can be stopped and go on.
const canPause = false

func pauseGroup(*os.Process)  {}
func resumeGroup(*os.Process) {}

// askGroup ends the process at once: there is no signal that asks for it.
func askGroup(p *os.Process) { p.Kill() }

// keeperAttributes are none: there are no process groups to keep.
func keeperAttributes() (attributes *syscall.SysProcAttr, ok bool) { return nil, false }
