//go:build !linux

package store

// NetworkFileSystem is known on Linux only.
func NetworkFileSystem(string) string { return "" }
