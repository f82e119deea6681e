package host

import (
	"os"
	"syscall"
)

// askGroup ends the process at once: there is no signal that asks for it.
func askGroup(p *os.Process) { p.Kill() }

// keeperAttributes are none: there are no process groups to keep.
func keeperAttributes() (attributes *syscall.SysProcAttr, ok bool) { return nil, false }
