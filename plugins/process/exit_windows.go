package process

import "os"

// ExitAs ends this process as another has ended.
func ExitAs(state *os.ProcessState) { os.Exit(state.ExitCode()) }
