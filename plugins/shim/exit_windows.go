package shim

import (
	"os"
	"syscall"
)

func processAttributes() *syscall.SysProcAttr { return nil }

func exitAs(state *os.ProcessState) { os.Exit(state.ExitCode()) }
