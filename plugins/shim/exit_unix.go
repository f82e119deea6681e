//go:build unix

package shim

import (
	"os"
	"os/signal"
	"syscall"
)

// exitAs ends this process as another has ended, so that the host can say which signal it was.
func exitAs(state *os.ProcessState) {
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		if w.Signal() == syscall.SIGKILL {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		signal.Reset(w.Signal())
		// A Go program that gets such a signal prints its stacks, which say nothing about the worker.
		os.Exit(128 + int(w.Signal()))
	}
	os.Exit(state.ExitCode())
}
