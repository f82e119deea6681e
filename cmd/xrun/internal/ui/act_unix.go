//go:build unix

package ui

import (
	"os"
	"os/exec"
	"syscall"
)

// apart keeps a Ctrl-C in the server's terminal from the command: the server passes it on once.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func interrupt(cmd *exec.Cmd) { cmd.Process.Signal(os.Interrupt) }
