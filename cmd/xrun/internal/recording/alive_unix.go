//go:build unix

package recording

import (
	"errors"
	"os"
	"syscall"
)

// Alive reports whether a script still holds its journal, by the kernel's lock (flock), which ends with the script.
func Alive(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK) // other errors: there are no locks here
}
