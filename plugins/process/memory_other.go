//go:build !linux

package process

// confine does nothing: there is no way here to bound the memory of another process.
func confine(int, int64) error { return nil }

// MachineMemory is 0 where there are no limits.
func MachineMemory() int64 { return 0 }
