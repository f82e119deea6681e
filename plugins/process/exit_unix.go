//go:build unix

package process

import (
	"os"
	"syscall"
	"time"
)

// ExitAs ends this process as another has ended, so that the host sees the same signal. Where this is
// not possible, the exit status is 128 plus the signal, as in shells.
func ExitAs(state *os.ProcessState) {
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		if w.Signal() == syscall.SIGKILL || byDefault(w.Signal()) {
			syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) // the core that says something is the worker's
			syscall.Kill(os.Getpid(), w.Signal())
			time.Sleep(time.Second)
		}
		os.Exit(128 + int(w.Signal()))
	}
	os.Exit(state.ExitCode())
}
