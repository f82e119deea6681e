//go:build !linux

package store

// networkFileSystem is only told on Linux.
func networkFileSystem(string) string { return "" }
