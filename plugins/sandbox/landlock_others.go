//go:build !linux

package sandbox

import "errors"

// errSystem is the reason on systems without a sandbox.
var errSystem = errors.New("only Linux has the sandbox: run without --sandbox")

// Available reports why this system cannot enforce a profile.
func Available() error { return errSystem }

// Apply restricts this process.
func (Profile) Apply() error { return errSystem }
