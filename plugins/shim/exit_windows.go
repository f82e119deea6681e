package shim

import "os"

func exitAs(state *os.ProcessState) { os.Exit(state.ExitCode()) }
