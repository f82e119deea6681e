//go:build !windows && (cgo || darwin || openblas)

package blas

import "github.com/ebitengine/purego"

func loadFile(name string) (uintptr, error) {
	return purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

// symbol is the address of a function, or 0 if the library has none by that name.
func symbol(handle uintptr, name string) uintptr {
	address, err := purego.Dlsym(handle, name)
	if err != nil {
		return 0
	}
	return address
}
