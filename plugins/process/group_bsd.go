//go:build unix && !linux

package process

import (
	"os"
	"syscall"
)

func groupAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit cannot wait here without reaping the process.
func awaitExit(*os.Process) bool { return false }

// StartTime is not asked for here: the number of a process has to do.
func StartTime(int) uint64 { return 0 }
