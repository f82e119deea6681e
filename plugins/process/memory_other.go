//go:build !linux

package process

// confine does nothing: this system cannot limit the memory of another process.
func confine(int, int64) error { return nil }

// MachineMemory is 0: limits are not supported.
func MachineMemory() int64 { return 0 }
