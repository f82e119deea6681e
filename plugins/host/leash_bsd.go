//go:build unix && !linux

package host

import (
	"os"
	"syscall"
)

func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit cannot wait here without reaping the process.
func awaitExit(*os.Process) bool { return false }
