//go:build linux && !amd64 && !arm64

package sandbox

// filterCalls does nothing: the filter is written for the two processors that most machines have. Landlock holds.
func filterCalls() error { return nil }
