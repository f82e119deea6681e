//go:build unix && !linux

package host

import (
	"os"
	"syscall"
)

func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit cannot wait here without reaping the process.
func awaitExit(*os.Process) bool { return false }

// processStart is not asked for here: the number of a process has to do.
func processStart(int) uint64 { return 0 }
