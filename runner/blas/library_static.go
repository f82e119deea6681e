//go:build !(cgo || darwin || windows || openblas)

package blas

import "errors"

// On Linux a program that loads libraries while it runs is itself dynamically linked. A build with CGO_ENABLED=0 should
// be static, so it has gonum only.

func libraries() []string { return []string{"openblas"} }

func openLibrary(name string) (Backend, error) {
	return nil, &Error{
		Backend: name,
		Cause:   errors.New("this build of xrun is static and loads no libraries"),
		hint:    "build with cgo or with -tags openblas, or use XRUN_BLAS=gonum",
	}
}
