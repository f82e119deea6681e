// Package next writes the sweep after this one: the grid refined around its best point, or its best points under
// fresh seeds.
package next

import "fmt"

// A refusedError is the reason why a sweep cannot follow, with a hint.
type refusedError struct {
	err  error
	hint string
}

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// Hint is what a person can do.
func (e *refusedError) Hint() string { return e.hint }

func refuse(err error, hint string) error { return &refusedError{err, hint} }

// An EmptyError is a sweep without a complete point.
type EmptyError struct{ Sweep string }

func (e *EmptyError) Error() string { return fmt.Sprintf("no point of %s is complete", e.Sweep) }

// Hint is what a person can do.
func (e *EmptyError) Hint() string { return "xrun sweep trains them" }
