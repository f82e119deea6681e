// Package advice makes errors with a hint and an exit code, and commands to copy. It also writes files, whole or not at
// all.
package advice

import (
	"errors"
	"fmt"
)

// The exit codes; `xrun help` lists them.
const (
	ExitOK         = 0
	ExitFailure    = 1
	ExitUsage      = 2
	ExitTrials     = 3
	ExitCheck      = 4
	ExitNothing    = 5
	ExitStore      = 6
	ExitInterrupt  = 130
	ExitTerminated = 143
)

// An Error ends a command: what happened, what a person can do about it, and the exit code.
type Error struct {
	Err    error
	advice string // empty if there is nothing to do
	code   int
	silent bool
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Hint is what a person can do.
func (e *Error) Hint() string { return e.advice }

// Usage is a mistake in the command line or in a file.
func Usage(err error, hint string) error { return &Error{Err: err, advice: hint, code: ExitUsage} }

// Nothing is a question without an answer.
func Nothing(err error, hint string) error { return &Error{Err: err, advice: hint, code: ExitNothing} }

// Failure is an error with a hint.
func Failure(err error, hint string) error { return &Error{Err: err, advice: hint, code: ExitFailure} }

// HintOf is what a person can do about an error: the hint of the error, or of the first one that it wraps and that has one.
func HintOf(err error) (hint string, ok bool) {
	var hinted interface {
		error
		Hint() string
	}
	if errors.As(err, &hinted) {
		return hinted.Hint(), true
	}
	return "", false
}

// AsUsage makes an error with a hint a usage error.
func AsUsage(err error) error {
	if hint, ok := HintOf(err); ok {
		return Usage(err, hint)
	}
	return err
}

// AsUsageIf makes an error of type T a usage error.
func AsUsageIf[T error](err error) error {
	if kind, ok := errors.AsType[T](err); ok {
		return AsUsage(kind)
	}
	return err
}

// AsNothing gives an error with a hint the exit code of an empty answer.
func AsNothing(err error) error {
	if hint, ok := HintOf(err); ok {
		return Nothing(err, hint)
	}
	return err
}

// Exit ends a command with a code and prints no error.
func Exit(code int) error {
	return &Error{Err: fmt.Errorf("exit code %d", code), code: code, silent: true}
}

// IsSilent reports whether an error must not be printed.
func IsSilent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.silent
}

// Code is the exit code of an error; ok is false if it has none.
func Code(err error) (code int, ok bool) {
	var e *Error
	if errors.As(err, &e) {
		return e.code, true
	}
	return 0, false
}

// Is reports whether an error has the exit code.
func Is(err error, code int) bool {
	got, ok := Code(err)
	return ok && got == code
}
