//go:build unix

package host

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

func processExists(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func ownedByUs(info fs.FileInfo) bool {
	uid, known := ownerOf(info)
	return known && uid == os.Geteuid()
}

// ownerOf is the number of the user whom a file belongs to.
func ownerOf(info fs.FileInfo) (uid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
