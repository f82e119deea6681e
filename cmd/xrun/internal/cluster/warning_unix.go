//go:build unix

package cluster

import (
	"os"
	"os/signal"
	"syscall"
)

// warned calls a function when an engine says that the time of this job runs out.
func warned(tell func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for range signals {
			tell()
		}
	}()
}
