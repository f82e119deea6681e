package blas

import (
	"errors"
	"fmt"
)

// Names lists the names that [Open] takes on this system.
func Names() []string { return append([]string{"auto", "gonum"}, libraries()...) }

// Open loads a backend by name. "auto" is the machine's library if it can be used and gonum otherwise; it never fails.
// The name of a library that cannot be used is an [Error].
func Open(name string) (Backend, error) {
	switch name {
	case "gonum":
		return openGonum()
	case "", "auto":
		for _, library := range libraries() {
			if b, err := openLibrary(library); err == nil {
				return b, nil
			}
		}
		return openGonum()
	}
	for _, library := range libraries() {
		if name == library {
			return openLibrary(name)
		}
	}
	return nil, &Error{Backend: name, Cause: errors.New("no such backend on this system"), hint: fmt.Sprintf("choose one of %q", Names())}
}

// An Error says why a backend cannot be used.
type Error struct {
	Backend string
	Cause   error
	hint    string
}

func (e *Error) Error() string { return fmt.Sprintf("open BLAS %q: %v", e.Backend, e.Cause) }

func (e *Error) Unwrap() error { return e.Cause }

// Hint says what to do.
func (e *Error) Hint() string { return e.hint }
