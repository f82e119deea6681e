package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// The exit codes; `xrun help` lists them.
const (
	exitOK         = 0
	exitFailure    = 1
	exitUsage      = 2
	exitTrials     = 3
	exitCheck      = 4
	exitNothing    = 5
	exitStore      = 6
	exitInterrupt  = 130
	exitTerminated = 143
)

// usage is a mistake in the command line.
type usage struct {
	err  error
	hint string
}

func (e *usage) Error() string { return e.err.Error() }
func (e *usage) Unwrap() error { return e.err }
func (e *usage) Hint() string  { return e.hint }

func usageError(c *cli.Context, err error, _ bool) error {
	hint := "xrun help lists the commands"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != "xrun" {
		hint = fmt.Sprintf("xrun %s --help lists the flags", c.Command.Name)
	}
	return &usage{err, hint}
}

// silentError ends the program with a code; what there was to say has been said.
type silentError struct{ code int }

func (e *silentError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// exitCode is the code that an error ends the program with.
func exitCode(err error) int {
	var silent *silentError
	var wrong *usage
	var problems sweeps.Problems
	var unfound *host.FindError
	var misnamed *host.NameError
	switch {
	case errors.As(err, &silent):
		return silent.code
	case errors.As(err, &wrong), errors.As(err, &problems), errors.As(err, &misnamed):
		return exitUsage
	case store.Unavailable(err):
		return exitStore
	case errors.Is(err, store.ErrNotFound), errors.As(err, &unfound):
		return exitNothing
	}
	return exitFailure
}
