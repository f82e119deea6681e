//go:build !linux

package sandbox

import "errors"

// Available reports why this system cannot enforce a profile.
func Available() error {
	return errors.New("only Linux has the sandbox: run without --sandbox")
}

// Apply restricts this process.
func (Profile) Apply() error { return Available() }
