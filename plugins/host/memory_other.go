//go:build !linux

package host

// confine does nothing: there is no way here to bound the memory of another process.
func confine(int, int64) error { return nil }

// machineMemory is 0 where there are no limits.
func machineMemory() int64 { return 0 }
