//go:build unix

package export

import (
	"os/exec"
	"syscall"
)

// ownGroup starts a program in a group of its own: servers start workers.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func endGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
