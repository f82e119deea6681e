//go:build !(cgo || darwin || windows || openblas)

package blas

import "errors"

// Loading a library while the program runs makes the program itself dynamically linked on
// Linux. A build with CGO_ENABLED=0 is meant to be static, so it has gonum only.

func libraries() []string { return []string{"openblas"} }

func openLibrary(name string) (Backend, error) {
	return nil, &Error{
		Backend: name,
		Cause:   errors.New("this build of xrun is static and loads no libraries"),
		hint:    "build with cgo or with -tags openblas, or use XRUN_BLAS=gonum",
	}
}
