//go:build !unix

package recording

import "os"

// Alive reports whether a script still holds its journal: a file that is held cannot be renamed.
func Alive(path string) bool { return os.Rename(path, path) != nil }
