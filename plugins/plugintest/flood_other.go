//go:build !linux

package plugintest

import "errors"

// flood writes lines, and then one without an end, to the standard error of a process.
func flood(int) error { return errors.New("a log can be written to from outside on Linux only") }
