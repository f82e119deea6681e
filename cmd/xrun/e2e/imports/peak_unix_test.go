//go:build unix

package imports

import (
	"os"
	"runtime"
	"syscall"
)

// peakMB is the largest memory of a process that has ended, in MB.
func peakMB(state *os.ProcessState) int64 {
	unit := int64(1 << 10)
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return int64(usage.Maxrss) * unit >> 20
}
