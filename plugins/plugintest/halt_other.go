//go:build !unix

package plugintest

import "errors"

// halt stops a process where it stands.
func halt(int) error { return errors.New("processes cannot be stopped on this system") }
