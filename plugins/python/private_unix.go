//go:build unix

package python

import (
	"io/fs"
	"os"
	"syscall"
)

// private reports whether a file belongs to this user, and no other can use it.
func private(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o077 == 0
}
