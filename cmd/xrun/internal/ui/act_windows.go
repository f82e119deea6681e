package ui

import "os/exec"

func apart(*exec.Cmd) {}

// interrupt kills: Windows has no signal that ends another process in order. What was recorded stays, and the same command
// goes on.
func interrupt(cmd *exec.Cmd) { cmd.Process.Kill() }
