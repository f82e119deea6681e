// Package next writes the sweep after this one: the grid refined around its best point, or its best points under
// fresh seeds.
package next

import "fmt"

// A RefusedError is a sweep that cannot follow, with what to do.
type RefusedError struct {
	err  error
	hint string
}

func (e *RefusedError) Error() string { return e.err.Error() }
func (e *RefusedError) Unwrap() error { return e.err }

// Hint says what to do.
func (e *RefusedError) Hint() string { return e.hint }

func refuse(err error, hint string) error { return &RefusedError{err, hint} }

// An EmptyError is a sweep of which no point is complete.
type EmptyError struct{ Sweep string }

func (e *EmptyError) Error() string { return fmt.Sprintf("no point of %s is complete", e.Sweep) }

// Hint says what to do.
func (e *EmptyError) Hint() string { return "xrun sweep trains them" }
