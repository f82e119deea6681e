package blas

import "golang.org/x/sys/windows"

// loadFile looks beside the program and in the system's folders. It does not look in the current directory, where
// anybody may have left a library.
func loadFile(name string) (uintptr, error) {
	h, err := windows.LoadLibraryEx(name, 0, windows.LOAD_LIBRARY_SEARCH_DEFAULT_DIRS)
	return uintptr(h), err
}

// symbol is the address of a function, or 0 if the library has none by that name.
func symbol(handle uintptr, name string) uintptr {
	address, err := windows.GetProcAddress(windows.Handle(handle), name)
	if err != nil {
		return 0
	}
	return address
}
